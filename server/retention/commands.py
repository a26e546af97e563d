"""What callers ask of this slice, already checked for shape; frozen."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Final

from server.core.paging import LIMIT_DEFAULT
from server.retention.categories import Category

GROUNDS: Final = ("person", "objection", "review", "supervision", "petition")


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeRule:
    """A new version of the rule for a category; no months: for good."""

    category: Category
    months: int | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a rule would change."""

    category: Category
    months: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Classify:
    """Put items into a category."""

    evidence_ids: tuple[uuid.UUID, ...]
    category: Category
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceHold:
    """Hold a case or one item."""

    reason: str
    ground: str = "person"
    case_id: uuid.UUID | None = None
    evidence_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LiftHold:
    """End a hold that somebody else placed."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldFilter:
    """Which holds; by default those in force."""

    case_id: uuid.UUID | None = None
    lifted: bool = False
    cursor: str | None = None
    limit: int = LIMIT_DEFAULT


@dataclass(frozen=True, slots=True, kw_only=True)
class DueFilter:
    """A page of what is due."""

    cursor: str | None = None
    limit: int = LIMIT_DEFAULT


@dataclass(frozen=True, slots=True, kw_only=True)
class Propose:
    """Propose items for disposal; somebody else decides."""

    evidence_ids: tuple[uuid.UUID, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposeLines:
    """Propose lines of the log book for disposal; somebody else decides."""

    log_entry_ids: tuple[uuid.UUID, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decide:
    """Agree to proposals, or refuse them."""

    erasure_ids: tuple[uuid.UUID, ...]
    note: str | None = None
