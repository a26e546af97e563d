"""Oversight: the president's dashboard, key cases, the court's thresholds."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from flask import Blueprint, Response, url_for

from server.conduct import queries as conduct
from server.console import audit_rows
from server.console.court_names import people
from server.console.oversight_forms import KeyCaseQuery, ThresholdsForm
from server.console.pages import language, page, render, see
from server.core.context import Context
from server.core.permissions import Permission
from server.core.problem import Kind, Problem
from server.oversight import dashboard, keycases, queries, service
from server.oversight import schemas as wire
from server.oversight.agenda import numbers
from server.oversight.commands import DashboardAsk, MakeRule
from server.oversight.kinds import AlertKind

blueprint = Blueprint("console_oversight", __name__, url_prefix="/oversight")


@blueprint.get("/dashboard")
@page(Permission.OVERSIGHT_RUN, query=wire.DashboardQuery)
def show_dashboard(ctx: Context, query: DashboardAsk) -> Response:
    """The court's figures, each with the list behind it."""
    found = dashboard.dashboard(ctx, query)
    return render(
        ctx, "oversight/dashboard.html", found=found, kinds=list(AlertKind),
        categories=keycases.CATEGORIES, ages=dashboard.AGES_DAYS, rule_names=rule_names(ctx),
    )  # fmt: skip


@blueprint.get("/key-cases")
@page(Permission.OVERSIGHT_RUN, query=KeyCaseQuery)
def list_key_cases(ctx: Context, query: str | None) -> Response:
    """Key cases and where responsibility for them stands."""
    found = [
        one
        for one in keycases.key_cases(ctx.session, ctx.actor.court_id).values()
        if query is None or query in one.categories
    ]
    return render(
        ctx, "oversight/key_cases.html", cases=found, category=query,
        case_nos=numbers(ctx, [one.case_id for one in found]), categories=keycases.CATEGORIES,
    )  # fmt: skip


@blueprint.get("/rules")
@page(Permission.OVERSIGHT_VIEW)
def show_rules(ctx: Context) -> Response:
    """The thresholds in force, how they came, and a form for new ones."""
    return render(
        ctx, "oversight/rules.html", rules=queries.thresholds(ctx.session, ctx.actor.court_id),
        versions=queries.rule_versions(ctx), names=people(ctx), days_max=wire.DAYS_MAX,
    )  # fmt: skip


@blueprint.post("/rules")
@page(Permission.OVERSIGHT_RUN, form=ThresholdsForm)
def make_rule(ctx: Context, form: MakeRule) -> Response:
    """Make thresholds."""
    service.make_rule(ctx, form)
    return see(url_for("console_oversight.show_rules"), said="oversight.said_ruled")


def rule_names(ctx: Context) -> dict[str, str]:
    """What the court's rules of conduct are called, in the reader's language."""
    rules = conduct.rulebook_of(ctx).rules
    return {one.id: one.zh if language() == "zh" else one.en for one in rules}


def case_called(ctx: Context, text: str | None) -> uuid.UUID | None:
    """The case that was meant by a number or a short code; 404 when it is none, or two."""
    if text is None:
        return None
    found = audit_rows.cases_called(ctx, text)
    if len(found) != 1:
        raise Problem(Kind.NOT_FOUND, "no single case has this number or code")
    return found[0]


def cases_called(ctx: Context, names: Iterable[str]) -> tuple[uuid.UUID, ...]:
    """The same for several."""
    return tuple(one for one in (case_called(ctx, name) for name in names) if one is not None)


def workers(ctx: Context) -> list[tuple[Any, str]]:
    """Options: people who can be given a task."""
    roles = {"officer", "judicial_police", "supervisor", "president"}
    return [one.choice for one in people(ctx).values() if one.usable and one.roles & roles]


def leaders(ctx: Context) -> list[tuple[Any, str]]:
    """Options: people who can chair a meeting."""
    roles = {"supervisor", "president"}
    return [one.choice for one in people(ctx).values() if one.usable and one.roles & roles]
