"""Wire forms of invitations; outputs are allow-lists without the secrets and their hashes."""

from __future__ import annotations

from typing import Any, Final

from marshmallow import Schema, fields, post_load, validate

from server.core.paging import LIMIT_DEFAULT, LIMIT_MAX
from server.core.texts import readable_line
from server.guests.commands import REPLY_DAYS_MAX, InvitationFilter, Invite
from server.guests.kinds import InvitationState, InviteeKind
from server.identity.wire import moment, shown_moment

NAME_CHARACTERS_MAX: Final = 60
TITLE_CHARACTERS_MAX: Final = 100
REASON_CHARACTERS_MAX: Final = 200
_REPLY_DAYS_DEFAULT: Final = 5


class InviteBody(Schema):
    """A new invitation; without ``replay_until`` the replay ends two weeks after the window."""

    invitee = fields.String(
        required=True, validate=[validate.Length(1, NAME_CHARACTERS_MAX), readable_line]
    )
    invitee_title = fields.String(
        validate=[validate.Length(1, TITLE_CHARACTERS_MAX), readable_line], allow_none=True
    )
    invitee_kind = fields.Enum(InviteeKind, by_value=True, required=True)
    mission_id = fields.UUID(allow_none=True)
    window_from = moment(required=True)
    window_to = moment(required=True)
    replay_until = moment(allow_none=True)
    reply_days = fields.Integer(
        load_default=_REPLY_DAYS_DEFAULT, validate=validate.Range(1, REPLY_DAYS_MAX)
    )

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> Invite:
        return Invite(**data)


class InvitationQuery(Schema):
    """A page of invitations."""

    mission_id = fields.UUID()
    state = fields.String(validate=validate.OneOf(list(InvitationState)))
    cursor = fields.String(validate=validate.Length(1, 500))
    limit = fields.Integer(load_default=LIMIT_DEFAULT, validate=validate.Range(1, LIMIT_MAX))

    @post_load
    def _filter(self, data: dict[str, Any], **_: Any) -> InvitationFilter:
        return InvitationFilter(**data)


class TakeBackBody(Schema):
    """Why an invitation is taken back."""

    reason = fields.String(
        load_default=None, allow_none=True,
        validate=[validate.Length(1, REASON_CHARACTERS_MAX), readable_line],
    )  # fmt: skip


class MissionBody(Schema):
    """The mission of an invitation that was sent without one."""

    mission_id = fields.UUID(required=True)


class InvitationOut(Schema):
    """An invitation, as those who lead see it; ``state`` has the clock in mind."""

    id = fields.UUID()
    mission_id = fields.UUID(allow_none=True)
    invitee = fields.String()
    invitee_title = fields.String(allow_none=True)
    invitee_kind = fields.String()
    window_from = shown_moment()
    window_to = shown_moment()
    replay_until = shown_moment()
    reply_days = fields.Integer()
    state = fields.String()
    locked_at = shown_moment(allow_none=True)
    created_by = fields.UUID()
    created_at = shown_moment()
    redeemed_at = shown_moment(allow_none=True)
    revoked_by = fields.UUID(allow_none=True)
    revoked_at = shown_moment(allow_none=True)
    revoke_reason = fields.String(allow_none=True)


class InvitationSentOut(Schema):
    """A new invitation with its link and code, shown this once; send them by two channels."""

    invitation = fields.Nested(InvitationOut)
    link = fields.String()
    code = fields.String()


class VisitOut(Schema):
    """One stretch of time that the guest was there."""

    arrived_at = shown_moment()
    last_seen_at = shown_moment()
    last_position = fields.Integer()


class AttendanceOut(Schema):
    """How long the guest was there, and how far they read the live log."""

    first_at = shown_moment(allow_none=True)
    last_at = shown_moment(allow_none=True)
    seconds = fields.Integer()
    last_position = fields.Integer()
    visits = fields.List(fields.Nested(VisitOut))


class InvitationDetail(Schema):
    """An invitation and who came when."""

    invitation = fields.Nested(InvitationOut)
    attendance = fields.Nested(AttendanceOut)
