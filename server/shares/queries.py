"""Reading shares: of one court, and only what the caller may see."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.cases import queries as cases
from server.core.context import Context
from server.core.paging import Page, decode_id, page_of
from server.core.problem import not_found
from server.evidence import redactions
from server.evidence.models import Derivative, Evidence
from server.shares import policy
from server.shares.commands import ShareFilter
from server.shares.models import Share, ShareItem, ShareOpening, ShareReading
from server.shares.policy import Form


@dataclass(frozen=True, slots=True)
class Opened:
    """A browser's opening with its share."""

    opening: ShareOpening
    share: Share


@dataclass(frozen=True, slots=True)
class Shared:
    """One item of an opened share."""

    opening: ShareOpening
    share: Share
    row: ShareItem
    item: Evidence
    form: Form


def shares_of(ctx: Context, wanted: ShareFilter) -> Page[Share]:
    """Shares of visible cases, newest first."""
    rules = [_visible(ctx)]
    if wanted.case_id is not None:
        rules.append(Share.case_id == wanted.case_id)
    if wanted.state is not None:
        rules.append(_in_state(wanted.state, ctx.clock.now()))
    if wanted.cursor:
        rules.append(Share.id < decode_id(wanted.cursor))
    statement = sa.select(Share).where(*rules).order_by(Share.id.desc()).limit(wanted.limit + 1)
    rows = ctx.session.execute(statement).scalars().all()
    return page_of(rows, wanted.limit, lambda row: (str(row.id),))


def count_shares(ctx: Context, state: str) -> int:
    """How many shares of visible cases there are in this state."""
    statement = sa.select(sa.func.count()).where(_visible(ctx), _in_state(state, ctx.clock.now()))
    return int(ctx.session.execute(statement).scalar_one())


def share(ctx: Context, share_id: uuid.UUID, *, to_change: bool = False) -> Share:
    """A share of a visible case; 404 otherwise."""
    statement = sa.select(Share).where(Share.id == share_id, _visible(ctx))
    if to_change:
        statement = statement.with_for_update(of=Share)
    found = ctx.session.execute(statement).scalar_one_or_none()
    if found is None:
        raise not_found()
    return found


def items_of(session: Session, share_id: uuid.UUID) -> list[tuple[ShareItem, Evidence]]:
    """What a share holds, in its order."""
    statement = (
        sa.select(ShareItem, Evidence)
        .join(Evidence, Evidence.id == ShareItem.evidence_id)
        .where(ShareItem.share_id == share_id)
        .order_by(ShareItem.position)
    )
    return [(row[0], row[1]) for row in session.execute(statement)]


def forms_of(session: Session, rows: Collection[ShareItem]) -> dict[uuid.UUID, Form]:
    """In which form each item of a share goes out at this moment, by the item."""
    made = redactions.made_of(session, [row.evidence_id for row in rows])
    return {row.evidence_id: policy.form_of(row, made[row.evidence_id]) for row in rows}


def item_counts(session: Session, share_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, int]:
    """How many items each share holds."""
    statement = (
        sa.select(ShareItem.share_id, sa.func.count())
        .where(ShareItem.share_id.in_(share_ids))
        .group_by(ShareItem.share_id)
    )
    return {share_id: int(count) for share_id, count in session.execute(statement)}


def openings_of(session: Session, share_id: uuid.UUID) -> Sequence[ShareOpening]:
    """Browsers that opened a share, oldest first."""
    statement = sa.select(ShareOpening).where(ShareOpening.share_id == share_id)
    return session.execute(statement.order_by(ShareOpening.id)).scalars().all()


def readings_of(
    session: Session, opening_ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, list[ShareReading]]:
    """What each opening looked at and took."""
    statement = sa.select(ShareReading).where(ShareReading.opening_id.in_(opening_ids))
    found: dict[uuid.UUID, list[ShareReading]] = defaultdict(list)
    for row in session.execute(statement.order_by(ShareReading.first_at)).scalars():
        found[row.opening_id].append(row)
    return found


def by_token(session: Session, token_hash: str, *, to_open: bool = False) -> Share | None:
    """The share of a link, whatever its state."""
    statement = sa.select(Share).where(Share.token_hash == token_hash)
    if to_open:  # others may have opened it, or tried codes, since it was looked up
        statement = statement.with_for_update().execution_options(populate_existing=True)
    return session.execute(statement).scalar_one_or_none()


def by_cookies(session: Session, cookie_hashes: Sequence[str]) -> dict[str, Opened]:
    """A browser's openings by their hashes, whatever the shares' states."""
    statement = (
        sa.select(ShareOpening, Share)
        .join(Share, Share.id == ShareOpening.share_id)
        .where(ShareOpening.cookie_hash.in_(cookie_hashes))
    )
    return {row[0].cookie_hash: Opened(row[0], row[1]) for row in session.execute(statement)}


def opened(ctx: Context) -> Opened:
    """The caller's opening and its share."""
    statement = (
        sa.select(ShareOpening, Share)
        .join(Share, Share.id == ShareOpening.share_id)
        .where(ShareOpening.id == ctx.actor.guest_id)
    )
    row = ctx.session.execute(statement).first()
    if row is None:
        raise not_found()
    return Opened(row[0], row[1])


def shared_item(ctx: Context, evidence_id: uuid.UUID) -> Shared:
    """An item of the share that the caller opened; 404 for every other."""
    found = opened(ctx)
    statement = (
        sa.select(ShareItem, Evidence)
        .join(Evidence, Evidence.id == ShareItem.evidence_id)
        .where(ShareItem.share_id == found.share.id, ShareItem.evidence_id == evidence_id)
    )
    row = ctx.session.execute(statement).first()
    if row is None or row[1].state != "verified":
        raise not_found()
    form = forms_of(ctx.session, [row[0]])[evidence_id]
    return Shared(found.opening, found.share, row[0], row[1], form)


def derivatives_by_digest(
    session: Session, digests: Collection[str]
) -> dict[str, dict[str, Derivative]]:
    """What was made of these bytes, by name."""
    statement = sa.select(Derivative).where(Derivative.source_sha256.in_(digests))
    found: dict[str, dict[str, Derivative]] = defaultdict(dict)
    for row in session.execute(statement).scalars():
        found[row.source_sha256][row.name] = row
    return found


def _visible(ctx: Context) -> sa.ColumnElement[bool]:
    mine = Share.court_id == ctx.actor.court_id
    if ctx.actor.sees_whole_court:
        return mine
    return sa.and_(mine, Share.case_id.in_(cases.visible_case_ids(ctx.actor)))


def _in_state(state: str, now: datetime) -> sa.ColumnElement[bool]:
    live = sa.and_(Share.revoked_at.is_(None), Share.expires_at > now)
    return live if state == "live" else ~live
