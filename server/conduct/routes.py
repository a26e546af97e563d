"""Routes of conduct: checks of actions, findings, and what a court judges by."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Blueprint

from server.conduct import queries, service, views
from server.conduct.commands import Decide, FindingFilter, RuleCommand
from server.conduct.models import CourtRules, Finding
from server.conduct.schemas import (
    CaseChecksOut,
    DecideBody,
    FindingOut,
    FindingQuery,
    JudgementOut,
    RulebookOut,
    RulesBody,
    RulesVersionOut,
)
from server.core.context import Context
from server.core.endpoint import endpoint
from server.core.paging import Page
from server.core.permissions import Permission

blueprint = Blueprint("conduct", __name__)


@blueprint.get("/actions/<uuid:action_id>/checks")
@endpoint(Permission.CASES_VIEW, dump=JudgementOut)
def check_action(ctx: Context, action_id: uuid.UUID) -> dict[str, Any]:
    """Judge an action as of now: every rule with its reasons, coverage, item list."""
    return views.judgement(ctx, action_id)


@blueprint.get("/cases/<uuid:case_id>/checks")
@endpoint(Permission.CASES_VIEW, dump=CaseChecksOut)
def list_case_checks(ctx: Context, case_id: uuid.UUID) -> dict[str, Any]:
    """List what the actions of a case came to when they were last judged."""
    return views.case_checks(ctx, case_id)


@blueprint.get("/findings")
@endpoint(Permission.CASES_VIEW, query=FindingQuery, dump=FindingOut)
def list_findings(ctx: Context, query: FindingFilter) -> Page[Finding]:
    """List findings in the cases you may see, newest first."""
    return queries.list_findings(ctx, query)


@blueprint.get("/findings/<uuid:finding_id>")
@endpoint(Permission.CASES_VIEW, dump=FindingOut)
def get_finding(ctx: Context, finding_id: uuid.UUID) -> Finding:
    """Read a finding."""
    return queries.visible_finding(ctx, finding_id)


@blueprint.post("/findings/<uuid:finding_id>/explain")
@endpoint(Permission.CASES_RECORD, load=DecideBody, dump=FindingOut)
def explain_finding(ctx: Context, finding_id: uuid.UUID, command: Decide) -> Finding:
    """Explain how a rule came to be broken."""
    return service.explain(ctx, finding_id, command)


@blueprint.post("/findings/<uuid:finding_id>/rectify")
@endpoint(Permission.FINDINGS_DECIDE, load=DecideBody, dump=FindingOut)
def rectify_finding(ctx: Context, finding_id: uuid.UUID, command: Decide) -> Finding:
    """Decide that what was wrong has been put right."""
    return service.rectify(ctx, finding_id, command)


@blueprint.post("/findings/<uuid:finding_id>/uphold")
@endpoint(Permission.FINDINGS_DECIDE, load=DecideBody, dump=FindingOut)
def uphold_finding(ctx: Context, finding_id: uuid.UUID, command: Decide) -> Finding:
    """Decide that the rule was broken, whatever was explained."""
    return service.uphold(ctx, finding_id, command)


@blueprint.get("/conduct-rules")
@endpoint(Permission.CASES_VIEW, dump=RulebookOut)
def list_conduct_rules(ctx: Context) -> dict[str, Any]:
    """List the rules that the court judges by, and the versions of its own."""
    book = queries.rulebook_of(ctx)
    return {"version": book.version, "rules": book.rules, "versions": queries.rules_of(ctx)}


@blueprint.post("/conduct-rules")
@endpoint(Permission.CONDUCT_RULE, load=RulesBody, dump=RulesVersionOut, status=201)
def make_conduct_rules(ctx: Context, command: RuleCommand) -> CourtRules:
    """Put the court's own numbers and rules in force, in place of those before."""
    return service.rule(ctx, command)
