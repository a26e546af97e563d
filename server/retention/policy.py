"""Rules about rules, holds and classes: pure, on loaded rows."""

from __future__ import annotations

from server.core.context import Actor
from server.core.problem import Kind, Problem
from server.evidence.models import Evidence
from server.retention.categories import RULED, SETTABLE, Category
from server.retention.models import LegalHold
from server.retention.periods import MONTHS_MAX, MONTHS_MIN


def require_rule(category: Category, months: int | None) -> None:
    """A period of at least six months, or for good; coercive measures always stay for good."""
    if category not in RULED:
        raise Problem(Kind.VALIDATION, f"what is {category} is kept for good; no rule changes that")
    if months is not None and not MONTHS_MIN <= months <= MONTHS_MAX:
        raise Problem(Kind.VALIDATION, f"months: {MONTHS_MIN} to {MONTHS_MAX}, or none: for good")


def require_class(actor: Actor, item: Evidence, category: Category) -> None:
    """Whoever answers for the item may not also say what it is."""
    if category not in SETTABLE:
        raise Problem(Kind.VALIDATION, f"category: one of {', '.join(SETTABLE)}")
    if item.officer_id is not None and item.officer_id == actor.user_id:
        raise Problem(Kind.FORBIDDEN, "someone else has to class what you recorded yourself")


def require_target(command_ids: tuple[object | None, object | None]) -> None:
    """A hold is about a case or about one item."""
    if sum(one is not None for one in command_ids) != 1:
        raise Problem(Kind.VALIDATION, "give either case_id or evidence_id")


def require_there(item: Evidence) -> None:
    """What was erased cannot be held any more."""
    if item.state == "erased":
        raise Problem(Kind.CONFLICT, "it was erased before")


def require_liftable(actor: Actor, hold: LegalHold) -> None:
    """A hold is lifted once, and by somebody else."""
    if hold.lifted_at is not None:
        raise Problem(Kind.CONFLICT, "the hold was lifted before")
    if hold.placed_by is not None and hold.placed_by == actor.user():
        raise Problem(Kind.FORBIDDEN, "someone else has to lift the hold that you placed")
