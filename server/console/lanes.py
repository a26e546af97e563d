"""Recordings as bars along a window, and the gaps between them: drawn, never filled in.  Pure.

A recording whose length is not known is an open bar: nothing is said about what follows it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

SCALE: Final = 1000.0  # width of the drawing, whatever the window
GAP_MIN: Final = timedelta(seconds=2)  # below it lies what cameras lose between two files
_BAR_MIN: Final = 2.0


@dataclass(frozen=True, slots=True)
class Stretch:
    """From when to when; ``error_ms`` is how far both may be off, None when nobody knows."""

    starts_at: datetime
    ends_at: datetime | None
    error_ms: int | None = None
    key: str = ""


@dataclass(frozen=True, slots=True)
class Gap:
    """A time between two recordings in which none of them ran.

    ``sure`` says that it is longer than both clocks may be wrong.
    """

    starts_at: datetime
    ends_at: datetime
    sure: bool

    @property
    def seconds(self) -> float:
        """Its length."""
        return (self.ends_at - self.starts_at).total_seconds()


@dataclass(frozen=True, slots=True)
class Bar:
    """A place in the drawing: from 0 to ``SCALE``."""

    x: float
    width: float
    key: str = ""
    open_end: bool = False


def gaps(recordings: Iterable[Stretch]) -> list[Gap]:
    """Gaps within a merge of recordings, from the first beginning to the last end."""
    found: list[Gap] = []
    reached: datetime | None = None
    doubt = timedelta(0)
    known = True
    for one in sorted(recordings, key=lambda stretch: stretch.starts_at):
        slack = timedelta(milliseconds=one.error_ms or 0)
        if reached is not None and known and one.starts_at - reached >= GAP_MIN:
            sure = one.starts_at - reached > doubt + slack
            found.append(Gap(reached, one.starts_at, sure))
        if one.ends_at is None:
            # Nobody knows how long it ran: until the next one begins nothing can be said.
            known, reached, doubt = False, max(reached or one.starts_at, one.starts_at), slack
        elif reached is None or one.ends_at >= reached or not known:
            reached, doubt, known = max(one.ends_at, reached or one.ends_at), slack, True
    return found


def bar(one: Stretch, window: tuple[datetime, datetime]) -> Bar | None:
    """Where a stretch lies in the drawing of a window; None outside it."""
    start, end = _place(one.starts_at, window), _place(one.ends_at or one.starts_at, window)
    if end < 0 or start > SCALE:
        return None
    start, end = max(0.0, start), min(SCALE, end)
    width = max(_BAR_MIN, end - start)
    return Bar(round(min(start, SCALE - width), 2), round(width, 2), one.key, one.ends_at is None)


def mark(at: datetime, window: tuple[datetime, datetime]) -> float:
    """Where a moment lies in the drawing, within its bounds."""
    return round(min(SCALE, max(0.0, _place(at, window))), 2)


def ticks(window: tuple[datetime, datetime], wanted: int = 8) -> list[datetime]:
    """Round moments to label the drawing with, at most ``wanted``."""
    length_s = (window[1] - window[0]).total_seconds()
    step_s = next((one for one in _STEPS_S if length_s / one <= wanted), _STEPS_S[-1])
    midnight = window[0].replace(hour=0, minute=0, second=0, microsecond=0)
    first = int((window[0] - midnight).total_seconds() // step_s) + 1
    found = [midnight + timedelta(seconds=step_s * (first + place)) for place in range(wanted + 1)]
    return [one for one in found if window[0] < one < window[1]]


def bucket_width_s(length: timedelta, wanted: int = 96) -> int:
    """A round width so that a stretch of time falls into at most ``wanted`` buckets."""
    return next((one for one in _STEPS_S if length.total_seconds() / one <= wanted), _STEPS_S[-1])


def _place(at: datetime, window: tuple[datetime, datetime]) -> float:
    length = (window[1] - window[0]).total_seconds()
    return SCALE * (at - window[0]).total_seconds() / length if length > 0 else 0.0


_MINUTE: Final = 60
_HOUR: Final = 3600
_DAY: Final = 86_400
_STEPS_S: Final[Sequence[int]] = (
    _MINUTE, 5 * _MINUTE, 15 * _MINUTE, 30 * _MINUTE, _HOUR, 3 * _HOUR, 6 * _HOUR, 12 * _HOUR,
    _DAY, 7 * _DAY, 30 * _DAY, 90 * _DAY, 365 * _DAY,
)  # fmt: skip
