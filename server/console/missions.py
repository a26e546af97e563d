"""Missions: the list, one mission, planning and changing, start, end, cancel."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from flask import Blueprint, Response

from server.cases import missions
from server.cases import queries as cases
from server.cases.case_no import CaseNoError, normalise
from server.cases.commands import AddMission, Change, MissionFilter
from server.cases.models import Case, Mission
from server.cases.states import MISSION_NEXT, MissionState
from server.console.cases_forms import MissionForm, MissionListQuery, MissionStateForm
from server.console.court_names import Named, devices, people
from server.console.pages import page, render, see
from server.core.context import Context
from server.core.permissions import Permission, Role
from server.core.problem import Kind, Problem

blueprint = Blueprint("console_missions", __name__)
_GO_OUT: Final = frozenset({Role.OFFICER, Role.JUDICIAL_POLICE, Role.SUPERVISOR, Role.PRESIDENT})
_REFUSED: Final = frozenset(
    {Kind.VALIDATION, Kind.CONFLICT, Kind.CASE_NO_INVALID, Kind.PRECONDITION_FAILED}
)
_FIELDS: Final = (
    "title", "cases", "place", "lat", "lon", "starts_at", "ends_at", "officer_ids", "device_ids",
)  # fmt: skip
_SAID: Final = {
    MissionState.STARTED: "missions.said_started",
    MissionState.ENDED: "missions.said_ended",
    MissionState.CANCELLED: "missions.said_cancelled",
}


@blueprint.get("/missions")
@page(Permission.MISSIONS_VIEW, query=MissionListQuery)
def list_missions(ctx: Context, query: dict[str, Any]) -> Response:
    """The missions one may see, the latest planned first."""
    wanted = MissionFilter(**query)
    found = cases.list_missions(ctx, wanted)
    numbers = _numbers(ctx, [one for mission in found.items for one in mission.case_ids])
    return render(
        ctx, "missions/list.html", page=found, query=wanted, people=people(ctx),
        devices=devices(ctx), numbers=numbers, states=[one.value for one in MissionState],
    )  # fmt: skip


@blueprint.get("/missions/new")
@page(Permission.MISSIONS_EDIT, query=MissionListQuery)
def new_mission(ctx: Context, query: dict[str, Any]) -> Response:
    """The form to plan a mission."""
    given = {}
    if query.get("case_id") is not None:
        given["cases"] = cases.visible_case(ctx, query["case_id"]).case_no
    return _form(ctx, given, None)


@blueprint.post("/missions/new")
@page(Permission.MISSIONS_EDIT, form=MissionForm)
def add_mission(ctx: Context, form: dict[str, Any]) -> Response:
    """Plan a mission."""
    try:
        with ctx.session.begin_nested():
            mission = missions.add(ctx, AddMission(**_values(ctx, form)))
    except Problem as problem:
        return _refused(ctx, problem, form, None)
    return see(f"/missions/{mission.id}", said="missions.said_added")


@blueprint.get("/missions/<uuid:mission_id>")
@page(Permission.MISSIONS_VIEW)
def show_mission(ctx: Context, mission_id: uuid.UUID) -> Response:
    """One mission: place, time, people, devices, cases."""
    mission = cases.visible_mission(ctx, mission_id)
    now = MissionState(mission.state)
    may_plan = ctx.actor.may(Permission.MISSIONS_EDIT)
    onward = [
        state
        for state in (MissionState.STARTED, MissionState.ENDED, MissionState.CANCELLED)
        if state in MISSION_NEXT[now] and (may_plan or state is not MissionState.CANCELLED)
    ]
    return render(
        ctx, "missions/show.html", mission=mission, onward=[one.value for one in onward],
        editable=may_plan and bool(MISSION_NEXT[now]), people=people(ctx), devices=devices(ctx),
        numbers=_numbers(ctx, mission.case_ids),
    )  # fmt: skip


@blueprint.get("/missions/<uuid:mission_id>/edit")
@page(Permission.MISSIONS_EDIT)
def edit_mission(ctx: Context, mission_id: uuid.UUID) -> Response:
    """The form to change a mission."""
    mission = cases.visible_mission(ctx, mission_id)
    return _form(ctx, _given(ctx, mission), mission)


@blueprint.post("/missions/<uuid:mission_id>/edit")
@page(Permission.MISSIONS_EDIT, form=MissionForm)
def change_mission(ctx: Context, mission_id: uuid.UUID, form: dict[str, Any]) -> Response:
    """Change a mission; whoever is taken off is told."""
    mission = cases.visible_mission(ctx, mission_id, to_change=True)
    try:
        with ctx.session.begin_nested():
            require_read(mission.version, form.pop("version", None))
            missions.change(ctx, mission, Change(_values(ctx, form)))
    except Problem as problem:
        return _refused(ctx, problem, form, mission)
    return see(f"/missions/{mission_id}", said="missions.said_changed")


@blueprint.post("/missions/<uuid:mission_id>/state")
@page(Permission.MISSIONS_CONDUCT, form=MissionStateForm)
def change_state(ctx: Context, mission_id: uuid.UUID, form: dict[str, Any]) -> Response:
    """Start, end or cancel a mission."""
    mission = cases.visible_mission(ctx, mission_id, to_change=True)
    require_read(mission.version, form["version"])
    missions.change(ctx, mission, Change({"state": form["state"]}))
    return see(f"/missions/{mission_id}", said=_SAID.get(form["state"], "missions.said_changed"))


def require_read(current: int, given: int | None) -> None:
    """Refuse a form that was opened before somebody else changed the same thing."""
    if given != current:
        raise Problem(Kind.PRECONDITION_FAILED)


def _form(
    ctx: Context,
    given: Mapping[str, Any],
    mission: Mission | None,
    refused: Problem | None = None,
) -> Response:
    return render(
        ctx, "missions/form.html", status=refused.status if refused else 200,
        given={**dict.fromkeys(_FIELDS), **given}, mission=mission, refused=refused,
        zone=ctx.settings.time_zone,
        people=[one for one in people(ctx).values() if _goes_out(one)],
        devices=[one for one in devices(ctx).values() if one.usable],
    )  # fmt: skip


def _refused(
    ctx: Context, problem: Problem, form: Mapping[str, Any], mission: Mission | None
) -> Response:
    """The form again with what was written and why it was not taken."""
    if problem.kind not in _REFUSED:
        raise problem
    place = form.get("place") or {}
    given = {
        **form, "cases": form.get("case_numbers", ""), "place": place.get("name"),
        "lat": place.get("lat"), "lon": place.get("lon"),
    }  # fmt: skip
    return _form(ctx, _local(ctx, given), mission, problem)


def _given(ctx: Context, mission: Mission) -> dict[str, Any]:
    place = mission.place or {}
    numbers = _numbers(ctx, mission.case_ids)
    given = {
        "title": mission.title, "place": place.get("name"), "lat": place.get("lat"),
        "lon": place.get("lon"), "starts_at": mission.starts_at, "ends_at": mission.ends_at,
        "officer_ids": mission.officer_ids, "device_ids": mission.device_ids,
        "cases": "\n".join(numbers[one] for one in mission.case_ids if one in numbers),
    }  # fmt: skip
    return _local(ctx, given)


def _local(ctx: Context, given: dict[str, Any]) -> dict[str, Any]:
    """Moments as ``datetime-local`` shows them."""
    zone = ZoneInfo(ctx.settings.time_zone)
    for name in ("starts_at", "ends_at"):
        if given.get(name) is not None:
            given[name] = f"{given[name].astimezone(zone):%Y-%m-%dT%H:%M}"
    return given


def _values(ctx: Context, form: Mapping[str, Any]) -> dict[str, Any]:
    wanted = ("title", "place", "starts_at", "ends_at")
    return {
        **{name: form[name] for name in wanted},
        "case_ids": _case_ids(ctx, form["case_numbers"]),
        "officer_ids": tuple(dict.fromkeys(form["officer_ids"])),
        "device_ids": tuple(dict.fromkeys(form["device_ids"])),
    }


def _case_ids(ctx: Context, text: str) -> tuple[uuid.UUID, ...]:
    """Cases by their numbers, one a line, in any customary writing."""
    found, unknown = [], []
    for given in filter(None, (part.strip() for part in text.splitlines())):
        try:
            case = cases.case_numbered(ctx.session, ctx.actor.court_id, normalise(given))
        except CaseNoError:
            case = None
        if case is None:
            unknown.append(given)
        else:
            found.append(case.id)
    if unknown:
        raise Problem(Kind.VALIDATION, ", ".join(unknown), unknown_cases=unknown)
    return tuple(dict.fromkeys(found))


def _numbers(ctx: Context, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Numbers of those cases that the reader may see."""
    visible = Case.id.in_(cases.visible_case_ids(ctx.actor))
    statement = sa.select(Case.id, Case.case_no).where(Case.id.in_(set(ids)), visible)
    return dict(ctx.session.execute(statement).all())


def _goes_out(person: Named) -> bool:
    return person.usable and not person.roles.isdisjoint(role.value for role in _GO_OUT)
