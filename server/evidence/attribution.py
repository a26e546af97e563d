"""Who recorded an item, once better readings of its clock have moved its time.

The booking at capture time decides, so a corrected time may name another officer.  What a person
has rebound stays.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import sqlalchemy as sa

from server.audit.events import EventKind
from server.audit.service import Subject, record
from server.core.context import Context
from server.evidence.models import Evidence
from server.identity.models import DutyBooking

REASON = "the corrected time lies in another duty booking"
BY_PERSON = "rebound"


def follow_time(ctx: Context, device_id: uuid.UUID, items: Sequence[Evidence]) -> None:
    """Attribute items of one device by the booking at their time; each change is an event.

    An item at whose time nobody carried the device stays with whom it was given to.
    """
    movable = [item for item in items if item.officer_source != BY_PERSON]
    if not movable:
        return
    bookings = _bookings(ctx, device_id, movable)
    for item in movable:
        for booking in bookings:
            if booking.starts_at <= item.captured_at < booking.ends_at:
                if booking.id != item.booking_id:
                    _give(ctx, item, booking)
                break


def _bookings(
    ctx: Context, device_id: uuid.UUID, items: Sequence[Evidence]
) -> Sequence[DutyBooking]:
    """Bookings of the device that touch the items' times, the latest begun first."""
    moments = [item.captured_at for item in items]
    statement = (
        sa.select(DutyBooking)
        .where(
            DutyBooking.court_id == items[0].court_id,
            DutyBooking.device_id == device_id,
            DutyBooking.starts_at <= max(moments),
            DutyBooking.ends_at > min(moments),
        )
        .order_by(DutyBooking.starts_at.desc(), DutyBooking.id.desc())
    )
    return ctx.session.execute(statement).scalars().all()


def _give(ctx: Context, item: Evidence, booking: DutyBooking) -> None:
    before, source = item.officer_id, item.officer_source
    item.officer_id, item.officer_source = booking.user_id, "booking"
    item.booking_id = booking.id
    if before == booking.user_id and source == "booking":
        return  # the same carrier's next booking
    item.version += 1
    detail = f"{REASON}; before: {before or 'nobody'}"
    item.findings = [*item.findings, {"code": "officer-corrected", "detail": detail}]
    facts = {
        "reason": REASON,
        "booking": str(booking.id),
        "before": {"officer": None if before is None else str(before), "source": source},
        "after": {"officer": str(booking.user_id), "source": "booking"},
    }
    record(
        ctx,
        EventKind.EVIDENCE_REBOUND,
        Subject("evidence", item.id),
        facts,
        case_id=item.case_id,
        mission_id=item.mission_id,
        court_id=item.court_id,
    )
