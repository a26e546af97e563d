"""Routes of where cases stand: state, limits, closing gates."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Blueprint

from server.conduct import case_views
from server.conduct.case_models import CaseStanding
from server.conduct.case_schemas import (
    ClocksOut,
    GatesOut,
    GatesQuery,
    StandingOut,
    StandingQuery,
    StateOut,
)
from server.conduct.case_views import GatesAsked, StandingFilter
from server.core.context import Context
from server.core.endpoint import endpoint
from server.core.paging import Page
from server.core.permissions import Permission

blueprint = Blueprint("standing", __name__)


@blueprint.get("/case-states")
@endpoint(Permission.CASES_VIEW, query=StandingQuery, dump=StandingOut)
def list_states(ctx: Context, query: StandingFilter) -> Page[CaseStanding]:
    """List where the cases you may see stand, newest first."""
    return case_views.standings(ctx, query)


@blueprint.get("/cases/<uuid:case_id>/state")
@endpoint(Permission.CASES_VIEW, dump=StateOut)
def get_state(ctx: Context, case_id: uuid.UUID) -> dict[str, Any]:
    """Read where a case stands by its entries: amounts, measures, talks, key case, alarms."""
    return case_views.state(ctx, case_id)


@blueprint.get("/cases/<uuid:case_id>/clocks")
@endpoint(Permission.CASES_VIEW, dump=ClocksOut)
def get_clocks(ctx: Context, case_id: uuid.UUID) -> dict[str, Any]:
    """List the limits that began in a case, the most pressing first."""
    return case_views.clocks(ctx, case_id)


@blueprint.get("/cases/<uuid:case_id>/gates")
@endpoint(Permission.CASES_VIEW, query=GatesQuery, dump=GatesOut)
def get_gates(ctx: Context, case_id: uuid.UUID, query: GatesAsked) -> dict[str, Any]:
    """Try a way of closing a case: every gate, and what is missing."""
    return case_views.gates_of(ctx, case_id, query)
