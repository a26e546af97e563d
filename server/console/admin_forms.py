"""Forms and filters of devices, duty, people and the own account."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from marshmallow import Schema, ValidationError, fields, post_load, validate

from server.core.context import Context
from server.core.paging import LIMIT_DEFAULT
from server.core.permissions import Role
from server.core.texts import readable_line
from server.identity.commands import (
    AddUser,
    ChangePassword,
    OfferEnrolment,
    RegisterDevice,
    UserFilter,
)
from server.identity.kinds import KEYED_KINDS, KEYLESS_KINDS, DeviceKind, Post
from server.identity.listing import DeviceSearch
from server.identity.wire import normal_login

_CURSOR: Final = validate.Length(1, 500)
_YEARS: Final = range(2000, 2100)
_LOGIN: Final = validate.Regexp(r"[\w.@+-]{2,64}\Z")


def line(characters_max: int, **options: Any) -> fields.String:
    """A text on one line."""
    return fields.String(validate=[validate.Length(1, characters_max), readable_line], **options)


class LocalMoment(fields.Field[datetime]):
    """What ``<input type="datetime-local">`` sends: a wall time of the court's zone."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **_: Any) -> datetime:  # noqa: ARG002
        try:
            found = datetime.fromisoformat(str(value))
        except ValueError:
            raise ValidationError("not a date and time") from None
        if found.tzinfo is not None or found.year not in _YEARS:
            raise ValidationError("a date and time of this century, without a zone")
        return found


def in_court_zone(ctx: Context, wall: datetime) -> datetime:
    """The moment that a wall clock of the court shows as ``wall``."""
    return wall.replace(tzinfo=ZoneInfo(ctx.settings.time_zone)).astimezone(UTC)


def wall_text(ctx: Context, at: datetime) -> str:
    """Value of ``<input type="datetime-local">`` for a moment."""
    return f"{at.astimezone(ZoneInfo(ctx.settings.time_zone)):%Y-%m-%dT%H:%M}"


# ---------------------------------------------------------------- devices


class DeviceListQuery(Schema):
    """Filters of the list of devices."""

    kind = fields.String(validate=validate.OneOf([kind.value for kind in DeviceKind]))
    holder_id = fields.UUID()
    state = fields.String(validate=validate.OneOf(["in-use", "revoked"]))
    silent = fields.Boolean(load_default=False)
    text = line(100)
    cursor = fields.String(validate=_CURSOR)
    limit = fields.Integer(load_default=LIMIT_DEFAULT, validate=validate.Range(1, 500))

    @post_load
    def _search(self, values: dict[str, Any], **_: object) -> DeviceSearch:
        return DeviceSearch(**values)


class NewDeviceQuery(Schema):
    """What the form begins with: a replacement has kind, name and holder of the lost one."""

    kind = fields.String(validate=validate.OneOf([kind.value for kind in DeviceKind]))
    name = line(100)
    holder_id = fields.UUID()
    device_id = fields.UUID()


class EnrolmentForm(Schema):
    """A one-time code for one device with a key."""

    kind = fields.String(
        required=True, validate=validate.OneOf(sorted(kind.value for kind in KEYED_KINDS))
    )
    name = line(100, required=True)
    holder_id = fields.UUID()
    device_id = fields.UUID()

    @post_load
    def _command(self, values: dict[str, Any], **_: object) -> OfferEnrolment:
        return OfferEnrolment(**values)


class RegistrationForm(Schema):
    """A camera or recorder, which has no key."""

    kind = fields.String(
        required=True, validate=validate.OneOf(sorted(kind.value for kind in KEYLESS_KINDS))
    )
    name = line(100, required=True)
    model = line(100)
    serial = line(100)
    holder_id = fields.UUID()

    @post_load
    def _command(self, values: dict[str, Any], **_: object) -> RegisterDevice:
        return RegisterDevice(**values)


class ReasonForm(Schema):
    """Why something is done."""

    reason = line(500, required=True)


class LossQuery(Schema):
    """Since when the device is taken for lost."""

    since = LocalMoment()


class LossForm(Schema):
    """Since when, why, and that it is meant."""

    lost_at = LocalMoment(required=True)
    reason = line(500, required=True)
    confirmed = fields.Boolean(required=True, validate=validate.Equal(comparable=True))


# ---------------------------------------------------------------- duty


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekFilter:
    """A week's rota; ``day`` is any day of it."""

    day: date | None = None
    by: str = "device"
    device_id: uuid.UUID | None = None
    user_id: uuid.UUID | None = None


class WeekQuery(Schema):
    """Which week, and how it is laid out."""

    day = fields.Date()
    by = fields.String(load_default="device", validate=validate.OneOf(["device", "officer"]))
    device_id = fields.UUID()
    user_id = fields.UUID()

    @post_load
    def _filter(self, values: dict[str, Any], **_: object) -> WeekFilter:
        return WeekFilter(**values)


class BookForm(Schema):
    """Who carries which device, from when until when."""

    device_id = fields.UUID(required=True)
    user_id = fields.UUID(required=True)
    mission_id = fields.UUID()
    starts_at = LocalMoment(required=True)
    ends_at = LocalMoment(required=True)


class HandOverForm(Schema):
    """To whom, when and why; now, unless a time is given."""

    to_user_id = fields.UUID(required=True)
    at = LocalMoment()
    reason = line(500)


# ---------------------------------------------------------------- people and the own account


class UserListQuery(Schema):
    """Filters of the list of people."""

    role = fields.String(validate=validate.OneOf([role.value for role in Role]))
    active = fields.Boolean()
    cursor = fields.String(validate=_CURSOR)
    limit = fields.Integer(load_default=LIMIT_DEFAULT, validate=validate.Range(1, 500))

    @post_load
    def _filter(self, values: dict[str, Any], **_: object) -> UserFilter:
        return UserFilter(**values)


def _roles() -> fields.List[Any]:
    known = fields.String(validate=validate.OneOf([role.value for role in Role]))
    return fields.List(known, required=True, validate=validate.Length(1, len(Role)))


class AddUserForm(Schema):
    """A person to add."""

    login = fields.String(required=True, validate=_LOGIN)
    name = line(100, required=True)
    post = fields.String(required=True, validate=validate.OneOf([post.value for post in Post]))
    roles = _roles()

    @post_load
    def _command(self, values: dict[str, Any], **_: object) -> AddUser:
        values["login"] = normal_login(values["login"])
        return AddUser(**{**values, "roles": tuple(values["roles"])})


class ChangeUserForm(Schema):
    """A person's name, post and roles; ``version`` is what the form was made of."""

    name = line(100, required=True)
    post = fields.String(required=True, validate=validate.OneOf([post.value for post in Post]))
    roles = _roles()
    version = fields.Integer(required=True, validate=validate.Range(1))


class PasswordForm(Schema):
    """The old password, and the new one twice."""

    old = fields.String(required=True, validate=validate.Length(1, 1000))
    new = fields.String(required=True, validate=validate.Length(1, 1000))
    again = fields.String(required=True, validate=validate.Length(1, 1000))

    @post_load
    def _command(self, values: dict[str, Any], **_: object) -> ChangePassword:
        if values["new"] != values["again"]:
            raise ValidationError({"again": ["is not the same as the new password"]})
        return ChangePassword(old=values["old"], new=values["new"])


class CodeForm(Schema):
    """A code of the second factor."""

    code = fields.String(required=True, validate=validate.Length(1, 20))
