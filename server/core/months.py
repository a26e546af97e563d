"""Periods of months: the one place that says on which day they end."""

from __future__ import annotations

import calendar
from datetime import date
from typing import Final

MONTHS_A_YEAR: Final = 12


def add_months(day: date, count: int) -> date:
    """The same day of a later or earlier month, or the month's last one (Civil Code, art. 202)."""
    index = day.year * MONTHS_A_YEAR + day.month - 1 + count
    year, month = divmod(index, MONTHS_A_YEAR)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last))
