"""Routes of live operation, for staff."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response

from server.core.context import Context
from server.core.endpoint import endpoint
from server.core.paging import Page
from server.core.permissions import Permission
from server.live import following, queries, rules, service
from server.live.commands import Decide, EntryFilter, SetRules
from server.live.feed import observer_entries
from server.live.models import ReleaseRulesRow
from server.live.queries import LiveSummary
from server.live.redaction import ReleaseRules
from server.live.schemas import (
    DecideBody,
    EntriesQuery,
    LiveMissionOut,
    ObserverEntryOut,
    RulesBody,
    RulesOut,
    StaffEntryOut,
)

blueprint = Blueprint("live", __name__)


@blueprint.get("/live/missions")
@endpoint(Permission.LIVE_VIEW, dump=LiveMissionOut)
def list_live(ctx: Context) -> Page[LiveSummary]:
    """List missions that are under way or ended lately, with what waits at their desks."""
    return Page(queries.live_missions(ctx))


@blueprint.get("/live/missions/<uuid:mission_id>/entries")
@endpoint(Permission.LIVE_VIEW, query=EntriesQuery, dump=StaffEntryOut)
def list_entries(ctx: Context, mission_id: uuid.UUID, query: EntryFilter) -> Page[dict[str, Any]]:
    """List a mission's entries that changed beyond a turn, in that order."""
    found = queries.entries_of(ctx, mission_id, query.after, query.limit)
    return Page([queries.staff_dict(one) for one in found])


@blueprint.get("/live/missions/<uuid:mission_id>/observed")
@endpoint(Permission.LIVE_VIEW, query=EntriesQuery, dump=ObserverEntryOut)
def list_observed(ctx: Context, mission_id: uuid.UUID, query: EntryFilter) -> Page[dict[str, Any]]:
    """List what observers see of a mission at this moment."""
    mission = queries.visible_live(ctx, mission_id)
    found = observer_entries(ctx.session, mission.id, query.after, query.limit)
    return Page([one.as_dict() for one in found])


@blueprint.get("/live/missions/<uuid:mission_id>/stream")
@endpoint(Permission.LIVE_VIEW, streams=True)
def stream_entries(ctx: Context, mission_id: uuid.UUID) -> Response:
    """Stream a mission's entries as they come and change (server-sent events)."""
    return following.follow(ctx, mission_id)


@blueprint.post("/live/entries/<uuid:entry_id>/decision")
@endpoint(Permission.LIVE_RELEASE, load=DecideBody, dump=StaffEntryOut)
def decide_entry(ctx: Context, entry_id: uuid.UUID, command: Decide) -> dict[str, Any]:
    """Hold, redact, release or withdraw an entry."""
    service.decide(ctx, entry_id, command)
    return queries.staff_dict(queries.staff_entry(ctx, entry_id))


@blueprint.get("/live/rules")
@endpoint(Permission.LIVE_VIEW, dump=RulesOut)
def show_rules(ctx: Context) -> ReleaseRules:
    """Show the court's rules of release."""
    return rules.in_force(ctx.session, ctx.actor.court_id)


@blueprint.get("/live/rules/history")
@endpoint(Permission.LIVE_RELEASE, dump=RulesOut)
def list_rules(ctx: Context) -> Page[ReleaseRulesRow]:
    """List every version of the court's rules of release, the newest first."""
    found: Sequence[ReleaseRulesRow] = rules.history(ctx)
    return Page(found)


@blueprint.put("/live/rules")
@endpoint(Permission.LIVE_RELEASE, load=RulesBody, dump=RulesOut)
def put_rules(ctx: Context, command: SetRules) -> ReleaseRulesRow:
    """Put a new version of the court's rules of release in force."""
    return rules.set_rules(ctx, command)
