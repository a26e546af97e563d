"""Wire forms of tokens, the own account and people: strict in, allow-listed out."""

from __future__ import annotations

import re
from typing import Any, Final

from marshmallow import (
    Schema,
    ValidationError,
    fields,
    post_dump,
    post_load,
    validate,
    validates_schema,
)

from client_sdk.protocol.ids import short_code
from server.core.permissions import Role
from server.identity.commands import AddUser, ChangePassword, ChangeUser, TokenRequest, UserFilter
from server.identity.device_schemas import DeviceOut
from server.identity.kinds import Post
from server.identity.wire import (
    PageQuery,
    Strict,
    line,
    normal_login,
    role_list,
    secret,
    shown_moment,
)

GRANTS: Final = {
    "password": {"login", "password"},
    "device": set[str](),
    "refresh": {"refresh_token"},
}
_LOGIN = re.compile(r"[\w.@+-]{2,64}")


# ---------------------------------------------------------------- tokens and the own account


class TokenBody(Strict):
    """Body of ``POST /auth/token``."""

    grant = fields.String(required=True, validate=validate.OneOf(sorted(GRANTS)))
    login = line(200)
    password = secret(1000)
    totp = secret(20, allow_none=True)
    refresh_token = secret(200)

    @validates_schema
    def _complete(self, values: dict[str, Any], **_: object) -> None:
        needed = GRANTS.get(values.get("grant", ""), set())
        allowed = needed | {"grant"} | ({"totp"} if "password" in needed else set())
        errors = {name: ["is needed for this grant"] for name in needed - values.keys()}
        errors |= {name: ["is not for this grant"] for name in values.keys() - allowed}
        if errors:
            raise ValidationError(errors)

    @post_load
    def _command(self, values: dict[str, Any], **_: object) -> TokenRequest:
        if "login" in values:
            values["login"] = normal_login(values["login"])
        return TokenRequest(**values)


class TokenOut(Schema):
    """A token; ``expires_in`` in seconds."""

    access_token = fields.String()
    token_type = fields.String()
    expires_in = fields.Integer()
    refresh_token = fields.String()
    password_change_required = fields.Boolean()

    @post_dump
    def _without_none(self, shown: dict[str, Any], **_: object) -> dict[str, Any]:
        return {name: value for name, value in shown.items() if value is not None}


class ChangePasswordBody(Strict):
    """Body of ``POST /me/password``."""

    old = secret(1000, required=True)
    new = secret(1000, required=True)

    @post_load
    def _command(self, values: dict[str, Any], **_: object) -> ChangePassword:
        return ChangePassword(**values)


class CodeBody(Strict):
    """Body of ``POST /me/totp/confirm``."""

    code = fields.String(required=True, validate=validate.Length(1, 20))

    @post_load
    def _code(self, values: dict[str, Any], **_: object) -> str:
        return str(values["code"])


class TotpOut(Schema):
    """What an authenticator app needs."""

    secret = fields.String()
    uri = fields.String()


class CourtOut(Schema):
    """A court."""

    id = fields.UUID()
    name = fields.String()
    court_code = fields.String()


# ---------------------------------------------------------------- people


class UserQuery(PageQuery):
    """Query string of ``GET /users``."""

    role = fields.String(validate=validate.OneOf([role.value for role in Role]))
    active = fields.Boolean()

    @post_load
    def _filter(self, values: dict[str, Any], **_: object) -> UserFilter:
        return UserFilter(**values)


class AddUserBody(Strict):
    """Body of ``POST /users``; the answer carries a temporary password."""

    login = fields.String(required=True, validate=validate.Regexp(_LOGIN.pattern + r"\Z"))
    name = line(100, required=True)
    post = fields.String(required=True, validate=validate.OneOf([post.value for post in Post]))
    roles = role_list(required=True)

    @post_load
    def _command(self, values: dict[str, Any], **_: object) -> AddUser:
        values["login"] = normal_login(values["login"])
        return AddUser(**{**values, "roles": tuple(values["roles"])})


class ChangeUserBody(Strict):
    """Body of ``PATCH /users/<id>``; what is not named stays."""

    name = line(100)
    post = fields.String(validate=validate.OneOf([post.value for post in Post]))
    roles = role_list()
    disabled = fields.Boolean(truthy={True}, falsy={False})

    @validates_schema
    def _something(self, values: dict[str, Any], **_: object) -> None:
        if not values:
            raise ValidationError("name something to change")

    @post_load
    def _command(self, values: dict[str, Any], **_: object) -> ChangeUser:
        roles = values.get("roles")
        return ChangeUser(**{**values, "roles": None if roles is None else tuple(roles)})


class UserOut(Schema):
    """A person; what only administrators see is left out for others."""

    _ONLY_ADMINISTRATORS: Final = ("login", "totp", "password_temporary", "locked_until")

    id = fields.UUID(attribute="user.id")
    short = fields.Function(lambda account: short_code(account.user.id))
    name = fields.String(attribute="user.name")
    post = fields.String(attribute="user.post")
    roles = fields.List(fields.String(), attribute="user.roles")
    active = fields.Function(lambda account: account.user.disabled_at is None)
    login = fields.String(attribute="user.login")
    totp = fields.Function(lambda account: account.user.totp_confirmed_at is not None)
    password_temporary = fields.Boolean(attribute="user.password_temporary")
    locked_until = shown_moment(allow_none=True)
    created_at = shown_moment(attribute="user.created_at")
    version = fields.Integer()

    @post_dump(pass_original=True)
    def _for_administrators(
        self, shown: dict[str, Any], account: Any, **_: object
    ) -> dict[str, Any]:
        if account.for_administrator:
            return shown
        return {k: value for k, value in shown.items() if k not in self._ONLY_ADMINISTRATORS}


class NewUserOut(UserOut):
    """A person who was just added; the password is shown this once."""

    temporary_password = fields.String(allow_none=True)


class TemporaryPasswordOut(Schema):
    """A password to be changed at the first sign-in; shown this once."""

    temporary_password = fields.String()


class MeUserOut(Schema):
    """The caller as a person."""

    id = fields.UUID()
    login = fields.String()
    name = fields.String()
    post = fields.String()
    roles = fields.List(fields.String())
    totp = fields.Function(lambda user: user.totp_confirmed_at is not None)
    password_temporary = fields.Boolean()


class MeOut(Schema):
    """The caller: person, court, device, and what they may ask for."""

    user = fields.Nested(MeUserOut)
    court = fields.Nested(CourtOut)
    device = fields.Nested(DeviceOut, allow_none=True)
    expires_at = shown_moment(attribute="sign_in.expires_at")
    permissions = fields.List(fields.String())


class ServerOut(Schema):
    """Who answers, and with which keys it signs."""

    name = fields.String()
    version = fields.String()
    time = shown_moment()
    public_url = fields.String()
    keys = fields.Dict(keys=fields.String(), values=fields.String())
