"""Tasks and alerts: lists, one of each, and what is said about it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, url_for

from server.console.court_names import people
from server.console.oversight import case_called, workers
from server.console.oversight_forms import TaskAsk, TaskForm
from server.console.pages import page, render, see
from server.core.context import Context
from server.core.permissions import Permission
from server.oversight import alerts, queries, service, tasks
from server.oversight import schemas as wire
from server.oversight.agenda import numbers
from server.oversight.commands import AlertFilter, FinishTask, GiveTask, Say, TaskFilter
from server.oversight.kinds import AlertKind, AlertState, TaskState

blueprint = Blueprint("console_oversight_tasks", __name__, url_prefix="/oversight")
_WEEK = timedelta(days=7)


@blueprint.get("/tasks")
@page(Permission.OVERSIGHT_VIEW, query=wire.TaskQuery)
def list_tasks(ctx: Context, query: TaskFilter) -> Response:
    """Tasks, with a form to give one."""
    found = queries.list_tasks(ctx, query)
    return render(
        ctx, "oversight/tasks.html", page=found, query=query, states=list(TaskState),
        names=people(ctx), case_nos=numbers(ctx, [one.case_id for one in found.items]),
        workers=workers(ctx), due_on=service.today_at(ctx) + _WEEK,
    )  # fmt: skip


@blueprint.post("/tasks")
@page(Permission.OVERSIGHT_RUN, form=TaskForm)
def give_task(ctx: Context, form: TaskAsk) -> Response:
    """Give a task; from a meeting's page one goes back there."""
    given = GiveTask(
        owner_id=form.owner_id, text=form.text, due_on=form.due_on, meeting_id=form.meeting_id,
        case_id=case_called(ctx, form.case),
    )  # fmt: skip
    made = tasks.give(ctx, given)
    place = url_for("console_oversight_tasks.list_tasks")
    if made.meeting_id is not None:
        place = f"/oversight/meetings/{made.meeting_id}"
    return see(place, said="oversight.said_given")


@blueprint.get("/tasks/<uuid:task_id>")
@page(Permission.OVERSIGHT_VIEW)
def show_task(ctx: Context, task_id: uuid.UUID) -> Response:
    """One task, with the form that ends it."""
    row = queries.task(ctx, task_id)
    return render(
        ctx, "oversight/task.html", task=row, names=people(ctx),
        case_nos=numbers(ctx, [row.case_id]),
    )  # fmt: skip


@blueprint.post("/tasks/<uuid:task_id>/done")
@page(Permission.OVERSIGHT_VIEW, form=wire.DoneBody)
def finish_task(ctx: Context, task_id: uuid.UUID, form: FinishTask) -> Response:
    """The task is done."""
    tasks.finish(ctx, task_id, form)
    return see(tasks.link_of(task_id), said="oversight.said_done")


# ---------------------------------------------------------------- alerts


@blueprint.get("/alerts")
@page(Permission.OVERSIGHT_VIEW, query=wire.AlertQuery)
def list_alerts(ctx: Context, query: AlertFilter) -> Response:
    """Alerts; those that stand unless a state is asked for."""
    wanted = replace(query, standing=query.state is None)
    found = queries.list_alerts(ctx, wanted)
    return render(
        ctx, "oversight/alerts.html", page=found, query=query, kinds=list(AlertKind),
        states=list(AlertState), names=people(ctx),
        case_nos=numbers(ctx, [one.case_id for one in found.items]),
    )  # fmt: skip


@blueprint.get("/alerts/<uuid:alert_id>")
@page(Permission.OVERSIGHT_VIEW)
def show_alert(ctx: Context, alert_id: uuid.UUID) -> Response:
    """One alert: what was found, what was said, what may be done."""
    row = queries.alert(ctx, alert_id)
    return render(
        ctx, "oversight/alert.html", alert=row, names=people(ctx), my_id=ctx.actor.user_id,
        case_nos=numbers(ctx, [row.case_id]), today=service.today_at(ctx),
        fresh=row.explained_at is not None and row.explained_at >= row.raised_at,
    )  # fmt: skip


@blueprint.post("/alerts/<uuid:alert_id>/explain")
@page(Permission.OVERSIGHT_VIEW, form=wire.SayBody)
def explain_alert(ctx: Context, alert_id: uuid.UUID, form: Say) -> Response:
    """Explain it."""
    return _said(ctx, alerts.explain, alert_id, form, "explained")


@blueprint.post("/alerts/<uuid:alert_id>/clear")
@page(Permission.OVERSIGHT_RUN, form=wire.SayBody)
def clear_alert(ctx: Context, alert_id: uuid.UUID, form: Say) -> Response:
    """Accept the explanation."""
    return _said(ctx, alerts.clear, alert_id, form, "cleared")


@blueprint.post("/alerts/<uuid:alert_id>/escalate")
@page(Permission.OVERSIGHT_RUN, form=wire.SayBody)
def escalate_alert(ctx: Context, alert_id: uuid.UUID, form: Say) -> Response:
    """Take it to the president."""
    return _said(ctx, alerts.escalate, alert_id, form, "escalated")


def _said(
    ctx: Context, act: Callable[..., Any], alert_id: uuid.UUID, form: Say, verb: str
) -> Response:
    act(ctx, alert_id, form)
    place = url_for("console_oversight_tasks.show_alert", alert_id=alert_id)
    return see(place, said=f"oversight.said_{verb}")
