"""Recordings as bars, and the gaps between them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from server.console.lanes import SCALE, Stretch, bar, bucket_width_s, gaps, mark, ticks

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
WINDOW = (START, START + timedelta(hours=1))


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def stretch(first: float, last: float | None, error_ms: int | None = 0) -> Stretch:
    return Stretch(at(first), None if last is None else at(last), error_ms)


def found(*stretches: Stretch) -> list[tuple[datetime, datetime]]:
    return [(gap.starts_at, gap.ends_at) for gap in gaps(stretches)]


def test_a_gap_lies_between_two_recordings() -> None:
    assert found(stretch(0, 10), stretch(14, 20)) == [(at(10), at(14))]


def test_overlapping_recordings_leave_no_gap() -> None:
    assert found(stretch(0, 10), stretch(5, 20), stretch(6, 7), stretch(20, 30)) == []


def test_a_recorder_within_another_one_does_not_end_it() -> None:
    assert found(stretch(0, 30), stretch(5, 6), stretch(31, 40)) == [(at(30), at(31))]


def test_what_follows_a_recording_of_unknown_length_is_not_called_a_gap() -> None:
    assert found(stretch(0, None), stretch(10, 20), stretch(25, 30)) == [(at(20), at(25))]


def test_a_gap_shorter_than_the_clocks_err_is_not_sure() -> None:
    (sure,) = gaps([stretch(0, 10, 1000), stretch(11, 20, 2000)])
    (unsure,) = gaps([stretch(0, 10, 40_000), stretch(11, 20, 30_000)])
    assert sure.sure
    assert not unsure.sure
    assert sure.seconds == 60


def test_the_seconds_that_cameras_lose_between_files_are_no_gap() -> None:
    assert found(stretch(0, 10), Stretch(at(10) + timedelta(seconds=1), at(20))) == []


def test_a_bar_lies_where_its_time_does() -> None:
    drawn = bar(stretch(15, 45), WINDOW)
    assert drawn is not None
    assert (drawn.x, drawn.width, drawn.open_end) == (SCALE / 4, SCALE / 2, False)


def test_a_bar_is_cut_at_the_window_and_never_too_thin_to_see() -> None:
    cut = bar(stretch(-30, 30), WINDOW)
    assert cut is not None
    assert (cut.x, cut.width) == (0, SCALE / 2)
    thin = bar(stretch(60, None), WINDOW)
    assert thin is not None
    assert thin.open_end
    assert thin.x + thin.width <= SCALE
    assert bar(stretch(61, 70), WINDOW) is None
    assert bar(stretch(-9, -1), WINDOW) is None


def test_a_moment_outside_is_shown_at_the_edge() -> None:
    assert [mark(at(m), WINDOW) for m in (-5, 0, 30, 60, 90)] == [0, 0, 500, 1000, 1000]


def test_labels_are_round_and_inside() -> None:
    assert [one.minute for one in ticks(WINDOW, 4)] == [15, 30, 45]


@pytest.mark.parametrize(
    ("length", "width_s"),
    [
        (timedelta(minutes=30), 60),
        (timedelta(hours=20), 900),
        (timedelta(days=30), 43_200),
        (timedelta(days=400), 7 * 86_400),
    ],
    ids=["half-hour", "twenty-hours", "month", "year"],
)
def test_buckets_are_round_and_few(length: timedelta, width_s: int) -> None:
    assert bucket_width_s(length) == width_s
