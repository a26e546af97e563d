"""The list of cases, the same as JSON, CSV and GeoJSON, and saved views of lists."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final
from urllib.parse import parse_qsl

import sqlalchemy as sa
from flask import Blueprint, Response, request

from client_sdk.protocol.ids import short_code
from server.audit import service as audit
from server.audit.events import EventKind
from server.audit.service import Subject
from server.cases import search, views
from server.cases.case_no import CASE_TYPES
from server.cases.models import Case, Mission, MissionCase
from server.cases.search import CaseSearch
from server.cases.states import CaseStatus
from server.cases.view_models import SavedView
from server.cases.views import SaveView
from server.cases.visibility import sees_mission
from server.console import words
from server.console.cases_forms import BackForm, CaseListQuery, SaveViewForm
from server.console.court_names import people
from server.console.mapping import Spot, feature_collection
from server.console.pages import language, local_path, page, render, see
from server.console.spreadsheet import csv_response
from server.core.context import Context
from server.core.datum import WGS84, as_wgs84
from server.core.paging import Page
from server.core.permissions import Permission
from server.core.problem import Problem
from server.core.recording import recorded
from server.evidence import boards
from server.evidence import queries as evidence
from server.evidence.models import Evidence
from server.evidence.visibility import sees_evidence

blueprint = Blueprint("console_cases", __name__)
EXPORT_ROWS_MAX: Final = 5_000
PLACES_MAX: Final = 5_000
COLUMNS: Final = (
    "case_no", "code", "type", "status", "cause", "parties", "handler", "filed_on", "deadline_on",
    "claim_yuan", "items", "absent", "anomalies",
)  # fmt: skip
Counter = Callable[[Context, str], int]


@blueprint.get("/cases")
@page(Permission.CASES_VIEW, query=CaseListQuery)
def list_cases(ctx: Context, query: CaseSearch) -> Response:
    """List the cases one may see."""
    wanted = with_evidence(ctx, query)
    found = search.search(ctx, wanted)
    return render(
        ctx,
        "cases/list.html",
        page=found,
        query=query,
        total=search.count(ctx, wanted),
        facets=search.facets(ctx, wanted),
        anomalous=search.count(ctx, with_evidence(ctx, replace(query, anomalies=True))),
        tallies=boards.tallies(ctx, [case.id for case in found.items]),
        people=people(ctx),
        statuses=[one.value for one in CaseStatus],
        case_types=CASE_TYPES,
        views=saved_views(ctx, "cases"),
        query_text=views.kept_query(request.query_string.decode()),
        today=ctx.clock.now().date(),
    )


@blueprint.get("/cases.json")
@page(Permission.CASES_VIEW, query=CaseListQuery)
def cases_json(ctx: Context, query: CaseSearch) -> Response:
    """The same list for programs."""
    found = search.search(ctx, with_evidence(ctx, query))
    body = {"items": _records(ctx, found), "next_cursor": found.next_cursor}
    return as_json(body)


@blueprint.get("/cases.csv")
@page(Permission.CASES_VIEW, query=CaseListQuery)
def cases_csv(ctx: Context, query: CaseSearch) -> Response:
    """The same list for spreadsheets, without paging up to five thousand rows."""
    wanted = replace(with_evidence(ctx, query), limit=EXPORT_ROWS_MAX)
    found = search.search(ctx, wanted)
    headings = [words.text(language(), f"cases.column_{name}") for name in COLUMNS]
    rows = [[record[name] for name in COLUMNS] for record in _records(ctx, found)]
    return csv_response("cases", headings, rows)


@blueprint.get("/cases.geojson")
@page(Permission.CASES_VIEW, query=CaseListQuery, reads_evidence=True)
def cases_geojson(ctx: Context, query: CaseSearch) -> Response:
    """Places of the listed cases' missions and evidence in WGS-84; recorded."""
    found = search.search(ctx, with_evidence(ctx, query))
    cases = {case.id: case for case in found.items}
    spots = [*mission_spots(ctx, list(cases)), *_evidence_spots(ctx, cases)]
    facts = {"cases": len(cases), "places": len(spots)}
    with recorded(ctx):
        places_shown(ctx, Subject("court", ctx.actor.court_id), facts)
    response = as_json(feature_collection(spots))
    response.mimetype = "application/geo+json"
    return response


@blueprint.post("/views")
@page(Permission.CASES_VIEW, form=SaveViewForm)
def save_view(ctx: Context, form: tuple[SaveView, str]) -> Response:
    """Keep a list with its filters under a name."""
    command, back = form
    views.save(ctx, command)
    return see(local_path(back, "/cases"), said="cases.said_view_saved")


@blueprint.post("/views/<uuid:view_id>/remove")
@page(Permission.CASES_VIEW, form=BackForm)
def remove_view(ctx: Context, view_id: uuid.UUID, form: dict[str, Any]) -> Response:
    """Forget one's own view."""
    views.remove(ctx, view_id)
    return see(local_path(form["back"], "/cases"), said="cases.said_view_removed")


def with_evidence(ctx: Context, query: CaseSearch) -> CaseSearch:
    """The search with the rules that only the evidence can answer."""
    if not query.anomalies:
        return query
    odd = Case.id.in_(boards.anomalous_case_ids(ctx.actor.court_id))
    return replace(query, extra=(*query.extra, odd))


def saved_views(ctx: Context, name: str) -> list[tuple[SavedView, int | None]]:
    """Views of a page, each with what it finds now; None where its filters no longer hold."""
    count = _COUNTERS.get(name)
    return [
        (view, None if count is None else _counted(ctx, count, view.query))
        for view in views.views_of(ctx, name)
    ]


def mission_spots(ctx: Context, case_ids: list[uuid.UUID]) -> list[Spot]:
    """Places of visible missions of these cases."""
    served = sa.select(MissionCase.mission_id).where(MissionCase.case_id.in_(case_ids))
    statement = sa.select(Mission).where(Mission.id.in_(served), sees_mission(ctx.actor))
    found = []
    for mission in ctx.session.execute(statement).scalars():
        place = mission.place or {}
        where = as_wgs84(place["lat"], place["lon"], WGS84) if "lat" in place else None
        if where is not None:
            name = f"{mission.title} · {place.get('name', '')}"
            spot = Spot(str(mission.id), *where, "mission", name, mission.starts_at)
            found.append(spot)
    return found


def places_shown(
    ctx: Context, subject: Subject, facts: dict[str, Any], *, case_id: uuid.UUID | None = None
) -> None:
    """Record that places of evidence were listed; again within ten minutes adds nothing."""
    kind = EventKind.EVIDENCE_LISTED
    if not evidence.read_recently(ctx, uuid.UUID(str(subject.id)), kind):
        audit.record(ctx, kind, subject, facts, case_id=case_id)


def as_json(body: Any) -> Response:
    """JSON that nobody keeps."""
    response = Response(json.dumps(body, ensure_ascii=False), mimetype="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response


def _counted(ctx: Context, count: Counter, query: str) -> int | None:
    try:
        return count(ctx, query)
    except (Problem, ValueError):
        return None


def _count_cases(ctx: Context, query: str) -> int:
    found: CaseSearch = CaseListQuery().load(dict(parse_qsl(query)))
    return search.count(ctx, with_evidence(ctx, found))


def _records(ctx: Context, found: Page[Case]) -> list[dict[str, Any]]:
    tallies = boards.tallies(ctx, [case.id for case in found.items])
    names = people(ctx)
    return [_record(case, tallies.get(case.id), names) for case in found.items]


def _record(case: Case, tally: boards.Tally | None, names: Any) -> dict[str, Any]:
    handler = names.get(case.handler_id)
    return {
        "id": str(case.id),
        "case_no": case.case_no,
        "code": short_code(case.id),
        "type": case.type_code,
        "status": case.status,
        "cause": case.cause,
        "parties": ", ".join(party.name for party in case.parties),
        "handler": handler.name if handler else None,
        "filed_on": _day(case.filed_on),
        "deadline_on": _day(case.deadline_on),
        "claim_yuan": None if case.claim_fen is None else f"{case.claim_fen / 100:.2f}",
        "items": tally.items if tally else 0,
        "absent": tally.absent if tally else 0,
        "anomalies": tally.anomalous if tally else 0,
    }


def _day(value: Any) -> str | None:
    return None if value is None else value.isoformat()


def _evidence_spots(ctx: Context, cases: dict[uuid.UUID, Case]) -> list[Spot]:
    columns = (
        Evidence.id, Evidence.case_id, Evidence.media, Evidence.captured_at, Evidence.lat,
        Evidence.lon, Evidence.geo_datum,
    )  # fmt: skip
    statement = (
        sa.select(*columns)
        .where(
            sees_evidence(ctx.actor), Evidence.case_id.in_(list(cases)), Evidence.lat.is_not(None)
        )
        .order_by(Evidence.captured_at.desc(), Evidence.id)
        .limit(PLACES_MAX)
    )
    found = []
    for one, case_id, media, at, lat, lon, datum in ctx.session.execute(statement):
        where = as_wgs84(lat or "", lon or "", datum)
        if where is not None and case_id is not None:
            found.append(Spot(str(one), *where, media, cases[case_id].case_no, at))
    return found


_COUNTERS: Final[dict[str, Counter]] = {"cases": _count_cases}
