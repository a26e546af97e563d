"""The court's rules of release: what is in force, a new version, and what it would show."""

from __future__ import annotations

from flask import Blueprint, Response

from server.console import court_names
from server.console.live_forms import RulesForm, RulesQuery, Trial
from server.console.pages import page, render, see
from server.core.context import Context
from server.core.permissions import Permission
from server.core.problem import Kind, Problem
from server.live import previewing, queries, rules
from server.live.commands import SetRules
from server.live.redaction import CELL_M_MIN, Category, Place
from server.live.schemas import CELL_M_MAX, ROUND_SECONDS

blueprint = Blueprint("console_live_rules", __name__)


@blueprint.get("/live/rules")
@page(Permission.LIVE_RELEASE, query=RulesQuery)
def show_rules(ctx: Context, query: Trial) -> Response:
    """The rules in force; with values in the address, what observers would see under them."""
    return _answer(ctx, query)


@blueprint.post("/live/rules")
@page(Permission.LIVE_RELEASE, form=RulesForm)
def set_rules(ctx: Context, form: SetRules) -> Response:
    """Put a new version in force."""
    try:
        with ctx.session.begin_nested():
            rules.set_rules(ctx, form)
    except Problem as problem:
        if problem.kind is not Kind.CONFLICT:
            raise
        return _answer(ctx, Trial(rules=form.rules), refusal=problem)
    return see("/live/rules", "live.said_rules")


def _answer(ctx: Context, trial: Trial, refusal: Problem | None = None) -> Response:
    in_force = rules.in_force(ctx.session, ctx.actor.court_id)
    missions = queries.live_missions(ctx)
    tried = trial.rules or in_force
    mission_id = trial.mission_id or next((one.mission.id for one in missions), None)
    return render(
        ctx,
        "live/rules.html",
        status=refusal.status if refusal else 200,
        rules=in_force,
        tried=tried,
        is_trial=trial.rules is not None,
        missions=missions,
        mission_id=mission_id,
        previewed=previewing.preview(ctx, mission_id, tried) if mission_id else [],
        versions=rules.history(ctx),
        people={one.id: one.name for one in court_names.people(ctx).values()},
        places=list(Place),
        rounds=ROUND_SECONDS,
        cells=(CELL_M_MIN, CELL_M_MAX),
        categories=list(Category),
        refusal=refusal,
    )
