"""Times in a file: a camera's wall clock is not UTC, and says so here.

EXIF's DateTimeOriginal has no zone. One is known only when OffsetTimeOriginal gives it, or
when the GPS stamp (UTC by definition) beside it differs by nearly a zone's offset.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction

from server.evidence.findings import CaptureTime, Times
from server.evidence.metadata.exif import Exif, Value

_EXIF_DATE = re.compile(r"^(\d{4})[:\-/](\d{2})[:\-/](\d{2})[ T](\d{2}):(\d{2}):(\d{2})")
_DATE = re.compile(r"^(\d{4})[:\-/](\d{2})[:\-/](\d{2})")
_OFFSET = re.compile(r"^([+-])(\d{2}):?(\d{2})$")
_ISO_OFFSET = re.compile(r"(Z|[+-]\d{2}:?\d{2})$")

# Zones in use: whole hours, and these in between (in minutes).
_ODD_ZONES = (-570, -210, -150, 210, 270, 330, 345, 390, 525, 570, 630, 765, 825)
_ZONES = tuple(
    timedelta(minutes=m) for m in sorted((*range(-12 * 60, 14 * 60 + 1, 60), *_ODD_ZONES))
)
# A fix may be a little older than the shutter, and the camera's clock a little off.
_GPS_SLACK = timedelta(minutes=4)
_TIME_PARTS = 3
_MINUTES_PER_DAY = 24 * 60


def times_from_exif(exif: Exif) -> Times:
    """The times in a photo's EXIF.

    Reasons when `captured` is null: `parser-failed`, `no-exif`, `no-date-tags`,
    `date-unreadable`. Flags: `gps-time-disagrees`, `offset-unreadable`, `digitized-only`.
    """
    if not exif.tags:
        return Times(reason="no-exif" if exif.error is None else "parser-failed")
    gps = _gps_time(exif)
    (captured, flags) = _captured(exif, gps)
    modified = _wall_clock(exif, "Image DateTime", "OffsetTime", "SubSecTime")
    return Times(
        captured=captured,
        gps_utc=None if gps is None else utc_text(gps),
        gps_difference_ms=_difference_ms(captured, gps),
        modified=None if modified is None else _without_guess(modified, "Image DateTime"),
        reason=None if captured is not None else _reason(exif),
        flags=flags,
    )


def times_from_container(created: str, zoned: str) -> Times:
    """The times of a recording.

    `created` is the container's creation time, UTC by its standard (ISO 14496-12, 8.2.2) but
    local time in many cameras: it is reported as a claim. `zoned` is a time with an explicit
    offset where the maker wrote one (QuickTime's creationdate).
    """
    if zoned:
        moment = _parse_iso(zoned)
        if moment is not None and moment.utcoffset() is not None:
            captured = _resolved(moment.replace(tzinfo=None), _offset_of(moment), "offset-tag")
            return Times(captured=_tagged(captured, "creationdate"))
    moment = _parse_iso(created) if created else None
    if moment is None:
        return Times(reason="date-unreadable" if created else "no-date-tags")
    if moment.year <= _CONTAINER_EPOCH_YEARS:
        return Times(reason="date-unset")
    captured = _resolved(moment.replace(tzinfo=None), timedelta(0), "container-utc")
    return Times(captured=_tagged(captured, "creation_time"), flags=("utc-claimed",))


# 1904 and 1970: what a container says when its clock was never set.
_CONTAINER_EPOCH_YEARS = 1970


def utc_text(moment: datetime) -> str:
    """RFC 3339 in UTC with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_offset(text: str) -> timedelta | None:
    """`+08:00` as a duration; None unless it is a zone in use."""
    match = _OFFSET.match(text.strip())
    if match is None:
        return None
    size = timedelta(hours=int(match[2]), minutes=int(match[3]))
    offset = -size if match[1] == "-" else size
    return offset if _ZONES[0] <= offset <= _ZONES[-1] else None


def _captured(exif: Exif, gps: datetime | None) -> tuple[CaptureTime | None, tuple[str, ...]]:
    for suffix in ("Original", "Digitized"):
        name = f"EXIF DateTime{suffix}"
        wall = _wall_clock(exif, name, f"OffsetTime{suffix}", f"SubSecTime{suffix}")
        if wall is None:
            continue
        flags: list[str] = [] if suffix == "Original" else ["digitized-only"]
        (local, offset) = wall
        if offset is not None:
            return _tagged(_resolved(local, offset, "offset-tag"), name), tuple(flags)
        if exif.text(f"EXIF OffsetTime{suffix}"):
            flags.append("offset-unreadable")
        guess = None if gps is None else _zone_from_gps(local, gps)
        if guess is not None:
            return _tagged(_resolved(local, guess, "gps-utc"), name), tuple(flags)
        if gps is not None:
            flags.append("gps-time-disagrees")
        return _tagged(_resolved(local, None, "unknown-zone"), name), tuple(flags)
    return None, ()


def _wall_clock(
    exif: Exif,
    name: str,
    offset_name: str,
    subsec_name: str,
) -> tuple[datetime, timedelta | None] | None:
    local = _parse_exif_date(exif.text(name))
    if local is None:
        return None
    digits = re.match(r"\d{1,6}", exif.text(f"EXIF {subsec_name}", f"Image {subsec_name}"))
    if digits is not None:
        local = local.replace(microsecond=int(digits[0].ljust(6, "0")))
    return local, parse_offset(exif.text(f"EXIF {offset_name}"))


def _without_guess(wall: tuple[datetime, timedelta | None], tag: str) -> CaptureTime:
    (local, offset) = wall
    source = "unknown-zone" if offset is None else "offset-tag"
    return _tagged(_resolved(local, offset, source), tag)


def _reason(exif: Exif) -> str:
    said = exif.text("EXIF DateTimeOriginal", "EXIF DateTimeDigitized").strip(" :0")
    return "date-unreadable" if said else "no-date-tags"


def _resolved(local: datetime, offset: timedelta | None, zone_source: str) -> CaptureTime:
    exact = local.microsecond != 0
    utc = None if offset is None else _to_utc(local, offset)
    return CaptureTime(
        local=local.isoformat(timespec="milliseconds" if exact else "seconds"),
        offset=None if offset is None else _offset_text(offset),
        zone_source=zone_source,
        utc=None if utc is None else utc_text(utc),
        tag="",
    )


def _tagged(time: CaptureTime, tag: str) -> CaptureTime:
    return CaptureTime(time.local, time.offset, time.zone_source, time.utc, tag)


def _to_utc(local: datetime, offset: timedelta) -> datetime | None:
    try:
        return (local - offset).replace(tzinfo=UTC)
    except OverflowError:
        return None


def _offset_text(offset: timedelta) -> str:
    minutes = round(offset.total_seconds() / 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def _offset_of(moment: datetime) -> timedelta:
    return moment.utcoffset() or timedelta(0)


def _zone_from_gps(local: datetime, gps: datetime) -> timedelta | None:
    """The zone, if local time minus GPS time is nearly a zone's offset; None if it isn't."""
    apart = local.replace(tzinfo=UTC) - gps
    zone = min(_ZONES, key=lambda offset: abs(apart - offset))
    return zone if abs(apart - zone) <= _GPS_SLACK else None


def _difference_ms(captured: CaptureTime | None, gps: datetime | None) -> int | None:
    if captured is None or captured.utc is None or gps is None:
        return None
    return (datetime.fromisoformat(captured.utc) - gps) // timedelta(milliseconds=1)


def _gps_time(exif: Exif) -> datetime | None:
    """GPSDateStamp and GPSTimeStamp together; either alone is no time."""
    date = _DATE.match(exif.text("GPS GPSDate", "GPS GPSDateStamp"))
    tag = exif.tags.get("GPS GPSTimeStamp")
    if date is None or tag is None:
        return None
    parts = _numbers(tag.values)
    if parts is None:
        return None
    (hours, minutes, seconds) = parts
    try:
        day = datetime(int(date[1]), int(date[2]), int(date[3]), tzinfo=UTC)
    except ValueError:
        return None
    total = hours * 3600 + minutes * 60 + seconds
    if not 0 <= total <= _MINUTES_PER_DAY * 60:
        return None
    return day + timedelta(milliseconds=round(total * 1000))


def _numbers(values: Sequence[Value]) -> list[Fraction] | None:
    parts = [Fraction(value) for value in values if not isinstance(value, str)]
    return parts if len(parts) == _TIME_PARTS == len(values) else None


def _parse_exif_date(text: str) -> datetime | None:
    match = _EXIF_DATE.match(text)
    if match is None:
        return None
    (year, month, day, hour, minute, second) = (int(part) for part in match.groups())
    try:
        # A wall clock without a zone is the point.
        return datetime(year, month, day, hour, minute, second)  # noqa: DTZ001
    except ValueError:
        return None


def _parse_iso(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError:
        return None
