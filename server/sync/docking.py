"""Where files of a docked card belong: the rule of the SDK, over what the caller may see.

A workstation's browser reads a card and asks for suggestions before it signs anything.  The
officer is the one who carried the camera at the file's time by duty booking, never the one who
docks it; cases are offered only as far as the caller sees them.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from client_sdk.protocol.matching import NEAR, Booking, Duty, Match, match_file, told
from server.cases.models import Case, Mission
from server.cases.queries import visible_case, visible_case_ids, visible_mission_ids
from server.cases.states import MissionState
from server.core.context import Context
from server.core.problem import invalid
from server.identity.kinds import KEYLESS_KINDS
from server.identity.models import Device, DutyBooking, User
from server.identity.queries import visible_device
from server.sync.commands import DockedFile, MatchFiles

CHOICES_MAX = 200


@dataclass(frozen=True, slots=True)
class _Booked:
    """A booking, with ids as texts as the rule takes them."""

    id: str
    device_id: str
    user_id: str
    mission_id: str | None
    starts_at: datetime
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class _Outing:
    """A mission, with ids as texts as the rule takes them."""

    id: str
    case_ids: tuple[str, ...]
    officer_ids: tuple[str, ...]
    device_ids: tuple[str, ...]
    starts_at: datetime | None
    ends_at: datetime | None


def matches(ctx: Context, command: MatchFiles) -> dict[str, Any]:
    """One match per file, in order, and the names of everything that the matches speak of."""
    if command.camera_id is not None:
        _require_camera(ctx, command.camera_id)
    for case_id in {one.case_id for one in command.files if one.case_id is not None}:
        visible_case(ctx, case_id)
    duty = _duty(ctx, command)
    camera = str(command.camera_id) if command.camera_id else None
    found = [_seen(ctx, _matched(one, camera, duty), duty) for one in command.files]
    return {"matches": [_shown(one) for one in found], **_names(ctx, found)}


def _matched(file: DockedFile, camera: str | None, duty: Duty) -> Match:
    match = match_file(file.at, camera, duty)
    if match.complete or file.case_id is None:
        return match
    return told(match, str(file.case_id), None, duty)


def _require_camera(ctx: Context, device_id: uuid.UUID) -> None:
    if visible_device(ctx, device_id).kind not in KEYLESS_KINDS:
        wrong = {"camera_id": ["is a device that signs its files itself"]}
        raise invalid(wrong)


def _duty(ctx: Context, command: MatchFiles) -> Duty:
    """Bookings of what has no key, near the files' times, and the missions the caller sees."""
    times = [one.at for one in command.files]
    first, last = min(times) - NEAR, max(times) + NEAR
    keyless = sa.select(Device.id).where(
        Device.court_id == ctx.actor.court_id, Device.kind.in_(KEYLESS_KINDS)
    )
    # Without a camera's name the caller is told of what they carried, not of everybody's.
    whose: sa.ColumnElement[bool] = sa.true()
    if command.camera_id is None and not ctx.actor.sees_whole_court:
        whose = DutyBooking.user_id == ctx.actor.user()
    booked = sa.select(DutyBooking).where(
        whose,
        DutyBooking.court_id == ctx.actor.court_id,
        DutyBooking.device_id.in_(keyless),
        DutyBooking.starts_at <= last,
        DutyBooking.ends_at >= first,
    )
    bookings = ctx.session.execute(booked.order_by(DutyBooking.starts_at)).scalars().all()
    named = {one.mission_id for one in bookings if one.mission_id is not None}
    during = sa.and_(Mission.starts_at <= last, Mission.ends_at >= first)
    outings = sa.select(Mission).where(
        Mission.id.in_(visible_mission_ids(ctx.actor)),
        Mission.state != MissionState.CANCELLED,
        sa.or_(Mission.id.in_(named), during),
    )
    missions = ctx.session.execute(outings.order_by(Mission.starts_at, Mission.id)).scalars().all()
    return Duty(
        tuple(_booked(one) for one in bookings),
        tuple(_outing(one) for one in missions),
    )


def _booked(one: DutyBooking) -> _Booked:
    mission = str(one.mission_id) if one.mission_id else None
    return _Booked(
        str(one.id), str(one.device_id), str(one.user_id), mission, one.starts_at, one.ends_at
    )


def _outing(one: Mission) -> _Outing:
    return _Outing(
        str(one.id),
        tuple(map(str, one.case_ids)),
        tuple(map(str, one.officer_ids)),
        tuple(map(str, one.device_ids)),
        one.starts_at,
        one.ends_at,
    )


def _seen(ctx: Context, match: Match, duty: Duty) -> Match:
    """Without what the caller may not see: a mission that they are not in, another's booking."""
    visible = _visible(ctx, match.case_choices)
    missions = {one.id for one in duty.missions}
    bookings = {one.id for one in duty.bookings if _is_for(ctx, one)}
    return replace(
        match,
        mission=match.mission if match.mission in missions else None,
        booking=match.booking if match.booking in bookings else None,
        case_choices=tuple(one for one in match.case_choices if one in visible),
    )


def _is_for(ctx: Context, booking: Booking) -> bool:
    return ctx.actor.sees_whole_court or booking.user_id == str(ctx.actor.user_id)


def _visible(ctx: Context, cases: Sequence[str]) -> set[str]:
    if not cases:
        return set()
    wanted = [uuid.UUID(one) for one in cases]
    statement = sa.select(Case.id).where(
        Case.id.in_(wanted), Case.id.in_(visible_case_ids(ctx.actor))
    )
    return {str(one) for one in ctx.session.execute(statement).scalars()}


def _shown(match: Match) -> dict[str, Any]:
    return {
        "certainty": match.certainty.value,
        "reason": match.reason.value,
        "complete": match.complete,
        "camera_id": match.camera,
        "booking_id": match.booking,
        "officer_id": match.officer,
        "mission_id": match.mission,
        "case_id": match.case,
        "case_choices": list(match.case_choices),
        "match": match.to_payload(),
    }


def _names(ctx: Context, found: Iterable[Match]) -> dict[str, dict[str, str]]:
    """What to call people, devices, missions and cases; of cases also those to choose from."""
    found = list(found)
    session, court = ctx.session, ctx.actor.court_id
    people = _ids(one.officer for one in found)
    devices = _ids(one.camera for one in found)
    missions = _ids(one.mission for one in found)
    cases = sa.select(Case.id, Case.case_no).where(Case.id.in_(visible_case_ids(ctx.actor)))
    named = _ids([*(one.case for one in found), *(c for one in found for c in one.case_choices)])
    if all(one.complete for one in found):
        cases = cases.where(Case.id.in_(named))
    else:  # somebody has to say where a file belongs: the newest cases first
        cases = cases.order_by(Case.id.in_(named).desc(), Case.id.desc()).limit(CHOICES_MAX)
    asked = {
        "officers": sa.select(User.id, User.name).where(
            User.court_id == court, User.id.in_(people)
        ),
        "cameras": sa.select(Device.id, Device.name).where(
            Device.court_id == court, Device.id.in_(devices)
        ),
        "missions": sa.select(Mission.id, Mission.title).where(
            Mission.id.in_(missions), Mission.id.in_(visible_mission_ids(ctx.actor))
        ),
        "cases": cases,
    }
    return {
        what: {str(one): name for one, name in session.execute(statement)}
        for what, statement in asked.items()
    }


def _ids(values: Iterable[str | None]) -> set[uuid.UUID]:
    return {uuid.UUID(one) for one in values if one is not None}
