"""Recordings of an action as a picture: a lane a recorder, gaps over all of them.  Pure."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from server.conduct.covering import Covering, Explained
from server.conduct.materials import Material

WIDTH: Final = 1000
LANE: Final = 28
_BAR: Final = 18
_TOP: Final = 4


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch in the picture's coordinates."""

    x: float
    y: int
    width: float
    height: int
    css: str
    material: Material | None = None


@dataclass(frozen=True, slots=True)
class CoverageChart:
    """The picture; ``devices`` are its lanes from the top down."""

    bars: Sequence[Bar]
    devices: Sequence[uuid.UUID]
    height: int
    width: int = WIDTH


def chart(covering: Covering, seen: Collection[uuid.UUID]) -> CoverageChart | None:
    """The picture of an action's recordings; none for an action without length.

    :param seen: recordings that the reader may see; the others are not drawn.
    """
    whole = covering.ends_at - covering.begins_at
    if whole <= timedelta(0):
        return None
    shown = [one for one in covering.recordings if one.item.id in seen]
    devices = list(dict.fromkeys(one.item.captured_by for one in shown))
    height = _TOP * 2 + LANE * max(1, len(devices))

    def stretch(begins_at: datetime, ends_at: datetime) -> tuple[float, float]:
        first, last = (
            min(max((at - covering.begins_at) / whole, 0.0), 1.0) for at in (begins_at, ends_at)
        )
        return round(first * WIDTH, 1), round(max(last - first, 0.002) * WIDTH, 1)

    def over(one: Explained) -> Bar:
        x, width = stretch(one.span.begins_at, one.span.ends_at)
        css = f"hole {one.kind}{' told' if one.by else ''}"
        return Bar(x, 0, width, height, css)

    def bar(one: Material) -> Bar:
        x, width = stretch(one.begins_at, one.ends_at or covering.ends_at)
        y = _TOP + LANE * devices.index(one.item.captured_by) + (LANE - _BAR) // 2
        sound = "" if one.has_picture else " sound"
        css = f"bar{sound}" if one.ends_at is not None and one.is_here else f"bar open-end{sound}"
        return Bar(x, y, width, _BAR, css, one)

    bars = [bar(one) for one in shown] + [over(one) for one in covering.stretches]
    return CoverageChart(bars, devices, height)
