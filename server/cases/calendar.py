"""Working days: weekends, public holidays, and the weekends on which work is made up for.  Pure."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final

_SATURDAY: Final = 5
_DAY: Final = timedelta(days=1)
_DATA: Final = Path(__file__).parent / "data" / "calendar.toml"


@dataclass(frozen=True, slots=True)
class Calendar:
    """Days that differ from their weekday; ``years`` are those whose holidays are known."""

    holidays: frozenset[date]
    made_up: frozenset[date]
    years: frozenset[int]

    def is_working(self, day: date) -> bool:
        """Whether people work on that day; in a year that is not known, by the weekday alone."""
        if day in self.made_up:
            return True
        return day.weekday() < _SATURDAY and day not in self.holidays

    def is_holiday(self, day: date) -> bool:
        """Whether it is a public holiday, which a weekend alone is not."""
        return day in self.holidays

    def knows(self, first: date, last: date) -> bool:
        """Whether the holidays of all years between are known."""
        return self.years.issuperset(range(first.year, last.year + 1))

    def add_working_days(self, day: date, count: int) -> date:
        """The ``count``-th working day after ``day``, which itself is not counted.

        :param count: 0 or more; 0 gives ``day`` itself.
        """
        while count:
            day += _DAY
            count -= self.is_working(day)
        return day

    def working_days(self, after: date, until: date) -> int:
        """Working days in (``after``, ``until``]; 0 when there are none."""
        return sum(self.is_working(day) for day in days(after + _DAY, until))

    def next_working(self, day: date) -> date:
        """``day``, or the first working day after it (Civil Procedure Law 2023, art. 85)."""
        while not self.is_working(day):
            day += _DAY
        return day

    def extended(self, holidays: Iterable[date], made_up: Iterable[date]) -> Calendar:
        """With a court's own days added, which win over those announced for the country."""
        more, less = frozenset(holidays), frozenset(made_up)
        return Calendar(
            (self.holidays | more) - less,
            (self.made_up | less) - more,
            self.years | {day.year for day in more | less},
        )


def days(first: date, last: date) -> Iterator[date]:
    """Every day from ``first`` to ``last``, both included."""
    for number in range(first.toordinal(), last.toordinal() + 1):
        yield date.fromordinal(number)


def read(text: str) -> Calendar:
    """A calendar from TOML: a table a year, with ``holidays`` and ``working`` as days or spans."""
    years = tomllib.loads(text)
    return Calendar(
        frozenset(day for year in years.values() for day in days_of(year["holidays"])),
        frozenset(day for year in years.values() for day in days_of(year["working"])),
        frozenset(int(year) for year in years),
    )


@functools.cache
def national() -> Calendar:
    """The calendar that comes with the program."""
    return read(_DATA.read_text(encoding="utf-8"))


def days_of(spans: Iterable[str]) -> Iterator[date]:
    """Days from days and spans as ``2026-10-01/2026-10-07``; ``ValueError`` for what is none."""
    for span in spans:
        first, _, last = span.partition("/")
        yield from days(date.fromisoformat(first), date.fromisoformat(last or first))
