"""Duty bookings: a week's rota, booking a device, handing it over, conflicts explained."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, url_for

from server.cases import queries as cases
from server.cases.commands import MissionFilter
from server.console import rota
from server.console.admin_forms import (
    BookForm,
    HandOverForm,
    WeekFilter,
    WeekQuery,
    in_court_zone,
)
from server.console.pages import page, render, see
from server.core.context import Context
from server.core.permissions import Permission
from server.core.problem import Kind, Problem
from server.identity import listing, queries, service_duty
from server.identity.commands import Book, BookingFilter, HandOver
from server.identity.models import DutyBooking

blueprint = Blueprint("console_duty", __name__)
_BOOKINGS_MAX: Final = 500
_MISSIONS_MAX: Final = 100
_EXPLAINED: Final = frozenset({Kind.CONFLICT, Kind.VALIDATION})


@blueprint.get("/duty")
@page(Permission.DUTY_VIEW, query=WeekQuery)
def show_week(ctx: Context, query: WeekFilter) -> Response:
    """Who carries which device in a week."""
    return _week(ctx, query)


@blueprint.post("/duty")
@page(Permission.DUTY_BOOK, form=BookForm)
def book(ctx: Context, form: dict[str, Any]) -> Response:
    """Book a device for a person; a conflict says who has it then."""
    command = Book(
        device_id=form["device_id"],
        user_id=form["user_id"],
        mission_id=form.get("mission_id"),
        starts_at=in_court_zone(ctx, form["starts_at"]),
        ends_at=in_court_zone(ctx, form["ends_at"]),
    )
    day = form["starts_at"].date()
    if command.mission_id is not None:
        cases.visible_mission(ctx, command.mission_id)
    try:
        service_duty.book(ctx, command)
    except Problem as problem:
        if problem.kind not in _EXPLAINED:
            raise
        return _week(ctx, WeekFilter(day=day), problem, form)
    return see(url_for("console_duty.show_week", day=day.isoformat()), said="duty.said_booked")


@blueprint.get("/duty/<uuid:booking_id>")
@page(Permission.DUTY_VIEW)
def show_booking(ctx: Context, booking_id: uuid.UUID) -> Response:
    """One booking, and the form that hands the device over."""
    return _booking(ctx, queries.visible_booking(ctx, booking_id))


@blueprint.post("/duty/<uuid:booking_id>/hand-over")
@page(Permission.DUTY_HAND_OVER, form=HandOverForm)
def hand_over(ctx: Context, booking_id: uuid.UUID, form: dict[str, Any]) -> Response:
    """End this booking and begin the next carrier's."""
    booking = queries.visible_booking(ctx, booking_id)
    at = in_court_zone(ctx, form["at"]) if "at" in form else None
    command = HandOver(to_user_id=form["to_user_id"], at=at, reason=form.get("reason"))
    try:
        following = service_duty.hand_over(ctx, booking, command)
    except Problem as problem:
        if problem.kind not in _EXPLAINED:
            raise
        return _booking(ctx, booking, problem)
    day = following.starts_at.astimezone(ZoneInfo(ctx.settings.time_zone)).date()
    return see(url_for("console_duty.show_week", day=day.isoformat()), said="duty.said_handed")


def _week(
    ctx: Context,
    query: WeekFilter,
    problem: Problem | None = None,
    form: dict[str, Any] | None = None,
) -> Response:
    zone = ZoneInfo(ctx.settings.time_zone)
    today = ctx.clock.now().astimezone(zone).date()
    monday = rota.monday_of(query.day or today)
    starts, ends = rota.bounds(monday, zone)
    wanted = BookingFilter(
        device_id=query.device_id,
        user_id=query.user_id,
        overlaps_from=starts,
        overlaps_to=ends,
        limit=_BOOKINGS_MAX,
    )
    bookings = queries.list_bookings(ctx, wanted).items
    people, devices = listing.people(ctx, active=False), listing.devices_in_use(ctx)
    names = {one.id: one.name for one in people}
    gear = _gear(ctx, bookings) | {one.id: one.name for one in devices}
    return render(
        ctx,
        "duty/week.html",
        status=problem.status if problem else 200,
        rows=rota.rows(bookings, names | gear, monday, zone, by=query.by),
        days=[monday + timedelta(days=number) for number in range(rota.DAYS)],
        today=today,
        query=query,
        previous=(monday - timedelta(days=rota.DAYS)).isoformat(),
        following=(monday + timedelta(days=rota.DAYS)).isoformat(),
        names=names,
        gear=gear,
        people=[one for one in people if one.disabled_at is None],
        devices=devices,
        missions=cases.list_missions(ctx, MissionFilter(limit=_MISSIONS_MAX)).items,
        problem=problem,
        taken=_taken(ctx, problem),
        form=dict.fromkeys(BookForm().fields) | (form or {}),
    )


def _booking(ctx: Context, booking: DutyBooking, problem: Problem | None = None) -> Response:
    return render(
        ctx,
        "duty/booking.html",
        status=problem.status if problem else 200,
        booking=booking,
        device=queries.device_in_court(ctx.session, booking.court_id, booking.device_id),
        carrier=queries.user_in_court(ctx.session, booking.court_id, booking.user_id),
        people=[one for one in listing.people(ctx) if one.id != booking.user_id],
        problem=problem,
    )


def _gear(ctx: Context, bookings: Any) -> dict[uuid.UUID, str]:
    """Names of what was booked, in use or not."""
    known = {}
    for one in {booking.device_id for booking in bookings}:
        device = queries.device_in_court(ctx.session, ctx.actor.court_id, one)
        if device is not None:
            known[one] = device.name
    return known


def _taken(ctx: Context, problem: Problem | None) -> DutyBooking | None:
    """The booking that a new one would overlap."""
    found = problem.extra.get("booking_id") if problem else None
    if not isinstance(found, str):
        return None
    return queries.visible_booking(ctx, uuid.UUID(found))


__all__ = ["blueprint"]
