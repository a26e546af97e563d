"""Gaps in file counters, by camera and day."""

from __future__ import annotations

import uuid
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.evidence.counters import COUNTER_MAX, GAP_FILES_MAX, Shot, counted, gaps

CAMERA = uuid.UUID(int=1)
OTHER = uuid.UUID(int=2)
DAY = date(2026, 3, 2)


def shot(name: str, camera: uuid.UUID = CAMERA, day: date = DAY) -> Shot:
    return Shot(uuid.uuid5(camera, f"{day}{name}"), camera, day, name)


def found(*names: str) -> list[tuple[str, str, int]]:
    return [(gap.first, gap.last, gap.files) for gap in gaps(shot(name) for name in names)]


@pytest.mark.parametrize(
    ("name", "prefix", "number"),
    [
        ("DSC_0231.JPG", "DSC", 231),
        ("_DSC0231.NEF", "DSC", 231),
        ("dsc_0231.jpg", "DSC", 231),
        ("IMG_9999.CR3", "IMG", 9999),
        ("P1010007.JPG", "P101", 7),
        ("DCIM/100NIKON/DSC_0231.JPG", "DSC", 231),
        ("DCIM\\100NIKON\\DSC_0231.JPG", "DSC", 231),
    ],
)
def test_a_camera_s_name_holds_a_counter(name: str, prefix: str, number: int) -> None:
    place = counted(name)
    assert place is not None
    assert (place.prefix, place.number) == (prefix, number)


@pytest.mark.parametrize(
    "name",
    ["现场.jpg", "IMG_20260302_090000.jpg", "DSC_0000.JPG", "0231.jpg", "DSC_02311.JPG", "DSC_0231",
     "", "DSC_٠٢٣١.JPG"],
    ids=["chinese", "timestamp", "zero", "short", "long", "no-extension", "empty", "arabic-digits"],
)  # fmt: skip
def test_other_names_hold_none(name: str) -> None:
    assert counted(name) is None


def test_missing_files_are_named_as_the_camera_would_have() -> None:
    assert found("DSC_0231.JPG", "DSC_0234.JPG") == [("DSC_0232", "DSC_0233", 2)]


def test_an_unbroken_counter_has_no_gap() -> None:
    assert found("DSC_0231.JPG", "DSC_0232.JPG", "DSC_0233.JPG") == []


def test_picture_and_raw_file_share_their_number() -> None:
    assert found("DSC_0231.JPG", "_DSC0231.NEF", "DSC_0232.MOV") == []


def test_the_counter_starts_again_after_9999() -> None:
    assert found("DSC_9998.JPG", "DSC_9999.JPG", "DSC_0001.JPG") == []
    assert found("DSC_9998.JPG", "DSC_0002.JPG") == [("DSC_9999", "DSC_0001", 2)]


def test_another_card_s_counter_is_no_gap() -> None:
    far = f"DSC_{231 + GAP_FILES_MAX + 3:04d}.JPG"
    assert found("DSC_0231.JPG", "DSC_0232.JPG", far) == []
    assert found("DSC_0231.JPG", "DSC_0233.JPG", "DSC_5000.JPG", "DSC_5002.JPG") == [
        ("DSC_0232", "DSC_0232", 1),
        ("DSC_5001", "DSC_5001", 1),
    ]


def test_prefixes_cameras_and_days_are_counted_by_themselves() -> None:
    shots = [
        shot("DSC_0231.JPG"),
        shot("IMG_0234.JPG"),
        shot("DSC_0234.JPG", OTHER),
        shot("DSC_0234.JPG", day=DAY + timedelta(days=1)),
    ]
    assert gaps(shots) == []


def test_one_file_alone_has_no_gap() -> None:
    assert found("DSC_0231.JPG") == []


@given(st.integers(1, COUNTER_MAX), st.integers(2, 60), st.sets(st.integers(1, 58), max_size=20))
def test_what_was_taken_away_is_what_is_reported(start: int, length: int, gone: set[int]) -> None:
    run = [(start - 1 + step) % COUNTER_MAX + 1 for step in range(length)]
    away = {step for step in gone if step < length - 1}
    kept = [number for step, number in enumerate(run) if step not in away]
    reported = gaps(shot(f"DSC_{number:04d}.JPG") for number in kept)
    assert sum(gap.files for gap in reported) == len(away)
