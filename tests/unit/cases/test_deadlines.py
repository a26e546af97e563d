"""Deadline arithmetic against an independent slow implementation: one day after the other."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.cases import deadlines
from server.cases.calendar import Calendar, national, read
from server.cases.deadlines import Exclusion, Limit, Standing, Unit
from server.core.months import add_months

DAY = timedelta(days=1)
DATES = st.dates(date(2023, 1, 1), date(2027, 12, 31))
EMPTY = Calendar(frozenset(), frozenset(), frozenset())


@st.composite
def exclusions(draw: st.DrawFn) -> Exclusion:
    first = draw(DATES)
    length = draw(st.one_of(st.none(), st.integers(0, 200)))
    return Exclusion(first, None if length is None else first + timedelta(days=length))


CLOSED = exclusions().filter(lambda one: one.ends_on is not None)


def slow_due(
    begins_on: date, limit: Limit, calendar: Calendar, periods: list[Exclusion]
) -> date | None:
    """Walk day by day, counting those that count."""
    if limit.unit is Unit.MONTHS:
        need = (slow_months(begins_on, limit.amount) - begins_on).days
    else:
        need = limit.amount
    day = begins_on
    for _ in range(20_000):
        if need == 0:
            return day
        day += DAY
        out = any(
            one.begins_on < day and (one.ends_on is None or day <= one.ends_on) for one in periods
        )
        counts = limit.unit is not Unit.WORKING_DAYS or slow_working(calendar, day)
        need -= counts and not out
    return None


def slow_months(day: date, count: int) -> date:
    year, month = day.year, day.month
    for _ in range(count):
        month += 1
        if month > 12:
            year, month = year + 1, 1
    wanted = day.day
    while True:
        try:
            return date(year, month, wanted)
        except ValueError:
            wanted -= 1


def slow_working(calendar: Calendar, day: date) -> bool:
    if day in calendar.made_up:
        return True
    return day.strftime("%a") not in {"Sat", "Sun"} and day not in calendar.holidays


@given(DATES, st.integers(0, 24), st.lists(CLOSED, max_size=4))
def test_months_with_exclusions(begins_on: date, amount: int, periods: list[Exclusion]) -> None:
    limit = Limit(amount, Unit.MONTHS)
    found, _ = deadlines.due_date(begins_on, limit, national(), periods)
    assert found == slow_due(begins_on, limit, national(), periods)


@given(DATES, st.integers(0, 60), st.lists(CLOSED, max_size=4))
def test_days_with_exclusions(begins_on: date, amount: int, periods: list[Exclusion]) -> None:
    limit = Limit(amount, Unit.DAYS)
    found, _ = deadlines.due_date(begins_on, limit, national(), periods)
    assert found == slow_due(begins_on, limit, national(), periods)


@given(DATES, st.integers(1, 60), st.lists(CLOSED, max_size=3))
def test_working_days_with_exclusions(
    begins_on: date, amount: int, periods: list[Exclusion]
) -> None:
    limit = Limit(amount, Unit.WORKING_DAYS)
    found, _ = deadlines.due_date(begins_on, limit, national(), periods)
    assert found == slow_due(begins_on, limit, national(), periods)


@given(DATES, st.integers(1, 12), st.lists(exclusions(), min_size=1, max_size=4))
def test_an_open_exclusion_stops_the_clock(
    begins_on: date, amount: int, periods: list[Exclusion]
) -> None:
    limit = Limit(amount, Unit.MONTHS)
    found, _ = deadlines.due_date(begins_on, limit, EMPTY, periods)
    assert found == slow_due(begins_on, limit, EMPTY, periods)


@given(DATES, st.integers(0, 400))
def test_working_days_between_and_after_agree(day: date, count: int) -> None:
    reached = national().add_working_days(day, count)
    assert national().working_days(day, reached) == count


@pytest.mark.parametrize(
    ("begins", "months", "ends"),
    [
        ("2025-08-31", 6, "2026-02-28"),
        ("2023-08-31", 6, "2024-02-29"),
        ("2024-02-29", 12, "2025-02-28"),
        ("2025-12-31", 2, "2026-02-28"),
        ("2025-03-03", 6, "2025-09-03"),
    ],
)
def test_months_end_on_the_same_day_or_the_last(begins: str, months: int, ends: str) -> None:
    reached = add_months(date.fromisoformat(begins), months)
    assert reached == date.fromisoformat(ends)


@pytest.mark.parametrize(
    ("received", "due"),
    [("2025-06-03", "2025-07-15"), ("2025-09-01", "2025-10-17"), ("2025-08-12", "2025-09-23")],
)
def test_thirty_working_days_around_holidays_and_made_up_weekends(received: str, due: str) -> None:
    limit = Limit(30, Unit.WORKING_DAYS)
    reached = deadlines.end_of(date.fromisoformat(received), limit, national())
    assert reached == date.fromisoformat(due)


@pytest.mark.parametrize(
    ("filed", "period", "due"),
    [
        ("2025-04-08", ("2025-06-10", "2025-07-10"), "2025-11-07"),
        ("2025-02-17", ("2025-07-01", "2025-09-30"), "2025-11-16"),
    ],
)
def test_six_months_without_what_is_excluded(filed: str, period: tuple[str, str], due: str) -> None:
    first, last = map(date.fromisoformat, period)
    found, _ = deadlines.due_date(
        date.fromisoformat(filed), Limit(6, Unit.MONTHS), national(), [Exclusion(first, last)]
    )
    assert found == date.fromisoformat(due)


def test_a_last_day_that_is_free_moves_where_the_limit_rolls() -> None:
    friday = date(2025, 9, 26)
    plain = deadlines.end_of(friday, Limit(5, Unit.DAYS), national())
    rolled = deadlines.end_of(friday, Limit(5, Unit.DAYS, rolls=True), national())
    assert (plain, rolled) == (date(2025, 10, 1), date(2025, 10, 9))


@pytest.mark.parametrize(
    ("today", "met", "standing"),
    [
        ("2025-03-10", None, Standing.RUNNING),
        ("2025-03-30", None, Standing.DUE_SOON),
        ("2025-04-02", None, Standing.DUE_SOON),
        ("2025-04-03", None, Standing.OVERDUE),
        ("2025-04-10", "2025-04-02", Standing.MET),
        ("2025-04-10", "2025-04-03", Standing.MET_LATE),
        ("2025-03-20", "2025-03-25", Standing.RUNNING),
    ],
)
def test_where_a_clock_stands(today: str, met: str | None, standing: Standing) -> None:
    due = deadlines.judge(
        date(2025, 3, 3), Limit(30, Unit.DAYS), national(), today=date.fromisoformat(today),
        met_on=date.fromisoformat(met) if met else None, warn_days=5,
    )  # fmt: skip
    assert due.standing is standing


def test_a_clock_is_paused_within_an_exclusion_and_runs_on_after_it() -> None:
    period = Exclusion(date(2025, 3, 10), date(2025, 3, 20))

    def on(day: date) -> Standing:
        limit = Limit(30, Unit.DAYS)
        return deadlines.judge(
            date(2025, 3, 3), limit, national(), today=day, exclusions=[period]
        ).standing

    assert on(date(2025, 3, 10)) is Standing.RUNNING
    assert on(date(2025, 3, 11)) is Standing.PAUSED
    assert on(date(2025, 3, 20)) is Standing.PAUSED
    assert on(date(2025, 3, 21)) is Standing.RUNNING


def test_working_days_of_an_unknown_year_are_uncertain() -> None:
    limit = Limit(5, Unit.WORKING_DAYS)
    begins, today = date(2031, 1, 6), date(2031, 1, 7)
    assert not deadlines.judge(begins, limit, national(), today=today).certain
    known = national().extended([date(2031, 1, 8)], [])
    due = deadlines.judge(begins, limit, known, today=today)
    assert due.certain
    assert due.due_on == date(2031, 1, 14)


def test_a_granted_extension_counts_when_it_is_later() -> None:
    limit, begins = Limit(6, Unit.MONTHS), date(2025, 3, 3)
    for granted, due in (
        (date(2025, 12, 3), date(2025, 12, 3)),
        (date(2025, 8, 1), date(2025, 9, 3)),
    ):
        found = deadlines.judge(begins, limit, national(), today=begins, extended_to=granted)
        assert found.due_on == due


def test_hours_end_at_an_instant() -> None:
    began = datetime(2025, 7, 24, 16, tzinfo=UTC)
    assert deadlines.end_at(began, Limit(24, Unit.HOURS)) == began + timedelta(hours=24)
    with pytest.raises(ValueError, match="end_at"):
        deadlines.end_of(date(2025, 1, 1), Limit(8, Unit.HOURS), national())


def test_a_courts_own_days_win() -> None:
    base = read('[2025]\nholidays = ["2025-05-01"]\nworking = ["2025-05-10"]\n')
    own = base.extended([date(2025, 5, 10)], [date(2025, 5, 1)])
    assert own.is_working(date(2025, 5, 1))
    assert not own.is_working(date(2025, 5, 10))
