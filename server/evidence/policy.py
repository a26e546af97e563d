"""What may be done with one item."""

from __future__ import annotations

from server.core.context import Actor
from server.core.problem import Kind, Problem, not_found
from server.evidence.models import Evidence
from server.identity.models import User


def may_rebind(actor: Actor, item: Evidence) -> None:
    """Whoever answers for the item may not also be the one who moves it."""
    if item.officer_id is not None and item.officer_id == actor.user_id:
        raise Problem(Kind.FORBIDDEN, "someone else has to rebind what you recorded yourself")


def has_bytes(item: Evidence) -> None:
    """A missing attachment never looks downloadable."""
    if item.state != "verified":
        raise Problem(Kind.CONTENT_MISSING, f"the item is {item.state}", state=item.state)


def officer_exists(user: User | None) -> None:
    """A foreign court's people do not exist here."""
    if user is None:
        raise not_found("the officer")
