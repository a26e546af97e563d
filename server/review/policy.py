"""Which decision may be taken by whom on which item: pure, on a loaded row."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from server.core.context import Actor
from server.core.permissions import Permission
from server.core.problem import Kind, Problem
from server.evidence.models import Evidence
from server.review.commands import Decision
from server.review.models import ReviewEntry
from server.review.reasons import REASONS

# A comment leaves the state as it is.
STATE_AFTER: Final = MappingProxyType(
    {Decision.ACCEPT: "accepted", Decision.RETURN: "returned", Decision.QUERY: "queried"}
)

# A slip of the hand is taken back without a word; later it takes a reason.
UNDO_WITHIN: Final = timedelta(minutes=10)


def require_decision(actor: Actor, item: Evidence, decision: Decision) -> None:
    """Refuse with the reason: not a reviewer, one's own capture, or no bytes to accept."""
    if decision is Decision.COMMENT:
        return
    if not actor.may(Permission.EVIDENCE_REVIEW):
        raise Problem(Kind.FORBIDDEN, "you may comment; a supervisor decides")
    require_another_than_the_officer(actor, item)
    if decision is Decision.ACCEPT:
        _require_acceptable(item)


def require_another_than_the_officer(actor: Actor, item: Evidence) -> None:
    """Nobody judges their own capture."""
    if item.officer_id is not None and item.officer_id == actor.user_id:
        raise Problem(Kind.FORBIDDEN, "someone else has to decide on what you recorded yourself")


def needs_reason(actor: Actor, entry: ReviewEntry, now: datetime, *, left_house: bool) -> bool:
    """Whether taking a decision back has to be explained.

    Who decided may undo it within ``UNDO_WITHIN`` without a word.  Afterwards, for others, and once
    the decision has left the house in an export, a reviewer does it and says why.  An export is no
    bar: its package stays true for the log as it was, and the log goes on.
    """
    own = entry.author_id == actor.user_id
    return left_house or not own or now - entry.created_at > UNDO_WITHIN


def require_reversal(actor: Actor, item: Evidence, *, explained: bool, reason: str | None) -> None:
    """A reviewer other than the item's officer, with a reason where one is needed."""
    if not actor.may(Permission.EVIDENCE_REVIEW):
        raise Problem(Kind.FORBIDDEN, "a supervisor takes decisions back")
    require_another_than_the_officer(actor, item)
    if explained and not reason:
        raise Problem(Kind.VALIDATION, "say why the decision is taken back", needs_reason=True)


def require_second_person(actor: Actor, item: Evidence, first_by: uuid.UUID) -> None:
    """A second look is another person's."""
    require_another_than_the_officer(actor, item)
    if actor.user_id == first_by:
        raise Problem(Kind.FORBIDDEN, "someone else has to look a second time")


def require_words(decision: Decision, reason_code: str | None, text: str | None) -> None:
    """A return names its reason; a query or comment says something; an acceptance gives none."""
    if decision is Decision.RETURN:
        reason = REASONS.get(reason_code or "")
        if reason is None:
            raise Problem(Kind.VALIDATION, f"a return needs a reason_code: {', '.join(REASONS)}")
        if reason.needs_text and not text:
            raise Problem(Kind.VALIDATION, f"reason {reason.code} needs a text")
        return
    if reason_code is not None:
        raise Problem(Kind.VALIDATION, "only a return has a reason_code")
    if decision is not Decision.ACCEPT and not text:
        raise Problem(Kind.VALIDATION, f"a {decision} needs a text")


def _require_acceptable(item: Evidence) -> None:
    if item.state != "verified":
        raise Problem(
            Kind.CONTENT_MISSING,
            f"the item is {item.state}; only verified evidence can be accepted",
            state=item.state,
        )
    if item.review_state == STATE_AFTER[Decision.ACCEPT]:
        raise Problem(Kind.CONFLICT, "the item is accepted already")
