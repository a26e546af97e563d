"""Duty bookings: who carries which device; one carrier of a device at a time."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from server.audit import service as audit
from server.audit.events import EventKind
from server.audit.service import Notice, Subject
from server.core.clock import rfc3339, truncated
from server.core.context import Context
from server.core.problem import Kind, Problem
from server.identity import policy, queries
from server.identity.commands import Book, HandOver
from server.identity.kinds import KEYLESS_KINDS
from server.identity.models import Device, DutyBooking


def book(ctx: Context, command: Book) -> DutyBooking:
    """Book a device for a person; 409 when somebody has it at some moment of the window."""
    policy.check_window(command.starts_at, command.ends_at)
    # The lock makes bookings of one device take turns, so that two cannot overlap unseen.
    device = queries.visible_device(ctx, command.device_id, to_change=True)
    user = queries.visible_user(ctx, command.user_id)
    policy.may_carry(device, user)
    taken = queries.overlapping_booking(ctx.session, device, command.starts_at, command.ends_at)
    if taken is not None:
        raise Problem(
            Kind.CONFLICT,
            "the device has a carrier then",
            booking_id=str(taken.id),
            starts_at=rfc3339(taken.starts_at),
            ends_at=rfc3339(taken.ends_at),
        )
    booking = DutyBooking(
        id=ctx.new_id(),
        court_id=ctx.actor.court_id,
        device_id=device.id,
        user_id=user.id,
        mission_id=command.mission_id,
        starts_at=truncated(command.starts_at),
        ends_at=truncated(command.ends_at),
        created_by=ctx.actor.user_id,
        created_at=ctx.clock.now(),
        version=1,
    )
    ctx.session.add(booking)
    audit.record(
        ctx,
        EventKind.DUTY_BOOKED,
        Subject("booking", booking.id),
        _facts(booking),
        mission_id=booking.mission_id,
        notices=_notices(ctx, device, [booking], {booking.user_id}),
    )
    return booking


def hand_over(ctx: Context, booking: DutyBooking, command: HandOver) -> DutyBooking:
    """End a booking at a moment and begin the next carrier's; returns the new one."""
    policy.may_hand_over(ctx.actor, booking)
    at = truncated(command.at) if command.at is not None else ctx.clock.now()
    policy.check_hand_over(booking, command.to_user_id, at)
    device = queries.visible_device(ctx, booking.device_id, to_change=True)
    user = queries.visible_user(ctx, command.to_user_id)
    policy.may_carry(device, user)
    following = DutyBooking(
        id=ctx.new_id(),
        court_id=booking.court_id,
        device_id=booking.device_id,
        user_id=user.id,
        mission_id=booking.mission_id,
        starts_at=at,
        ends_at=booking.ends_at,
        handed_over_from=booking.id,
        reason=command.reason,
        created_by=ctx.actor.user_id,
        created_at=ctx.clock.now(),
        version=1,
    )
    booking.ends_at = at
    booking.version += 1
    ctx.session.add(following)
    audit.record(
        ctx,
        EventKind.DUTY_HANDED_OVER,
        Subject("booking", following.id),
        {
            **_facts(following),
            "from_booking": str(booking.id),
            "from_user": str(booking.user_id),
            "at": rfc3339(at),
            "reason": command.reason,
        },
        mission_id=following.mission_id,
        notices=_notices(ctx, device, [booking, following], {booking.user_id, user.id}),
    )
    return following


def _facts(booking: DutyBooking) -> dict[str, str | None]:
    return {
        "device": str(booking.device_id),
        "user": str(booking.user_id),
        "mission": str(booking.mission_id) if booking.mission_id else None,
        "starts_at": rfc3339(booking.starts_at),
        "ends_at": rfc3339(booking.ends_at),
    }


def _notices(
    ctx: Context, device: Device, bookings: Iterable[DutyBooking], users: set[uuid.UUID]
) -> list[Notice]:
    """The device, its carriers, and for a camera or recorder whoever reads its card."""
    devices = {device.id}
    if device.kind in KEYLESS_KINDS:
        devices |= set(queries.readers_of_cards(ctx.session, device.court_id))
    recipients = [f"device:{one}" for one in devices] + [f"user:{one}" for one in users]
    return [
        Notice(recipient, "booking", str(booking.id))
        for booking in bookings
        for recipient in sorted(recipients)
    ]
