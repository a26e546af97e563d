"""Routes of duty bookings: who carries which device when."""

from __future__ import annotations

import uuid

from flask import Blueprint, current_app

from server.core.context import Context
from server.core.endpoint import endpoint
from server.core.paging import Page
from server.core.permissions import Permission
from server.identity import device_schemas as d
from server.identity import queries, service_duty
from server.identity.commands import Book, BookingFilter, HandOver
from server.identity.models import DutyBooking
from server.identity.references import EXTENSION, CaseReferences

blueprint = Blueprint("duty", __name__)


@blueprint.get("/duty-bookings")
@endpoint(Permission.DUTY_VIEW, query=d.BookingQuery, dump=d.BookingOut)
def list_bookings(ctx: Context, query: BookingFilter) -> Page[DutyBooking]:
    """List bookings: all of the court for who books, else one's own."""
    return queries.list_bookings(ctx, query)


@blueprint.post("/duty-bookings")
@endpoint(Permission.DUTY_BOOK, load=d.BookBody, dump=d.BookingOut, status=201)
def book_device(ctx: Context, command: Book) -> DutyBooking:
    """Book a device for a person; one carrier at a time."""
    if command.mission_id is not None:
        references: CaseReferences = current_app.extensions[EXTENSION]
        references.require_mission(ctx, command.mission_id)
    return service_duty.book(ctx, command)


@blueprint.post("/duty-bookings/<uuid:booking_id>/hand-over")
@endpoint(Permission.DUTY_HAND_OVER, load=d.HandOverBody, dump=d.BookingOut, status=201)
def hand_over(ctx: Context, booking_id: uuid.UUID, command: HandOver) -> DutyBooking:
    """Hand the device over: this booking ends, the next carrier's begins."""
    booking = queries.visible_booking(ctx, booking_id)
    return service_duty.hand_over(ctx, booking, command)
