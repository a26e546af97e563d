"""Where a case stands: state and limits, trying to close it, and what it is as a key case."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any, Final

from flask import Blueprint, Response
from marshmallow import Schema, fields, post_load, validate

from client_sdk.protocol.entries import kinds
from server.cases import queries as cases
from server.cases.case_no import CASE_TYPES
from server.cases.closing_rules import Closing
from server.cases.states import CaseStatus
from server.conduct import case_reading, case_views
from server.conduct.case_views import GatesAsked
from server.conduct.key_cases import SIX
from server.console.court_names import people
from server.console.pages import page, render
from server.core.context import Context
from server.core.permissions import Permission

blueprint = Blueprint("console_case_standing", __name__)
# How a limit stands, as a badge; its text says the same.
BADGES: Final = {
    "running": "info", "paused": "", "due_soon": "warn", "overdue": "bad", "met": "good",
    "met_late": "warn", "missed": "bad",
}  # fmt: skip
_SUSPENDED: Final = Closing.SUSPENDED.value


class ClosingQuery(Schema):
    """A way of closing to be tried, and the day; none yet when the page is opened."""

    closing = fields.String(validate=validate.OneOf([one.value for one in Closing]))
    on = fields.Date()

    @post_load
    def _asked(self, data: dict[str, Any], **_: Any) -> GatesAsked | None:
        return GatesAsked(closing=data["closing"], on=data.get("on")) if "closing" in data else None


@blueprint.get("/cases/<uuid:case_id>/state")
@page(Permission.CASES_VIEW)
def show_state(ctx: Context, case_id: uuid.UUID) -> Response:
    """Amounts, measures, limits, talks and petitions of a case, as its entries say."""
    case = cases.visible_case(ctx, case_id)
    return render(
        ctx, "standing/state.html", case=case, tab="state", state=case_views.state(ctx, case_id),
        clocks=case_views.clocks(ctx, case_id)["clocks"], badges=BADGES,
        measures=kinds()["case.measure"].fields["type"].options,
        objections=kinds()["case.objection"].fields["kind"].options,
        decisions=kinds()["case.objection-decided"].fields["result"].options,
        exclusions=kinds()["case.excluded"].fields["reason"].options,
        closings=_closings(), case_types=CASE_TYPES,
    )  # fmt: skip


@blueprint.get("/cases/<uuid:case_id>/closing")
@page(Permission.CASES_VIEW, query=ClosingQuery)
def try_closing(ctx: Context, case_id: uuid.UUID, query: GatesAsked | None) -> Response:
    """What a way of closing needs, what of it is there, and the form that closes the case so."""
    case = cases.visible_case(ctx, case_id)
    tried = case_views.gates_of(ctx, case_id, query) if query else None
    today = case_reading.today(ctx)
    return render(
        ctx, "standing/closing.html", case=case, tab="closing", tried=tried, today=today,
        closing=query.closing if query else None, on=_day(query, today), closings=_closings(),
        suspended=_SUSPENDED, writable=case.status != CaseStatus.CLOSED,
    )  # fmt: skip


@blueprint.get("/cases/<uuid:case_id>/key")
@page(Permission.CASES_VIEW)
def show_key(ctx: Context, case_id: uuid.UUID) -> Response:
    """Whether it is a key case: what the records suggest, what was confirmed, who answers."""
    case = cases.visible_case(ctx, case_id)
    responsibility = kinds()["key.responsibility"].fields
    return render(
        ctx, "standing/key.html", case=case, tab="key", key=case_views.state(ctx, case_id)["key"],
        categories=kinds()["key.confirmed"].fields["categories"].options,
        six=[responsibility[name] for name in SIX], names=_names(ctx),
        today=case_reading.today(ctx), leads=_leads(ctx),
    )  # fmt: skip


def _closings() -> Any:
    """Every way of closing, and suspension, with their names."""
    return kinds()["case.closed"].fields["method"].options


def _day(query: GatesAsked | None, today: date) -> date:
    return query.on if query is not None and query.on is not None else today


def _names(ctx: Context) -> dict[str, str]:
    """Names of the court's people by the ids that entries hold."""
    return {str(one): person.name for one, person in people(ctx).items()}


def _leads(ctx: Context) -> bool:
    """Whether the reader may confirm key cases."""
    return not kinds()["key.confirmed"].roles.isdisjoint(role.value for role in ctx.actor.roles)
