"""Undo: a decision is never removed; another entry takes it back and restores what was before."""

from __future__ import annotations

import uuid

import sqlalchemy as sa

from server.audit import service as audit
from server.audit.events import EventKind
from server.audit.service import Subject
from server.core.context import Context
from server.core.problem import Kind, Problem
from server.disclosure.models import Export
from server.evidence import queries as evidence_queries
from server.evidence import service as evidence
from server.evidence.models import Evidence
from server.review import policy, queries
from server.review.commands import REVERSE, Reverse
from server.review.models import ReviewEntry
from server.review.telling import notices


def reverse(ctx: Context, evidence_id: uuid.UUID, command: Reverse) -> ReviewEntry:
    """Take the standing decision back; the officer's device hears of it like of a return."""
    item = evidence_queries.visible_evidence(ctx, evidence_id)
    ctx.session.refresh(item, with_for_update=True)
    entry = queries.standing_decision(ctx.session, item)
    if entry is None or entry.state_before is None:
        raise Problem(Kind.CONFLICT, "there is no decision to take back")
    if command.entry_id is not None and command.entry_id != entry.id:
        raise queries.overtaken(ctx, item)
    gone = left_house(ctx, item, entry)
    explained = policy.needs_reason(ctx.actor, entry, ctx.clock.now(), left_house=gone)
    policy.require_reversal(ctx.actor, item, explained=explained, reason=command.reason)
    return _append(ctx, item, entry, command.reason)


def left_house(ctx: Context, item: Evidence, entry: ReviewEntry) -> bool:
    """Whether an export that holds the item was asked for since the decision."""
    statement = sa.select(Export.evidence_ids).where(
        Export.court_id == item.court_id,
        Export.case_id == item.case_id,
        Export.state != "failed",
        Export.requested_at >= entry.created_at,
    )
    holds = ctx.session.execute(statement).scalars()
    return any(chosen is None or str(item.id) in chosen for chosen in holds)


def _append(ctx: Context, item: Evidence, entry: ReviewEntry, reason: str | None) -> ReviewEntry:
    before, after = item.review_state, entry.state_before or "pending"
    reversal = ReviewEntry(
        id=ctx.new_id(),
        court_id=item.court_id,
        evidence_id=item.id,
        decision=REVERSE,
        text=reason,
        state_before=before,
        reason_before=item.review_reason,
        reverses_id=entry.id,
        author_id=ctx.actor.user(),
        created_at=ctx.clock.now(),
    )
    ctx.session.add(reversal)
    evidence.set_review_state(item, after, entry.reason_before)
    audit.record(
        ctx,
        EventKind.REVIEW_REVERSED,
        Subject("evidence", item.id),
        {
            "entry": str(reversal.id),
            "reverses": str(entry.id),
            "decision": entry.decision,
            "reason": reason,
            "state": {"from": before, "to": after},
            "sha256": item.sha256,
        },
        case_id=item.case_id,
        mission_id=item.mission_id,
        notices=notices(item, before, after),
    )
    return reversal
