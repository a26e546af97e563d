"""RFC 3339 times: always with an offset, always aware."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from client_sdk.protocol.errors import TimeFormatError

_RFC3339: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})"
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def parse_rfc3339(text: object) -> datetime:
    """Aware datetime of an RFC 3339 text; the offset is kept, digits past µs are cut."""
    if not isinstance(text, str) or not _RFC3339.fullmatch(text):
        raise TimeFormatError("not an RFC 3339 time with an offset")
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise TimeFormatError("not a time of the calendar") from error


def format_rfc3339(when: datetime) -> str:
    """RFC 3339 in UTC with milliseconds and `Z`."""
    _aware(when)
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def format_local(when: datetime) -> str:
    """RFC 3339 with milliseconds in the time's own offset (as the officer's clock showed it)."""
    _aware(when)
    return when.isoformat(timespec="milliseconds")


def unix_ms(when: datetime) -> int:
    """Milliseconds since 1970 UTC, rounded down."""
    _aware(when)
    return (when - _EPOCH) // timedelta(milliseconds=1)


def from_unix_ms(milliseconds: int) -> datetime:
    """Aware UTC datetime of milliseconds since 1970."""
    try:
        return _EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError as error:
        raise TimeFormatError("out of the calendar") from error


def _aware(when: datetime) -> None:
    if when.tzinfo is None:
        raise TimeFormatError("a time without an offset")
