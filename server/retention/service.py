"""Writing rules, classes and holds, and disposing of what is due: each with its event.

Nothing here erases by itself.  Rules, holds and approvals of a court take turns, so that a hold
that was placed is seen by every later approval.
"""

from __future__ import annotations

import uuid
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.audit import service as audit
from server.audit.events import EventKind
from server.audit.service import Subject
from server.cases import queries as cases
from server.core.context import Context
from server.core.problem import not_found
from server.core.transactions import take_turns
from server.evidence import queries as evidence
from server.retention import policy, queries
from server.retention.commands import Classify, LiftHold, MakeRule, PlaceHold
from server.retention.models import LegalHold, RetentionClass, RetentionRule


def take_turn(ctx: Context, court_id: uuid.UUID | None = None) -> None:
    """Wait for whoever changes what forbids an erasure in the court; first lock of all."""
    take_turns(ctx.session, f"retention:{court_id or ctx.actor.court_id}")


def make_rule(ctx: Context, command: MakeRule) -> RetentionRule:
    """Append a version of the court's rule for a category."""
    policy.require_rule(command.category, command.months)
    take_turn(ctx)
    before = queries.rules(ctx)[command.category]
    row = RetentionRule(
        id=ctx.new_id(), court_id=ctx.actor.court_id, category=command.category.value,
        version=before.version + 1, months=command.months, reason=command.reason,
        made_by=ctx.actor.user(), made_at=ctx.clock.now(),
    )  # fmt: skip
    ctx.session.add(row)
    facts = {
        "category": row.category, "version": row.version, "reason": row.reason,
        "months": {"from": before.months, "to": row.months},
    }  # fmt: skip
    audit.record(ctx, EventKind.RETENTION_RULED, Subject("retention-rule", row.id), facts)
    return row


def classify(ctx: Context, command: Classify) -> list[RetentionClass]:
    """Put items into a category; what was said before stays."""
    take_turn(ctx)
    made = []
    for evidence_id in command.evidence_ids:
        item = evidence.visible_evidence(ctx, evidence_id)
        policy.require_class(ctx.actor, item, command.category)
        before = queries.judged(ctx, evidence_id).category
        row = RetentionClass(
            id=ctx.new_id(), court_id=item.court_id, evidence_id=item.id,
            category=command.category.value, reason=command.reason,
            made_by=ctx.actor.user(), made_at=ctx.clock.now(),
        )  # fmt: skip
        ctx.session.add(row)
        facts = {
            "category": {"from": before.value, "to": row.category}, "reason": row.reason,
        }  # fmt: skip
        audit.record(
            ctx, EventKind.RETENTION_CLASSED, Subject("evidence", item.id), facts,
            case_id=item.case_id, mission_id=item.mission_id,
        )  # fmt: skip
        made.append(row)
    return made


def place_hold(ctx: Context, command: PlaceHold) -> LegalHold:
    """Hold a case or an item until somebody else lifts it."""
    policy.require_target((command.case_id, command.evidence_id))
    take_turn(ctx)
    if command.case_id is not None:
        cases.visible_case(ctx, command.case_id)
    if command.evidence_id is not None:
        policy.require_there(evidence.visible_evidence(ctx, command.evidence_id))
    row = LegalHold(
        id=ctx.new_id(), court_id=ctx.actor.court_id, case_id=command.case_id,
        evidence_id=command.evidence_id, ground=command.ground, automatic=False,
        reason=command.reason, placed_by=ctx.actor.user(), placed_at=ctx.clock.now(),
    )  # fmt: skip
    ctx.session.add(row)
    _held(ctx, EventKind.HOLD_PLACED, row, row.reason)
    return row


def hold_automatically(
    ctx: Context,
    case_id: uuid.UUID,
    ground: str,
    *,
    cause_case_id: uuid.UUID | None = None,
    reason: str | None = None,
) -> LegalHold:
    """Hold a case because an objection or a petition came, unless it is held for it already.

    :param ground: one of ``commands.GROUNDS`` but ``person``.
    :param cause_case_id: the case of the objection, review or supervision.
    """
    case = cases.case_in_court(ctx.session, ctx.actor.court_id, case_id)
    if case is None:
        raise not_found()
    take_turn(ctx)
    there = sa.select(LegalHold).where(
        LegalHold.case_id == case.id, LegalHold.ground == ground,
        LegalHold.automatic.is_(True), LegalHold.lifted_at.is_(None),
        LegalHold.cause_case_id == cause_case_id
        if cause_case_id is not None
        else LegalHold.cause_case_id.is_(None),
    )  # fmt: skip
    found = ctx.session.execute(there).scalars().first()
    if found is not None:
        return found
    row = LegalHold(
        id=ctx.new_id(), court_id=case.court_id, case_id=case.id, ground=ground, automatic=True,
        cause_case_id=cause_case_id, reason=reason or ground, placed_by=ctx.actor.user_id,
        placed_at=ctx.clock.now(),
    )  # fmt: skip
    ctx.session.add(row)
    _held(ctx, EventKind.HOLD_PLACED, row, row.reason)
    return row


def lift_hold(ctx: Context, hold_id: uuid.UUID, command: LiftHold) -> LegalHold:
    """End a hold that somebody else placed."""
    take_turn(ctx)
    row = queries.hold_to_change(ctx, hold_id)
    policy.require_liftable(ctx.actor, row)
    row.lifted_by, row.lifted_at = ctx.actor.user(), ctx.clock.now()
    row.lift_reason = command.reason
    _held(ctx, EventKind.HOLD_LIFTED, row, command.reason)
    return row


def is_held(session: Session, case_id: uuid.UUID) -> bool:
    """Whether a hold on the case itself is in force."""
    return bool(queries.holds_of_case(session, case_id))


def _held(ctx: Context, kind: EventKind, row: LegalHold, reason: str) -> None:
    facts: dict[str, Any] = {
        "hold": str(row.id), "ground": row.ground, "automatic": row.automatic, "reason": reason,
        "placed_by": None if row.placed_by is None else str(row.placed_by),
    }  # fmt: skip
    if row.cause_case_id is not None:
        facts["cause_case"] = str(row.cause_case_id)
    if row.case_id is not None:
        audit.record(ctx, kind, Subject("case", row.case_id), facts, case_id=row.case_id)
        return
    item = evidence.visible_evidence(ctx, row.evidence_id or row.id)
    audit.record(
        ctx, kind, Subject("evidence", item.id), facts, case_id=item.case_id,
        mission_id=item.mission_id,
    )  # fmt: skip


__all__ = [
    "classify", "hold_automatically", "is_held", "lift_hold", "make_rule", "place_hold",
    "take_turn",
]  # fmt: skip
