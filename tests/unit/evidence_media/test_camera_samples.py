"""Genuine files from genuine cameras, where TIEZHENG_SAMPLES names their folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from server.evidence.findings import Findings

Look = Callable[..., Findings]


def test_nikon_photos_have_positions_and_a_disagreeing_satellite_date(
    samples: Path,
    look: Look,
) -> None:
    photos = sorted((samples / "photos").glob("DSCN*.jpg"))
    assert len(photos) == 9
    for photo in photos:
        findings = look(photo, photo.name.encode(), "image/jpeg")
        assert findings.problems == ()
        assert findings.camera.model == "COOLPIX P6000"
        assert findings.geo.latitude is not None
        assert findings.geo.latitude.startswith("43.46")
        assert findings.geo.datum == "WGS-84"
        captured = findings.times.captured
        assert captured is not None
        assert captured.local.startswith("2008-10-22T")
        # Its satellite stamp says the 23rd: no zone explains that, so none is claimed.
        assert (captured.zone_source, captured.utc) == ("unknown-zone", None)
        assert findings.times.gps_utc is not None
        assert findings.times.gps_utc.startswith("2008-10-23T14:")
        assert findings.times.flags == ("gps-time-disagrees",)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("jolla.jpg", "no-gps-tags"),
        ("Canon_40D.jpg", "no-gps-tags"),
        ("no_exif.jpg", "no-gps-tags"),
    ],
)
def test_photos_without_position(name: str, reason: str, samples: Path, look: Look) -> None:
    findings = look(samples / "photos" / name)
    assert findings.problems == ()
    assert findings.geo.reason == reason


def test_the_photo_without_camera_exif_has_no_capture_time(samples: Path, look: Look) -> None:
    """An editor's EXIF stands behind its XMP there: an edit's date, no camera, no capture."""
    findings = look(samples / "photos" / "no_exif.jpg")
    assert findings.times.captured is None
    assert findings.times.reason == "no-date-tags"
    assert findings.camera.model == ""


def test_heic_photos(samples: Path, look: Look) -> None:
    first = look(samples / "photos" / "IMG_5195.HEIC", b"IMG_5195.HEIC", "image/heic")
    assert first.problems == ()
    assert (first.geo.latitude, first.geo.longitude) == ("39.0513444", "-94.2887722")
    assert (first.geo.accuracy_m, first.geo.accuracy_source) == ("38.9", "positioning-error")
    assert first.times.captured is not None
    assert first.times.captured.utc == "2021-04-11T20:47:53.054Z"
    second = look(samples / "photos" / "iphone_13_pro_max.HEIC")
    assert second.problems == ()
    assert second.geo.reason == "no-gps-tags"
    assert {d.name: (d.width, d.height) for d in second.derivatives}["thumb"] == (240, 320)


def test_video_with_telemetry(samples: Path, look: Look) -> None:
    findings = look(samples / "video" / "karma.mp4", b"karma.mp4", "video/mp4")
    assert findings.problems == ()
    assert findings.media is not None
    assert findings.media.has_telemetry
    assert (findings.media.video_codec, findings.media.audio_codec) == ("h264", "aac")
    assert findings.media.duration_ms == 13_013
    assert (findings.geo.source, findings.geo.latitude) == ("telemetry", "33.1253680")
    assert {d.name for d in findings.derivatives} == {
        "poster",
        "thumb",
        "sprite",
        "sprite-index",
        "peaks",
    }
