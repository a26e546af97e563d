from __future__ import annotations

from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path

import pytest

from server.evidence.findings import Times
from server.evidence.metadata.exif import Exif, Tag, read_exif
from server.evidence.metadata.times import (
    parse_offset,
    times_from_container,
    times_from_exif,
)
from tests.support.media import gps_photo


def _exif(**texts: str) -> Exif:
    names = {"Modified": "Image DateTime"}
    tags = {names.get(name, f"EXIF {name}"): Tag(text) for name, text in texts.items()}
    return Exif(tags=tags)


def _with_gps(exif: Exif, date: str, *parts: int | Fraction) -> Times:
    gps = {"GPS GPSDate": Tag(date), "GPS GPSTimeStamp": Tag("", parts)}
    return times_from_exif(Exif(tags={**exif.tags, **gps}))


def test_an_offset_tag_gives_utc(tmp_path: Path, when: datetime) -> None:
    with gps_photo(tmp_path / "a.jpg", 38.2, 104.4, when).open("rb") as source:
        times = times_from_exif(read_exif(source, "image/jpeg"))
    assert times.captured is not None
    assert times.captured.local == "2025-09-30T17:03:04.056"
    assert times.captured.offset == "+08:00"
    assert times.captured.zone_source == "offset-tag"
    assert times.captured.utc == "2025-09-30T09:03:04.056Z"
    assert times.gps_utc == "2025-09-30T09:03:04.000Z"
    assert times.gps_difference_ms == 56


def test_local_time_without_zone_is_not_utc(tmp_path: Path, when: datetime) -> None:
    path = gps_photo(tmp_path / "a.jpg", None, None, when, with_zone=False)
    with path.open("rb") as source:
        times = times_from_exif(read_exif(source, "image/jpeg"))
    assert times.captured is not None
    assert times.captured.zone_source == "unknown-zone"
    assert (times.captured.offset, times.captured.utc) == (None, None)
    assert times.gps_difference_ms is None


def test_a_gps_stamp_beside_it_gives_the_zone() -> None:
    exif = _exif(DateTimeOriginal="2025:09:30 17:03:04")
    times = _with_gps(exif, "2025:09:30", 9, 2, Fraction(97, 2))
    assert times.captured is not None
    assert (times.captured.zone_source, times.captured.offset) == ("gps-utc", "+08:00")
    assert times.captured.utc == "2025-09-30T09:03:04.000Z"
    assert times.gps_difference_ms == 15_500


@pytest.mark.parametrize(
    ("hour", "minute", "offset"),
    [(9, 0, "+05:30"), (8, 45, "+05:45"), (18, 0, "-03:30"), (0, 30, "+14:00")],
)
def test_odd_zones_are_zones(hour: int, minute: int, offset: str) -> None:
    exif = _exif(DateTimeOriginal="2025:09:30 14:30:00")
    times = _with_gps(exif, "2025:09:30", hour, minute, 0)
    assert times.captured is not None
    assert times.captured.offset == offset


@pytest.mark.parametrize(("date", "hour", "minute"), [("2025:10:01", 9, 3), ("2025:09:30", 9, 20)])
def test_a_gps_stamp_that_fits_no_zone_is_a_finding(date: str, hour: int, minute: int) -> None:
    exif = _exif(DateTimeOriginal="2025:09:30 17:03:04")
    times = _with_gps(exif, date, hour, minute, 0)
    assert times.captured is not None
    assert times.captured.zone_source == "unknown-zone"
    assert times.flags == ("gps-time-disagrees",)
    assert times.gps_utc is not None


def test_half_a_gps_stamp_is_none() -> None:
    exif = Exif(tags={"GPS GPSDate": Tag("2025:09:30"), "Image DateTime": Tag("x")})
    assert times_from_exif(exif).gps_utc is None
    assert _with_gps(_exif(), "2025:02:30", 9, 3, 0).gps_utc is None
    assert _with_gps(_exif(), "2025:09:30", 99, 3, 0).gps_utc is None


def test_reasons_when_there_is_none() -> None:
    assert times_from_exif(Exif()).reason == "no-exif"
    assert times_from_exif(Exif(error=("parser-failed", ""))).reason == "parser-failed"
    assert times_from_exif(_exif(Modified="2025:09:30 10:00:00")).reason == "no-date-tags"
    assert times_from_exif(_exif(DateTimeOriginal="0000:00:00 00:00:00")).reason == "no-date-tags"
    assert (
        times_from_exif(_exif(DateTimeOriginal="2025:13:45 10:00:00")).reason == "date-unreadable"
    )


def test_the_last_edit_is_not_the_capture() -> None:
    times = times_from_exif(_exif(Modified="2025:09:30 10:00:00", OffsetTime="+08:00"))
    assert times.captured is None
    assert times.modified is not None
    assert times.modified.utc == "2025-09-30T02:00:00.000Z"


def test_the_scan_of_a_print_is_marked() -> None:
    times = times_from_exif(_exif(DateTimeDigitized="2025:09:30 10:00:00"))
    assert times.captured is not None
    assert times.flags == ("digitized-only",)


def test_an_unreadable_offset_is_a_finding() -> None:
    exif = _exif(DateTimeOriginal="2025:09:30 10:00:00", OffsetTimeOriginal="+99:00")
    times = times_from_exif(exif)
    assert times.captured is not None
    assert times.captured.zone_source == "unknown-zone"
    assert times.flags == ("offset-unreadable",)


@pytest.mark.parametrize(("subsec", "end"), [("5", ".500"), ("054", ".054"), ("", ""), ("x", "")])
def test_fractions_of_a_second(subsec: str, end: str) -> None:
    exif = _exif(DateTimeOriginal="2025:09:30 10:00:00", SubSecTimeOriginal=subsec)
    times = times_from_exif(exif)
    assert times.captured is not None
    assert times.captured.local == f"2025-09-30T10:00:00{end}"


def test_the_first_and_last_day_of_the_calendar_don_t_overflow() -> None:
    for date, offset in (("0001:01:01 00:00:00", "+08:00"), ("9999:12:31 23:59:59", "-08:00")):
        exif = _exif(DateTimeOriginal=date, OffsetTimeOriginal=offset)
        times = times_from_exif(exif)
        assert times.captured is not None
        assert times.captured.utc is None


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("+08:00", 480), ("-0330", -210), ("+14:00", 840), ("+14:01", None), ("8", None)],
)
def test_offsets(text: str, minutes: int | None) -> None:
    assert parse_offset(text) == (None if minutes is None else timedelta(minutes=minutes))


def test_a_container_s_utc_is_a_claim() -> None:
    times = times_from_container("2025-09-30T09:00:00.000000Z", "")
    assert times.captured is not None
    assert times.captured.zone_source == "container-utc"
    assert times.flags == ("utc-claimed",)


def test_a_container_with_a_zone_is_better() -> None:
    times = times_from_container("2025-09-30T09:00:00Z", "2025-09-30T17:00:00+0800")
    assert times.captured is not None
    assert (times.captured.zone_source, times.captured.offset) == ("offset-tag", "+08:00")
    assert times.captured.utc == "2025-09-30T09:00:00.000Z"


def test_a_clock_that_was_never_set_is_no_time() -> None:
    assert times_from_container("1904-01-01T00:00:00Z", "").reason == "date-unset"
    assert times_from_container("1970-01-01T00:00:00Z", "").reason == "date-unset"
    assert times_from_container("", "").reason == "no-date-tags"
    assert times_from_container("yesterday", "").reason == "date-unreadable"
