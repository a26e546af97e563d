"""Which shares a browser opened; asked on every request that only outsiders may send.

Its cookie holds the secrets of several, the newest first: who follows a second link keeps the first
share.  A page says with ``of`` which share it is about; without it the item says it, or the newest
is meant.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from typing import Final

import sqlalchemy as sa
from flask import request
from sqlalchemy.orm import Session

from server.core import credentials
from server.core.context import Actor, Runtime
from server.core.cookies import Kind, read_cookie
from server.core.permissions import TokenKind
from server.settings import Settings
from server.shares import policy, queries
from server.shares.models import Share, ShareItem, ShareOpening
from server.shares.queries import Opened

OPENED_MAX: Final = 8
_BETWEEN: Final = "."  # no secret holds one


def held(settings: Settings) -> list[str]:
    """Secrets of this browser, the newest first: of openings, and of a link it has just opened."""
    given = (read_cookie(settings, Kind.SHARE) or "").split(_BETWEEN)
    return [one for one in given if credentials.is_secret(one)][:OPENED_MAX]


def as_cookie(secrets: Iterable[str]) -> str:
    """The same for the cookie; the oldest are left out."""
    return _BETWEEN.join(list(dict.fromkeys(secrets))[:OPENED_MAX])


def openings(session: Session, runtime: Runtime) -> dict[str, Opened]:
    """What this browser opened, by its secret, while the share is neither over nor taken back."""
    hashes = {credentials.SHARE.of_cookie(runtime, one): one for one in held(runtime.settings)}
    now = runtime.clock.now()
    found = queries.by_cookies(session, list(hashes))
    return {
        secret: found[hashed]
        for hashed, secret in hashes.items()
        if hashed in found and policy.counts(found[hashed].share, now)
    }


def authenticate(session: Session, runtime: Runtime) -> Actor | None:
    """This browser's opening of the share that is asked for."""
    mine = list(openings(session, runtime).values())
    if not mine:
        return None
    found = _meant(session, mine)
    return Actor(
        token=TokenKind.SHARE,
        court_id=found.share.court_id,
        guest_id=found.opening.id,
        address=request.remote_addr,
    )


def _meant(session: Session, mine: Sequence[Opened]) -> Opened:
    if len(mine) == 1:
        return mine[0]
    named = request.args.get("of")
    if named is not None:
        return next((one for one in mine if str(one.share.id) == named), mine[0])
    item = (request.view_args or {}).get("evidence_id")
    statement = sa.select(ShareItem.share_id).where(
        ShareItem.evidence_id == item, ShareItem.share_id.in_([one.share.id for one in mine])
    )
    having = set(session.execute(statement).scalars()) if item is not None else set()
    return next((one for one in mine if one.share.id in having), mine[0])


def is_alive(session: Session, runtime: Runtime, opening_id: uuid.UUID | None) -> bool:
    """Whether bytes may go on flowing to this opening; asked while they do."""
    statement = (
        sa.select(Share.revoked_at, Share.expires_at)
        .join(ShareOpening, ShareOpening.share_id == Share.id)
        .where(ShareOpening.id == opening_id)
    )
    row = session.execute(statement).first()
    return row is not None and row.revoked_at is None and row.expires_at > runtime.clock.now()
