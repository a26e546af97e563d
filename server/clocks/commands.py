"""What is asked of the clock ledger."""

from __future__ import annotations

from dataclasses import dataclass

from server.core.paging import LIMIT_DEFAULT


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerFilter:
    """Which part of a device's ledger."""

    cursor: str | None = None
    limit: int = LIMIT_DEFAULT
