"""WGS-84 and GCJ-02: hundreds of metres apart, so a position is never shown in the wrong one.

GCJ-02 shifts every position in China by a formula that is known from use (Krasovsky 1940
ellipsoid); outside a rough rectangle around China it leaves positions alone.  The inverse is
found by iteration.  Evidence is stored as recorded; conversions are for drawing only.
"""

from __future__ import annotations

from math import cos, pi, sin, sqrt
from typing import Final

WGS84: Final = "WGS84"
GCJ02: Final = "GCJ02"
_AXIS_M: Final = 6_378_245.0
_ECCENTRICITY_SQUARED: Final = 0.00669342162296594323
_WEST, _EAST, _SOUTH, _NORTH = 72.004, 137.8347, 0.8293, 55.8271
_ROUNDS: Final = 10


def to_gcj02(lat: float, lon: float) -> tuple[float, float]:
    """(latitude, longitude) in GCJ-02 of a WGS-84 position, in degrees."""
    if not (_WEST <= lon <= _EAST and _SOUTH <= lat <= _NORTH):
        return lat, lon
    x, y = lon - 105.0, lat - 35.0
    phi = lat / 180.0 * pi
    magic = 1 - _ECCENTRICITY_SQUARED * sin(phi) ** 2
    root = sqrt(magic)
    meridian_m = _AXIS_M * (1 - _ECCENTRICITY_SQUARED) / (magic * root)
    parallel_m = _AXIS_M / root * cos(phi)
    return (
        lat + _north_m(x, y) * 180.0 / (meridian_m * pi),
        lon + _east_m(x, y) * 180.0 / (parallel_m * pi),
    )


def to_wgs84(lat: float, lon: float) -> tuple[float, float]:
    """(latitude, longitude) in WGS-84 of a GCJ-02 position, to within a millimetre."""
    near_lat, near_lon = lat, lon
    for _ in range(_ROUNDS):
        there_lat, there_lon = to_gcj02(near_lat, near_lon)
        near_lat, near_lon = near_lat + lat - there_lat, near_lon + lon - there_lon
    return near_lat, near_lon


def as_wgs84(lat: str, lon: str, datum: str | None) -> tuple[float, float] | None:
    """A recorded position in WGS-84; None for a datum that is not converted here."""
    name = (datum or WGS84).replace("-", "").upper()
    if name == WGS84:
        return float(lat), float(lon)
    if name == GCJ02:
        return to_wgs84(float(lat), float(lon))
    return None


def _wave(value: float, first: float, second: float) -> float:
    return (20.0 * sin(first * value) + 20.0 * sin(second * value)) * 2.0 / 3.0


def _north_m(x: float, y: float) -> float:
    shift = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * sqrt(abs(x))
    shift += _wave(x, 6.0 * pi, 2.0 * pi)
    shift += (20.0 * sin(y * pi) + 40.0 * sin(y / 3.0 * pi)) * 2.0 / 3.0
    return shift + (160.0 * sin(y / 12.0 * pi) + 320.0 * sin(y * pi / 30.0)) * 2.0 / 3.0


def _east_m(x: float, y: float) -> float:
    shift = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * sqrt(abs(x))
    shift += _wave(x, 6.0 * pi, 2.0 * pi)
    shift += (20.0 * sin(x * pi) + 40.0 * sin(x / 3.0 * pi)) * 2.0 / 3.0
    return shift + (150.0 * sin(x / 12.0 * pi) + 300.0 * sin(x / 30.0 * pi)) * 2.0 / 3.0
