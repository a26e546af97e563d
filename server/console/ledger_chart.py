"""A clock ledger as a small picture: how far the clock was off, over time.  Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

WIDTH: Final = 600
HEIGHT: Final = 120
_MARGIN: Final = 8
_LEAST_RANGE_MS: Final = 200


@dataclass(frozen=True, slots=True)
class Measured:
    """One comparison: when (Unix ms), offset and its error (ms)."""

    at_ms: int
    offset_ms: int
    error_ms: int


@dataclass(frozen=True, slots=True)
class Dot:
    """A comparison in the picture's coordinates; ``low`` and ``high`` bound its error."""

    x: float
    y: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class LedgerChart:
    """The picture; ``zero`` is where the clock would be right."""

    dots: Sequence[Dot]
    zero: float
    top_ms: int
    bottom_ms: int
    width: int = WIDTH
    height: int = HEIGHT

    @property
    def line(self) -> str:
        """Points of a polyline."""
        return " ".join(f"{dot.x},{dot.y}" for dot in self.dots)


def chart(measured: Sequence[Measured]) -> LedgerChart | None:
    """The picture of a ledger, oldest at the left; none for an empty one."""
    if not measured:
        return None
    ordered = sorted(measured, key=lambda one: one.at_ms)
    high = max(0, *(one.offset_ms + one.error_ms for one in ordered))
    low = min(0, *(one.offset_ms - one.error_ms for one in ordered))
    if high - low < _LEAST_RANGE_MS:
        high, low = high + _LEAST_RANGE_MS // 2, low - _LEAST_RANGE_MS // 2
    first, last = ordered[0].at_ms, ordered[-1].at_ms

    def x_of(at_ms: int) -> float:
        share = (at_ms - first) / (last - first) if last > first else 0.5
        return round(_MARGIN + share * (WIDTH - 2 * _MARGIN), 1)

    def y_of(offset_ms: int) -> float:
        share = (high - offset_ms) / (high - low)
        return round(_MARGIN + share * (HEIGHT - 2 * _MARGIN), 1)

    dots = [
        Dot(
            x_of(one.at_ms),
            y_of(one.offset_ms),
            y_of(one.offset_ms - one.error_ms),
            y_of(one.offset_ms + one.error_ms),
        )
        for one in ordered
    ]
    return LedgerChart(dots, y_of(0), high, low)
