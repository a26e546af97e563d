from __future__ import annotations

import json
from datetime import datetime
from fractions import Fraction
from pathlib import Path

import piexif
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.evidence.findings import Geo
from server.evidence.metadata.exif import Exif, Tag, read_exif
from server.evidence.metadata.geo import (
    decimal_text,
    gcj02_to_wgs84,
    geo_from_exif,
    geo_from_iso6709,
    wgs84_to_gcj02,
)
from tests.support.media import gps_photo, scene


def _tags(**values: Tag) -> Exif:
    return Exif(tags={f"GPS GPS{name}": tag for name, tag in values.items()})


def _axis(*values: Fraction | int) -> Tag:
    return Tag(str(values), tuple(values))


def _at(latitude: Tag, longitude: Tag, **more: Tag) -> Geo:
    refs = {"LatitudeRef": Tag("N"), "LongitudeRef": Tag("E")}
    parts = {"Latitude": latitude, "Longitude": longitude, **refs, **more}
    return geo_from_exif(_tags(**parts))


def _photo_geo(path: Path, gps: dict[int, object]) -> Geo:
    scene(1, (32, 32)).save(path, exif=piexif.dump({"0th": {271: b"M"}, "GPS": gps}))
    with path.open("rb") as source:
        return geo_from_exif(read_exif(source, "image/jpeg"))


@pytest.mark.parametrize(
    ("lat", "lon"),
    [(38.21, 104.41), (-33.8567844, 151.2152967), (-54.8019121, -68.3029511), (0.5, -0.25)],
)
def test_degrees_survive_to_seven_places(
    lat: float,
    lon: float,
    tmp_path: Path,
    when: datetime,
) -> None:
    with gps_photo(tmp_path / "a.jpg", lat, lon, when).open("rb") as source:
        geo = geo_from_exif(read_exif(source, "image/jpeg"))
    assert geo.latitude is not None
    assert geo.longitude is not None
    # The generator writes ten-thousandths of a second: 3 mm.
    assert abs(Fraction(geo.latitude) - Fraction(lat)) < Fraction(1, 10_000_000) * 2
    assert abs(Fraction(geo.longitude) - Fraction(lon)) < Fraction(1, 10_000_000) * 2
    assert [len(text.partition(".")[2]) for text in (geo.latitude, geo.longitude)] == [7, 7]
    assert (geo.source, geo.datum, geo.reason) == ("exif", "WGS-84", None)
    assert (geo.accuracy_m, geo.accuracy_source) == ("4.5", "positioning-error")
    assert geo.altitude_m == "21.5"


def test_a_position_is_exact_arithmetic() -> None:
    geo = _at(_axis(43, 28, Fraction(1407, 500)), _axis(11, 53, Fraction(645599999, 100000000)))
    assert (geo.latitude, geo.longitude) == ("43.4674483", "11.8851267")


def test_reasons_when_there_is_none(tmp_path: Path, when: datetime) -> None:
    assert geo_from_exif(Exif()).reason == "no-exif"
    assert geo_from_exif(Exif(error=("parser-failed", "x"))).reason == "parser-failed"
    with gps_photo(tmp_path / "a.jpg", None, None, when).open("rb") as source:
        assert geo_from_exif(read_exif(source, "image/jpeg")).reason == "no-gps-tags"
    assert geo_from_exif(_tags(VersionID=Tag("[2, 3, 0, 0]"))).reason == "no-gps-tags"
    assert geo_from_exif(_tags(Date=Tag("2025:09:30"))).reason == "gps-incomplete"
    assert geo_from_exif(_tags(Latitude=_axis(1, 2, 3))).reason == "gps-incomplete"


@pytest.mark.parametrize(
    ("latitude", "longitude", "reason"),
    [
        (_axis(91, 0, 0), _axis(10, 0, 0), "gps-out-of-range"),
        (_axis(10, 0, 0), _axis(181, 0, 0), "gps-out-of-range"),
        (_axis(10, 61, 0), _axis(10, 0, 0), "gps-incomplete"),
        (_axis(10, 0, 61), _axis(10, 0, 0), "gps-incomplete"),
        (_axis(-10, 0, 0), _axis(10, 0, 0), "gps-incomplete"),
        (_axis(), _axis(10, 0, 0), "gps-incomplete"),
        (_axis(1, 2, 3, 4), _axis(10, 0, 0), "gps-incomplete"),
    ],
)
def test_nonsense_is_no_position(latitude: Tag, longitude: Tag, reason: str) -> None:
    geo = _at(latitude, longitude)
    assert (geo.latitude, geo.reason) == (None, reason)


def test_without_hemisphere_there_is_no_position() -> None:
    geo = _at(_axis(1, 0, 0), _axis(2, 0, 0), LatitudeRef=Tag("?"))
    assert geo.reason == "gps-incomplete"


def test_ratios_with_zero_below_are_no_position(tmp_path: Path) -> None:
    gps: dict[int, object] = {1: b"N", 2: ((0, 0), (0, 0), (0, 0)), 3: b"E", 4: ((0, 0),) * 3}
    assert _photo_geo(tmp_path / "a.jpg", gps).reason == "gps-incomplete"


def test_the_island_in_the_gulf_of_guinea_is_flagged() -> None:
    geo = _at(_axis(0, 0, 0), _axis(0, 0, 0))
    assert (geo.latitude, geo.longitude) == ("0.0000000", "0.0000000")
    assert "null-island" in geo.flags


def test_accuracy_from_dop_is_called_an_estimate() -> None:
    geo = _at(_axis(1, 0, 0), _axis(2, 0, 0), DOP=_axis(Fraction(13, 10)))
    assert (geo.accuracy_m, geo.accuracy_source, geo.dop) == ("6.5", "dop-estimate", "1.30")
    assert _at(_axis(1, 0, 0), _axis(2, 0, 0)).accuracy_m is None


def test_datum_is_assumed_said_converted_or_foreign() -> None:
    (lat, lon) = (_axis(39, 0, 0), _axis(116, 0, 0))
    assert _at(lat, lon).flags == ("datum-assumed",)
    assert _at(lat, lon, MapDatum=Tag("WGS84")).flags == ()
    foreign = _at(lat, lon, MapDatum=Tag("TOKYO"))
    assert (foreign.datum, foreign.flags) == ("TOKYO", ("datum-not-wgs84",))
    assert foreign.latitude == "39.0000000"
    chinese = _at(lat, lon, MapDatum=Tag("GCJ-02"))
    assert chinese.flags == ("datum-converted",)
    (back_lat, back_lon) = wgs84_to_gcj02(
        float(chinese.latitude or 0), float(chinese.longitude or 0)
    )
    assert (round(back_lat, 6), round(back_lon, 6)) == (39.0, 116.0)


def test_a_receiver_that_warns_is_flagged() -> None:
    assert "receiver-warning" in _at(_axis(1, 0, 0), _axis(2, 0, 0), Status=Tag("V")).flags


@pytest.mark.parametrize(
    ("text", "latitude", "longitude", "altitude"),
    [
        ("+39.9010+116.4207+044.012/", "39.9010000", "116.4207000", "44.0"),
        ("-33.8568+151.2153/", "-33.8568000", "151.2153000", None),
        ("+00.0000+000.0000/", "0.0000000", "0.0000000", None),
    ],
)
def test_iso6709(text: str, latitude: str, longitude: str, altitude: str | None) -> None:
    geo = geo_from_iso6709(text, "4.74", "container")
    assert (geo.latitude, geo.longitude, geo.altitude_m) == (latitude, longitude, altitude)
    # Rounded up: an error is never made smaller.
    assert geo.accuracy_m == "4.8"


def test_iso6709_nonsense() -> None:
    assert geo_from_iso6709("somewhere", None, "container").reason == "gps-incomplete"
    assert geo_from_iso6709("+99.0+010.0/", None, "container").reason == "gps-out-of-range"
    assert geo_from_iso6709("+09.0+010.0/", "NaN", "container").accuracy_m is None


# An example in the documentation of the R package geoChina, whose own constants differ a little:
# equal to a metre. The other vectors are of this formula, as the samples have them.
_PUBLISHED_DEGREES = 1e-5


def test_gcj02_published_vector() -> None:
    (lat, lon) = wgs84_to_gcj02(39.90105, 116.42079)
    assert abs(lat - 39.90245) < _PUBLISHED_DEGREES
    assert abs(lon - 116.42703) < _PUBLISHED_DEGREES


@pytest.mark.parametrize(
    ("wgs84", "gcj02"),
    [
        ((38.21, 104.41), (38.210601, 104.413084)),
        ((38.26, 104.47), (38.260499, 104.473008)),
        ((38.15, 104.35), (38.15056, 104.352981)),
    ],
)
def test_gcj02_own_vectors(wgs84: tuple[float, float], gcj02: tuple[float, float]) -> None:
    (lat, lon) = wgs84_to_gcj02(*wgs84)
    assert (round(lat, 6), round(lon, 6)) == gcj02


def test_gcj02_vectors_of_the_samples(samples: Path) -> None:
    meta = json.loads((samples / "cases.json").read_text(encoding="utf-8"))["meta"]
    assert meta["gcj02_vectors"]
    for vector in meta["gcj02_vectors"]:
        own = "own" in vector["source"]
        for mine, theirs in zip(wgs84_to_gcj02(*vector["wgs84"]), vector["gcj02"], strict=True):
            assert abs(mine - theirs) < (6e-7 if own else _PUBLISHED_DEGREES)


@given(st.floats(18, 53), st.floats(74, 134))
def test_gcj02_comes_back(lat: float, lon: float) -> None:
    (back_lat, back_lon) = gcj02_to_wgs84(*wgs84_to_gcj02(lat, lon))
    assert abs(back_lat - lat) < 1e-8
    assert abs(back_lon - lon) < 1e-8


def test_gcj02_leaves_the_rest_of_the_world_alone() -> None:
    assert wgs84_to_gcj02(43.46, 11.88) == (43.46, 11.88)


@given(st.fractions(-180, 180))
def test_decimal_text_rounds_to_half_a_unit(value: Fraction) -> None:
    text = decimal_text(value, 7)
    assert abs(Fraction(text) - value) <= Fraction(1, 2 * 10**7)
    assert not text.startswith("-0.0000000")
