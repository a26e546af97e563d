"""Which share a browser opened; asked on every request that only outsiders may send."""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from flask import request
from sqlalchemy.orm import Session

from server.core.context import Actor, Runtime
from server.core.cookies import Kind, read_cookie
from server.core.permissions import TokenKind
from server.shares import credentials, policy, queries
from server.shares.models import Share, ShareOpening


def authenticate(session: Session, runtime: Runtime) -> Actor | None:
    """The opening of this browser, while its share is neither over nor taken back."""
    cookie = read_cookie(runtime.settings, Kind.SHARE)
    if cookie is None or not credentials.is_secret(cookie):
        return None
    found = queries.by_cookie(session, credentials.cookie_hash(runtime, cookie))
    if found is None or not policy.counts(found.share, runtime.clock.now()):
        return None
    return Actor(
        token=TokenKind.SHARE,
        court_id=found.share.court_id,
        guest_id=found.opening.id,
        address=request.remote_addr,
    )


def is_alive(session: Session, runtime: Runtime, opening_id: uuid.UUID | None) -> bool:
    """Whether bytes may go on flowing to this opening; asked while they do."""
    statement = (
        sa.select(Share.revoked_at, Share.expires_at)
        .join(ShareOpening, ShareOpening.share_id == Share.id)
        .where(ShareOpening.id == opening_id)
    )
    row = session.execute(statement).first()
    return row is not None and row.revoked_at is None and row.expires_at > runtime.clock.now()
