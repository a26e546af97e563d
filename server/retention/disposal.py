"""Disposal of what is due: one person proposes, another decides, each item for itself.

A batch is no transaction of its own: what may not go is left out with its reason, the rest goes.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from server.core.context import Context
from server.core.problem import Problem
from server.evidence import erasure
from server.evidence.erasure import AskErasure, DecideErasure
from server.evidence.erasure_models import Erasure
from server.retention import queries, service
from server.retention.commands import Decide, Propose
from server.retention.models import LineErasure


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one item of a batch; ``why`` is the code of a refusal by the rules."""

    id: uuid.UUID
    erasure_id: uuid.UUID | None
    state: str  # requested | refused | erased | left
    problem: str | None = None
    detail: str | None = None
    why: str | None = None


def propose(ctx: Context, command: Propose) -> list[Outcome]:
    """Ask for the erasure of items whose period is over; nothing is erased yet."""
    service.take_turn(ctx)

    def ask(evidence_id: uuid.UUID) -> Erasure:
        rule = queries.judged(ctx, evidence_id).rule
        basis = f"retention period over: {rule.category.value}, rule version {rule.version}"
        return erasure.ask(ctx, evidence_id, AskErasure(legal_basis=basis, reason=command.reason))

    return each(ctx, command.evidence_ids, ask)


def approve(ctx: Context, command: Decide) -> list[Outcome]:
    """Agree to what somebody else proposed, and erase what may still go."""
    service.take_turn(ctx)  # before any proposal's row, as a single approval does

    def agree(erasure_id: uuid.UUID) -> Erasure:
        return erasure.approve(ctx, erasure_id, DecideErasure(note=command.note))

    return each(ctx, command.erasure_ids, agree)


def refuse(ctx: Context, command: Decide) -> list[Outcome]:
    """Refuse what somebody else proposed; it may be proposed again."""
    service.take_turn(ctx)

    def decline(erasure_id: uuid.UUID) -> Erasure:
        return erasure.refuse(ctx, erasure_id, DecideErasure(note=command.note))

    return each(ctx, command.erasure_ids, decline)


def each(
    ctx: Context, ids: Sequence[uuid.UUID], act: Callable[[uuid.UUID], Erasure | LineErasure]
) -> list[Outcome]:
    """Each for itself, in the order of the ids, so that two batches lock their rows alike."""
    found = {one: _one(ctx, one, act) for one in sorted(set(ids))}
    return [found[one] for one in dict.fromkeys(ids)]


def _one(
    ctx: Context, given: uuid.UUID, act: Callable[[uuid.UUID], Erasure | LineErasure]
) -> Outcome:
    callbacks = list(ctx.after_commit)
    try:
        with ctx.session.begin_nested():
            row = act(given)
            ctx.session.flush()
    except Problem as problem:
        ctx.after_commit[:] = callbacks
        why = problem.extra.get("why")
        return Outcome(
            given, None, "left", problem.kind.slug, problem.detail or problem.kind.value.title,
            why if isinstance(why, str) else None,
        )  # fmt: skip
    return Outcome(given, row.id, row.state)
