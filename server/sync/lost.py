"""A lost device, handled in one step: what it had, what came since, revoked and set apart."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from server.audit import binding
from server.audit import service as audit
from server.audit.binding import Gap
from server.audit.events import EventKind
from server.audit.models import DeviceChain, DeviceRecord
from server.audit.service import Subject
from server.core.clock import rfc3339, truncated
from server.core.context import Context
from server.core.problem import invalid
from server.evidence import suspects
from server.evidence.models import Evidence, Upload
from server.identity import queries as identity
from server.identity import service_devices
from server.identity.commands import Revoke
from server.identity.models import Device, DutyBooking, SignIn, User

SUSPECTS_SHOWN = 100
_ON_THE_WAY = ("declared", "receiving", "missing", "quarantined")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportLoss:
    """Command: the device is lost since ``lost_at``; revoke it and set apart what came since."""

    lost_at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class OpenRange:
    """Where a chain ends for the server: nobody can say whether there were records after it."""

    ep: int
    last_seq: int
    last_rx: str | None
    gaps: Sequence[Gap]
    held: int


@dataclass(frozen=True, slots=True)
class Loss:
    """All that is known of a device that may be lost.

    ``waiting`` are declared items whose bytes never came, ``uploads`` unfinished ones.
    """

    device: Device
    since: datetime
    chain: OpenRange | None
    suspects: Sequence[Evidence]
    suspect_count: int
    waiting: int
    uploads: int
    signed_in: Sequence[User]
    bookings: Sequence[DutyBooking]


@dataclass(frozen=True, slots=True)
class Handled:
    """What reporting a loss did."""

    device: Device
    newly_revoked: bool
    marked: int


def view(ctx: Context, device: Device, since: datetime | None = None) -> Loss:
    """What it had and what is open; without a time, as if lost at its last contact."""
    moment = since or device.last_seen_at or device.enrolled_at
    found = suspects.received_since(ctx, device.id, moment).limit(SUSPECTS_SHOWN)
    return Loss(
        device=device,
        since=moment,
        chain=_open_range(ctx, device) if device.public_jwk is not None else None,
        suspects=ctx.session.execute(found).scalars().all(),
        suspect_count=suspects.count_since(ctx, device.id, moment),
        waiting=_waiting(ctx, device.id),
        uploads=_uploads(ctx, device.id),
        signed_in=_signed_in(ctx, device.id),
        bookings=_bookings(ctx, device.id, moment),
    )


def report(ctx: Context, device_id: uuid.UUID, command: ReportLoss) -> Handled:
    """Revoke the device and mark what came since; may be repeated with an earlier time."""
    device = identity.visible_device(ctx, device_id, to_change=True)
    lost_at = truncated(command.lost_at)
    if lost_at > ctx.clock.now() + timedelta(minutes=1):
        wrong = {"lost_at": ["lies in the future"]}
        raise invalid(wrong)
    newly = device.revoked_at is None
    service_devices.revoke(ctx, device, Revoke(reason=command.reason))
    marked = suspects.quarantine(ctx, device.id, lost_at, command.reason)
    chain = _open_range(ctx, device)
    facts = {
        "lost_at": rfc3339(lost_at),
        "reason": command.reason,
        "ep": device.ep,
        "after_seq": chain.last_seq,
        "suspects": marked,
    }
    audit.record(ctx, EventKind.DEVICE_LOST, Subject("device", device.id), facts)
    return Handled(device, newly, marked)


def _open_range(ctx: Context, device: Device) -> OpenRange:
    chain = ctx.session.get(DeviceChain, (device.id, device.ep))
    last = chain.last_seq if chain else 0
    row = ctx.session.get(DeviceRecord, (device.id, device.ep, last)) if last else None
    return OpenRange(
        ep=device.ep,
        last_seq=last,
        last_rx=row.rx if row else None,
        gaps=binding.gaps(ctx.session, device.id, device.ep),
        held=chain.held_count if chain else 0,
    )


def _waiting(ctx: Context, device_id: uuid.UUID) -> int:
    statement = sa.select(sa.func.count(Evidence.id)).where(
        Evidence.court_id == ctx.actor.court_id,
        Evidence.device_id == device_id,
        Evidence.state.in_(_ON_THE_WAY),
    )
    return ctx.session.execute(statement).scalar_one()


def _uploads(ctx: Context, device_id: uuid.UUID) -> int:
    statement = sa.select(sa.func.count(Upload.id)).where(
        Upload.court_id == ctx.actor.court_id,
        Upload.device_id == device_id,
        Upload.state == "receiving",
    )
    return ctx.session.execute(statement).scalar_one()


def _signed_in(ctx: Context, device_id: uuid.UUID) -> Sequence[User]:
    statement = (
        sa.select(User)
        .where(
            User.id.in_(
                sa.select(SignIn.user_id).where(
                    SignIn.court_id == ctx.actor.court_id,
                    SignIn.device_id == device_id,
                    SignIn.revoked_at.is_(None),
                    SignIn.expires_at > ctx.clock.now(),
                )
            )
        )
        .order_by(User.name)
    )
    return ctx.session.execute(statement).scalars().all()


def _bookings(ctx: Context, device_id: uuid.UUID, since: datetime) -> Sequence[DutyBooking]:
    statement = (
        sa.select(DutyBooking)
        .where(
            DutyBooking.court_id == ctx.actor.court_id,
            DutyBooking.device_id == device_id,
            DutyBooking.ends_at > since,
        )
        .order_by(DutyBooking.starts_at)
        .limit(50)
    )
    return ctx.session.execute(statement).scalars().all()
