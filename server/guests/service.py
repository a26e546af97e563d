"""Inviting observers, giving an invitation its mission, and taking it back."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from server.audit import service as audit
from server.audit.events import EventKind
from server.audit.service import Subject
from server.cases import queries as cases
from server.cases.models import Mission
from server.cases.states import MissionState
from server.core import credentials
from server.core.clock import rfc3339
from server.core.context import Context
from server.core.problem import Kind, Problem
from server.guests import policy, queries
from server.guests.commands import Invite
from server.guests.kinds import InvitationState
from server.guests.models import Invitation


@dataclass(frozen=True, slots=True)
class Sent:
    """A new invitation with its two secrets, which are never shown again.

    The link goes to the guest by one channel, the code by another.
    """

    invitation: Invitation
    token: str
    code: str


def invite(ctx: Context, command: Invite) -> Sent:
    """Make an invitation; names of guests stay in the row and out of the log."""
    replay_until = command.replay_until or command.window_to + policy.REPLAY_DEFAULT
    policy.require_window(command.window_from, command.window_to, replay_until, ctx.clock.now())
    if command.mission_id is not None:
        _open_mission(ctx, command.mission_id)
    token, code = credentials.new_secret(ctx.runtime), credentials.new_code(ctx.runtime)
    invitation_id = ctx.new_id()
    invitation = Invitation(
        id=invitation_id,
        court_id=ctx.actor.court_id,
        mission_id=command.mission_id,
        invitee=command.invitee,
        invitee_title=command.invitee_title,
        invitee_kind=command.invitee_kind.value,
        window_from=command.window_from,
        window_to=command.window_to,
        replay_until=replay_until,
        reply_days=command.reply_days,
        token_hash=credentials.GUEST.of_token(ctx.runtime, token),
        code_hash=credentials.GUEST.of_code(ctx.runtime, invitation_id, code),
        state=InvitationState.INVITED.value,
        created_by=ctx.actor.user(),
        created_at=ctx.clock.now(),
    )
    ctx.session.add(invitation)
    facts = {
        "kind": invitation.invitee_kind,
        "from": rfc3339(invitation.window_from),
        "to": rfc3339(invitation.window_to),
        "replay_until": rfc3339(replay_until),
        "reply_days": invitation.reply_days,
    }
    record(ctx, EventKind.INVITATION_SENT, invitation, facts)
    return Sent(invitation, token, code)


def attach(ctx: Context, invitation_id: uuid.UUID, mission_id: uuid.UUID) -> Invitation:
    """Give an invitation that was sent without a mission its mission, once."""
    invitation = queries.invitation_in_court(ctx, invitation_id, to_change=True)
    mission = _open_mission(ctx, mission_id)
    if invitation.mission_id is not None or invitation.state == InvitationState.REVOKED:
        raise Problem(Kind.CONFLICT, "the invitation has its mission, or is revoked")
    invitation.mission_id = mission.id
    record(ctx, EventKind.INVITATION_ATTACHED, invitation, {"mission": str(mission.id)})
    return invitation


def revoke(ctx: Context, invitation_id: uuid.UUID, reason: str | None = None) -> Invitation:
    """Take an invitation back: open streams end within a second, every page says it is over."""
    invitation = queries.invitation_in_court(ctx, invitation_id, to_change=True)
    policy.require_revocable(invitation)
    before = policy.state_at(invitation, ctx.clock.now())
    invitation.state = InvitationState.REVOKED.value
    invitation.revoked_at = ctx.clock.now()
    invitation.revoked_by = ctx.actor.user()
    invitation.revoke_reason = reason
    record(ctx, EventKind.INVITATION_REVOKED, invitation, {"was": before.value, "reason": reason})
    return invitation


def record(ctx: Context, kind: EventKind, invitation: Invitation, facts: dict[str, object]) -> None:
    """One event about an invitation, in its court and of its mission."""
    audit.record(
        ctx,
        kind,
        Subject("invitation", invitation.id),
        facts,
        mission_id=invitation.mission_id,
        court_id=invitation.court_id,
    )


def _open_mission(ctx: Context, mission_id: uuid.UUID) -> Mission:
    mission = cases.visible_mission(ctx, mission_id)
    if mission.state in {MissionState.CANCELLED, MissionState.ENDED}:
        raise Problem(Kind.CONFLICT, f"the mission is {mission.state}")
    return mission
