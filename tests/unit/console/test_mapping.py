"""The map on a blank base, and the datums."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.console import mapping
from server.console.mapping import HEIGHT, MARKS_MAX, WIDTH, Spot
from server.core import datum

# (WGS-84, GCJ-02, tolerance in degrees): the first is geoChina's published example, 5 decimals.
VECTORS = [
    ((39.90105, 116.42079), (39.90245, 116.42703), 1e-5),
    ((38.21, 104.41), (38.210601, 104.413084), 1e-6),
    ((38.26, 104.47), (38.260499, 104.473008), 1e-6),
    ((38.15, 104.35), (38.15056, 104.352981), 1e-6),
]


@pytest.mark.parametrize(
    ("wgs84", "gcj02", "degrees"), VECTORS, ids=["published", "ct1", "ct2", "ct3"]
)
def test_a_position_is_shifted_by_the_known_amount(
    wgs84: tuple[float, float], gcj02: tuple[float, float], degrees: float
) -> None:
    assert datum.to_gcj02(*wgs84) == pytest.approx(gcj02, abs=degrees)
    assert datum.to_wgs84(*gcj02) == pytest.approx(wgs84, abs=degrees)


@given(st.floats(20, 50), st.floats(80, 130))
def test_there_and_back_is_the_same_place(lat: float, lon: float) -> None:
    assert datum.to_wgs84(*datum.to_gcj02(lat, lon)) == pytest.approx((lat, lon), abs=1e-8)


def test_outside_china_nothing_is_shifted() -> None:
    assert datum.to_gcj02(43.46, 11.88) == (43.46, 11.88)


def test_only_known_datums_become_positions_of_a_map() -> None:
    assert datum.as_wgs84("38.21", "104.41", "WGS84") == (38.21, 104.41)
    assert datum.as_wgs84("38.21", "104.41", None) == (38.21, 104.41)
    moved = datum.as_wgs84("38.210601", "104.413084", "GCJ-02")
    assert moved == pytest.approx((38.21, 104.41), abs=1e-6)
    assert datum.as_wgs84("38.21", "104.41", "BD09") is None


def test_the_sample_vectors_are_these() -> None:
    folder = os.environ.get("TIEZHENG_SAMPLES")
    if folder is None:
        return
    given_vectors = json.loads((Path(folder) / "cases.json").read_text())["meta"]["gcj02_vectors"]
    assert [(tuple(v["wgs84"]), tuple(v["gcj02"])) for v in given_vectors] == [
        (wgs84, gcj02) for wgs84, gcj02, _ in VECTORS
    ]


def spots(*places: tuple[float, float]) -> list[Spot]:
    return [Spot(str(n), lat, lon, "photo") for n, (lat, lon) in enumerate(places)]


def test_nothing_to_show_is_no_map() -> None:
    assert mapping.draw([]) is None


def test_one_place_lies_in_the_middle_with_a_scale_around_it() -> None:
    drawing = mapping.draw(spots((38.21, 104.41)))
    assert drawing is not None
    (mark,) = drawing.marks
    assert (mark.x, mark.y) == (WIDTH / 2, HEIGHT / 2)
    assert drawing.scale_text == "100 m"
    assert drawing.parallels
    assert drawing.meridians


def test_north_is_up_and_east_is_right() -> None:
    drawing = mapping.draw(spots((38.20, 104.40), (38.22, 104.43)))
    assert drawing is not None
    southwest, northeast = drawing.marks
    assert southwest.x < northeast.x
    assert southwest.y > northeast.y


def test_the_scale_bar_has_the_length_it_says() -> None:
    drawing = mapping.draw(spots((38.0, 104.0), (38.01, 104.0)))  # 1113 m apart
    assert drawing is not None
    south, north = drawing.marks
    units_per_m = (south.y - north.y) / 1113.2
    assert drawing.scale_width == pytest.approx(drawing.scale_m * units_per_m, rel=0.01)


def test_many_places_become_few_marks_that_hold_all() -> None:
    places = [(38.0 + n % 100 / 1000, 104.0 + n // 100 / 1000) for n in range(10_000)]
    drawing = mapping.draw(spots(*places))
    assert drawing is not None
    assert len(drawing.marks) <= MARKS_MAX
    assert sum(len(mark.spots) for mark in drawing.marks) == 10_000


@given(st.lists(st.tuples(st.floats(-80, 80), st.floats(-170, 170)), min_size=1, max_size=30))
def test_every_place_lies_inside_the_drawing(places: list[tuple[float, float]]) -> None:
    drawing = mapping.draw(spots(*places))
    assert drawing is not None
    assert all(0 <= mark.x <= WIDTH and 0 <= mark.y <= HEIGHT for mark in drawing.marks)
    assert all(0 <= line.place <= HEIGHT for line in drawing.parallels)


def test_geojson_puts_longitude_first() -> None:
    found = mapping.feature_collection(spots((38.21, 104.41)))
    assert found["features"][0]["geometry"]["coordinates"] == [104.41, 38.21]
