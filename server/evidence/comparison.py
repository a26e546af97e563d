"""What a file says of itself, held against what its record claims.

Pure: neither database nor web.  A difference is a finding for people; it never rejects evidence.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import asin, cos, radians, sin, sqrt
from typing import Any
from zoneinfo import ZoneInfo

from server.evidence.findings import CaptureTime, Findings

EARTH_RADIUS_M = 6_371_000
TIME_TOLERANCE = timedelta(minutes=10)
DISTANCE_TOLERANCE_M = 1_000

Finding = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Claim:
    """What the signed record says of an item."""

    captured_at: datetime
    error_ms: int | None
    lat: str | None
    lon: str | None
    datum: str | None


def differences(claim: Claim, found: Findings, zone: ZoneInfo) -> list[Finding]:
    """Everything in the file that does not agree with the record, in words."""
    return [
        *_type(found),
        *_time(claim, found, zone),
        *_position(claim, found),
        *(
            _finding(f"unreadable-{p.stage}", f"{p.code} {p.detail}".strip())
            for p in found.problems
        ),
    ]


def media_wall(found: Findings, zone: ZoneInfo) -> datetime | None:
    """The moment the camera's own clock showed; a missing zone is taken to be the court's."""
    return None if found.times.captured is None else _moment(found.times.captured, zone)


def distance_m(lat: str, lon: str, other_lat: str, other_lon: str) -> float:
    """Great-circle distance in metres (haversine)."""
    phi, other_phi = radians(float(lat)), radians(float(other_lat))
    half_dphi = (other_phi - phi) / 2
    half_dlambda = radians(float(other_lon) - float(lon)) / 2
    a = sin(half_dphi) ** 2 + cos(phi) * cos(other_phi) * sin(half_dlambda) ** 2
    return 2 * EARTH_RADIUS_M * asin(min(1.0, sqrt(a)))


def _type(found: Findings) -> list[Finding]:
    sniffed = found.sniffed
    if sniffed.unsafe:
        return [_finding("unsafe-type", f"a browser could run this: {sniffed.mime}")]
    if not sniffed.agrees:
        return [
            _finding("type-differs", f"the bytes are {sniffed.mime}, not {sniffed.claimed_type}")
        ]
    return []


def _time(claim: Claim, found: Findings, zone: ZoneInfo) -> list[Finding]:
    own = media_wall(found, zone)
    if own is None:
        return []
    allowed = TIME_TOLERANCE + timedelta(milliseconds=claim.error_ms or 0)
    apart = own - claim.captured_at
    if abs(apart) <= allowed:
        return []
    source = found.times.captured.zone_source if found.times.captured else ""
    return [
        _finding("media-time-differs", f"the file says {own.isoformat()} ({source}), {apart} apart")
    ]


def _position(claim: Claim, found: Findings) -> list[Finding]:
    geo = found.geo
    if claim.lat is None or claim.lon is None or geo.latitude is None or geo.longitude is None:
        return []
    if (claim.datum or "WGS84").replace("-", "") != "WGS84":
        return []  # compared only in the same datum; a conversion would add hundreds of metres
    apart_m = distance_m(claim.lat, claim.lon, geo.latitude, geo.longitude)
    if apart_m <= DISTANCE_TOLERANCE_M:
        return []
    return [
        _finding(
            "media-position-differs",
            f"the file says {geo.latitude}, {geo.longitude}: {apart_m / 1000:.1f} km apart",
        )
    ]


def _moment(captured: CaptureTime, zone: ZoneInfo) -> datetime | None:
    text = captured.utc or captured.local
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _finding(code: str, detail: str) -> Finding:
    return {"code": code, "detail": detail[:300]}
