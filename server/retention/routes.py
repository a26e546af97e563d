"""Routes of retention: rules, classes, holds, and the disposal of what is due."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Blueprint

from server.core.context import Context
from server.core.endpoint import endpoint
from server.core.paging import Page
from server.core.permissions import Permission
from server.evidence.models import Evidence
from server.retention import disposal, lines, queries, service
from server.retention.commands import (
    Classify,
    Decide,
    DueFilter,
    HoldFilter,
    LiftHold,
    MakeRule,
    PlaceHold,
    Preview,
    Propose,
    ProposeLines,
)
from server.retention.disposal import Outcome
from server.retention.judging import Judged, Line
from server.retention.models import LegalHold, RetentionClass, RetentionRule
from server.retention.queries import Effects
from server.retention.schemas import (
    ClassBody,
    ClassOut,
    DecideBody,
    DueQuery,
    EffectsOut,
    HoldBody,
    HoldOut,
    HoldQuery,
    JudgedLineOut,
    JudgedOut,
    LiftBody,
    OutcomeOut,
    PreviewQuery,
    ProposeBody,
    ProposeLinesBody,
    RuleBody,
    RulesOut,
    RuleVersionOut,
)

blueprint = Blueprint("retention", __name__)


@blueprint.get("/retention/rules")
@endpoint(Permission.RETENTION_VIEW, dump=RulesOut)
def list_rules(ctx: Context) -> dict[str, Any]:
    """The court's rules in force, and every version that was made."""
    return {"rules": list(queries.rules(ctx).values()), "versions": queries.versions(ctx)}


@blueprint.post("/retention/rules")
@endpoint(Permission.RETENTION_MANAGE, load=RuleBody, dump=RuleVersionOut, status=201)
def make_rule(ctx: Context, command: MakeRule) -> RetentionRule:
    """Rule how long a category is kept, with a reason: at least six months."""
    return service.make_rule(ctx, command)


@blueprint.get("/retention/effects")
@endpoint(Permission.RETENTION_VIEW, query=PreviewQuery, dump=EffectsOut)
def preview_rule(ctx: Context, query: Preview) -> Effects:
    """What a rule would change, without making it."""
    return queries.effects(ctx, query)


@blueprint.get("/retention/evidence/<uuid:evidence_id>")
@endpoint(Permission.RETENTION_VIEW, dump=JudgedOut)
def view_retention(ctx: Context, evidence_id: uuid.UUID) -> Judged[Evidence]:
    """Until when an item is kept, by which rule, from when, and what holds it."""
    return queries.judged(ctx, evidence_id)


@blueprint.post("/retention/classes")
@endpoint(Permission.RETENTION_MANAGE, load=ClassBody, dump=ClassOut, status=201)
def classify(ctx: Context, command: Classify) -> Page[RetentionClass]:
    """Put items into a category, with a reason; what was said before stays."""
    return Page(service.classify(ctx, command))


@blueprint.get("/retention/holds")
@endpoint(Permission.RETENTION_VIEW, query=HoldQuery, dump=HoldOut)
def list_holds(ctx: Context, query: HoldFilter) -> Page[LegalHold]:
    """List legal holds, the newest first."""
    return queries.list_holds(ctx, query)


@blueprint.post("/retention/holds")
@endpoint(Permission.HOLD_PLACE, load=HoldBody, dump=HoldOut, status=201)
def place_hold(ctx: Context, command: PlaceHold) -> LegalHold:
    """Hold a case or an item, with a reason."""
    return service.place_hold(ctx, command)


@blueprint.post("/retention/holds/<uuid:hold_id>/lift")
@endpoint(Permission.HOLD_PLACE, load=LiftBody, dump=HoldOut)
def lift_hold(ctx: Context, hold_id: uuid.UUID, command: LiftHold) -> LegalHold:
    """Lift a hold that somebody else placed, with a reason."""
    return service.lift_hold(ctx, hold_id, command)


@blueprint.get("/retention/due")
@endpoint(Permission.RETENTION_VIEW, query=DueQuery, dump=JudgedOut)
def list_due(ctx: Context, query: DueFilter) -> Page[Judged[Evidence]]:
    """List items whose period is over and that nothing holds."""
    return queries.due(ctx, query)


@blueprint.post("/retention/disposals")
@endpoint(Permission.EVIDENCE_ERASE, load=ProposeBody, dump=OutcomeOut)
def propose_disposal(ctx: Context, command: Propose) -> Page[Outcome]:
    """Propose items for disposal, each for itself; another person decides."""
    return Page(disposal.propose(ctx, command))


@blueprint.post("/retention/disposals/approve")
@endpoint(Permission.EVIDENCE_ERASE, load=DecideBody, dump=OutcomeOut)
def approve_disposal(ctx: Context, command: Decide) -> Page[Outcome]:
    """Agree to what another person proposed, each for itself, and erase."""
    return Page(disposal.approve(ctx, command))


@blueprint.post("/retention/disposals/refuse")
@endpoint(Permission.EVIDENCE_ERASE, load=DecideBody, dump=OutcomeOut)
def refuse_disposal(ctx: Context, command: Decide) -> Page[Outcome]:
    """Refuse what another person proposed, each for itself."""
    return Page(disposal.refuse(ctx, command))


@blueprint.get("/retention/due-lines")
@endpoint(Permission.RETENTION_VIEW, query=DueQuery, dump=JudgedLineOut)
def list_due_lines(ctx: Context, query: DueFilter) -> Page[Judged[Line]]:
    """List lines of the log book without bytes whose period is over."""
    return lines.due(ctx, query)


@blueprint.post("/retention/line-disposals")
@endpoint(Permission.EVIDENCE_ERASE, load=ProposeLinesBody, dump=OutcomeOut)
def propose_lines(ctx: Context, command: ProposeLines) -> Page[Outcome]:
    """Propose lines of the log book for disposal, each for itself; another person decides."""
    return Page(lines.propose(ctx, command))


@blueprint.post("/retention/line-disposals/approve")
@endpoint(Permission.EVIDENCE_ERASE, load=DecideBody, dump=OutcomeOut)
def approve_lines(ctx: Context, command: Decide) -> Page[Outcome]:
    """Agree to what another person proposed of the log book, each for itself, and erase."""
    return Page(lines.approve(ctx, command))


@blueprint.post("/retention/line-disposals/refuse")
@endpoint(Permission.EVIDENCE_ERASE, load=DecideBody, dump=OutcomeOut)
def refuse_lines(ctx: Context, command: Decide) -> Page[Outcome]:
    """Refuse what another person proposed of the log book, each for itself."""
    return Page(lines.refuse(ctx, command))
