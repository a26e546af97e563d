"""Routes of the guests slice, for those who lead; guests have pages of their own."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Blueprint

from server.core.context import Context
from server.core.endpoint import endpoint
from server.core.paging import Page
from server.core.permissions import Permission
from server.guests import policy, queries, service
from server.guests.commands import InvitationFilter, Invite
from server.guests.models import Invitation
from server.guests.schemas import (
    InvitationDetail,
    InvitationOut,
    InvitationQuery,
    InvitationSentOut,
    InviteBody,
    MissionBody,
    TakeBackBody,
)

blueprint = Blueprint("guests", __name__)
_INVITE = Permission.GUESTS_INVITE


@blueprint.post("/invitations")
@endpoint(_INVITE, load=InviteBody, dump=InvitationSentOut, status=201, idempotent=False)
def invite(ctx: Context, command: Invite) -> dict[str, Any]:
    """Invite an observer; link and code are in this answer alone."""
    sent = service.invite(ctx, command)
    link = f"{ctx.settings.public_url.rstrip('/')}/g/{sent.token}"
    return {"invitation": _shown(ctx, sent.invitation), "link": link, "code": sent.code}


@blueprint.get("/invitations")
@endpoint(_INVITE, query=InvitationQuery, dump=InvitationOut)
def list_invitations(ctx: Context, query: InvitationFilter) -> Page[dict[str, Any]]:
    """List invitations, newest first."""
    found = queries.list_invitations(ctx, query)
    return Page([_shown(ctx, one) for one in found.items], found.next_cursor)


@blueprint.get("/invitations/<uuid:invitation_id>")
@endpoint(_INVITE, dump=InvitationDetail)
def view_invitation(ctx: Context, invitation_id: uuid.UUID) -> dict[str, Any]:
    """One invitation, and when the guest was there."""
    invitation = queries.invitation_in_court(ctx, invitation_id)
    guest = queries.session_of(ctx.session, invitation.id)
    attendance = queries.attendance_of(ctx.session, guest.id if guest else None)
    return {"invitation": _shown(ctx, invitation), "attendance": attendance}


@blueprint.post("/invitations/<uuid:invitation_id>/revoke")
@endpoint(_INVITE, load=TakeBackBody, dump=InvitationOut)
def revoke_invitation(
    ctx: Context, invitation_id: uuid.UUID, command: dict[str, Any]
) -> dict[str, Any]:
    """Take an invitation back; open streams end within two seconds."""
    return _shown(ctx, service.revoke(ctx, invitation_id, command["reason"]))


@blueprint.post("/invitations/<uuid:invitation_id>/mission")
@endpoint(_INVITE, load=MissionBody, dump=InvitationOut)
def attach_mission(
    ctx: Context, invitation_id: uuid.UUID, command: dict[str, Any]
) -> dict[str, Any]:
    """Give an invitation that was sent without a mission its mission, once."""
    return _shown(ctx, service.attach(ctx, invitation_id, command["mission_id"]))


def _shown(ctx: Context, invitation: Invitation) -> dict[str, Any]:
    """Its columns for the schema to choose from, with the state as it is now."""
    columns = {column.key: getattr(invitation, column.key) for column in invitation.__table__.c}
    return {**columns, "state": policy.state_at(invitation, ctx.clock.now()).value}
