"""Limits in hours run out at a moment; whether a day has passed is asked where the court is."""

from __future__ import annotations

from datetime import date

from server.cases.deadlines import Standing
from server.conduct.case_pictures import picture
from tests.factories.case_books import Writer, case


def test_they_are_late_by_the_courts_day() -> None:
    """Until four in the morning of the 30th there, while it is still the 29th in UTC."""
    writer = Writer()
    writer.write("action.started", action="a", type="visit")
    writer.write("action.detention", action="a", detained_at="2025-09-28T20:00:00Z")
    clocks = picture(case(), writer.book, date(2025, 9, 30)).clocks
    [told] = [one for one in clocks if one.due_at is not None]
    assert (told.due.due_on, told.due.standing) == (date(2025, 9, 30), Standing.RUNNING)
