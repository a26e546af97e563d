"""From a link to a watching browser: the link is opened, the rules accepted, the code given, once.

What is answered for a link that is unknown, expired, locked or taken back is one and the same, so
that a guess learns nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

from sqlalchemy.orm import Session

from server.audit.events import EventKind
from server.core import credentials
from server.core.clock import rfc3339
from server.core.context import Context, Runtime
from server.guests import policy, queries
from server.guests.commands import Redeem
from server.guests.kinds import InvitationState
from server.guests.models import GuestSession, Invitation
from server.guests.service import record

LINK_COOKIE_LIFE = timedelta(hours=12)  # between opening the link and typing the code


class Opened(Enum):
    """What a link is good for."""

    UNUSABLE = "unusable"  # unknown, expired, locked, revoked: not told apart
    OPEN = "open"
    TAKEN = "taken"  # another browser has redeemed it


@dataclass(frozen=True, slots=True)
class Redeemed:
    """The browser's new secret, and the guest it stands for."""

    cookie: str
    guest: GuestSession
    invitation: Invitation


@dataclass(frozen=True, slots=True)
class Refused:
    """Why not; ``tries_left`` of a wrong code."""

    tries_left: int


def look_up(session: Session, runtime: Runtime, token: str) -> tuple[Opened, Invitation | None]:
    """What stands behind a link; the invitation only where the link may still be redeemed."""
    if not credentials.is_secret(token):
        return Opened.UNUSABLE, None
    return _judge(queries.invitation_by_token(session, hash_of(runtime, token)), runtime)


def hash_of(runtime: Runtime, token: str) -> str:
    """How the link of an invitation is kept."""
    return credentials.GUEST.of_token(runtime, token)


def redeem(ctx: Context, token: str, command: Redeem) -> Redeemed | Refused | Opened:
    """Exchange link, consent and code for the browser's cookie; a wrong code is counted."""
    hashed = hash_of(ctx.runtime, token)
    found = queries.invitation_by_token(ctx.session, hashed, to_change=True)
    opened, invitation = _judge(found, ctx.runtime)
    if invitation is None:
        return opened
    given = credentials.GUEST.of_code(ctx.runtime, invitation.id, command.code)
    if given != invitation.code_hash:
        return _wrong_code(ctx, invitation)
    return _redeemed(ctx, invitation, command)


def _judge(invitation: Invitation | None, runtime: Runtime) -> tuple[Opened, Invitation | None]:
    if invitation is None:
        return Opened.UNUSABLE, None
    now = runtime.clock.now()
    if policy.may_redeem(invitation, now):
        return Opened.OPEN, invitation
    if policy.state_at(invitation, now) is InvitationState.REDEEMED:
        return Opened.TAKEN, None
    return Opened.UNUSABLE, None


def _wrong_code(ctx: Context, invitation: Invitation) -> Refused | Opened:
    invitation.failed_count += 1
    locks = invitation.failed_count >= policy.CODE_TRIES_MAX
    if locks:
        invitation.locked_at = ctx.clock.now()
    facts: dict[str, object] = {"attempt": invitation.failed_count, "locked": locks}
    record(ctx, EventKind.INVITATION_CODE_WRONG, invitation, facts)
    if locks:
        return Opened.UNUSABLE
    return Refused(policy.CODE_TRIES_MAX - invitation.failed_count)


def _redeemed(ctx: Context, invitation: Invitation, command: Redeem) -> Redeemed:
    now, cookie = ctx.clock.now(), credentials.new_secret(ctx.runtime)
    guest = GuestSession(
        id=ctx.new_id(),
        court_id=invitation.court_id,
        invitation_id=invitation.id,
        cookie_hash=credentials.GUEST.of_cookie(ctx.runtime, cookie),
        consent_version=command.consent_version,
        consent_lang=command.lang,
        consented_at=now,
        address=command.address,
        agent_digest=credentials.GUEST.of_agent(ctx.runtime, command.agent),
    )
    ctx.session.add(guest)
    invitation.state = InvitationState.REDEEMED.value
    invitation.redeemed_at = now
    consent: dict[str, object] = {
        "guest": str(guest.id),
        "version": command.consent_version,
        "lang": command.lang,
        "at": rfc3339(now),
    }
    record(ctx, EventKind.GUEST_CONSENTED, invitation, consent)
    redeemed: dict[str, object] = {"guest": str(guest.id), "agent": guest.agent_digest}
    record(ctx, EventKind.INVITATION_REDEEMED, invitation, redeemed)
    return Redeemed(cookie, guest, invitation)
