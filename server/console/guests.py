"""Invitations of observers: the list, a new one with its two secrets, attendance, taking back."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, url_for

from server.cases import queries as cases
from server.cases.commands import MissionFilter
from server.cases.models import Mission
from server.cases.states import MissionState
from server.console import qr
from server.console.admin_forms import wall_text
from server.console.guests_forms import (
    AttachForm,
    InvitationListQuery,
    InviteForm,
    NewInvitationQuery,
    RevokeForm,
    invite_of,
)
from server.console.pages import page, render, see
from server.core.context import Context
from server.core.permissions import Permission
from server.guests import policy, queries, service
from server.guests.commands import InvitationFilter
from server.guests.kinds import InvitationState, InviteeKind
from server.guests.models import Invitation

blueprint = Blueprint("console_guests", __name__)
_WINDOW_DEFAULT = timedelta(hours=8)
_MISSIONS_MAX = 200


@blueprint.get("/guests")
@page(Permission.GUESTS_INVITE, query=InvitationListQuery)
def list_guests(ctx: Context, query: InvitationFilter) -> Response:
    """Who is invited, who came, and for how long."""
    found = queries.list_invitations(ctx, query)
    return render(
        ctx,
        "guests/list.html",
        page=found,
        query=query,
        states=list(InvitationState),
        rows=[_row(ctx, one) for one in found.items],
        overdue=queries.overdue_count(ctx),
    )


@blueprint.get("/guests/new")
@page(Permission.GUESTS_INVITE, query=NewInvitationQuery)
def new_guest(ctx: Context, query: dict[str, Any]) -> Response:
    """The form of a new invitation."""
    mission_id = query.get("mission_id")
    chosen = cases.visible_mission(ctx, mission_id) if mission_id else None
    starts_at = chosen.starts_at if chosen else ctx.clock.now()
    ends_at = chosen.ends_at if chosen else starts_at + _WINDOW_DEFAULT
    return render(
        ctx,
        "guests/new.html",
        missions=_open_missions(ctx),
        chosen=mission_id,
        kinds=list(InviteeKind),
        window_from=wall_text(ctx, starts_at),
        window_to=wall_text(ctx, ends_at),
    )


@blueprint.post("/guests")
@page(Permission.GUESTS_INVITE, form=InviteForm)
def invite(ctx: Context, form: dict[str, Any]) -> Response:
    """Make an invitation and show its link and its code this once."""
    sent = service.invite(ctx, invite_of(ctx, form))
    link = ctx.settings.public_url.rstrip("/") + f"/g/{sent.token}"
    return render(
        ctx,
        "guests/sent.html",
        status=201,
        invitation=sent.invitation,
        link=link,
        code=sent.code,
        picture=qr.svg(link),
    )


@blueprint.get("/guests/<uuid:invitation_id>")
@page(Permission.GUESTS_INVITE)
def show_guest(ctx: Context, invitation_id: uuid.UUID) -> Response:
    """One invitation: its state, and the visits."""
    invitation = queries.invitation_in_court(ctx, invitation_id)
    guest = queries.session_of(ctx.session, invitation.id)
    return render(
        ctx,
        "guests/one.html",
        invitation=invitation,
        row=_row(ctx, invitation),
        guest=guest,
        attendance=queries.attendance_of(ctx.session, guest.id if guest else None),
        opinions=queries.opinions_of_guest(ctx.session, guest.id) if guest else (),
        missions=_open_missions(ctx) if invitation.mission_id is None else (),
    )


@blueprint.post("/guests/<uuid:invitation_id>/revoke")
@page(Permission.GUESTS_INVITE, form=RevokeForm)
def revoke(ctx: Context, invitation_id: uuid.UUID, form: dict[str, Any]) -> Response:
    """Take an invitation back; open streams end within two seconds."""
    service.revoke(ctx, invitation_id, form.get("reason"))
    return see(_place(invitation_id), said="guests.said_revoked")


@blueprint.post("/guests/<uuid:invitation_id>/mission")
@page(Permission.GUESTS_INVITE, form=AttachForm)
def attach(ctx: Context, invitation_id: uuid.UUID, form: dict[str, Any]) -> Response:
    """Give an invitation that was sent early its mission."""
    service.attach(ctx, invitation_id, form["mission_id"])
    return see(_place(invitation_id), said="guests.said_attached")


def _place(invitation_id: uuid.UUID) -> str:
    return url_for("console_guests.show_guest", invitation_id=invitation_id)


def _row(ctx: Context, invitation: Invitation) -> dict[str, Any]:
    guest = queries.session_of(ctx.session, invitation.id)
    mission = (
        cases.mission_in_court(ctx.session, ctx.actor.court_id, invitation.mission_id)
        if invitation.mission_id
        else None
    )
    return {
        "invitation": invitation,
        "state": policy.state_at(invitation, ctx.clock.now()).value,
        "locked": invitation.locked_at is not None,
        "mission": mission,
        "attendance": queries.attendance_of(ctx.session, guest.id if guest else None),
    }


def _open_missions(ctx: Context) -> list[Mission]:
    """Missions to which somebody can still be invited."""
    found = cases.list_missions(ctx, MissionFilter(limit=_MISSIONS_MAX))
    return [one for one in found.items if one.state in {MissionState.PLANNED, MissionState.STARTED}]
