"""How somebody outside gets in: link, terms, code, and a cookie for this one browser."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from sqlalchemy.orm import Session

from server.audit.events import EventKind
from server.audit.service import Subject, record
from server.core import credentials
from server.core.context import Context, Runtime
from server.core.permissions import TokenKind
from server.notices import service as notices
from server.notices.topics import Topic
from server.shares import policy, queries
from server.shares.commands import OpenShare
from server.shares.models import Share, ShareOpening

LINK_COOKIE_LIFE: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Entered:
    """The browser is in; ``cookie`` is its secret."""

    share: Share
    cookie: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The code was wrong; so many tries are left."""

    tries_left: int


def look_up(session: Session, runtime: Runtime, token: str) -> Share | None:
    """The share that this link opens; none for every link that opens nothing, whatever the why."""
    if not credentials.is_secret(token):
        return None
    share = queries.by_token(session, credentials.SHARE.of_token(runtime, token))
    now = runtime.clock.now()
    return share if share is not None and policy.may_open(share, now) else None


def is_link_of(runtime: Runtime, share: Share, token: str) -> bool:
    """Whether this link is the share's."""
    return hmac.compare_digest(credentials.SHARE.of_token(runtime, token), share.token_hash)


def enter(ctx: Context, token: str, command: OpenShare) -> Entered | Refused | None:
    """Open a share for this browser; ``None`` when the link opens nothing (any more).

    Called without a caller: whoever has link and code is let in, and the log says from where.
    """
    if look_up(ctx.session, ctx.runtime, token) is None:
        return None
    hashed = credentials.SHARE.of_token(ctx.runtime, token)
    share = queries.by_token(ctx.session, hashed, to_open=True)
    if share is None or not policy.may_open(share, ctx.clock.now()):
        return None
    if command.terms != share.terms:
        return Refused(policy.CODE_TRIES_MAX)
    if not _code_fits(ctx.runtime, share, command.code):
        return _refused(ctx, share)
    cookie = credentials.new_secret(ctx.runtime)
    opening = ShareOpening(
        id=ctx.new_id(), court_id=share.court_id, share_id=share.id,
        cookie_hash=credentials.SHARE.of_cookie(ctx.runtime, cookie), terms=share.terms,
        address=ctx.actor.address, opened_at=ctx.clock.now(),
    )  # fmt: skip
    ctx.session.add(opening)
    share.openings += 1
    facts = {
        "recipient": share.recipient, "opening": str(opening.id), "terms": share.terms,
        "number": share.openings,
    }  # fmt: skip
    _happened(_as_outsider(ctx, share, opening), EventKind.SHARE_OPENED, share, facts)
    notices.tell(
        ctx, [share.created_by], Topic.SHARE_OPENED, Subject("share", share.id),
        f"/shares/{share.id}", court_id=share.court_id,
    )  # fmt: skip
    return Entered(share, cookie)


def _code_fits(runtime: Runtime, share: Share, code: str) -> bool:
    if share.code_hash is None:
        return True
    given = credentials.SHARE.of_code(runtime, share.id, code)
    return hmac.compare_digest(given, share.code_hash) and not policy.is_locked(share)


def _refused(ctx: Context, share: Share) -> Refused:
    if not policy.is_locked(share):
        share.code_failures += 1
        facts = {"recipient": share.recipient, "failures": share.code_failures}
        _happened(_as_outsider(ctx, share), EventKind.SHARE_REFUSED, share, facts)
    return Refused(max(0, policy.CODE_TRIES_MAX - share.code_failures))


def _as_outsider(ctx: Context, share: Share, opening: ShareOpening | None = None) -> Context:
    actor = replace(
        ctx.actor,
        token=TokenKind.SHARE,
        court_id=share.court_id,
        guest_id=None if opening is None else opening.id,
    )
    return replace(ctx, actor=actor)


def _happened(ctx: Context, kind: EventKind, share: Share, facts: dict[str, object]) -> None:
    record(
        ctx, kind, Subject("share", share.id), facts, case_id=share.case_id,
        court_id=share.court_id,
    )  # fmt: skip
