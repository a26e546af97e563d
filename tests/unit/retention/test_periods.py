"""Until when something is kept: pure arithmetic, so no database decides about it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.retention.periods import MONTHS_MIN, CaseTimes, end_of_period, kept_until

CHINA = ZoneInfo("Asia/Shanghai")
AT = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
MOMENTS = st.datetimes(datetime(2000, 1, 2), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  the zone is the strategy's


def local(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, tzinfo=CHINA)


@pytest.mark.parametrize(
    ("since", "months", "end"),
    [
        (local(2026, 3, 2), 6, local(2026, 9, 3)),
        (local(2025, 8, 31), 6, local(2026, 3, 1)),
        (local(2023, 8, 31), 6, local(2024, 3, 1)),
        (local(2026, 12, 15), 12, local(2027, 12, 16)),
        (local(2024, 2, 29), 12, local(2025, 3, 1)),
    ],
    ids=["plain", "no-such-day", "leap-year", "over-new-year", "leap-day"],
)
def test_a_period_ends_with_its_last_day(since: datetime, months: int, end: datetime) -> None:
    assert end_of_period(since, months, CHINA) == end


@given(captured=MOMENTS, received=MOMENTS, closed=MOMENTS, months=st.integers(-5, 1200))
def test_nothing_goes_before_six_months(
    captured: datetime, received: datetime, closed: datetime, months: int
) -> None:
    kept = kept_until(
        months, captured_at=captured, received_at=received, cases=[CaseTimes(True, closed)],
        zone=CHINA,
    )  # fmt: skip
    assert kept.until is not None
    latest = max(captured, received, closed)
    assert kept.until >= end_of_period(latest, MONTHS_MIN, CHINA)
    assert kept.until - latest >= timedelta(days=180)
    assert not kept.is_due(latest + timedelta(days=180))


@pytest.mark.parametrize(
    ("months", "cases", "code"),
    [
        (None, [CaseTimes(True, AT)], "permanent"),
        (6, [CaseTimes(False, None)], "open-case"),
        (6, [CaseTimes(True, AT), CaseTimes(False, None)], "open-case"),
        (6, [CaseTimes(True, None)], "open-case"),
        (6, [], "period"),
    ],
    ids=["for-good", "open", "one-of-two-open", "closed-nobody-knows-when", "no-case"],
)
def test_what_has_no_end_yet(months: int | None, cases: list[CaseTimes], code: str) -> None:
    kept = kept_until(months, captured_at=AT, received_at=AT, cases=cases, zone=CHINA)
    assert kept.code == code
    assert kept.is_due(AT + timedelta(days=365_000)) is (code == "period")


@pytest.mark.parametrize("of", ["capture", "receipt", "closing"])
def test_the_latest_beginning_counts_and_is_named(of: str) -> None:
    later = AT + timedelta(days=400)
    kept = kept_until(
        12,
        captured_at=later if of == "capture" else AT,
        received_at=later if of == "receipt" else AT,
        cases=[CaseTimes(True, later if of == "closing" else AT)],
        zone=CHINA,
    )
    assert (kept.of, kept.since) == (of, later)
