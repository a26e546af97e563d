"""Devices: enrolled with a key by a one-time code, registered without one, revoked."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa

from client_sdk.protocol.keys import PublicKey
from server.audit import device_keys
from server.audit import service as audit
from server.audit.events import EventKind
from server.audit.service import Notice, Subject
from server.core.context import Context
from server.core.problem import Kind, Problem
from server.core.transactions import scope
from server.identity import enrolment, policy, queries
from server.identity.commands import Enrol, OfferEnrolment, RegisterDevice, Revoke
from server.identity.models import Court, Device, EnrolmentCode, SignIn


@dataclass(frozen=True, slots=True)
class Offer:
    """A one-time code, shown once."""

    code: str = field(repr=False)
    expires_at: datetime
    qr: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What a device has to know after it bound its key."""

    device_id: uuid.UUID
    court_id: uuid.UUID
    court_name: str
    ep: int
    keys: dict[str, str]
    server_time: datetime


def offer(ctx: Context, command: OfferEnrolment) -> Offer:
    """Make a code for one device."""
    if command.holder_id is not None:
        queries.visible_user(ctx, command.holder_id)
    if command.device_id is not None:
        policy.may_renew(queries.visible_device(ctx, command.device_id), command.kind)
    code = enrolment.new_code(ctx.runtime.randbytes)
    now = ctx.clock.now()
    row = EnrolmentCode(
        id=ctx.new_id(),
        court_id=ctx.actor.court_id,
        code_hash=enrolment.code_hash(ctx.runtime.keyring, code),
        kind=command.kind,
        name=command.name,
        holder_id=command.holder_id,
        device_id=command.device_id,
        created_by=ctx.actor.user_id,
        created_at=now,
        expires_at=now + timedelta(seconds=ctx.settings.enrolment_code_seconds),
    )
    ctx.session.add(row)
    facts = {
        "kind": row.kind,
        "name": row.name,
        "holder": _text(row.holder_id),
        "device": _text(row.device_id),
    }
    audit.record(ctx, EventKind.ENROLMENT_OFFERED, Subject("enrolment-code", row.id), facts)
    qr = enrolment.qr_text(ctx.runtime.keyring, ctx.settings.public_url, code)
    return Offer(code, row.expires_at, qr)


def enrol(ctx: Context, command: Enrol) -> Enrolled:
    """Bind a key to a new device by a code; a repeat with the same key gives the same answer."""
    key, first = enrolment.proven_key(command), enrolment.proven_record_key(command)
    digest = enrolment.code_hash(ctx.runtime.keyring, command.code)
    statement = sa.select(EnrolmentCode).where(EnrolmentCode.code_hash == digest).with_for_update()
    row = ctx.session.execute(statement).scalar_one_or_none()
    if row is None:
        raise Problem(Kind.ENROLMENT_CODE_INVALID)
    device = queries.device_by_key(ctx.session, key.thumbprint)
    if row.used_at is not None:
        # The first answer may have been lost on the way; only the same key can ask again.
        if device is None or device.id != row.device_id or device.revoked_at is not None:
            raise Problem(Kind.ENROLMENT_CODE_INVALID)
        if device_keys.first_kid(ctx.session, device.id, device.ep) != first.thumbprint:
            raise Problem(Kind.ENROLMENT_CODE_INVALID)
        return _enrolled(ctx, device)
    if row.expires_at <= ctx.clock.now():
        raise Problem(Kind.ENROLMENT_CODE_INVALID)
    if device is not None or any(device_keys.known(ctx.session, one) for one in (key, first)):
        raise Problem(Kind.CONFLICT, "this key is enrolled already; make a new one")
    scope(ctx.session, row.court_id)  # from here on this is the business of one court
    bound = _bound(ctx, row, key, command) if row.device_id is None else _renewed(ctx, row, key)
    row.used_at, row.device_id = ctx.clock.now(), bound.id
    device_keys.bind(ctx, (bound.court_id, bound.id, bound.ep), key, first)
    _tell_enrolled(ctx, row, bound, command, (key, first))
    return _enrolled(ctx, bound)


def register(ctx: Context, command: RegisterDevice) -> Device:
    """Enter a camera or recorder; a dock's key signs for its files."""
    if command.holder_id is not None:
        queries.visible_user(ctx, command.holder_id)
    device = Device(
        id=ctx.new_id(),
        court_id=ctx.actor.court_id,
        kind=command.kind,
        name=command.name,
        model=command.model,
        serial=command.serial,
        holder_id=command.holder_id,
        enrolled_at=ctx.clock.now(),
        ep=1,
        version=1,
    )
    ctx.session.add(device)
    facts = {"kind": device.kind, "name": device.name, "serial": device.serial}
    audit.record(ctx, EventKind.DEVICE_REGISTERED, Subject("device", device.id), facts)
    return device


def revoke(ctx: Context, device: Device, command: Revoke) -> Device:
    """Let the device speak no more, from its next request on; a second time changes nothing."""
    if device.revoked_at is not None:
        return device
    device.revoked_at = ctx.clock.now()
    device.revoked_reason = command.reason
    device.version += 1
    device_keys.revoke(ctx, device.id)
    recipients = [f"device:{device.id}"]
    if device.holder_id is not None:
        recipients.append(f"user:{device.holder_id}")
    audit.record(
        ctx,
        EventKind.DEVICE_REVOKED,
        Subject("device", device.id),
        {"reason": command.reason, "jkt": device.jkt},
        notices=[Notice(recipient, "revocation", str(device.id)) for recipient in recipients],
    )
    return device


def _bound(ctx: Context, row: EnrolmentCode, key: PublicKey, command: Enrol) -> Device:
    now = ctx.clock.now()
    device = Device(
        id=ctx.new_id(),
        court_id=row.court_id,
        kind=row.kind,
        name=row.name,
        model=command.model,
        serial=command.serial,
        alg=key.alg.value,
        public_jwk=key.to_jwk(),
        jkt=key.thumbprint,
        ep=1,
        holder_id=row.holder_id,
        enrolled_at=now,
    )
    ctx.session.add(device)
    ctx.session.flush()  # the code's row and its keys refer to it
    return device


def _renewed(ctx: Context, row: EnrolmentCode, key: PublicKey) -> Device:
    """The device begins a new chain under a new key; the old key speaks no more."""
    device = ctx.session.get_one(Device, row.device_id)
    policy.may_renew(device, row.kind)
    device.alg, device.public_jwk, device.jkt = key.alg.value, key.to_jwk(), key.thumbprint
    device.ep += 1
    device.version += 1
    ended = sa.update(SignIn).where(SignIn.device_id == device.id, SignIn.revoked_at.is_(None))
    ctx.session.execute(ended.values(revoked_at=ctx.clock.now()))
    return device


def _tell_enrolled(
    ctx: Context,
    row: EnrolmentCode,
    device: Device,
    command: Enrol,
    keys: tuple[PublicKey, PublicKey],
) -> None:
    """``jwk`` is the first key that signs records, ``identity_jwk`` the one that signs requests."""
    identity, first = keys
    facts = {
        "kind": device.kind,
        "name": device.name,
        "own_name": command.name,
        "model": command.model,
        "serial": command.serial,
        "alg": device.alg,
        "jwk": first.to_jwk(),
        "identity_jwk": identity.to_jwk(),
        "ep": device.ep,
        "holder": _text(device.holder_id),
        "code": str(row.id),
    }
    subject = Subject("device", device.id)
    audit.record(ctx, EventKind.DEVICE_ENROLLED, subject, facts, court_id=device.court_id)


def _enrolled(ctx: Context, device: Device) -> Enrolled:
    court = ctx.session.get_one(Court, device.court_id)
    return Enrolled(
        device_id=device.id,
        court_id=court.id,
        court_name=court.name,
        ep=device.ep,
        keys=ctx.runtime.keyring.statement().to_dict(),
        server_time=ctx.clock.now(),
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)
