"""One case: what it is about, its timeline, map and media with one cursor, what is missing."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa
from flask import Blueprint, Response

from client_sdk.protocol.ids import short_code
from server.audit.service import Subject
from server.cases import queries as cases
from server.cases.case_no import CASE_TYPES
from server.cases.models import Case, Mission, MissionCase
from server.cases.visibility import sees_mission
from server.conduct import case_views
from server.console import cases_timeline, mapping
from server.console.cases_forms import TimelineQuery
from server.console.cases_list import as_json, places_shown
from server.console.cases_timeline import Entry, Window
from server.console.court_names import devices, people
from server.console.pages import page, render
from server.core.clock import rfc3339
from server.core.context import Context
from server.core.datum import WGS84, as_wgs84
from server.core.permissions import Permission
from server.core.problem import not_found
from server.core.recording import recorded
from server.evidence import boards, listing, reuse
from server.evidence import queries as evidence
from server.evidence import timeline as evidence_timeline
from server.evidence.boards import MissingFilter
from server.evidence.models import Evidence
from server.evidence.reuse import ReuseFilter

blueprint = Blueprint("console_case", __name__)
PREVIEW_ROWS: Final = 5
_ASKED: Final = ("starts_at", "ends_at", "at", "item", "cursor")


@blueprint.get("/cases/<uuid:case_id>")
@page(Permission.CASES_VIEW, query=TimelineQuery, reads_evidence=True)
def show_case(ctx: Context, case_id: uuid.UUID, query: dict[str, Any]) -> Response:
    """One case with its timeline; the listing of its evidence is recorded."""
    case = cases.visible_case(ctx, case_id)
    selected = _selected(ctx, case, query.get("item"))
    asked = _asked(query, selected)
    machines, missions = devices(ctx), _missions(ctx, case)
    along = cases_timeline.along(ctx, case, asked, missions, machines)
    spots, elsewhere = _spots(ctx, case, along.window if along else None, missions)
    if along is not None:
        _listed(ctx, case, along.entries)
    here = MissingFilter(case_id=case.id, limit=PREVIEW_ROWS)
    return render(
        ctx,
        "cases/show.html",
        case=case,
        case_types=CASE_TYPES,
        people=people(ctx),
        devices=machines,
        missions=missions,
        along=along,
        query={**dict.fromkeys(_ASKED), **query},
        selected=selected,
        detail=_detail(ctx, selected),
        drawing=mapping.draw(spots),
        spots=spots,
        spots_elsewhere=elsewhere,
        counts=evidence_timeline.counts(ctx, case.id, along.kinds if along else {}),
        absent=boards.absent_items(ctx, here).items,
        counter_gaps=boards.counter_gaps(ctx, here, along.window) if along else [],
        pairs=reuse.pairs(ctx, ReuseFilter(case_id=case.id, limit=PREVIEW_ROWS)).items,
        reused=reuse.count(ctx, case.id),
        today=ctx.clock.now().date(),
        pressing=[case_views.alarm(one) for one in case_views.picture_of(ctx, case).alarms],
    )


@blueprint.get("/cases/<uuid:case_id>/timeline.json")
@page(Permission.CASES_VIEW, query=TimelineQuery, reads_evidence=True)
def timeline_json(ctx: Context, case_id: uuid.UUID, query: dict[str, Any]) -> Response:
    """A page of a window's entries for programs."""
    case = cases.visible_case(ctx, case_id)
    window = cases_timeline.window_of(ctx, case, query)
    if window is None:
        return as_json({"items": [], "next_cursor": None})
    entries, following = cases_timeline.entries_of(ctx, case, window, query)
    _listed(ctx, case, entries)
    body = {
        "from": rfc3339(window[0]),
        "to": rfc3339(window[1]),
        "items": [_entry(entry) for entry in entries],
        "next_cursor": following,
    }
    return as_json(body)


@blueprint.get("/cases/<uuid:case_id>/map.geojson")
@page(Permission.CASES_VIEW, query=TimelineQuery, reads_evidence=True)
def map_geojson(ctx: Context, case_id: uuid.UUID, query: dict[str, Any]) -> Response:
    """Places of a window in WGS-84; that they were shown is recorded."""
    case = cases.visible_case(ctx, case_id)
    window = cases_timeline.window_of(ctx, case, query)
    spots, _ = _spots(ctx, case, window, _missions(ctx, case))
    with recorded(ctx):
        places_shown(ctx, Subject("case", case.id), {"places": len(spots)}, case_id=case.id)
    response = as_json(mapping.feature_collection(spots))
    response.mimetype = "application/geo+json"
    return response


@blueprint.get("/cases/<uuid:case_id>/media/<uuid:evidence_id>")
@page(Permission.EVIDENCE_VIEW)
def show_media(ctx: Context, case_id: uuid.UUID, evidence_id: uuid.UUID) -> Response:
    """The player or picture of one item, for the pane beside the timeline."""
    case = cases.visible_case(ctx, case_id)
    selected = _selected(ctx, case, evidence_id)
    return render(
        ctx,
        "cases/media.html",
        case=case,
        selected=selected,
        detail=_detail(ctx, selected),
        devices=devices(ctx),
        people=people(ctx),
    )


def _listed(ctx: Context, case: Case, entries: Sequence[Entry]) -> None:
    items = [entry.item for entry in entries if entry.item is not None]
    with recorded(ctx):
        listing.listed(ctx, items, case_id=case.id)


def _selected(ctx: Context, case: Case, evidence_id: uuid.UUID | None) -> Evidence | None:
    if evidence_id is None:
        return None
    item = evidence.visible_evidence(ctx, evidence_id)
    if item.case_id != case.id:
        raise not_found()
    return item


def _asked(query: dict[str, Any], selected: Evidence | None) -> dict[str, Any]:
    """A selected item brings its own moment, unless the address says another."""
    if selected is None or query.get("at") is not None or query.get("cursor"):
        return query
    return {**query, "at": selected.captured_at}


def _detail(ctx: Context, item: Evidence | None) -> dict[str, Any] | None:
    if item is None:
        return None
    here = item.state == "verified"
    examined = evidence.examination_of(ctx.session, item.sha256) if here else None
    return {
        "derivatives": evidence.derivatives_of(ctx.session, item.sha256) if here else [],
        "examination": examined.findings if examined else None,
        "begins_at": evidence_timeline.begins_at(ctx, item),
    }


def _missions(ctx: Context, case: Case) -> list[Mission]:
    statement = (
        sa.select(Mission)
        .join(MissionCase, MissionCase.mission_id == Mission.id)
        .where(MissionCase.case_id == case.id, sees_mission(ctx.actor))
        .order_by(Mission.starts_at.desc(), Mission.id)
    )
    return list(ctx.session.execute(statement).scalars().all())


def _spots(
    ctx: Context, case: Case, window: Window | None, missions: list[Mission]
) -> tuple[list[mapping.Spot], int]:
    """What the map shows, and how many positions have a datum that is not converted here."""
    found = []
    for mission in missions:
        place = mission.place or {}
        where = as_wgs84(place["lat"], place["lon"], WGS84) if "lat" in place else None
        if where is not None:
            name = str(place["name"])
            found.append(mapping.Spot(str(mission.id), *where, "mission", name, mission.starts_at))
    elsewhere = 0
    for spot in cases_timeline.spots(ctx, case, window) if window else ():
        where = as_wgs84(spot.lat, spot.lon, spot.datum)
        if where is None:
            elsewhere += 1
            continue
        code = short_code(spot.id)
        found.append(mapping.Spot(str(spot.id), *where, spot.media, code, spot.at))
    return found, elsewhere


def _entry(entry: Entry) -> dict[str, Any]:
    common = {"id": str(entry.id), "code": short_code(entry.id), "at": rfc3339(entry.at)}
    if entry.item is not None:
        item = entry.item
        more = {"kind": item.media, "state": item.state, "review": item.review_state}
    else:
        line = entry.line
        more = {"kind": line.act if line else "", "text": (line.text if line else None) or ""}
    return {**common, "error_ms": entry.error_ms, **more}
