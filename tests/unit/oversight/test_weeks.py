"""Weeks by ISO 8601, also where the year of the week is not that of the day."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from server.oversight import weeks


@pytest.mark.parametrize(
    ("day", "week"),
    [
        pytest.param(date(2025, 9, 22), "2025-W39", id="of the sample"),
        pytest.param(date(2026, 1, 1), "2026-W01", id="a Thursday begins the year"),
        pytest.param(date(2027, 1, 3), "2026-W53", id="days of the next year"),
        pytest.param(date(2024, 12, 30), "2025-W01", id="days of the year before"),
    ],
)
def test_the_week_of_a_day(day: date, week: str) -> None:
    assert weeks.week_of(day) == week
    assert weeks.first_day(week) <= day <= weeks.last_day(week)


def test_weeks_follow_each_other() -> None:
    assert weeks.after("2026-W53") == "2027-W01"
    assert weeks.before("2027-W01") == "2026-W53"


@pytest.mark.parametrize("text", ["2025-W54", "2025-W00", "2025-39", "W39", "1999-W01", "2025-w01"])
def test_what_is_no_week(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        weeks.first_day(text)


def test_the_day_is_that_of_the_court() -> None:
    late = datetime(2026, 3, 1, 17, 0, tzinfo=UTC)
    assert weeks.local_day(late, "Asia/Shanghai") == date(2026, 3, 2)
    assert weeks.begin_of(date(2026, 3, 2), "Asia/Shanghai") == datetime(2026, 3, 1, 16, tzinfo=UTC)
