"""A week of duty as rows and cells, and a clock ledger as a picture."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from server.console.ledger_chart import HEIGHT, Measured, chart
from server.console.rota import bounds, monday_of, rows
from server.identity.models import DutyBooking

HERE = ZoneInfo("Asia/Shanghai")
CAMERA, LIU, WANG = uuid.UUID(int=1), uuid.UUID(int=2), uuid.UUID(int=3)
NAMES = {CAMERA: "相机", LIU: "刘虚构", WANG: "王虚构"}


def booking(number: int, user: uuid.UUID, starts: datetime, ends: datetime) -> DutyBooking:
    return DutyBooking(
        id=uuid.UUID(int=100 + number), device_id=CAMERA, user_id=user, starts_at=starts,
        ends_at=ends,
    )  # fmt: skip


def here(day: int, hour: int) -> datetime:
    return datetime(2026, 3, day, hour, tzinfo=HERE).astimezone(UTC)


def test_a_week_begins_on_monday_at_midnight_of_the_court() -> None:
    assert monday_of(date(2026, 3, 8)) == date(2026, 3, 2)
    start, end = bounds(date(2026, 3, 2), HERE)
    assert start.astimezone(UTC) == datetime(2026, 3, 1, 16, tzinfo=UTC)
    assert (end - start).days == 7


def test_a_booking_over_midnight_stands_on_both_days_without_its_far_end() -> None:
    night = booking(1, LIU, here(2, 20), here(3, 6))
    (row,) = rows([night], NAMES, date(2026, 3, 2), HERE, by="device")
    assert row.name == "相机"
    cells = [[(slot.begins, slot.ends) for slot in day] for day in row.days]
    assert cells[:3] == [[("20:00", None)], [(None, "06:00")], []]


def test_rows_are_devices_or_people_and_a_hand_over_at_noon_has_no_overlap() -> None:
    both = [booking(2, WANG, here(4, 12), here(4, 18)), booking(1, LIU, here(4, 8), here(4, 12))]
    (row,) = rows(both, NAMES, date(2026, 3, 2), HERE, by="device")
    assert [slot.begins for slot in row.days[2]] == ["08:00", "12:00"]
    people = rows(both, NAMES, date(2026, 3, 2), HERE, by="officer")
    assert [one.name for one in people] == ["刘虚构", "王虚构"]


def test_what_ends_as_the_week_begins_is_not_of_it() -> None:
    before = booking(1, LIU, here(1, 8), bounds(date(2026, 3, 2), HERE)[0])
    assert rows([before], NAMES, date(2026, 3, 2), HERE, by="device") == []


def test_an_empty_ledger_has_no_picture_and_one_reading_lies_in_the_middle() -> None:
    assert chart([]) is None
    found = chart([Measured(1_000, 0, 0)])
    assert found is not None
    assert (found.dots[0].x, found.dots[0].y) == (300.0, HEIGHT / 2)
    assert found.zero == found.dots[0].y


def test_a_clock_that_is_slow_lies_above_the_zero_line_with_its_error_around_it() -> None:
    found = chart([Measured(2_000, 500, 100), Measured(1_000, -300, 50)])
    assert found is not None
    first, last = found.dots
    assert first.x < last.x
    assert last.high < last.y < last.low < found.zero < first.y
    assert (found.top_ms, found.bottom_ms) == (600, -350)
    assert found.line == f"{first.x},{first.y} {last.x},{last.y}"
