"""Routes of the cases slice."""

from __future__ import annotations

import uuid

from flask import Blueprint

from server.cases import missions, queries, service
from server.cases.commands import (
    AddCase,
    AddMission,
    Assign,
    CaseFilter,
    Change,
    MissionFilter,
    PartyCommand,
)
from server.cases.models import Case, Mission
from server.cases.schemas import (
    AddCaseSchema,
    AddMissionSchema,
    AssignSchema,
    CaseOut,
    CaseQuery,
    ChangeCaseSchema,
    ChangeMissionSchema,
    ChangePartySchema,
    MissionOut,
    MissionQuery,
    PartySchema,
)
from server.core.context import Context
from server.core.endpoint import endpoint
from server.core.paging import Page
from server.core.permissions import Permission
from server.core.replies import require_version

blueprint = Blueprint("cases", __name__)


@blueprint.get("/cases")
@endpoint(Permission.CASES_VIEW, query=CaseQuery, dump=CaseOut)
def list_cases(ctx: Context, query: CaseFilter) -> Page[Case]:
    """List the cases you may see, newest first."""
    return queries.list_cases(ctx, query)


@blueprint.post("/cases")
@endpoint(Permission.CASES_EDIT, load=AddCaseSchema, dump=CaseOut, status=201)
def add_case(ctx: Context, command: AddCase) -> Case:
    """File a case under its number."""
    return service.add(ctx, command)


@blueprint.get("/cases/<uuid:case_id>")
@endpoint(Permission.CASES_VIEW, dump=CaseOut)
def get_case(ctx: Context, case_id: uuid.UUID) -> Case:
    """Read a case."""
    return queries.visible_case(ctx, case_id)


@blueprint.patch("/cases/<uuid:case_id>")
@endpoint(Permission.CASES_EDIT, load=ChangeCaseSchema, dump=CaseOut)
def change_case(ctx: Context, case_id: uuid.UUID, command: Change) -> Case:
    """Change fields of a case."""
    return service.change(ctx, _as_read(ctx, case_id), command)


@blueprint.post("/cases/<uuid:case_id>/assignments")
@endpoint(Permission.CASES_EDIT, load=AssignSchema, dump=CaseOut, status=201)
def assign(ctx: Context, case_id: uuid.UUID, command: Assign) -> Case:
    """Assign people to a case, besides its handler."""
    return service.assign(ctx, queries.visible_case(ctx, case_id, to_change=True), command)


@blueprint.delete("/cases/<uuid:case_id>/assignments/<uuid:officer_id>")
@endpoint(Permission.CASES_EDIT, dump=CaseOut)
def unassign(ctx: Context, case_id: uuid.UUID, officer_id: uuid.UUID) -> Case:
    """Take someone off a case."""
    return service.unassign(ctx, queries.visible_case(ctx, case_id, to_change=True), officer_id)


@blueprint.post("/cases/<uuid:case_id>/parties")
@endpoint(Permission.CASES_EDIT, load=PartySchema, dump=CaseOut, status=201)
def add_party(ctx: Context, case_id: uuid.UUID, command: PartyCommand) -> Case:
    """Append a party to a case."""
    return service.add_party(ctx, queries.visible_case(ctx, case_id, to_change=True), command)


@blueprint.patch("/cases/<uuid:case_id>/parties/<uuid:party_id>")
@endpoint(Permission.CASES_EDIT, load=ChangePartySchema, dump=CaseOut)
def change_party(ctx: Context, case_id: uuid.UUID, party_id: uuid.UUID, command: Change) -> Case:
    """Change a party; If-Match carries the version of the case."""
    return service.change_party(ctx, _as_read(ctx, case_id), party_id, command)


@blueprint.delete("/cases/<uuid:case_id>/parties/<uuid:party_id>")
@endpoint(Permission.CASES_EDIT, dump=CaseOut)
def remove_party(ctx: Context, case_id: uuid.UUID, party_id: uuid.UUID) -> Case:
    """Take a party off a case; If-Match carries the version of the case."""
    return service.remove_party(ctx, _as_read(ctx, case_id), party_id)


@blueprint.get("/missions")
@endpoint(Permission.MISSIONS_VIEW, query=MissionQuery, dump=MissionOut)
def list_missions(ctx: Context, query: MissionFilter) -> Page[Mission]:
    """List the missions you may see, the latest planned first."""
    return queries.list_missions(ctx, query)


@blueprint.post("/missions")
@endpoint(Permission.MISSIONS_EDIT, load=AddMissionSchema, dump=MissionOut, status=201)
def add_mission(ctx: Context, command: AddMission) -> Mission:
    """Plan a mission: cases, place, window, people and devices."""
    return missions.add(ctx, command)


@blueprint.get("/missions/<uuid:mission_id>")
@endpoint(Permission.MISSIONS_VIEW, dump=MissionOut)
def get_mission(ctx: Context, mission_id: uuid.UUID) -> Mission:
    """Read a mission."""
    return queries.visible_mission(ctx, mission_id)


@blueprint.patch("/missions/<uuid:mission_id>")
@endpoint(Permission.MISSIONS_CONDUCT, load=ChangeMissionSchema, dump=MissionOut)
def change_mission(ctx: Context, mission_id: uuid.UUID, command: Change) -> Mission:
    """Change a mission; who goes on it may start and end it."""
    mission = queries.visible_mission(ctx, mission_id, to_change=True)
    require_version(mission.version)
    return missions.change(ctx, mission, command)


def _as_read(ctx: Context, case_id: uuid.UUID) -> Case:
    case = queries.visible_case(ctx, case_id, to_change=True)
    require_version(case.version)
    return case
