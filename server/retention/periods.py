"""Until when an item is kept, and why: pure, so that no database decides about it.

A period of months ends with the last moment of the day that corresponds to the first, in the
court's zone; the month's last day where there is none (民法典 202, 203).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Final

from server.core.months import add_months

MONTHS_MIN: Final = 6
MONTHS_MAX: Final = 1200


@dataclass(frozen=True, slots=True)
class CaseTimes:
    """Whether a case that the item belongs to is closed, and since when."""

    is_closed: bool
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Kept:
    """``until`` is the first moment at which the item may go; none: for good, or not yet known.

    ``code`` is why: ``permanent``, ``unclear``, ``open-case``, ``period``.  ``since`` and ``of``
    say what the period runs from: ``closing`` of the case, ``capture``, or ``receipt``.
    """

    code: str
    months: int | None = None
    until: datetime | None = None
    since: datetime | None = None
    of: str | None = None

    def is_due(self, now: datetime) -> bool:
        """Whether the period is over."""
        return self.until is not None and self.until <= now


def kept_until(
    months: int | None,
    *,
    captured_at: datetime,
    received_at: datetime,
    cases: Sequence[CaseTimes],
    zone: tzinfo,
) -> Kept:
    """Apply a rule: from the latest of capture, receipt and closing, never below six months.

    A device's clock may claim any past, so the receipt counts as well.  An item of several cases
    (of its mission) waits for all of them.
    """
    if months is None:
        return Kept("permanent")
    closings: list[datetime] = []
    for case in cases:
        if not case.is_closed or case.closed_at is None:
            return Kept("open-case", months)
        closings.append(case.closed_at)
    starts = [(captured_at, "capture"), (received_at, "receipt")]
    starts += [(at, "closing") for at in closings]
    since, of = max(starts, key=lambda one: one[0])
    effective = max(months, MONTHS_MIN)
    return Kept("period", effective, end_of_period(since, effective, zone), since, of)


def end_of_period(since: datetime, months: int, zone: tzinfo) -> datetime:
    """The midnight that ends the last day of the period, in UTC."""
    last_day = add_months(since.astimezone(zone).date(), months)
    after = datetime.combine(last_day + timedelta(days=1), time(), tzinfo=zone)
    return after.astimezone(UTC)
