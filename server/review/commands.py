"""What callers ask of this slice, already checked for shape; frozen."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from server.core.paging import LIMIT_DEFAULT

REVERSE: Final = "reverse"  # what an entry that takes a decision back says
TO_REVIEW: Final = ("suspect", "pending")
ANY_FINDING: Final = "any"


class Decision(StrEnum):
    """What a reviewer does with an item."""

    ACCEPT = "accept"
    RETURN = "return"
    QUERY = "query"
    COMMENT = "comment"


class Order(StrEnum):
    """By the corrected time of capture."""

    OLDEST = "oldest"
    NEWEST = "newest"


class Outcome(StrEnum):
    """What a second look says of an acceptance."""

    AGREE = "agree"
    DISAGREE = "disagree"


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """A decision as it was asked for; ``version`` is what the reviewer had before them."""

    decision: Decision
    reason_code: str | None = None
    text: str | None = None
    version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reverse:
    """Take the newest decision back; ``entry_id`` says which one is meant."""

    entry_id: uuid.UUID | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AddMarker:
    """A stretch in milliseconds, a region in thousandths, or neither; and what is there."""

    text: str
    from_ms: int | None = None
    to_ms: int | None = None
    region: tuple[int, int, int, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bulk:
    """One decision on several items."""

    evidence_ids: tuple[uuid.UUID, ...]
    review: Review


@dataclass(frozen=True, slots=True, kw_only=True)
class SetGoal:
    """How many accepted items are looked at again each week; 0 for none."""

    per_week: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondLook:
    """What the second reviewer says; a disagreement says why."""

    outcome: Outcome
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryFilter:
    """A page of an item's decisions."""

    cursor: str | None = None
    limit: int = LIMIT_DEFAULT


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A rectangle in degrees of WGS-84."""

    west: float
    south: float
    east: float
    north: float


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueFilter:
    """Which evidence is in the queue, in which order; ``finding`` is a code or ``any``."""

    states: tuple[str, ...] = TO_REVIEW
    case_id: uuid.UUID | None = None
    mission_id: uuid.UUID | None = None
    officer_id: uuid.UUID | None = None
    device_id: uuid.UUID | None = None
    media: str | None = None
    captured_from: datetime | None = None
    captured_to: datetime | None = None
    box: Box | None = None
    finding: str | None = None
    unseen: bool = False
    order: Order = Order.OLDEST
    cursor: str | None = None
    limit: int = LIMIT_DEFAULT
