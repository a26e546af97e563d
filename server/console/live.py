"""Live operation: missions under way, their entries as they come, and the release desk."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any, Final

from flask import Blueprint, Response

from server.console.live_forms import DecisionForm, DeskQuery, RowsQuery
from server.console.pages import page, render, see
from server.core.context import Context
from server.core.permissions import Permission
from server.core.problem import Kind, Problem, not_found
from server.evidence import redactions
from server.live import feed, policy, queries, rules, service
from server.live.commands import Decide, Decision, DeskFilter
from server.live.queries import StaffEntry
from server.live.redaction import STAGES
from server.live.sources import EVIDENCE

blueprint = Blueprint("console_live", __name__)
_SHOWN_HERE: Final = frozenset({Kind.CONFLICT, Kind.VALIDATION, Kind.GONE})


@blueprint.get("/live")
@page(Permission.LIVE_VIEW)
def list_live(ctx: Context) -> Response:
    """Missions under way and recent ones, with what waits at their desks."""
    return render(ctx, "live/list.html", missions=queries.live_missions(ctx))


@blueprint.get("/live/<uuid:live_id>")
@page(Permission.LIVE_VIEW, query=DeskQuery)
def show_live(ctx: Context, live_id: uuid.UUID, query: DeskFilter) -> Response:
    """A mission's entries as they come."""
    return _desk(ctx, live_id, query, desk=False)


@blueprint.get("/live/<uuid:live_id>/control")
@page(Permission.LIVE_RELEASE, query=DeskQuery)
def control(ctx: Context, live_id: uuid.UUID, query: DeskFilter) -> Response:
    """The release desk of a mission."""
    return _desk(ctx, live_id, query, desk=True)


@blueprint.get("/live/<uuid:live_id>/rows")
@page(Permission.LIVE_VIEW, query=RowsQuery)
def show_rows(ctx: Context, live_id: uuid.UUID, query: dict[str, Any]) -> Response:
    """Entries that changed beyond a turn, for a page that is open."""
    found = queries.entries_of(ctx, live_id, query["after"])
    desk = ctx.actor.may(Permission.LIVE_RELEASE)
    return render(
        ctx, "live/rows.html", entries=found[::-1], mission_id=live_id, desk=desk,
        copies=_copies(ctx, found) if desk else {},
        turn=max((one.entry.turn for one in found), default=query["after"]),
    )  # fmt: skip


@blueprint.post("/live/<uuid:live_id>/entries/<uuid:entry_id>")
@page(Permission.LIVE_RELEASE, form=DecisionForm)
def decide(ctx: Context, live_id: uuid.UUID, entry_id: uuid.UUID, form: Decide) -> Response:
    """Hold, redact, release or withdraw an entry, and go back to it."""
    if queries.visible_entry(ctx, entry_id).mission_id != live_id:
        raise not_found()
    try:
        with ctx.session.begin_nested():
            service.decide(ctx, entry_id, form)
    except Problem as problem:
        if problem.kind not in _SHOWN_HERE:
            raise
        return _desk(ctx, live_id, DeskFilter(), desk=True, refusal=problem)
    said = f"live.said_{form.decision.value}"
    return see(f"/live/{live_id}/control#e-{entry_id}", said)


def _desk(
    ctx: Context,
    mission_id: uuid.UUID,
    query: DeskFilter,
    *,
    desk: bool,
    refusal: Problem | None = None,
) -> Response:
    summary = queries.summary_of(ctx, mission_id)
    found = queries.desk_of(ctx, mission_id, query)
    return render(
        ctx,
        "live/desk.html",
        status=refusal.status if refusal else 200,
        summary=summary,
        mission=summary.mission,
        mission_id=mission_id,
        found=found,
        query=query,
        desk=desk,
        copies=_copies(ctx, found.items) if desk else {},
        states=policy.STATES,
        decisions=list(Decision),
        turn=queries.newest_turn(ctx.session, mission_id),
        seen=feed.observer_state(ctx.session, mission_id),
        stages=[stage.value for stage in STAGES],
        rules=rules.in_force(ctx.session, ctx.actor.court_id),
        refusal=refusal,
        following=query.before is None and query.state is None,
    )


def _copies(ctx: Context, entries: Sequence[StaffEntry]) -> dict[uuid.UUID, uuid.UUID]:
    """The newest redacted photo of each capture that may be shown, by the entry's id."""
    found = {}
    for one in entries:
        if one.entry.source == EVIDENCE and one.entry.act == "photo":
            copy = redactions.derivative_for(ctx.session, one.entry.source_id)
            if copy is not None:
                found[one.entry.id] = copy.redaction_id
    return found
