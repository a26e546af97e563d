"""The second look: the goal, this week's draw, and what another person says."""

from __future__ import annotations

import uuid

from flask import Blueprint, Response

from server.console import review_shown as shown
from server.console.pages import page, render, see
from server.console.review_forms import GoalForm, NoForm, SecondLookForm
from server.core.context import Context
from server.core.permissions import Permission
from server.core.recording import recorded
from server.evidence import listing
from server.review import second_look
from server.review.commands import SecondLook, SetGoal

blueprint = Blueprint("console_second_look", __name__)


@blueprint.get("/review/second")
@page(Permission.EVIDENCE_REVIEW, reads_evidence=True)
def second_looks(ctx: Context) -> Response:
    """This week's goal, draw and outcomes."""
    week = second_look.this_week(ctx)
    with recorded(ctx):
        listing.listed(ctx, [item for _, item in week.samples])
    goal = second_look.goal_of(ctx)
    return render(ctx, "review/second.html", week=week, goal=goal, labels=shown.labels(ctx))


@blueprint.post("/review/second/goal")
@page(Permission.EVIDENCE_REVIEW, form=GoalForm)
def set_goal(ctx: Context, form: SetGoal) -> Response:
    """Say how many items a week are looked at again."""
    second_look.set_goal(ctx, form)
    return see("/review/second", "second.said_goal")


@blueprint.post("/review/second/draw")
@page(Permission.EVIDENCE_REVIEW, form=NoForm)
def draw(ctx: Context, form: object) -> Response:  # noqa: ARG001  a button alone
    """Draw this week's items, once."""
    second_look.draw(ctx)
    return see("/review/second", "second.said_drawn")


@blueprint.post("/review/second/<uuid:sample_id>")
@page(Permission.EVIDENCE_REVIEW, form=SecondLookForm)
def look_again(ctx: Context, form: SecondLook, sample_id: uuid.UUID) -> Response:
    """Agree with an acceptance, or disagree and say why."""
    second_look.decide(ctx, sample_id, form)
    return see("/review/second", f"second.said_{form.outcome.value}")
