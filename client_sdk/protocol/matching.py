"""Which officer, mission and case a file of a camera belongs to, and why.

Pure: it knows bookings, missions and the file's time. The officer is the one who
carried the camera at that time by duty booking, never the one who docks it. The SDK
asks it about what it pulled, the server about what it has: one rule for both docks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Protocol

from client_sdk.protocol.times import format_local

NEAR: Final = timedelta(minutes=15)


class Certainty(StrEnum):
    """How a file was matched."""

    SURE = "sure"  # within exactly one booking and one case
    NEAR = "near"  # the camera's clock is off by at most NEAR
    TOLD = "told"  # a person named the case
    UNMATCHED = "unmatched"


class Reason(StrEnum):
    """Why a file was or was not matched; the text is in the messages."""

    BOOKED = "booked"
    BOOKED_NEAR = "booked-near"
    TOLD = "told"
    TOLD_BOOKED = "told-booked"
    NO_BOOKING = "no-booking"
    MANY_OFFICERS = "many-officers"
    MANY_MISSIONS = "many-missions"
    NO_MISSION = "no-mission"
    MANY_CASES = "many-cases"
    NO_CASE = "no-case"


class Booking(Protocol):
    """Who carried which device from when until before when."""

    @property
    def id(self) -> str:
        """Of the booking."""
        ...

    @property
    def device_id(self) -> str:
        """What was carried."""
        ...

    @property
    def user_id(self) -> str:
        """Who carried it."""
        ...

    @property
    def mission_id(self) -> str | None:
        """What for, where the booking names it."""
        ...

    @property
    def starts_at(self) -> datetime:
        """From when."""
        ...

    @property
    def ends_at(self) -> datetime | None:
        """Until before when; None: open."""
        ...


class Mission(Protocol):
    """A mission: its window, and whom, what and which cases it concerns."""

    @property
    def id(self) -> str:
        """Of the mission."""
        ...

    @property
    def case_ids(self) -> tuple[str, ...]:
        """The cases it serves."""
        ...

    @property
    def officer_ids(self) -> tuple[str, ...]:
        """Who takes part."""
        ...

    @property
    def device_ids(self) -> tuple[str, ...]:
        """What is carried."""
        ...

    @property
    def starts_at(self) -> datetime | None:
        """Begin of its window."""
        ...

    @property
    def ends_at(self) -> datetime | None:
        """End of its window, exclusive."""
        ...


@dataclass(frozen=True, slots=True)
class Duty:
    """What is known: who carried what, and for which mission."""

    bookings: tuple[Booking, ...]
    missions: tuple[Mission, ...]

    def mission(self, identifier: str | None) -> Mission | None:
        """Mission of an id."""
        return next((m for m in self.missions if m.id == identifier), None)


@dataclass(frozen=True, slots=True)
class Match:
    """Result for one file; `case_choices` are what a person may choose from."""

    at: datetime
    certainty: Certainty
    reason: Reason
    camera: str | None = None
    booking: str | None = None
    officer: str | None = None
    mission: str | None = None
    case: str | None = None
    case_choices: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether nothing has to be asked."""
        return self.certainty is not Certainty.UNMATCHED

    def to_payload(self) -> dict[str, Any]:
        """Members of `match` in the record."""
        found = {
            "certainty": self.certainty.value,
            "reason": self.reason.value,
            "file_time": format_local(self.at),
            "time_source": "file",
        }
        if self.booking is not None:
            found["booking"] = self.booking
        return found


def match_file(at: datetime, camera: str | None, duty: Duty) -> Match:
    """Match a file by its time.

    `camera` None: any that was booked then. An officer who carried several is known all
    the same, only the camera is not.
    """
    bookings = [b for b in duty.bookings if camera in (None, b.device_id)]
    inside = [b for b in bookings if _distance(b, at) == timedelta()]
    found = inside or [b for b in bookings if _distance(b, at) <= NEAR]
    empty = Match(at, Certainty.UNMATCHED, Reason.NO_BOOKING, camera)
    if not found:
        return empty
    devices, officers = {b.device_id for b in found}, {b.user_id for b in found}
    if len(officers) > 1:
        return replace(empty, reason=Reason.MANY_OFFICERS, case_choices=_cases(found, at, duty))
    booking = min(found, key=lambda b: (_distance(b, at), b.starts_at))
    near = not inside
    partial = replace(
        empty,
        camera=booking.device_id if len(devices) == 1 else None,
        booking=booking.id if len(devices) == 1 else None,
        officer=booking.user_id,
        reason=Reason.NO_MISSION,
    )
    return _with_mission(partial, found, duty, near=near)


def _with_mission(partial: Match, found: Sequence[Booking], duty: Duty, *, near: bool) -> Match:
    at = partial.at
    named = {b.mission_id for b in found if b.mission_id}
    missions = [m for m in duty.missions if m.id in named] or [
        m for m in duty.missions if _concerns(m, partial) and _during(m, at)
    ]
    if not missions:
        if len(named) == 1:
            # The booking names a mission that this device was not told about.
            return replace(partial, mission=named.pop(), reason=Reason.NO_CASE)
        return partial
    if len(missions) > 1:
        choices = _unique(case for m in missions for case in m.case_ids)
        return replace(partial, reason=Reason.MANY_MISSIONS, case_choices=choices)
    mission = missions[0]
    known = replace(partial, mission=mission.id, case_choices=mission.case_ids)
    if len(mission.case_ids) != 1:
        reason = Reason.MANY_CASES if mission.case_ids else Reason.NO_CASE
        return replace(known, reason=reason)
    return replace(
        known,
        case=mission.case_ids[0],
        certainty=Certainty.NEAR if near else Certainty.SURE,
        reason=Reason.BOOKED_NEAR if near else Reason.BOOKED,
    )


def told(match: Match, case: str | None, mission: str | None, duty: Duty) -> Match:
    """What a person said about a file that could not be matched; the booking still counts."""
    chosen = mission or match.mission
    if chosen is None and case is not None:
        serving = [m.id for m in duty.missions if case in m.case_ids and _during(m, match.at)]
        chosen = serving[0] if len(serving) == 1 else None
    if case is None and chosen is not None:
        of_mission = duty.mission(chosen)
        case = of_mission.case_ids[0] if of_mission and len(of_mission.case_ids) == 1 else None
    if case is None and mission is None:
        return match
    reason = Reason.TOLD_BOOKED if match.officer else Reason.TOLD
    return replace(match, case=case, mission=chosen, certainty=Certainty.TOLD, reason=reason)


def _distance(booking: Booking, at: datetime) -> timedelta:
    """How far a time lies outside of a booking; zero inside."""
    if at < booking.starts_at:
        return booking.starts_at - at
    if booking.ends_at is not None and at >= booking.ends_at:
        return max(at - booking.ends_at, timedelta(microseconds=1))
    return timedelta()


def _during(mission: Mission, at: datetime) -> bool:
    starts, ends = mission.starts_at, mission.ends_at
    return (starts is None or starts <= at) and (ends is None or at < ends)


def _concerns(mission: Mission, match: Match) -> bool:
    return match.officer in mission.officer_ids or match.camera in mission.device_ids


def _cases(bookings: Iterable[Booking], at: datetime, duty: Duty) -> tuple[str, ...]:
    missions = [duty.mission(b.mission_id) for b in bookings]
    missions += [m for m in duty.missions if _during(m, at)]
    return _unique(case for m in missions if m is not None for case in m.case_ids)


def _unique(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))
