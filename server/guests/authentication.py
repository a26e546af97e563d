"""Who a guest's browser belongs to; asked on every request that only guests may send."""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from flask import request
from sqlalchemy.orm import Session

from server.core import credentials
from server.core.context import Actor, Runtime
from server.core.cookies import Kind, read_cookie
from server.core.permissions import TokenKind
from server.guests import policy, queries
from server.guests.kinds import InvitationState
from server.guests.models import GuestSession, Invitation


def authenticate(session: Session, runtime: Runtime) -> Actor | None:
    """The guest of this browser, while the invitation is neither over nor taken back."""
    cookie = read_cookie(runtime.settings, Kind.GUEST)
    if cookie is None or not credentials.is_secret(cookie):
        return None
    guest = queries.guest_by_cookie(session, credentials.GUEST.of_cookie(runtime, cookie))
    if guest is None or not _counts(guest.invitation, runtime):
        return None
    return Actor(
        token=TokenKind.GUEST,
        court_id=guest.session.court_id,
        guest_id=guest.session.id,
        address=request.remote_addr,
    )


def is_alive(session: Session, runtime: Runtime, guest_id: uuid.UUID | None) -> bool:
    """Whether a guest's stream may go on; asked at least every second."""
    statement = (
        sa.select(Invitation)
        .join(GuestSession, GuestSession.invitation_id == Invitation.id)
        .where(GuestSession.id == guest_id)
        .execution_options(populate_existing=True)
    )
    found = session.execute(statement).scalar_one_or_none()
    return found is not None and _counts(found, runtime)


def _counts(invitation: Invitation, runtime: Runtime) -> bool:
    return policy.state_at(invitation, runtime.clock.now()) is InvitationState.REDEEMED
