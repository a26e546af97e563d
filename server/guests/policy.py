"""What a guest may have when, and what is acceptable in an invitation or a reply: pure rules."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from server.core.problem import Kind, Problem
from server.guests.kinds import InvitationState, OpinionState, Phase
from server.guests.models import Invitation, Opinion

CODE_TRIES_MAX: Final = 5
WINDOW_MAX: Final = timedelta(days=7)
REPLAY_DEFAULT: Final = timedelta(days=14)
REPLAY_MAX: Final = timedelta(days=90)
CONSENT_VERSION: Final = "2026-11"  # of the rules that a guest is shown


def state_at(invitation: Invitation, now: datetime) -> InvitationState:
    """The state with the clock in mind."""
    state = InvitationState(invitation.state)
    limit = invitation.replay_until if state is InvitationState.REDEEMED else invitation.window_to
    if state is not InvitationState.REVOKED and now >= limit:
        return InvitationState.EXPIRED
    return state


def phase(invitation: Invitation, now: datetime, *, started: bool) -> Phase:
    """What the guest may have.

    :param started: whether the mission is under way or over; of one that never started nothing
        is ever shown.
    """
    if state_at(invitation, now) is not InvitationState.REDEEMED:
        return Phase.ENDED
    if not started or now < invitation.window_from:
        return Phase.WAITING
    return Phase.LIVE if now < invitation.window_to else Phase.REPLAY


def require_window(start: datetime, end: datetime, replay_until: datetime, now: datetime) -> None:
    """Refuse windows that are over, empty or longer than an operation may last."""
    if not start < end or end <= now:
        raise Problem(Kind.VALIDATION, "the window ends after it begins, and not in the past")
    if end - start > WINDOW_MAX:
        raise Problem(Kind.VALIDATION, f"a window has at most {WINDOW_MAX.days} days")
    if not end <= replay_until <= end + REPLAY_MAX:
        raise Problem(
            Kind.VALIDATION, f"a replay ends at most {REPLAY_MAX.days} days after the window"
        )


def may_redeem(invitation: Invitation, now: datetime) -> bool:
    """Whether the link is still good for a first browser, not asking for the code."""
    return state_at(invitation, now) is InvitationState.INVITED and invitation.locked_at is None


def require_revocable(invitation: Invitation) -> None:
    """An invitation is taken back once."""
    if invitation.state == InvitationState.REVOKED:
        raise Problem(Kind.CONFLICT, "the invitation is revoked already")


def is_overdue(opinion: Opinion, now: datetime) -> bool:
    """Whether the reply is late."""
    return opinion.state != OpinionState.ANSWERED and now >= opinion.due_at


def require_open(opinion: Opinion) -> None:
    """A reply is given once; what was said stays said."""
    if opinion.state == OpinionState.ANSWERED:
        raise Problem(Kind.CONFLICT, "this is answered already")
