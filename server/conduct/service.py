"""Storing what checks came to, and the life of a finding: open, explained, rectified or upheld.

A finding opens when a check fails or warns.  It is cleared when the check later passes or proves
not to concern the action; *unknown* clears nothing.  What a person decided stays decided.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any, Final

import sqlalchemy as sa

from server.audit import service as audit
from server.audit.events import EventKind
from server.audit.service import Subject
from server.conduct import marking, policy, queries, rulebook
from server.conduct.commands import Decide, RuleCommand
from server.conduct.covering import Covering
from server.conduct.judging import Judgement
from server.conduct.models import ConductCheck, CourtRules, Finding
from server.conduct.rulebook import RulesError
from server.core.context import Context
from server.core.problem import Kind, Problem
from server.core.transactions import take_turns
from server.fieldlog.conduct_rules import Check, Config, Outcome, Reason
from server.register.models import Action

BAD: Final = frozenset({Outcome.FAIL, Outcome.WARN})
_CLEARS: Final = frozenset({Outcome.PASS, Outcome.NOT_APPLICABLE})
_UNDECIDED: Final = frozenset({"open", "explained"})
_COVERAGE: Final = "recorded"  # the judge whose reasons are stretches of time


def store(ctx: Context, judgement: Judgement) -> None:
    """Keep what came out, and open or clear findings; the action is locked."""
    _keep(ctx, judgement)
    latest = queries.latest_findings(ctx.session, judgement.action.id)
    for check in judgement.checks:
        found = latest.get(check.rule.id)
        if check.outcome in BAD:
            _broken(ctx, judgement, check, found)
        elif check.outcome in _CLEARS:
            _clear(ctx, found, check.outcome.value)
    for given_up in latest.keys() - {check.rule.id for check in judgement.checks}:
        _clear(ctx, latest[given_up], Outcome.NOT_APPLICABLE.value)


def explain(ctx: Context, finding_id: uuid.UUID, command: Decide) -> Finding:
    """Say how it came; may be said anew until somebody decides."""
    finding = queries.finding_to_change(ctx, finding_id)
    policy.require_undecided(finding)
    finding.state, finding.explanation = "explained", command.text
    finding.explained_by, finding.explained_at = ctx.actor.user(), ctx.clock.now()
    _happened(ctx, EventKind.FINDING_EXPLAINED, finding, {"text": command.text})
    return finding


def rectify(ctx: Context, finding_id: uuid.UUID, command: Decide) -> Finding:
    """Decide that what was wrong has been put right."""
    return _decide(ctx, finding_id, command, "rectified", EventKind.FINDING_RECTIFIED)


def uphold(ctx: Context, finding_id: uuid.UUID, command: Decide) -> Finding:
    """Decide that the rule was broken and the explanation does not excuse it."""
    return _decide(ctx, finding_id, command, "upheld", EventKind.FINDING_UPHELD)


def rule(ctx: Context, command: RuleCommand) -> CourtRules:
    """Put a new version of the court's own numbers and rules in force; every action is due."""
    court_id = ctx.actor.court_id
    try:
        rulebook.read(command.text, Config(time_zone=ctx.settings.time_zone))
    except RulesError as error:
        raise Problem(Kind.VALIDATION, f"text: {error}") from None
    take_turns(ctx.session, f"court-rules:{court_id}")
    before = queries.rules_of(ctx, limit=1)
    row = CourtRules(
        id=ctx.new_id(), court_id=court_id, version=before[0].version + 1 if before else 1,
        text=command.text, reason=command.reason, made_by=ctx.actor.user(),
        made_at=ctx.clock.now(),
    )  # fmt: skip
    ctx.session.add(row)
    facts = {"version": row.version, "reason": row.reason, "text": row.text}
    audit.record(ctx, EventKind.CONDUCT_RULED, Subject("court", court_id), facts)
    ctx.session.flush()
    marking.mark(ctx, Action.court_id == court_id)
    return row


def as_dict(reason: Reason) -> dict[str, Any]:
    """A reason as it is stored."""
    return {
        "code": reason.code, "values": dict(reason.values), "evidence": list(reason.evidence),
    }  # fmt: skip


def _keep(ctx: Context, judgement: Judgement) -> None:
    """Write what changed; what came out as before keeps its time."""
    action = judgement.action
    statement = sa.select(ConductCheck).where(ConductCheck.action_id == action.id)
    known = {row.rule: row for row in ctx.session.execute(statement).scalars()}
    for check in judgement.checks:
        reasons = [as_dict(one) for one in check.reasons]
        row = known.pop(check.rule.id, None)
        if row is None:
            ctx.session.add(
                ConductCheck(
                    action_id=action.id, rule=check.rule.id, court_id=action.court_id,
                    case_id=action.case_id, outcome=check.outcome.value, reasons=reasons,
                    judged_at=judgement.as_of,
                )
            )  # fmt: skip
        elif (row.outcome, row.reasons) != (check.outcome.value, reasons):
            row.outcome, row.reasons = check.outcome.value, reasons
            row.judged_at = judgement.as_of
    for row in known.values():  # of a rule that the court has given up
        ctx.session.delete(row)


def _broken(ctx: Context, judgement: Judgement, check: Check, found: Finding | None) -> None:
    reasons = [as_dict(one) for one in check.reasons]
    if found is None or found.state == "cleared":
        found = _open(ctx, judgement, check, 1 if found is None else found.number + 1, reasons)
    elif found.state in _UNDECIDED and found.reasons != reasons:
        found.reasons, found.outcome = reasons, check.outcome.value
        _without_explanation(found)
        _happened(ctx, EventKind.FINDING_OPENED, found, _said(check))
    if found.state == "open" and check.rule.judge == _COVERAGE:
        _explained_on_the_spot(ctx, found, judgement.covering)


def _open(
    ctx: Context, judgement: Judgement, check: Check, number: int, reasons: list[Any]
) -> Finding:
    action = judgement.action
    found = Finding(
        id=ctx.new_id(), court_id=action.court_id, case_id=action.case_id, action_id=action.id,
        rule=check.rule.id, number=number, outcome=check.outcome.value, reasons=reasons,
        state="open", opened_at=judgement.as_of,
    )  # fmt: skip
    ctx.session.add(found)
    _happened(ctx, EventKind.FINDING_OPENED, found, _said(check))
    return found


def _clear(ctx: Context, found: Finding | None, outcome: str) -> None:
    if found is not None and found.state in _UNDECIDED:
        found.state, found.cleared_at = "cleared", ctx.clock.now()
        _happened(ctx, EventKind.FINDING_CLEARED, found, {"outcome": outcome})


def _explained_on_the_spot(ctx: Context, found: Finding, covering: Covering | None) -> None:
    """Gaps that were explained where they happened need no other explanation."""
    if covering is None or not covering.stretches or covering.unexplained:
        return
    entries = {one.id: one for stretch in covering.stretches for one in stretch.by}
    said = [str(one.data["reason"]) for one in entries.values()]
    last = max(entries.values(), key=lambda one: one.happened_at)
    found.state, found.explanation = "explained", "\n".join(dict.fromkeys(said))
    found.explained_at = last.happened_at
    found.explained_by = getattr(last, "written_by", None)
    facts = {"entries": [str(one) for one in entries]}
    _happened(ctx, EventKind.FINDING_EXPLAINED, found, facts)


def _without_explanation(found: Finding) -> None:
    found.state = "open"
    found.explanation = found.explained_by = found.explained_at = None


def _decide(
    ctx: Context, finding_id: uuid.UUID, command: Decide, state: str, kind: EventKind
) -> Finding:
    finding = queries.finding_to_change(ctx, finding_id)
    policy.require_decidable(ctx.actor, finding)
    finding.state, finding.decision = state, command.text
    finding.decided_by, finding.decided_at = ctx.actor.user(), ctx.clock.now()
    _happened(ctx, kind, finding, {"text": command.text})
    return finding


def _said(check: Check) -> dict[str, Any]:
    return {"outcome": check.outcome.value, "reasons": _codes(check.reasons)}


def _codes(reasons: Iterable[Reason]) -> list[str]:
    return [one.code for one in reasons]


def _happened(ctx: Context, kind: EventKind, found: Finding, facts: Mapping[str, Any]) -> None:
    what = {"rule": found.rule, "action": str(found.action_id), "number": found.number, **facts}
    audit.record(
        ctx, kind, Subject("finding", found.id), what, case_id=found.case_id,
        court_id=found.court_id,
    )  # fmt: skip
