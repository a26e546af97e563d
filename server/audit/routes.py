"""The log over HTTP, for those who answer for the court."""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from server.audit import queries
from server.audit.schemas import EventQuery, EventsOut
from server.core.context import Context
from server.core.endpoint import endpoint
from server.core.permissions import Permission

blueprint = Blueprint("audit", __name__)


@blueprint.get("/events")
@endpoint(Permission.AUDIT_VIEW, query=EventQuery, dump=EventsOut)
def list_events(ctx: Context, query: dict[str, Any]) -> dict[str, Any]:
    """Entries of the court's log beyond an index, with the texts that were signed."""
    after, limit = query["after"], query["limit"]
    court_id = ctx.actor.court_id
    found = queries.court_events(ctx.session, court_id, after, limit + 1, query.get("case_id"))
    shown = found[:limit]
    return {
        "events": shown,
        "next_after": shown[-1].log_index if shown else after,
        "has_more": len(found) > limit,
    }
