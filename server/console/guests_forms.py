"""Forms and filters of invitations and of what guests said."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from marshmallow import Schema, fields, post_load, validate

from server.console.admin_forms import LocalMoment, in_court_zone, line
from server.core.context import Context
from server.core.paging import LIMIT_DEFAULT
from server.core.texts import readable
from server.guests.commands import REPLY_DAYS_MAX, InvitationFilter, Invite, OpinionFilter
from server.guests.kinds import InvitationState, InviteeKind, OpinionState

_CURSOR: Final = validate.Length(1, 500)
_LIMIT: Final = validate.Range(1, 500)
_REPLAY_DAYS_DEFAULT: Final = 14
REPLY_CHARACTERS_MAX: Final = 2000


class InvitationListQuery(Schema):
    """Filters of the list of invitations."""

    mission_id = fields.UUID()
    state = fields.String(validate=validate.OneOf(list(InvitationState)))
    cursor = fields.String(validate=_CURSOR)
    limit = fields.Integer(load_default=LIMIT_DEFAULT, validate=_LIMIT)

    @post_load
    def _filter(self, data: dict[str, Any], **_: Any) -> InvitationFilter:
        return InvitationFilter(**data)


class NewInvitationQuery(Schema):
    """Which mission the form begins with."""

    mission_id = fields.UUID()


class InviteForm(Schema):
    """A new invitation; times are those of the court's clock."""

    invitee = line(60, required=True)
    invitee_title = line(100)
    invitee_kind = fields.Enum(InviteeKind, by_value=True, required=True)
    mission_id = fields.UUID()
    window_from = LocalMoment(required=True)
    window_to = LocalMoment(required=True)
    replay_days = fields.Integer(load_default=_REPLAY_DAYS_DEFAULT, validate=validate.Range(0, 90))
    reply_days = fields.Integer(load_default=5, validate=validate.Range(1, REPLY_DAYS_MAX))


def invite_of(ctx: Context, form: dict[str, Any]) -> Invite:
    """The command that a form means."""
    window_to = in_court_zone(ctx, form["window_to"])
    return Invite(
        invitee=form["invitee"],
        invitee_title=form.get("invitee_title"),
        invitee_kind=form["invitee_kind"],
        mission_id=form.get("mission_id"),
        window_from=in_court_zone(ctx, form["window_from"]),
        window_to=window_to,
        replay_until=window_to + timedelta(days=form["replay_days"]),
        reply_days=form["reply_days"],
    )


class RevokeForm(Schema):
    """Why an invitation is taken back."""

    reason = line(200)


class AttachForm(Schema):
    """The mission of an invitation that was sent without one."""

    mission_id = fields.UUID(required=True)


class OpinionListQuery(Schema):
    """Filters of what guests said."""

    mission_id = fields.UUID()
    state = fields.String(validate=validate.OneOf(list(OpinionState)))
    cursor = fields.String(validate=_CURSOR)
    limit = fields.Integer(load_default=LIMIT_DEFAULT, validate=_LIMIT)

    @post_load
    def _filter(self, data: dict[str, Any], **_: Any) -> OpinionFilter:
        return OpinionFilter(**data)


class AnswerForm(Schema):
    """The court's reply."""

    reply = fields.String(
        required=True, validate=[validate.Length(1, REPLY_CHARACTERS_MAX), readable]
    )
