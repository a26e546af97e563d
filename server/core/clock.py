"""The server's clock, injected so that tests can move it."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

_MILLI = 1000


class Clock(Protocol):
    """Source of the present moment."""

    def now(self) -> datetime:
        """Present moment in UTC, whole milliseconds."""
        ...


class SystemClock:
    """The host's clock."""

    def now(self) -> datetime:
        """Present moment in UTC, whole milliseconds."""
        return from_unix_ms(time.time_ns() // 1_000_000)


class FixedClock:
    """A clock that moves only when told to."""

    def __init__(self, at: datetime) -> None:
        self._at = truncated(at)

    def now(self) -> datetime:
        """The moment it was set to."""
        return self._at

    def advance(self, delta: timedelta) -> None:
        """Move by ``delta``, which may be negative."""
        self._at = truncated(self._at + delta)


def truncated(at: datetime) -> datetime:
    """``at`` in UTC without what is below a millisecond."""
    utc = at.astimezone(UTC)
    return utc.replace(microsecond=utc.microsecond // _MILLI * _MILLI)


def from_unix_ms(unix_ms: int) -> datetime:
    """Moment of a Unix time in milliseconds."""
    return datetime.fromtimestamp(unix_ms // _MILLI, UTC) + timedelta(milliseconds=unix_ms % _MILLI)


def unix_ms(at: datetime) -> int:
    """Unix time in milliseconds."""
    return (truncated(at) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def rfc3339(at: datetime) -> str:
    """RFC 3339 text in UTC with milliseconds, as records and receipts carry it."""
    return truncated(at).isoformat(timespec="milliseconds").replace("+00:00", "Z")
