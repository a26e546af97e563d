"""Weeks by ISO 8601, in the court's zone.  Pure."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

PATTERN: Final = r"20\d\d-W\d\d"
_WEEK: Final = re.compile(r"(20\d\d)-W(\d\d)")
_DAYS: Final = 7


def first_day(week: str) -> date:
    """Monday of a week such as ``2025-W39``; ``ValueError`` for what is no week."""
    found = _WEEK.fullmatch(week)
    if found is None:
        raise ValueError(f"{week}: a week as 2025-W39")
    return date.fromisocalendar(int(found[1]), int(found[2]), 1)


def last_day(week: str) -> date:
    """Sunday of a week."""
    return first_day(week) + timedelta(days=_DAYS - 1)


def week_of(day: date) -> str:
    """The week that a day lies in."""
    year, number, _ = day.isocalendar()
    return f"{year}-W{number:02}"


def before(week: str) -> str:
    """The week before."""
    return week_of(first_day(week) - timedelta(days=1))


def after(week: str) -> str:
    """The week after."""
    return week_of(last_day(week) + timedelta(days=1))


def local_day(at: datetime, zone: str) -> date:
    """The day that it is at the court."""
    return at.astimezone(ZoneInfo(zone)).date()


def begin_of(day: date, zone: str) -> datetime:
    """The moment at which a day begins at the court."""
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
