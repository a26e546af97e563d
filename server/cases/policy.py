"""Rules about one case or mission: pure, on loaded rows; the coarse gate is the permission."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final

from server.cases.case_no import CaseNo
from server.cases.models import Case, Mission
from server.cases.states import CASE_NEXT, ENTERED_BY, MISSION_NEXT, CaseStatus, MissionState
from server.core.context import Actor
from server.core.permissions import Permission, Role
from server.core.problem import Kind, Problem, not_found
from server.identity.models import Device, User

MISSION_LENGTH_MAX: Final = timedelta(days=31)
_GOES_OUT: Final = frozenset({Role.OFFICER, Role.JUDICIAL_POLICE, Role.SUPERVISOR, Role.PRESIDENT})
_HANDLES: Final = _GOES_OUT - {Role.JUDICIAL_POLICE}  # bailiffs assist (06 §0, fact 4)


def require_number_of(court_code: str, number: CaseNo) -> None:
    """A case number names the court that filed it, so another court's is a mistake."""
    if number.court_code != court_code:
        raise Problem(
            Kind.CASE_NO_INVALID,
            f"the number names the court {number.court_code}; this court is {court_code}",
        )


def require_handler(person: User | None) -> User:
    """Someone who may be in charge of a case."""
    return _require_person(person, _HANDLES, "handle a case")


def require_field_person(person: User | None) -> User:
    """Someone who may work on a case and go out for it."""
    return _require_person(person, _GOES_OUT, "work on a case")


def require_usable(device: Device | None) -> Device:
    """A device of the court that was not revoked."""
    if device is None:
        raise not_found("a device that is named")
    if device.revoked_at is not None:
        raise Problem(Kind.CONFLICT, "a device that is named was revoked", device_id=str(device.id))
    return device


def require_dates(filed_on: date | None, deadline_on: date | None) -> None:
    """A deadline does not lie before the filing."""
    if filed_on is not None and deadline_on is not None and deadline_on < filed_on:
        raise Problem(Kind.VALIDATION, "deadline_on lies before filed_on")


def require_case_change(case: Case, status: CaseStatus | None) -> None:
    """The next status must be one that may follow."""
    now = CaseStatus(case.status)
    if status is not None and status is not now and status not in CASE_NEXT[now]:
        raise Problem(Kind.CONFLICT, f"a case that is {now} cannot become {status}")


def sayable(now: CaseStatus) -> list[CaseStatus]:
    """What a case may simply be said to be: the rest is entered, and judged by its gates."""
    after = frozenset[CaseStatus]() if now in ENTERED_BY else CASE_NEXT[now] - set(ENTERED_BY)
    return [one for one in CaseStatus if one is now or one in after]


def require_said(case: Case, status: CaseStatus | None) -> None:
    """A closing, a suspension and going on after one are entered, not said."""
    now = CaseStatus(case.status)
    if status is None or now is CaseStatus.CLOSED or status in sayable(now):
        return
    entry = ENTERED_BY.get(status, "case.continued")
    kind = Kind.GATE_CLOSED if status in ENTERED_BY else Kind.CONFLICT
    raise Problem(kind, f"write the entry {entry}: its gates are judged", entry=entry)


def require_begun(status: CaseStatus) -> None:
    """A case is filed to be enforced; what becomes of it is entered."""
    if status in ENTERED_BY:
        raise Problem(Kind.CONFLICT, f"a case is not filed as {status}")


def require_window(starts_at: datetime, ends_at: datetime) -> None:
    """A mission ends after it starts, and within a month."""
    if not timedelta(0) < ends_at - starts_at <= MISSION_LENGTH_MAX:
        raise Problem(
            Kind.VALIDATION, f"ends_at lies after starts_at, at most {MISSION_LENGTH_MAX.days} days"
        )


def require_mission_change(actor: Actor, mission: Mission, fields: Mapping[str, Any]) -> None:
    """Those who plan missions change everything; who goes on one may start and end it.

    An ended or cancelled mission stays as it is: evidence refers to it.
    """
    now = MissionState(mission.state)
    if not MISSION_NEXT[now]:
        raise Problem(Kind.CONFLICT, f"the mission is {now} and stays as it is")
    state = fields.get("state")
    plans = actor.may(Permission.MISSIONS_EDIT)
    if not plans and (set(fields) != {"state"} or state is MissionState.CANCELLED):
        raise Problem(Kind.FORBIDDEN, "you may start and end this mission, nothing else")
    if state is not None and state is not now and state not in MISSION_NEXT[now]:
        raise Problem(Kind.CONFLICT, f"a mission that is {now} cannot become {state}")


def _require_person(person: User | None, roles: frozenset[Role], doing: str) -> User:
    if person is None:
        raise not_found("a person who is named")
    held = {role.value for role in roles}
    if person.disabled_at is not None or held.isdisjoint(person.roles):
        raise Problem(
            Kind.CONFLICT, f"{person.name} may not {doing}: {person.id}", user_id=str(person.id)
        )
    return person
