"""One decision on several items: first what it would do, then item by item, an event for each."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from server.core.context import Context
from server.core.problem import Kind, Problem
from server.evidence import queries as evidence_queries
from server.evidence.models import Evidence
from server.review import policy, service
from server.review.commands import Bulk
from server.review.models import ReviewEntry
from server.review.policy import STATE_AFTER


@dataclass(frozen=True, slots=True)
class Skipped:
    """An item that stays as it is, with the stable slug of the reason and its words."""

    evidence_id: uuid.UUID
    item: Evidence | None
    why: str
    detail: str | None


@dataclass(frozen=True, slots=True)
class Preview:
    """What a decision would change, and what it would skip and why."""

    change: tuple[Evidence, ...]
    skip: tuple[Skipped, ...]


def preview(ctx: Context, command: Bulk) -> Preview:
    """Judge each item as the decision would."""
    review = command.review
    if review.decision not in STATE_AFTER:
        raise Problem(Kind.VALIDATION, "accept, return or query several items")
    policy.require_words(review.decision, review.reason_code, review.text)
    change: list[Evidence] = []
    skip: list[Skipped] = []
    for evidence_id in dict.fromkeys(command.evidence_ids):
        item = None
        try:
            item = evidence_queries.visible_evidence(ctx, evidence_id)
            _require_change(ctx, command, item)
        except Problem as problem:
            skip.append(Skipped(evidence_id, item, problem.kind.slug, problem.detail))
        else:
            change.append(item)
    return Preview(tuple(change), tuple(skip))


def apply(ctx: Context, command: Bulk) -> tuple[list[ReviewEntry], Preview]:
    """Decide on every item that can be decided on; the entries and what was skipped."""
    found = preview(ctx, command)
    ordered = sorted(found.change, key=lambda item: item.id)  # two of these never wait in a circle
    entries = [service.decide(ctx, item.id, command.review) for item in ordered]
    return entries, found


def _require_change(ctx: Context, command: Bulk, item: Evidence) -> None:
    decision = command.review.decision
    policy.require_decision(ctx.actor, item, decision)
    if item.review_state == STATE_AFTER[decision]:
        raise Problem(Kind.CONFLICT, f"the item is {item.review_state} already")
