"""Reading checks and findings: of cases that the caller may see."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.cases import queries as cases
from server.cases.visibility import visible_case_ids
from server.conduct import rulebook
from server.conduct.commands import FindingFilter
from server.conduct.judging import Judgement, judge
from server.conduct.models import ConductCheck, CourtRules, DueAction, Finding
from server.conduct.rulebook import Rulebook
from server.core.bulk import among
from server.core.context import Context
from server.core.paging import Page, decode_id, page_of
from server.core.problem import not_found
from server.evidence.models import Evidence
from server.evidence.visibility import sees_evidence
from server.register import queries as register
from server.register.models import Action


def judgement_of(ctx: Context, action_id: uuid.UUID) -> Judgement:
    """A visible action judged as of now; nothing is stored."""
    return judge(ctx, register.visible_action(ctx, action_id))


def rulebook_of(ctx: Context) -> Rulebook:
    """What the caller's court judges by."""
    return rulebook.in_force(ctx.session, ctx.actor.court_id, ctx.settings.time_zone)


def rules_of(ctx: Context, limit: int = 100) -> Sequence[CourtRules]:
    """Versions of the court's own rules, the newest first."""
    statement = sa.select(CourtRules).where(CourtRules.court_id == ctx.actor.court_id)
    statement = statement.order_by(CourtRules.version.desc()).limit(limit)
    return ctx.session.execute(statement).scalars().all()


def checks_of_case(ctx: Context, case_id: uuid.UUID) -> list[tuple[Action, list[ConductCheck]]]:
    """What the actions of a visible case came to when they were last judged."""
    cases.visible_case(ctx, case_id)
    statement = (
        sa.select(ConductCheck)
        .where(ConductCheck.court_id == ctx.actor.court_id, ConductCheck.case_id == case_id)
        .order_by(ConductCheck.action_id, ConductCheck.rule)
    )
    found: dict[uuid.UUID, list[ConductCheck]] = {}
    for row in ctx.session.execute(statement).scalars():
        found.setdefault(row.action_id, []).append(row)
    actions = register.actions_of_case(ctx.session, case_id)
    return [(action, found.get(action.id, [])) for action in actions]


def due_among(ctx: Context, action_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Those of the actions that wait to be judged again now."""
    statement = sa.select(DueAction.action_id).where(
        DueAction.action_id.in_(action_ids), DueAction.run_after <= ctx.clock.now()
    )
    return set(ctx.session.execute(statement).scalars()) if action_ids else set()


def list_findings(ctx: Context, wanted: FindingFilter) -> Page[Finding]:
    """Findings in visible cases, the newest first."""
    rules: list[sa.ColumnElement[bool]] = [_visible(ctx)]
    wishes: dict[Any, Any] = {
        Finding.state: wanted.state,
        Finding.rule: wanted.rule,
        Finding.outcome: wanted.outcome,
        Finding.case_id: wanted.case_id,
        Finding.action_id: wanted.action_id,
    }
    rules += [column == value for column, value in wishes.items() if value is not None]
    if wanted.cursor:
        rules.append(Finding.id < decode_id(wanted.cursor))
    statement = sa.select(Finding).where(*rules).order_by(Finding.id.desc())
    rows = ctx.session.execute(statement.limit(wanted.limit + 1)).scalars().all()
    return page_of(rows, wanted.limit, lambda row: (str(row.id),))


def visible_finding(ctx: Context, finding_id: uuid.UUID) -> Finding:
    """The finding, if the caller may see its case; 404 otherwise."""
    statement = sa.select(Finding).where(Finding.id == finding_id, _visible(ctx))
    found = ctx.session.execute(statement).scalar_one_or_none()
    if found is None:
        raise not_found()
    return found


def finding_to_change(ctx: Context, finding_id: uuid.UUID) -> Finding:
    """The same, with its action locked: judging waits."""
    finding = visible_finding(ctx, finding_id)
    ctx.session.get(Action, finding.action_id, with_for_update=True)
    ctx.session.refresh(finding)
    return finding


def findings_of_action(ctx: Context, action_id: uuid.UUID) -> Sequence[Finding]:
    """Every finding about an action, by rule and number; the caller may see the action."""
    statement = sa.select(Finding).where(Finding.action_id == action_id, _visible(ctx))
    return ctx.session.execute(statement.order_by(Finding.rule, Finding.number)).scalars().all()


def latest_findings(session: Session, action_id: uuid.UUID) -> dict[str, Finding]:
    """By rule the last finding about an action."""
    statement = sa.select(Finding).where(Finding.action_id == action_id).order_by(Finding.number)
    return {row.rule: row for row in session.execute(statement).scalars()}


def seen_evidence(ctx: Context, ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Those items that the caller may see."""
    statement = sa.select(Evidence.id).where(
        among(ctx.session, Evidence.id, sorted(ids, key=str)), sees_evidence(ctx.actor)
    )
    return set(ctx.session.execute(statement).scalars()) if ids else set()


def _visible(ctx: Context) -> sa.ColumnElement[bool]:
    return sa.and_(
        Finding.court_id == ctx.actor.court_id,
        Finding.case_id.in_(visible_case_ids(ctx.actor)),
    )
