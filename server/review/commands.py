"""What callers ask of this slice, already checked for shape; frozen."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from server.core.paging import LIMIT_DEFAULT


class Decision(StrEnum):
    """What a reviewer does with an item."""

    ACCEPT = "accept"
    RETURN = "return"
    QUERY = "query"
    COMMENT = "comment"


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """A decision as it was asked for."""

    decision: Decision
    reason_code: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryFilter:
    """A page of an item's decisions."""

    cursor: str | None = None
    limit: int = LIMIT_DEFAULT
