"""What callers ask of this slice, already checked for shape; frozen."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebind:
    """Command: the item belongs to another case, mission or officer; the reason is kept."""

    reason: str
    case_id: uuid.UUID | None = None
    mission_id: uuid.UUID | None = None
    officer_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceFilter:
    """What a list of a case's evidence is narrowed to."""

    state: str | None = None
    media: str | None = None
    officer_id: uuid.UUID | None = None
    review: str | None = None
    captured_from: datetime | None = None
    captured_to: datetime | None = None
    cursor: str | None = None
    limit: int = 50
