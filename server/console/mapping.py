"""A map without the internet: positions on a blank base with a graticule and a scale bar.  Pure.

Positions are WGS-84 degrees.  The projection is equidistant around the middle of what is shown,
which is exact enough for the few kilometres of a case and says so by its scale bar.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import cos, floor, log10, radians
from typing import Any, Final

WIDTH: Final = 640.0
HEIGHT: Final = 400.0
MARKS_MAX: Final = 150
_MARGIN: Final = 40.0
_DEGREE_M: Final = 111_320.0
_SPAN_MIN_M: Final = 200.0  # a single place gets some surroundings
_CELL: Final = 22.0
_LINES_MAX: Final = 6


@dataclass(frozen=True, slots=True)
class Spot:
    """Something at a place; ``at`` is when, for what has a time."""

    key: str
    lat: float
    lon: float
    kind: str
    name: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """One or more things of a kind, close together in the drawing."""

    x: float
    y: float
    kind: str
    spots: tuple[Spot, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """A parallel or meridian: its place in the drawing and its degrees."""

    place: float
    degrees: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """What a template needs to draw the map."""

    width: float
    height: float
    marks: Sequence[Mark]
    parallels: Sequence[Line]
    meridians: Sequence[Line]
    scale_width: float
    scale_m: float

    @property
    def scale_text(self) -> str:
        """Length of the scale bar."""
        return f"{self.scale_m / 1000:g} km" if self.scale_m >= 1000 else f"{self.scale_m:g} m"  # noqa: PLR2004


@dataclass(frozen=True, slots=True)
class _View:
    """Middle of the drawing, and how many units a metre takes."""

    lat: float
    lon: float
    units_per_m: float

    @property
    def lon_m(self) -> float:
        """Metres of a degree of longitude here."""
        return _DEGREE_M * max(0.01, cos(radians(self.lat)))

    def x(self, lon: float) -> float:
        return WIDTH / 2 + (lon - self.lon) * self.lon_m * self.units_per_m

    def y(self, lat: float) -> float:
        return HEIGHT / 2 - (lat - self.lat) * _DEGREE_M * self.units_per_m


def draw(spots: Sequence[Spot]) -> Drawing | None:
    """The map of these spots; None without any."""
    if not spots:
        return None
    view = _view(spots)
    scale_m = _round_below(WIDTH / 4 / view.units_per_m)
    half_lat = HEIGHT / 2 / view.units_per_m / _DEGREE_M
    half_lon = WIDTH / 2 / view.units_per_m / view.lon_m
    return Drawing(
        width=WIDTH,
        height=HEIGHT,
        marks=_marks(view, spots),
        parallels=[
            Line(round(view.y(value), 1), text)
            for value, text in _lines(view.lat - half_lat, view.lat + half_lat)
        ],
        meridians=[
            Line(round(view.x(value), 1), text)
            for value, text in _lines(view.lon - half_lon, view.lon + half_lon)
        ],
        scale_width=round(scale_m * view.units_per_m, 1),
        scale_m=scale_m,
    )


def feature_collection(spots: Iterable[Spot], **properties: Any) -> dict[str, Any]:
    """GeoJSON (RFC 7946: WGS-84, longitude first)."""
    return {"type": "FeatureCollection", **properties, "features": [_feature(s) for s in spots]}


def _feature(spot: Spot) -> dict[str, Any]:
    at = spot.at.isoformat() if spot.at else None
    return {
        "type": "Feature",
        "id": spot.key,
        "geometry": {"type": "Point", "coordinates": [round(spot.lon, 7), round(spot.lat, 7)]},
        "properties": {"kind": spot.kind, "name": spot.name, "at": at},
    }


def _view(spots: Sequence[Spot]) -> _View:
    south, north = min(s.lat for s in spots), max(s.lat for s in spots)
    west, east = min(s.lon for s in spots), max(s.lon for s in spots)
    lat, lon = (south + north) / 2, (west + east) / 2
    rough = _View(lat, lon, 1.0)
    high_m = max(_SPAN_MIN_M, (north - south) * _DEGREE_M)
    wide_m = max(_SPAN_MIN_M, (east - west) * rough.lon_m)
    units = min((HEIGHT - 2 * _MARGIN) / high_m, (WIDTH - 2 * _MARGIN) / wide_m)
    return _View(lat, lon, units)


def _marks(view: _View, spots: Sequence[Spot]) -> list[Mark]:
    """Spots of a kind within one cell are one mark; cells grow until there are few enough."""
    cell = _CELL
    while True:
        found: dict[tuple[str, int, int], list[Spot]] = {}
        for spot in spots:
            place = (floor(view.x(spot.lon) / cell), floor(view.y(spot.lat) / cell))
            found.setdefault((spot.kind, *place), []).append(spot)
        if len(found) <= MARKS_MAX:
            return [_mark(view, kind, group) for (kind, _, _), group in found.items()]
        cell *= 2


def _mark(view: _View, kind: str, group: list[Spot]) -> Mark:
    x = sum(view.x(spot.lon) for spot in group) / len(group)
    y = sum(view.y(spot.lat) for spot in group) / len(group)
    return Mark(round(x, 1), round(y, 1), kind, tuple(group))


def _lines(low: float, high: float) -> list[tuple[float, str]]:
    step = _round_above((high - low) / _LINES_MAX)
    digits = max(0, -floor(log10(step)))
    first = floor(low / step) + 1
    values = [step * place for place in range(first, floor(high / step) + 1)]
    return [(value, f"{value:.{digits}f}") for value in values]


def _round_below(value: float) -> float:
    """The largest of 1, 2, 5, 10, … that is not above."""
    power = 10.0 ** floor(log10(value))
    return max(one * power for one in (1, 2, 5) if one * power <= value)


def _round_above(value: float) -> float:
    power = 10.0 ** floor(log10(value))
    return min(one * power for one in (1, 2, 5, 10) if one * power >= value)
