"""What may be decided about an entry: pure, on a loaded row; the coarse gate is the permission."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from server.core.problem import Kind, Problem
from server.live.commands import Decide, Decision
from server.live.models import LiveEntry
from server.live.redaction import may_carry_photo

WAITING: Final = "waiting"
HELD: Final = "held"
REDACTED: Final = "redacted"
RELEASED: Final = "released"
WITHDRAWN: Final = "withdrawn"
STATES: Final = (WAITING, HELD, REDACTED, RELEASED, WITHDRAWN)

_FROM: Final = {
    Decision.HOLD: frozenset({WAITING, REDACTED}),
    Decision.REDACT: frozenset(STATES),
    Decision.RELEASE: frozenset({WAITING, HELD, REDACTED, WITHDRAWN}),
    Decision.WITHDRAW: frozenset({WAITING, HELD, REDACTED, RELEASED}),
}


def is_early(row: LiveEntry, now: datetime) -> bool:
    """Whether its delay is still running."""
    return row.due_at is not None and now < row.due_at


def is_shown(row: LiveEntry) -> bool:
    """Whether observers can read its content at this moment."""
    return row.position is not None and row.state in {REDACTED, RELEASED}


def allowed(row: LiveEntry, now: datetime) -> list[Decision]:
    """Decisions that make sense of the entry now, for the buttons of a page."""
    found = []
    for decision in Decision:
        try:
            require_possible(row, decision)
        except Problem:
            continue
        found.append(decision)
    if row.state == REDACTED and not is_early(row, now):
        found.remove(Decision.RELEASE)
    return found


def require_decision(row: LiveEntry, command: Decide, now: datetime) -> None:
    """Refuse what contradicts the entry's state, its categories or its delay."""
    if command.version is not None and command.version != row.version:
        raise Problem(Kind.CONFLICT, "somebody else has decided meanwhile; look at it again")
    require_possible(row, command.decision)
    if command.decision is Decision.REDACT:
        _require_redaction(row, command)
    elif command.text is not None or command.photos:
        raise Problem(Kind.VALIDATION, "only a redaction has a text or photos")
    if command.decision is Decision.WITHDRAW and not command.reason:
        raise Problem(Kind.VALIDATION, "a withdrawal needs a reason")
    if command.decision is Decision.RELEASE and not command.reason:
        if is_early(row, now):
            raise Problem(Kind.VALIDATION, "the delay still runs: an early release needs a reason")
        if row.state == WITHDRAWN:
            raise Problem(Kind.VALIDATION, "it was withdrawn: showing it again needs a reason")


def require_possible(row: LiveEntry, decision: Decision) -> None:
    """Refuse a decision that the entry's state or its categories rule out."""
    if row.state not in _FROM[decision]:
        raise Problem(Kind.CONFLICT, f"an entry that is {row.state} cannot be {_DONE[decision]}")
    if decision is Decision.HOLD and is_shown(row):
        raise Problem(Kind.CONFLICT, "observers have read it: withdraw it instead")
    never = row.categories and decision is Decision.RELEASE and row.state != REDACTED
    if never:
        raise Problem(
            Kind.CONFLICT,
            f"never shown as it is ({', '.join(row.categories)}): rewrite it instead",
            categories=list(row.categories),
        )


_DONE: Final = {
    Decision.HOLD: "held",
    Decision.REDACT: "redacted",
    Decision.RELEASE: "released",
    Decision.WITHDRAW: "withdrawn",
}


def _require_redaction(row: LiveEntry, command: Decide) -> None:
    if not command.text and not command.photos:
        raise Problem(Kind.VALIDATION, "a redaction needs a text or a redacted photo")
    require_photos(row, command.photos)


def require_photos(row: LiveEntry, photos: Sequence[object]) -> None:
    """Refuse photos of what is never shown."""
    if photos and not may_carry_photo(row.categories):
        raise Problem(Kind.CONFLICT, "the interior of a home is never shown, not even redacted")
