"""Lists of devices and sign-ins as people look for them; every query names its court."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

import sqlalchemy as sa

from server.core.context import Context
from server.core.paging import LIMIT_DEFAULT, Page, decode_id, page_of
from server.identity.kinds import KEYED_KINDS
from server.identity.models import Device, SignIn, User

SILENT_AFTER: Final = timedelta(hours=72)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceSearch:
    """What a list of devices is narrowed to; ``silent``: has a key and was not heard of lately."""

    kind: str | None = None
    holder_id: uuid.UUID | None = None
    state: str | None = None  # in-use | revoked
    silent: bool = False
    text: str | None = None
    cursor: str | None = None
    limit: int = LIMIT_DEFAULT


@dataclass(frozen=True, slots=True)
class DeviceLine:
    """A device and what a list says beside it."""

    device: Device
    holder: str | None
    silent: bool


@dataclass(frozen=True, slots=True)
class OwnSignIn:
    """One of the caller's sign-ins that count; ``device`` is none for a browser."""

    sign_in: SignIn
    device: Device | None
    current: bool


def devices(ctx: Context, wanted: DeviceSearch) -> Page[DeviceLine]:
    """Devices of the court, the newest first."""
    statement = (
        sa.select(Device, User.name)
        .outerjoin(User, User.id == Device.holder_id)
        .where(*_rules(ctx, wanted))
        .order_by(Device.id.desc())
        .limit(wanted.limit + 1)
    )
    lines = [
        DeviceLine(device, holder, is_silent(ctx, device))
        for device, holder in ctx.session.execute(statement)
    ]
    return page_of(lines, wanted.limit, lambda line: (str(line.device.id),))


def count_devices(ctx: Context, wanted: DeviceSearch) -> int:
    """How many devices the filter finds, on all pages."""
    rules = _rules(ctx, replace(wanted, cursor=None))
    return ctx.session.execute(sa.select(sa.func.count(Device.id)).where(*rules)).scalar_one()


def is_silent(ctx: Context, device: Device) -> bool:
    """Whether a device that speaks itself was not heard of for :data:`SILENT_AFTER`."""
    if device.kind not in KEYED_KINDS or device.revoked_at is not None:
        return False
    return (device.last_seen_at or device.enrolled_at) < ctx.clock.now() - SILENT_AFTER


def people(ctx: Context, *, active: bool = True) -> list[User]:
    """People of the court by name, for choosing."""
    statement = sa.select(User).where(User.court_id == ctx.actor.court_id)
    if active:
        statement = statement.where(User.disabled_at.is_(None))
    return list(ctx.session.execute(statement.order_by(User.name, User.id)).scalars())


def devices_in_use(ctx: Context, kinds: Sequence[str] | None = None) -> list[Device]:
    """Devices that are not revoked, by name, for choosing."""
    statement = sa.select(Device).where(
        Device.court_id == ctx.actor.court_id, Device.revoked_at.is_(None)
    )
    if kinds is not None:
        statement = statement.where(Device.kind.in_(kinds))
    return list(ctx.session.execute(statement.order_by(Device.name, Device.id)).scalars())


def own_sign_ins(ctx: Context) -> list[OwnSignIn]:
    """The caller's sign-ins that still count, the newest first."""
    statement = (
        sa.select(SignIn, Device)
        .outerjoin(Device, Device.id == SignIn.device_id)
        .where(
            SignIn.user_id == ctx.actor.user(),
            SignIn.revoked_at.is_(None),
            SignIn.expires_at > ctx.clock.now(),
        )
        .order_by(SignIn.id.desc())
        .limit(200)
    )
    return [
        OwnSignIn(sign_in, device, sign_in.id == ctx.actor.sign_in_id)
        for sign_in, device in ctx.session.execute(statement)
    ]


def _rules(ctx: Context, wanted: DeviceSearch) -> list[sa.ColumnElement[bool]]:
    rules: list[sa.ColumnElement[bool]] = [Device.court_id == ctx.actor.court_id]
    if wanted.kind is not None:
        rules.append(Device.kind == wanted.kind)
    if wanted.holder_id is not None:
        rules.append(Device.holder_id == wanted.holder_id)
    if wanted.state is not None:
        revoked = Device.revoked_at
        rules.append(revoked.is_not(None) if wanted.state == "revoked" else revoked.is_(None))
    if wanted.silent:
        before = ctx.clock.now() - SILENT_AFTER
        heard = sa.func.coalesce(Device.last_seen_at, Device.enrolled_at)
        rules += [Device.kind.in_(KEYED_KINDS), Device.revoked_at.is_(None), heard < before]
    if wanted.text:
        named = Device.name.contains(wanted.text, autoescape=True)
        rules.append(sa.or_(named, Device.serial.contains(wanted.text, autoescape=True)))
    if wanted.cursor:
        rules.append(Device.id < decode_id(wanted.cursor))
    return rules
