"""Reading decisions, for people and for the devices that recorded the items."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from client_sdk.protocol.encoding import b64url_encode
from client_sdk.protocol.ids import short_code
from server.core.clock import rfc3339
from server.core.context import Context
from server.core.paging import Page, decode_id, page_of
from server.core.problem import Kind, Problem
from server.evidence import queries as evidence
from server.evidence.models import Evidence
from server.identity.models import User
from server.review.commands import Decision, EntryFilter
from server.review.models import ReviewEntry, ReviewMarker
from server.review.policy import STATE_AFTER
from server.review.reasons import REASONS

# States in which the officer has something to do, and the decision that asked for it.
OPEN = {STATE_AFTER[one]: one for one in (Decision.RETURN, Decision.QUERY)}


def entries_of(ctx: Context, evidence_id: uuid.UUID, wanted: EntryFilter) -> Page[ReviewEntry]:
    """Everything decided and said about a visible item, oldest first."""
    item = evidence.visible_evidence(ctx, evidence_id)
    statement = sa.select(ReviewEntry).where(
        ReviewEntry.evidence_id == item.id, ReviewEntry.court_id == ctx.actor.court_id
    )
    if wanted.cursor:
        statement = statement.where(ReviewEntry.id > decode_id(wanted.cursor))
    ordered = statement.order_by(ReviewEntry.id).limit(wanted.limit + 1)
    rows = ctx.session.execute(ordered).scalars().all()
    return page_of(rows, wanted.limit, lambda row: (str(row.id),))


def markers_of(ctx: Context, item: Evidence) -> Sequence[ReviewMarker]:
    """Markers of a visible item, in the order they were set."""
    statement = sa.select(ReviewMarker).where(
        ReviewMarker.evidence_id == item.id, ReviewMarker.court_id == ctx.actor.court_id
    )
    return ctx.session.execute(statement.order_by(ReviewMarker.id)).scalars().all()


def standing_decision(session: Session, item: Evidence) -> ReviewEntry | None:
    """The newest decision that nobody took back: what made the item's state."""
    back = aliased(ReviewEntry)
    statement = (
        sa.select(ReviewEntry)
        .where(
            ReviewEntry.evidence_id == item.id,
            ReviewEntry.decision.in_([one.value for one in STATE_AFTER]),
            ~sa.exists().where(back.reverses_id == ReviewEntry.id),
        )
        .order_by(ReviewEntry.id.desc())
        .limit(1)
    )
    return session.execute(statement).scalar_one_or_none()


def overtaken(ctx: Context, item: Evidence) -> Problem:
    """Why a decision comes too late: what the item is now, by whom and since when."""
    newest = sa.select(ReviewEntry).where(ReviewEntry.evidence_id == item.id)
    entry = ctx.session.execute(newest.order_by(ReviewEntry.id.desc()).limit(1)).scalar()
    author = ctx.session.get(User, entry.author_id) if entry else None
    facts: dict[str, Any] = {"state": item.review_state, "version": item.version}
    if entry is not None and author is not None:
        facts |= {"by": author.name, "decision": entry.decision, "at": rfc3339(entry.created_at)}
    return Problem(Kind.PRECONDITION_FAILED, "the item changed since it was shown", **facts)


def return_extract(session: Session, evidence_id: uuid.UUID) -> dict[str, Any] | None:
    """What a device gets of an open return or query, JSON-ready; ``None`` when there is none."""
    item = session.get(Evidence, evidence_id)
    if item is None or item.review_state not in OPEN:
        return None
    found = _newest_entry(session, item)
    if found is None:
        return None
    entry, author = found
    reason = REASONS.get(entry.reason_code or "")
    return {
        "evidence_id": str(item.id),
        "code": short_code(item.id),
        "decision": entry.decision,
        "reason_code": entry.reason_code,
        "reason": {"name": reason.name, "zh": reason.zh, "en": reason.en} if reason else None,
        "text": entry.text,
        "by": {"id": str(entry.author_id), "name": author},
        "at": rfc3339(entry.created_at),
        "case_id": _text(item.case_id),
        "mission_id": _text(item.mission_id),
        "device_id": str(item.device_id),
        "ep": item.ep,
        "seq": item.seq,
        "sha256": item.sha256,
        "media": item.media,
        "name_b64": b64url_encode(item.name) if item.name is not None else None,
        "captured_at": rfc3339(item.captured_at),
    }


def open_returns(
    session: Session,
    court_id: uuid.UUID,
    user_id: uuid.UUID | None = None,
    device_id: uuid.UUID | None = None,
) -> Sequence[tuple[uuid.UUID, str]]:
    """(evidence id, topic ``return`` or ``query``) that wait for this person or this device."""
    theirs: list[sa.ColumnElement[bool]] = [sa.false()]
    if user_id is not None:
        theirs.append(Evidence.officer_id == user_id)
    if device_id is not None:
        theirs += [Evidence.device_id == device_id, Evidence.captured_by == device_id]
    statement = sa.select(Evidence.id, Evidence.review_state).where(
        Evidence.court_id == court_id, Evidence.review_state.in_(OPEN), sa.or_(*theirs)
    )
    rows = session.execute(statement.order_by(Evidence.id)).all()
    return [(row.id, OPEN[row.review_state].value) for row in rows]


def _newest_entry(session: Session, item: Evidence) -> tuple[ReviewEntry, str] | None:
    back = aliased(ReviewEntry)
    statement = (
        sa.select(ReviewEntry, User.name)
        .join(User, User.id == ReviewEntry.author_id)
        .where(
            ReviewEntry.evidence_id == item.id,
            ReviewEntry.decision == OPEN[item.review_state],
            ~sa.exists().where(back.reverses_id == ReviewEntry.id),
        )
        .order_by(ReviewEntry.id.desc())
        .limit(1)
    )
    row = session.execute(statement).first()
    return None if row is None else (row[0], row[1])


def _text(value: uuid.UUID | None) -> str | None:
    return None if value is None else str(value)
