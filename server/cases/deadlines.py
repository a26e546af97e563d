"""When something is due: limits in days, working days, months or hours; excluded periods; pauses.

Pure, on dates and instants that are handed in.  The day on which a period begins is not counted
(Civil Procedure Law 2023, art. 85), of a limit as of an excluded period.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from server.cases.calendar import Calendar
from server.core.months import MONTHS_A_YEAR, add_months


class Unit(StrEnum):
    """What a limit counts."""

    HOURS = "hours"
    DAYS = "days"
    WORKING_DAYS = "working_days"
    MONTHS = "months"
    YEARS = "years"


@dataclass(frozen=True, slots=True)
class Limit:
    """An amount of time.

    :param rolls: a last day that is no working day moves to the next one.
    """

    amount: int
    unit: Unit
    rolls: bool = False


@dataclass(frozen=True, slots=True, order=True)
class Exclusion:
    """Days that do not count: after ``begins_on``, up to ``ends_on``; open while that is none."""

    begins_on: date
    ends_on: date | None
    reason: str = ""


class Standing(StrEnum):
    """Where a clock stands on a day."""

    RUNNING = "running"
    PAUSED = "paused"
    DUE_SOON = "due_soon"
    OVERDUE = "overdue"
    MET = "met"
    MET_LATE = "met_late"
    MISSED = "missed"  # nobody waits for it any more, and it was late by then


@dataclass(frozen=True, slots=True)
class Due:
    """When a clock runs out.

    ``due_on`` is ``None`` while an open exclusion keeps it from running out at all;
    ``remaining_days`` counts from the day asked for, negative once it is over; ``certain`` is
    false where the holidays of a year are not known.
    """

    due_on: date | None
    excluded_days: int
    remaining_days: int | None
    standing: Standing
    certain: bool = True


def end_of(begins_on: date, limit: Limit, calendar: Calendar) -> date:
    """Last day of a limit in days or longer, with nothing excluded."""
    if limit.unit is Unit.HOURS:
        raise ValueError("a limit in hours ends at an instant: use end_at")
    if limit.unit is Unit.WORKING_DAYS:
        return calendar.add_working_days(begins_on, limit.amount)
    if limit.unit is Unit.DAYS:
        ends_on = begins_on + timedelta(days=limit.amount)
    else:
        count = limit.amount * (MONTHS_A_YEAR if limit.unit is Unit.YEARS else 1)
        ends_on = add_months(begins_on, count)
    return calendar.next_working(ends_on) if limit.rolls else ends_on


def end_at(begins_at: datetime, limit: Limit) -> datetime:
    """The instant at which a limit in hours ends."""
    if limit.unit is not Unit.HOURS:
        raise ValueError("a limit in days ends on a day: use end_of")
    return begins_at + timedelta(hours=limit.amount)


def due_date(
    begins_on: date, limit: Limit, calendar: Calendar, exclusions: Iterable[Exclusion] = ()
) -> tuple[date | None, int]:
    """Last day of a limit from which periods are excluded, and how many days they added.

    ``None`` when an open exclusion begins before the limit ends.  Overlapping periods count once,
    and what lies before the beginning or after the end does not count.
    """
    plain = end_of(begins_on, Limit(limit.amount, limit.unit), calendar)
    due_on, added = plain, 0
    for first, last in _merged(exclusions, begins_on):
        if first >= due_on:
            break
        if last is None:
            return None, added
        if limit.unit is Unit.WORKING_DAYS:
            days = calendar.working_days(first, last)
            due_on = calendar.add_working_days(due_on, days)
        else:
            days = (last - first).days
            due_on += timedelta(days=days)
        added += days
    return (calendar.next_working(due_on) if limit.rolls else due_on), added


def judge(
    begins_on: date,
    limit: Limit,
    calendar: Calendar,
    *,
    today: date,
    exclusions: Iterable[Exclusion] = (),
    met_on: date | None = None,
    extended_to: date | None = None,
    warn_days: int = 0,
) -> Due:
    """Where a clock stands.

    :param met_on: when what it waits for was done.
    :param extended_to: a later last day that somebody entitled has granted.
    :param warn_days: how long before the end it counts as due soon.
    """
    periods = list(exclusions)
    due_on, excluded = due_date(begins_on, limit, calendar, periods)
    if due_on is not None and extended_to is not None:
        due_on = max(due_on, extended_to)
    remaining = None if due_on is None else (due_on - today).days
    certain = limit.unit is not Unit.WORKING_DAYS or calendar.knows(begins_on, due_on or today)
    standing = standing_of(due_on, today, met_on, warn_days)
    if standing in {Standing.RUNNING, Standing.DUE_SOON} and _covers(periods, today):
        standing = Standing.PAUSED
    return Due(due_on, excluded, remaining, standing, certain)


def standing_of(
    due_on: date | None, today: date, met_on: date | None = None, warn_days: int = 0
) -> Standing:
    """Where something stands that was due on a day; without one it is paused."""
    if met_on is not None and met_on <= today:
        return Standing.MET if due_on is None or met_on <= due_on else Standing.MET_LATE
    if due_on is None:
        return Standing.PAUSED
    if today > due_on:
        return Standing.OVERDUE
    return Standing.DUE_SOON if (due_on - today).days <= warn_days else Standing.RUNNING


def _covers(exclusions: Sequence[Exclusion], day: date) -> bool:
    return any(
        one.begins_on < day and (one.ends_on is None or day <= one.ends_on) for one in exclusions
    )


def _merged(exclusions: Iterable[Exclusion], after: date) -> list[tuple[date, date | None]]:
    """The periods in order, cut at the beginning of the clock, joined where they touch."""
    spans = sorted(
        (max(one.begins_on, after), one.ends_on or date.max)
        for one in exclusions
        if one.ends_on is None or one.ends_on > max(one.begins_on, after)
    )
    merged: list[tuple[date, date]] = []
    for first, last in spans:
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], last))
        else:
            merged.append((first, last))
    return [(first, None if last == date.max else last) for first, last in merged]
