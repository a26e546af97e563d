"""Retention: rules with a preview, legal holds, what is due, and the decisions of two people."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, Response, url_for

from server.cases.models import Case
from server.console import audit_rows
from server.console.pages import page, render, see
from server.console.retention_forms import (
    ClassForm,
    DecideForm,
    DueListQuery,
    HoldAsk,
    HoldForm,
    HoldListQuery,
    LiftForm,
    PreviewForm,
    ProposeForm,
    RuleForm,
)
from server.core.context import Context
from server.core.permissions import Permission
from server.core.problem import Kind, Problem
from server.evidence import finding
from server.evidence.erasure_models import Erasure
from server.evidence.models import Evidence
from server.identity.models import User
from server.retention import disposal, queries, service
from server.retention.categories import RULED, SETTABLE, Category
from server.retention.commands import (
    GROUNDS,
    Classify,
    Decide,
    DueFilter,
    HoldFilter,
    LiftHold,
    MakeRule,
    PlaceHold,
    Preview,
    Propose,
)
from server.retention.disposal import Outcome
from server.retention.judging import Judged
from server.retention.models import LegalHold
from server.retention.periods import MONTHS_MAX, MONTHS_MIN

blueprint = Blueprint("console_retention", __name__, url_prefix="/admin/retention")


# ---------------------------------------------------------------- rules


@blueprint.get("")
@page(Permission.RETENTION_VIEW)
def show_rules(ctx: Context) -> Response:
    """The rules in force, how they came, and a form to try another."""
    made = queries.versions(ctx)
    return render(
        ctx, "retention/rules.html", rules=queries.rules(ctx), versions=made,
        names=names(ctx, [one.made_by for one in made]), **_choices(),
    )  # fmt: skip


@blueprint.get("/preview")
@page(Permission.RETENTION_VIEW, query=PreviewForm)
def preview(ctx: Context, query: Preview) -> Response:
    """What a rule would change, with the form that makes it."""
    found = queries.effects(ctx, query)
    return render(
        ctx, "retention/preview.html", effects=found, wanted=query,
        before=queries.rules(ctx)[query.category],
    )  # fmt: skip


@blueprint.post("/rules")
@page(Permission.RETENTION_MANAGE, form=RuleForm)
def make_rule(ctx: Context, form: MakeRule) -> Response:
    """Make a rule."""
    service.make_rule(ctx, form)
    return see(url_for("console_retention.show_rules"), said="retention.said_ruled")


# ---------------------------------------------------------------- one item


@blueprint.get("/items/<uuid:evidence_id>")
@page(Permission.RETENTION_VIEW)
def show_item(ctx: Context, evidence_id: uuid.UUID) -> Response:
    """Until when an item is kept, why, and who said what about it."""
    one = queries.judged(ctx, evidence_id)
    classes = queries.classes_of(ctx, evidence_id)
    holders = [hold.placed_by for hold in one.holds]
    return render(
        ctx, "retention/item.html", one=one, classes=classes,
        names=names(ctx, [*(row.made_by for row in classes), *holders]),
        case_nos=case_numbers(ctx, [one]), **_choices(),
    )  # fmt: skip


@blueprint.post("/items/<uuid:evidence_id>/class")
@page(Permission.RETENTION_MANAGE, form=ClassForm)
def classify(ctx: Context, evidence_id: uuid.UUID, form: dict[str, Any]) -> Response:
    """Put an item into a category."""
    service.classify(ctx, Classify(evidence_ids=(evidence_id,), **form))
    place = url_for("console_retention.show_item", evidence_id=evidence_id)
    return see(place, said="retention.said_classed")


# ---------------------------------------------------------------- holds


@blueprint.get("/holds")
@page(Permission.RETENTION_VIEW, query=HoldListQuery)
def list_holds(ctx: Context, query: tuple[HoldFilter, str]) -> Response:
    """Holds in force, or those that were lifted, with a form to place one."""
    wanted, typed = query
    found = queries.list_holds(ctx, wanted)
    people = [who for one in found.items for who in (one.placed_by, one.lifted_by)]
    cases = [case for one in found.items for case in (one.case_id, one.cause_case_id)]
    return render(
        ctx, "retention/holds.html", page=found, lifted=wanted.lifted, typed=typed,
        names=names(ctx, people), case_nos=numbers(ctx, cases), me_id=ctx.actor.user_id,
        **_choices(),
    )  # fmt: skip


@blueprint.post("/holds")
@page(Permission.HOLD_PLACE, form=HoldForm)
def place_hold(ctx: Context, form: HoldAsk) -> Response:
    """Place a hold on a case or an item."""
    service.place_hold(ctx, _target(ctx, form))
    return see(url_for("console_retention.list_holds"), said="retention.said_held")


@blueprint.post("/holds/<uuid:hold_id>/lift")
@page(Permission.HOLD_PLACE, form=LiftForm)
def lift_hold(ctx: Context, hold_id: uuid.UUID, form: LiftHold) -> Response:
    """Lift a hold that somebody else placed."""
    service.lift_hold(ctx, hold_id, form)
    return see(url_for("console_retention.list_holds"), said="retention.said_lifted")


# ---------------------------------------------------------------- disposal


@blueprint.get("/due")
@page(Permission.RETENTION_VIEW, query=DueListQuery)
def list_due(ctx: Context, query: DueFilter) -> Response:
    """Items whose period is over, to be proposed for disposal."""
    found = queries.due(ctx, query)
    return render(ctx, "retention/due.html", page=found, case_nos=case_numbers(ctx, found.items))


@blueprint.post("/due")
@page(Permission.EVIDENCE_ERASE, form=ProposeForm)
def propose(ctx: Context, form: Propose) -> Response:
    """Propose the ticked items for disposal."""
    return _told(ctx, disposal.propose(ctx, form), "proposed")


@blueprint.get("/proposals")
@page(Permission.RETENTION_VIEW)
def list_proposals(ctx: Context) -> Response:
    """What was proposed, each as it stands now, for a second person to decide."""
    found = queries.proposals(ctx)
    return render(
        ctx, "retention/proposals.html", proposals=found, me_id=ctx.actor.user_id,
        names=names(ctx, [one.requested_by for one, _ in found]),
        case_nos=case_numbers(ctx, [one for _, one in found]),
    )  # fmt: skip


@blueprint.post("/proposals")
@page(Permission.EVIDENCE_ERASE, form=DecideForm)
def decide(ctx: Context, form: tuple[str, Decide]) -> Response:
    """Agree to the ticked proposals, or refuse them."""
    verb, command = form
    act = disposal.approve if verb == "approve" else disposal.refuse
    return _told(ctx, act(ctx, command), "erased" if verb == "approve" else "refused")


def _told(ctx: Context, outcomes: Sequence[Outcome], verb: str) -> Response:
    """What became of a batch: back to the list when all went through, else each with its reason."""
    left = [one for one in outcomes if one.state == "left"]
    if not left:
        place = "list_due" if verb == "proposed" else "list_proposals"
        said = f"retention.said_{verb}"
        return see(url_for(f"console_retention.{place}"), said=said, n=len(outcomes))
    items = {one.id: one.id for one in left}
    if verb != "proposed":
        statement = sa.select(Erasure.id, Erasure.evidence_id).where(
            Erasure.id.in_(items), Erasure.court_id == ctx.actor.court_id
        )
        items = {row.id: row.evidence_id for row in ctx.session.execute(statement)}
    return render(
        ctx, "retention/outcomes.html", left=left, done=len(outcomes) - len(left), verb=verb,
        items=items, back=None,
    )  # fmt: skip


# ---------------------------------------------------------------- names


def names(ctx: Context, ids: Iterable[uuid.UUID | None]) -> dict[uuid.UUID, str]:
    """Names of people of the court."""
    return audit_rows.names(ctx.session, User, set(ids))


def case_numbers(ctx: Context, found: Iterable[Judged[Evidence]]) -> dict[uuid.UUID, str]:
    """Numbers of the items' cases."""
    return numbers(ctx, [one.item.case_id for one in found])


def numbers(ctx: Context, ids: Iterable[uuid.UUID | None]) -> dict[uuid.UUID, str]:
    """Numbers of cases of the court."""
    wanted = {one for one in ids if one is not None}
    statement = sa.select(Case.id, Case.case_no).where(
        Case.id.in_(wanted), Case.court_id == ctx.actor.court_id
    )
    return {row.id: row.case_no for row in ctx.session.execute(statement)} if wanted else {}


@blueprint.app_context_processor
def _for_templates() -> dict[str, Any]:
    """``hold_badge(holds_on(ctx, case_id=…))`` on pages of cases and of items."""
    return {"holds_on": holds_on}


def holds_on(
    ctx: Context, case_id: uuid.UUID | None = None, item: Evidence | None = None
) -> Sequence[LegalHold]:
    """Holds in force on a case, or on an item and its case, that the page shows already."""
    if item is not None:
        return queries.holds_of_item(ctx.session, item)
    return queries.holds_of_case(ctx.session, case_id) if case_id is not None else ()


def _target(ctx: Context, form: HoldAsk) -> PlaceHold:
    """The case or item that was meant; refused when it is none, or more than one."""
    cases = audit_rows.cases_called(ctx, form.target)
    items = [] if cases else [one.id for one in finding.by_code(ctx, form.target)]
    if len(cases) + len(items) != 1:
        raise Problem(Kind.NOT_FOUND, "no case and no single item has this number or code")
    return PlaceHold(
        reason=form.reason, ground=form.ground, case_id=cases[0] if cases else None,
        evidence_id=items[0] if items else None,
    )  # fmt: skip


def _choices() -> dict[str, Any]:
    return {
        "ruled": RULED, "settable": SETTABLE, "grounds": GROUNDS, "months_min": MONTHS_MIN,
        "months_max": MONTHS_MAX, "categories": list(Category),
    }  # fmt: skip
