"""Corrected times: the class says how well they are known, the error is honest."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client_sdk.protocol.payloads import Instant
from client_sdk.protocol.times import from_unix_ms, unix_ms
from server.clocks.correction import GNSS_ERROR_MS, Ledger, Reading, correct

TRUE = unix_ms(datetime(2026, 3, 2, 1, 0, tzinfo=UTC))
CHINA = timezone(timedelta(hours=8))
HOUR = 3_600_000
DAY = 24 * HOUR


def instant(wall_ms: int, **changes: object) -> Instant:
    wall = from_unix_ms(wall_ms).astimezone(CHINA).isoformat(timespec="milliseconds")
    values: dict[str, object] = {"mono_ms": 0, "boot": "b", "suspend": True}
    return Instant(wall=wall, **(values | changes))  # type: ignore[arg-type]


def reading(
    true_ms: int, offset_ms: int = 0, mono_ms: int | None = None, **changes: object
) -> Reading:
    values: dict[str, object] = {"boot": "b" if mono_ms is not None else None, "error_ms": 20}
    return Reading(
        device_wall_ms=true_ms - offset_ms, offset_ms=offset_ms, mono_ms=mono_ms,
        through_suspend=True, **(values | changes),  # type: ignore[arg-type]
    )  # fmt: skip


def test_class_a_ignores_the_wall_clock() -> None:
    wrong_by_a_year = instant(TRUE - 365 * DAY, mono_ms=5_000)
    found = correct(wrong_by_a_year, [reading(TRUE + DAY, 7_000, mono_ms=DAY + 5_000)])
    assert unix_ms(found.at) == TRUE
    assert (found.clock_class, found.error_ms) == ("A", 20 + DAY * 50 // 1_000_000)
    assert found.zone_source == "device-offset"


def test_three_days_of_drift_are_thirteen_seconds() -> None:
    found = correct(instant(TRUE), [reading(TRUE + 3 * DAY, mono_ms=3 * DAY, error_ms=0)])
    assert found.error_ms == 12_960


@pytest.mark.parametrize(
    "changes",
    [{"boot": "another"}, {"suspend": False}],
    ids=["another boot", "a clock that stops in suspend"],
)
def test_without_a_steady_clock_the_wall_and_its_offset_remain(changes: dict[str, object]) -> None:
    found = correct(instant(TRUE - HOUR, **changes), [reading(TRUE + HOUR, HOUR, mono_ms=HOUR)])
    assert unix_ms(found.at) == TRUE
    assert found.clock_class == "C"
    assert found.error_ms == 20 + -(-HOUR * 50 // 1_000_000)


def test_a_wall_clock_alone_has_no_known_error() -> None:
    found = correct(instant(TRUE), [])
    assert (unix_ms(found.at), found.error_ms, found.clock_class) == (TRUE, None, "C")


def test_satellites_are_better_than_the_wall_clock() -> None:
    found = correct(instant(TRUE - DAY, gnss="2026-03-02T01:00:00Z"), [])
    assert (unix_ms(found.at), found.error_ms, found.clock_class) == (TRUE, GNSS_ERROR_MS, "B")


def test_satellites_that_contradict_a_steady_clock_are_shown() -> None:
    found = correct(instant(TRUE, gnss="2026-03-02T04:00:00Z"), [reading(TRUE, mono_ms=0)])
    assert found.clock_class == "D"
    assert unix_ms(found.at) == TRUE
    assert found.error_ms is not None
    assert found.error_ms >= 3 * HOUR
    agreed = correct(instant(TRUE, gnss="2026-03-02T01:00:50Z"), [reading(TRUE, mono_ms=0)])
    assert agreed.clock_class == "A"


def test_readings_of_one_boot_that_contradict_each_other_are_shown() -> None:
    found = correct(
        instant(TRUE, mono_ms=HOUR),
        [reading(TRUE - HOUR, mono_ms=0), reading(TRUE + 3 * HOUR, mono_ms=2 * HOUR)],
    )
    assert found.clock_class == "D"
    assert found.error_ms is not None
    assert found.error_ms >= 2 * HOUR


def test_a_wall_clock_that_was_set_between_two_readings_is_shown() -> None:
    before, after = reading(TRUE - HOUR, 0), reading(TRUE + HOUR, -HOUR)
    found = correct(instant(TRUE, boot="x"), [before, after])
    assert found.clock_class == "D"
    assert found.error_ms is not None
    assert found.error_ms >= HOUR


def test_utc_from_the_device_leaves_its_zone_unknown() -> None:
    moment = Instant(wall="2026-03-02T01:00:00Z", mono_ms=0, boot="b", suspend=True)
    assert correct(moment, []).zone_source == "device-utc"


@given(
    wall=st.datetimes(timezones=st.just(UTC)),
    offset=st.integers(-(2**52), 2**52),
    mono=st.integers(0, 2**53 - 1),
    minutes=st.integers(-1439, 1439),
)
def test_no_time_is_too_odd(wall: datetime, offset: int, mono: int, minutes: int) -> None:
    local = wall.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    moment = Instant(local.isoformat(timespec="milliseconds"), mono, "b", suspend=True)
    for readings in ([], [reading(TRUE, offset)], [reading(TRUE, offset, mono_ms=0)]):
        found = correct(moment, readings)
        assert datetime(1970, 1, 1, tzinfo=UTC) <= found.at


@given(
    drift_ppm=st.integers(-50, 50),
    boots=st.lists(st.integers(0, 10 * DAY), min_size=1, max_size=5, unique=True),
    captured=st.integers(0, 10 * DAY),
    round_trip=st.integers(0, 30_000),
    lag=st.integers(0, 100),
    wall_wrong=st.integers(-(10**12), 10**12),
)
def test_class_a_covers_the_truth_within_its_error(
    drift_ppm: int, boots: list[int], captured: int, round_trip: int, lag: int, wall_wrong: int
) -> None:
    """A quartz within 50 ppm and an asymmetric way: the stated error always covers the truth."""

    def mono(true_ms: int) -> int:
        return true_ms + true_ms * drift_ppm // 1_000_000

    half = (round_trip + 1) // 2 + 2
    skew = half * (lag - 50) // 50 if lag <= 100 else 0
    readings = []
    for at in boots:
        wall = TRUE + at - wall_wrong
        error = min(abs(skew), half)
        offset = TRUE + at - wall + (error if skew > 0 else -error)
        readings.append(Reading(wall, offset, half, "b", mono(at), through_suspend=True))
    found = Ledger(readings).correct(instant(TRUE - wall_wrong // 2, mono_ms=mono(captured)))
    assert found.clock_class == "A"
    assert found.error_ms is not None
    assert abs(unix_ms(found.at) - (TRUE + captured)) <= found.error_ms + 2
