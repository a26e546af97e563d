"""A week of duty as a table: one row a device or person, one cell a day.  Pure."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from server.identity.models import DutyBooking

DAYS = 7


@dataclass(frozen=True, slots=True)
class Slot:
    """A booking on one day; ``begins`` and ``ends`` are none where it goes on over midnight."""

    booking: DutyBooking
    begins: str | None
    ends: str | None


@dataclass(frozen=True, slots=True)
class Row:
    """One device's or person's week."""

    id: uuid.UUID
    name: str
    days: Sequence[Sequence[Slot]]


def monday_of(day: date) -> date:
    """First day of its week."""
    return day - timedelta(days=day.weekday())


def bounds(monday: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """When the week begins, and when it is over."""
    start = datetime.combine(monday, time(), zone)
    return start, datetime.combine(monday + timedelta(days=DAYS), time(), zone)


def rows(
    bookings: Sequence[DutyBooking],
    names: Mapping[uuid.UUID, str],
    monday: date,
    zone: ZoneInfo,
    *,
    by: str,
) -> list[Row]:
    """The week's rows by name; only who or what has a booking in it."""
    found: dict[uuid.UUID, list[list[Slot]]] = {}
    for booking in sorted(bookings, key=lambda one: (one.starts_at, one.id)):
        owner = booking.user_id if by == "officer" else booking.device_id
        week = found.setdefault(owner, [[] for _ in range(DAYS)])
        for number, cell in enumerate(week):
            slot = _slot(booking, monday + timedelta(days=number), zone)
            if slot is not None:
                cell.append(slot)
    named = [Row(owner, names.get(owner, ""), week) for owner, week in found.items()]
    return sorted((row for row in named if any(row.days)), key=lambda row: (row.name, row.id))


def _slot(booking: DutyBooking, day: date, zone: ZoneInfo) -> Slot | None:
    start = datetime.combine(day, time(), zone)
    end = datetime.combine(day + timedelta(days=1), time(), zone)
    if booking.starts_at >= end or booking.ends_at <= start:
        return None
    begins, ends = booking.starts_at.astimezone(zone), booking.ends_at.astimezone(zone)
    return Slot(
        booking,
        f"{begins:%H:%M}" if begins >= start else None,
        f"{ends:%H:%M}" if ends < end else None,
    )
