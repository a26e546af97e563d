"""Cursor paging: opaque, stable under inserts, followed by ``Link: rel="next"`` (RFC 8288)."""

from __future__ import annotations

import base64
import binascii
import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from server.core.problem import Kind, Problem

_T = TypeVar("_T")

LIMIT_DEFAULT = 50
LIMIT_MAX = 500


@dataclass(frozen=True, slots=True)
class Page(Generic[_T]):
    """Some items and where the next ones begin."""

    items: Sequence[_T]
    next_cursor: str | None = None


def encode_cursor(*position: str | int) -> str:
    """An opaque text for a position."""
    text = json.dumps(position, separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_cursor(cursor: str, *kinds: type) -> tuple[Any, ...]:
    """The position again; raises ``cursor-invalid`` unless its parts have exactly these kinds."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        position = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        raise Problem(Kind.CURSOR_INVALID) from None
    if (
        not isinstance(position, list)
        or len(position) != len(kinds)
        or not all(type(part) is kind for part, kind in zip(position, kinds, strict=True))
    ):
        raise Problem(Kind.CURSOR_INVALID)
    return tuple(position)


def decode_id(cursor: str) -> uuid.UUID:
    """The id that a cursor of one id holds; raises ``cursor-invalid`` for anything else."""
    (text,) = decode_cursor(cursor, str)
    try:
        return uuid.UUID(text)
    except ValueError:
        raise Problem(Kind.CURSOR_INVALID) from None


def page_of(
    rows: Sequence[_T], limit: int, position: Callable[[_T], tuple[str | int, ...]]
) -> Page[_T]:
    """Cut a list that was read with ``limit + 1`` rows; ``position`` names a row's place."""
    if len(rows) <= limit:
        return Page(rows)
    kept = rows[:limit]
    return Page(kept, encode_cursor(*position(kept[-1])))
