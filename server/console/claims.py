"""What a device claims beside what the server observed, row by row: pure.

Only what both sides say can differ.  ``differs`` is None where one side is silent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from server.evidence.comparison import distance_m
from server.evidence.models import Evidence

TOLERANCE: Final = timedelta(minutes=2)
METRES_MAX: Final = 500.0


@dataclass(frozen=True, slots=True)
class Row:
    """One fact: ``name`` has words, both sides are texts, ``differs`` is judged."""

    group: str
    name: str
    claimed: str | None
    observed: str | None
    differs: bool | None
    note: str | None = None


def rows(
    item: Evidence, findings: Mapping[str, Any] | None, received: str | None, device: str | None
) -> list[Row]:
    """Every row; ``findings`` is what the worker found in the bytes, ``received`` RFC 3339."""
    found = findings or {}
    return [*_times(item, found, received), *_places(item, found), *_bytes(item, found, device)]


def _times(item: Evidence, found: Mapping[str, Any], received: str | None) -> list[Row]:
    captured = (found.get("times") or {}).get("captured") or {}
    in_file = captured.get("utc") or captured.get("local")
    at = item.captured_at.isoformat()
    error = timedelta(milliseconds=item.error_ms or 0) + TOLERANCE
    return [
        Row("time", "wall", item.wall, at, _apart(item.wall, item.captured_at, error)),
        Row("time", "file_time", in_file, at, _apart(captured.get("utc"), item.captured_at, error)),
        Row("time", "gnss", item.gnss_at, at, _apart(item.gnss_at, item.captured_at, error)),
        Row("time", "received", None, received, None),
        Row("time", "clock_class", None, item.clock_class, None),
    ]


def _places(item: Evidence, found: Mapping[str, Any]) -> list[Row]:
    geo = found.get("geo") or {}
    claimed, observed = _pair(item.lat, item.lon), _pair(geo.get("latitude"), geo.get("longitude"))
    if item.geo_source == "exif":  # the record said nothing, the file did
        return [Row("place", "position", None, observed, None, item.geo_datum)]
    differs, note = None, item.geo_datum
    comparable = (item.geo_datum or "WGS84").replace("-", "") == "WGS84"
    if claimed and observed and comparable:
        metres = distance_m(item.lat or "", item.lon or "", geo["latitude"], geo["longitude"])
        differs, note = metres > METRES_MAX, f"{metres:.0f} m"
    return [
        Row("place", "position", claimed, observed, differs, note),
        Row("place", "accuracy", item.geo_accuracy_m, geo.get("accuracy_m"), None),
        Row("place", "source", item.geo_source or item.geo_reason, geo.get("source"), None),
    ]


def _bytes(item: Evidence, found: Mapping[str, Any], device: str | None) -> list[Row]:
    sniffed = found.get("sniffed") or {}
    mime, size = sniffed.get("mime"), found.get("size_bytes")
    arrived = item.sha256 if item.state == "verified" else None
    agrees = sniffed.get("agrees")
    return [
        Row("bytes", "sha256", item.sha256, arrived, None if arrived is None else False),
        Row("bytes", "size", str(item.size_bytes), _text(size), _differ(item.size_bytes, size)),
        Row("bytes", "type", item.mime, mime, None if agrees is None else not agrees),
        Row("bytes", "maker", device, _camera(found), None),
        Row("bytes", "officer", item.officer_source, None, None),
    ]


def _camera(found: Mapping[str, Any]) -> str | None:
    camera = found.get("camera") or {}
    parts = [str(camera.get(name) or "") for name in ("make", "model", "serial")]
    return " ".join(part for part in parts if part) or None


def _apart(claimed: str | None, at: datetime, allowed: timedelta) -> bool | None:
    if not claimed:
        return None
    try:
        moment = datetime.fromisoformat(claimed)
    except ValueError:
        return None
    return None if moment.tzinfo is None else abs(moment - at) > allowed


def _pair(lat: str | None, lon: str | None) -> str | None:
    return f"{lat}, {lon}" if lat and lon else None


def _differ(one: int, other: int | None) -> bool | None:
    return None if other is None else one != other


def _text(value: object) -> str | None:
    return None if value is None else str(value)
