"""What callers ask of this slice, already checked for shape; frozen."""

from __future__ import annotations

import uuid
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestExport:
    """Command: a case, or some items of one case, for a named recipient and purpose."""

    purpose: str
    recipient: str
    case_id: uuid.UUID | None = None
    evidence_ids: tuple[uuid.UUID, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportFilter:
    """A page of a case's exports."""

    cursor: str | None = None
    limit: int = 50
