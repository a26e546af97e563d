"""Deciding on evidence: every decision is appended, and the item shows the newest outcome."""

from __future__ import annotations

import uuid
from types import MappingProxyType

from server.audit import service as audit
from server.audit.events import EventKind
from server.audit.service import Subject
from server.core.context import Context
from server.evidence import queries as evidence_queries
from server.evidence import service as evidence
from server.review import policy, queries
from server.review.commands import Decision, Review
from server.review.models import ReviewEntry
from server.review.policy import STATE_AFTER
from server.review.telling import notices

_KINDS = MappingProxyType(
    {
        Decision.ACCEPT: EventKind.REVIEW_ACCEPTED,
        Decision.RETURN: EventKind.REVIEW_RETURNED,
        Decision.QUERY: EventKind.REVIEW_QUERIED,
        Decision.COMMENT: EventKind.REVIEW_COMMENTED,
    }
)


def decide(ctx: Context, evidence_id: uuid.UUID, command: Review) -> ReviewEntry:
    """Append a decision; a return or query reaches the officer and the device at the next pull."""
    item = evidence_queries.visible_evidence(ctx, evidence_id)
    ctx.session.refresh(item, with_for_update=True)  # decisions on one item take turns
    if command.version is not None and command.version != item.version:
        raise queries.overtaken(ctx, item)
    policy.require_words(command.decision, command.reason_code, command.text)
    policy.require_decision(ctx.actor, item, command.decision)
    entry = ReviewEntry(
        id=ctx.new_id(),
        court_id=item.court_id,
        evidence_id=item.id,
        decision=command.decision.value,
        reason_code=command.reason_code,
        text=command.text,
        state_before=item.review_state,
        reason_before=item.review_reason,
        author_id=ctx.actor.user(),
        created_at=ctx.clock.now(),
    )
    ctx.session.add(entry)
    before, after = item.review_state, STATE_AFTER.get(command.decision)
    if after is not None:
        evidence.set_review_state(item, after, command.reason_code)
    audit.record(
        ctx,
        _KINDS[command.decision],
        Subject("evidence", item.id),
        {
            "entry": str(entry.id),
            "reason_code": command.reason_code,
            "text": command.text,
            "state": {"from": before, "to": after or before},
            "sha256": item.sha256,
        },
        case_id=item.case_id,
        mission_id=item.mission_id,
        notices=notices(item, before, after or before),
    )
    return entry
