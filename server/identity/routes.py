"""Routes of the identity slice: tokens, the own account, people, devices, upload grants."""

from __future__ import annotations

import uuid
from importlib import metadata
from typing import Any

from flask import Blueprint, Response, current_app

from server.core import replies
from server.core.bodies import load_command
from server.core.context import Context
from server.core.endpoint import BODY_BYTES_MAX, endpoint
from server.core.paging import Page
from server.core.permissions import Permission
from server.identity import device_schemas as d
from server.identity import (
    queries,
    service_account,
    service_devices,
    service_grants,
    service_users,
    sign_in,
)
from server.identity import schemas as s
from server.identity.authentication import asked
from server.identity.commands import (
    ChangeUser,
    DeviceFilter,
    Enrol,
    GrantUpload,
    OfferEnrolment,
    RegisterDevice,
    Revoke,
    UserFilter,
)
from server.identity.models import Device
from server.identity.references import EXTENSION, CaseReferences
from server.identity.service_users import Account
from server.identity.steps import transaction

blueprint = Blueprint("identity", __name__)
ENROL_BYTES_MAX = 16_384


@blueprint.get("/server")
@endpoint(Permission.PUBLIC, dump=s.ServerOut)
def describe_server(ctx: Context) -> dict[str, Any]:
    """Who answers here, its time, and the keys it signs with."""
    return {
        "name": "tiezheng",
        "version": metadata.version("tiezheng"),
        "time": ctx.clock.now(),
        "public_url": ctx.settings.public_url,
        "keys": ctx.runtime.keyring.statement().to_dict(),
    }


# ---------------------------------------------------------------- tokens and the own account


@blueprint.post("/auth/token")
@endpoint(
    Permission.PUBLIC, load=s.TokenBody, dump=s.TokenOut, streams=True, idempotent=False,
    responses={401: "credentials-invalid, totp-required", 403: "account-locked"},
)  # fmt: skip
def get_token(ctx: Context) -> sign_in.Issued:
    """A token by password, by the device's key, or by a refresh token; needs a DPoP proof."""
    _, command = load_command(s.TokenBody, BODY_BYTES_MAX)
    return sign_in.issue(ctx, asked(), command)


@blueprint.post("/auth/logout")
@endpoint(Permission.SIGNED_IN)
def sign_out(ctx: Context) -> None:
    """End this sign-in."""
    sign_in.sign_out(ctx)


@blueprint.get("/me")
@endpoint(Permission.SIGNED_IN, dump=s.MeOut)
def get_me(ctx: Context) -> service_account.Me:
    """The caller: person, court, device, permissions."""
    return service_account.me(ctx)


@blueprint.post("/me/password")
@endpoint(Permission.SIGNED_IN, load=s.ChangePasswordBody, streams=True, idempotent=False)
def change_password(ctx: Context) -> None:
    """Choose a new password; other sign-ins end."""
    _, command = load_command(s.ChangePasswordBody, BODY_BYTES_MAX)
    service_account.change_password(ctx, command)


@blueprint.post("/me/totp")
@endpoint(Permission.SIGNED_IN, dump=s.TotpOut, idempotent=False)
def offer_totp(ctx: Context) -> service_account.TotpOffer:
    """A secret for an authenticator app, in force once confirmed."""
    return service_account.offer_totp(ctx)


@blueprint.post("/me/totp/confirm")
@endpoint(Permission.SIGNED_IN, load=s.CodeBody, idempotent=False)
def confirm_totp(ctx: Context, command: str) -> None:
    """Put the second factor in force with a code of it."""
    service_account.confirm_totp(ctx, command)


# ---------------------------------------------------------------- people


@blueprint.get("/users")
@endpoint(Permission.USERS_VIEW, query=s.UserQuery, dump=s.UserOut)
def list_users(ctx: Context, query: UserFilter) -> Page[Account]:
    """List the people of the court."""
    page = queries.list_users(ctx, query)
    return Page([service_users.seen(ctx, user) for user in page.items], page.next_cursor)


@blueprint.post("/users")
@endpoint(
    Permission.USERS_MANAGE, load=s.AddUserBody, dump=s.NewUserOut, status=201, streams=True,
    idempotent=False,
)  # fmt: skip
def add_user(ctx: Context) -> Response:
    """Add a person; the answer carries their temporary password."""
    _, command = load_command(s.AddUserBody, BODY_BYTES_MAX)
    password = service_users.first_password(ctx)
    with transaction(ctx) as inner:
        return replies.respond(201, s.NewUserOut, service_users.add(inner, command, password))


@blueprint.get("/users/<uuid:user_id>")
@endpoint(Permission.USERS_VIEW, dump=s.UserOut)
def get_user(ctx: Context, user_id: uuid.UUID) -> Account:
    """A person of the court."""
    return service_users.seen(ctx, queries.visible_user(ctx, user_id))


@blueprint.patch("/users/<uuid:user_id>")
@endpoint(Permission.USERS_MANAGE, load=s.ChangeUserBody, dump=s.UserOut)
def change_user(ctx: Context, user_id: uuid.UUID, command: ChangeUser) -> Account:
    """Change name, post, roles, or disable the account."""
    user = queries.visible_user(ctx, user_id, to_change=True)
    replies.require_version(user.version)
    return service_users.change(ctx, user, command)


@blueprint.post("/users/<uuid:user_id>/password-reset")
@endpoint(Permission.USERS_MANAGE, dump=s.TemporaryPasswordOut, streams=True, idempotent=False)
def reset_password(ctx: Context, user_id: uuid.UUID) -> dict[str, str]:
    """Give a person a temporary password; their sign-ins end."""
    password = service_users.first_password(ctx)
    with transaction(ctx) as inner:
        user = queries.visible_user(inner, user_id, to_change=True)
        return {"temporary_password": service_users.reset_password(inner, user, password)}


@blueprint.post("/users/<uuid:user_id>/totp-reset")
@endpoint(Permission.USERS_MANAGE)
def reset_totp(ctx: Context, user_id: uuid.UUID) -> None:
    """Take a person's second factor away; their sign-ins end."""
    service_users.reset_totp(ctx, queries.visible_user(ctx, user_id, to_change=True))


@blueprint.post("/users/<uuid:user_id>/unlock")
@endpoint(Permission.USERS_MANAGE)
def unlock_user(ctx: Context, user_id: uuid.UUID) -> None:
    """Release the lock after failed sign-ins."""
    service_users.unlock(ctx, queries.visible_user(ctx, user_id, to_change=True))


# ---------------------------------------------------------------- devices


@blueprint.get("/devices")
@endpoint(Permission.DEVICES_VIEW, query=d.DeviceQuery, dump=d.DeviceOut)
def list_devices(ctx: Context, query: DeviceFilter) -> Page[Device]:
    """List the devices of the court."""
    return queries.list_devices(ctx, query)


@blueprint.post("/devices")
@endpoint(Permission.DEVICES_MANAGE, load=d.RegisterDeviceBody, dump=d.DeviceOut, status=201)
def register_device(ctx: Context, command: RegisterDevice) -> Device:
    """Register a camera or recorder, which has no key."""
    return service_devices.register(ctx, command)


@blueprint.get("/devices/<uuid:device_id>")
@endpoint(Permission.DEVICES_VIEW, dump=d.DeviceOut)
def get_device(ctx: Context, device_id: uuid.UUID) -> Device:
    """A device of the court."""
    return queries.visible_device(ctx, device_id)


@blueprint.post("/devices/<uuid:device_id>/revoke")
@endpoint(Permission.DEVICES_MANAGE, load=d.RevokeBody, dump=d.DeviceOut)
def revoke_device(ctx: Context, device_id: uuid.UUID, command: Revoke) -> Device:
    """Revoke a device, from its next request on."""
    device = queries.visible_device(ctx, device_id, to_change=True)
    return service_devices.revoke(ctx, device, command)


@blueprint.post("/enrolment-codes")
@endpoint(
    Permission.DEVICES_MANAGE, load=d.OfferEnrolmentBody, dump=d.OfferOut, status=201,
    idempotent=False,
)  # fmt: skip
def offer_enrolment(ctx: Context, command: OfferEnrolment) -> service_devices.Offer:
    """A one-time code, with its QR text, that lets one device bind its key."""
    return service_devices.offer(ctx, command)


@blueprint.post("/devices/enrol")
@endpoint(
    Permission.PUBLIC, load=d.EnrolBody, dump=d.EnrolledOut, status=201, idempotent=False,
    body_bytes_max=ENROL_BYTES_MAX, responses={403: "enrolment-code-invalid"},
)  # fmt: skip
def enrol_device(ctx: Context, command: Enrol) -> service_devices.Enrolled:
    """Bind a device's key with a one-time code; a repeat with the same key answers the same."""
    return service_devices.enrol(ctx, command)


# ---------------------------------------------------------------- upload grants


@blueprint.post("/upload-grants")
@endpoint(
    Permission.UPLOAD_GRANT, load=d.GrantUploadBody, dump=d.GrantedOut, status=201,
    idempotent=False,
)  # fmt: skip
def grant_upload(ctx: Context, command: GrantUpload) -> service_grants.Granted:
    """A bearer token for declared bytes of this device and one case, only for uploads."""
    references: CaseReferences = current_app.extensions[EXTENSION]
    references.require_case(ctx, command.case_id)
    if command.mission_id is not None:
        references.require_mission(ctx, command.mission_id)
    return service_grants.grant(ctx, command)
