"""Every limit that runs in a case: begun and met by the events that its entries stand for.  Pure.

An event that ends what another began names it; without a name the first one after it does.  Of
money the limit is met when all of the amount is there, and limits in hours join events of one
action.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, tzinfo

from client_sdk.protocol.entries import Mark, kinds
from client_sdk.protocol.times import parse_rfc3339
from server.cases.calendar import Calendar
from server.cases.clock_table import Clock
from server.cases.deadlines import (
    Due,
    Exclusion,
    Limit,
    Standing,
    Unit,
    due_date,
    end_at,
    end_of,
    standing_of,
)
from server.cases.deadlines import judge as judge_due
from server.conduct.case_lines import Book, Line
from server.conduct.case_parts import ENDS_MEASURES, CaseFacts, CaseState

PRESSING = frozenset({Standing.OVERDUE, Standing.DUE_SOON})
MET = frozenset({Standing.MET, Standing.MET_LATE})
_SEIZURE_CLOCKS = frozenset({"freeze_expires", "impound_expires", "seal_expires"})
_EXPIRES = {"freeze": "freeze_expires", "impound": "impound_expires", "seal": "seal_expires"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something of the case on a day, or at a time; ``of`` names what it ends."""

    name: str
    day: date
    at: datetime | None = None
    entry: str | None = None
    of: str | None = None
    action: str | None = None
    urgent: bool = False
    amount_fen: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """One limit that began, and where it stands.

    :param entry: the entry that began it; ``None`` when the case itself did.
    :param earliest_on: when it would run out if what keeps it from doing so ended today.
    :param due_at: of a limit in hours.
    """

    clock: Clock
    entry: str | None
    begins_on: date
    due: Due
    met_on: date | None = None
    earliest_on: date | None = None
    begins_at: datetime | None = None
    due_at: datetime | None = None
    met_at: datetime | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether the court still has to do something about it."""
        return self.due.standing not in MET | {Standing.MISSED} and not self.clock.party

    @property
    def is_overdue(self) -> bool:
        """Whether the court is late."""
        return self.due.standing is Standing.OVERDUE and not self.clock.party


def running(
    clocks: Iterable[Clock], state: CaseState, book: Book, calendar: Calendar
) -> list[Running]:
    """Every limit that began in a case, the most pressing first."""
    book = book.until(state.today)
    found: list[Running] = []
    timeline = _Timeline.of(events_of(book, state.facts), state, calendar)
    by_id = {clock.id: clock for clock in clocks if clock.runs_in(state.facts.type_code)}
    for clock in by_id.values():
        if clock.id in _SEIZURE_CLOCKS or (clock.id == "assign_handler" and _unsaid(timeline)):
            continue
        found += timeline.of_clock(clock)
    found += _expiries(by_id, state)
    return sorted(found, key=_urgency)


def events_of(book: Book, facts: CaseFacts) -> list[Event]:
    """The events that entries stand for, and the filing, by day."""
    events = [
        event
        for line in book.lines
        for mark in _marks(line.kind)
        for event in _event(line, mark, book.zone)
    ]
    if facts.filed_on is not None:
        events.append(Event(name="filed", day=facts.filed_on))
    return sorted(events, key=lambda one: (one.day, one.at is not None, one.entry or ""))


def _marks(kind: str) -> Sequence[Mark]:
    known = kinds().get(kind)
    return known.marks if known else ()


def _event(line: Line, mark: Mark, zone: tzinfo) -> Iterable[Event]:
    name = mark.event_of(line.data)
    if name is None or (mark.at is not None and mark.at not in line.data):
        return
    at = parse_rfc3339(line.data[mark.at]).astimezone(zone) if mark.at else None
    yield Event(
        name=name, day=line.day, at=at,
        entry=line.id, of=line.of if mark.of else None, action=line.action,
        urgent=line.data.get("urgent") is True, amount_fen=line.data.get("amount_fen"),
    )  # fmt: skip


def _unsaid(timeline: _Timeline) -> bool:
    """Somebody handles the case, and nobody wrote down since when."""
    return timeline.state.facts.has_handler and not timeline.events["handler_assigned"]


@dataclass(frozen=True, slots=True)
class _Timeline:
    state: CaseState
    calendar: Calendar
    events: Mapping[str, list[Event]]

    @classmethod
    def of(cls, events: Iterable[Event], state: CaseState, calendar: Calendar) -> _Timeline:
        named: dict[str, list[Event]] = defaultdict(list)
        for event in events:
            named[event.name].append(event)
        return cls(state, calendar, named)

    def of_clock(self, clock: Clock) -> Iterable[Running]:
        if clock.limit.unit is Unit.HOURS:
            return self._in_hours(clock)
        if clock.repeats_for is not None:
            return self._again(clock, clock.repeats_for)
        begins = self.events[clock.starts]
        # What is not paired begins once: a second notice does not make the first one late.
        if not self._is_paired(clock) and begins:
            begins = begins[:1]
        return [one for begin in begins for one in self._judged(clock, begin)]

    def _is_paired(self, clock: Clock) -> bool:
        ends = self.events[clock.stops]
        return any(one.of for one in ends) or clock.stops in _PAIRED

    def _judged(self, clock: Clock, begin: Event) -> Iterable[Running]:
        met_on = self._met_on(clock, begin)
        over = self._over_on(clock, begin)
        if met_on is None and over is not None:
            yield from self._given_up(clock, begin, over)
            return
        due, earliest = self._due(clock, begin, self.state.today, met_on)
        if clock.party and due.standing is Standing.OVERDUE:
            due = replace(due, standing=Standing.MISSED)
        yield Running(
            clock=clock, entry=begin.entry, begins_on=begin.day, due=due, met_on=met_on,
            earliest_on=earliest,
        )  # fmt: skip

    def _given_up(self, clock: Clock, begin: Event, over: date) -> Iterable[Running]:
        """Nobody waits for it since a day; what was late by then stays visible."""
        due, _ = self._due(clock, begin, over, None)
        if due.standing is Standing.OVERDUE:
            missed = replace(due, remaining_days=None, standing=Standing.MISSED)
            yield Running(clock=clock, entry=begin.entry, begins_on=begin.day, due=missed)

    def _due(
        self, clock: Clock, begin: Event, today: date, met_on: date | None
    ) -> tuple[Due, date | None]:
        limit = self._limit(clock, begin)
        periods = [one for one in self.state.periods if one.reason in clock.excludes]
        granted = self.state.extended_to if clock.id == "complete" else None
        due = judge_due(
            begin.day, limit, self.calendar, today=today, exclusions=periods, met_on=met_on,
            extended_to=granted, warn_days=clock.warn_days,
        )  # fmt: skip
        if due.due_on is not None:
            return due, None
        ended = [_ended(one, today) for one in periods]
        return due, due_date(begin.day, limit, self.calendar, ended)[0]

    def _limit(self, clock: Clock, begin: Event) -> Limit:
        extended = clock.extended_by is not None and any(
            one.day >= begin.day and (begin.action is None or one.action == begin.action)
            for one in self.events[clock.extended_by]
        )
        return clock.limit_for(urgent=begin.urgent, extended=extended)

    def _met_on(self, clock: Clock, begin: Event) -> date | None:
        ends = self.events[clock.stops]
        if self._is_paired(clock):
            return _all_there(begin, [one for one in ends if one.of == begin.entry])
        return next((one.day for one in ends if one.day >= begin.day), None)

    def _over_on(self, clock: Clock, begin: Event) -> date | None:
        days = [
            one.day for name in clock.ended_by for one in self.events[name] if one.day >= begin.day
        ]
        return min(days, default=None)

    def _again(self, clock: Clock, span: Limit) -> Iterable[Running]:
        for first in self.events[clock.starts][-1:]:
            last_on = end_of(first.day, span, self.calendar)
            met = [one for one in self.events[clock.stops] if first.day < one.day]
            for begin, end in zip([first, *met], [*met, None], strict=True):
                due, _ = self._due(clock, begin, self.state.today, end.day if end else None)
                over = self._over_on(clock, begin) is not None and end is None
                if not over and due.due_on is not None and due.due_on <= last_on:
                    yield Running(
                        clock=clock, entry=begin.entry, begins_on=begin.day, due=due,
                        met_on=end.day if end else None,
                    )  # fmt: skip

    def _in_hours(self, clock: Clock) -> Iterable[Running]:
        for begin in self.events[clock.starts]:
            if begin.at is None:
                continue
            due_at = end_at(begin.at, self._limit(clock, begin))
            ends = [
                one.at
                for one in self.events[clock.stops]
                if one.at is not None and one.action == begin.action and one.at >= begin.at
            ]
            met_at = min(ends, default=None)
            late = (met_at or due_at) > due_at or (
                met_at is None and due_at.date() < self.state.today
            )
            met = Standing.MET_LATE if late else Standing.MET
            waiting = Standing.OVERDUE if late else Standing.RUNNING
            standing = waiting if met_at is None else met
            yield Running(
                clock=clock, entry=begin.entry, begins_on=begin.day, begins_at=begin.at,
                due=Due(due_at.date(), 0, None, standing), due_at=due_at, met_at=met_at,
                met_on=None if met_at is None else met_at.date(),
            )  # fmt: skip


def _all_there(begin: Event, ends: Sequence[Event]) -> date | None:
    """When what was begun had been ended in full."""
    if begin.amount_fen is None:
        return ends[0].day if ends else None
    there = 0
    for one in ends:
        there += begin.amount_fen if one.amount_fen is None else one.amount_fen
        if there >= begin.amount_fen:
            return one.day
    return None


def _ended(period: Exclusion, today: date) -> Exclusion:
    if period.ends_on is not None:
        return period
    return Exclusion(period.begins_on, max(period.begins_on, today), period.reason)


def _expiries(clocks: Mapping[str, Clock], state: CaseState) -> Iterable[Running]:
    """Seizures that have to be renewed before they expire; lifted ones were met.

    A closing that leaves nothing to enforce ends them: then they have to be lifted instead.
    """
    if state.closed is not None and state.closed.method in ENDS_MEASURES:
        return
    for measure in state.measures:
        clock = clocks.get(_EXPIRES.get(measure.type, ""))
        if clock is None or measure.until_on is None:
            continue
        standing = standing_of(measure.until_on, state.today, measure.lifted_on, clock.warn_days)
        days = (measure.until_on - state.today).days
        yield Running(
            clock=clock, entry=measure.id, begins_on=measure.on, met_on=measure.lifted_on,
            due=Due(measure.until_on, 0, days, standing),
        )  # fmt: skip


def _urgency(one: Running) -> tuple[int, date, str, str]:
    """What presses first, then what is due first."""
    order = 2 if not one.is_waiting else 0 if one.is_overdue else 1
    return order, one.due.due_on or date.max, one.clock.id, one.entry or ""


_PAIRED = frozenset(
    mark.event_of({}) or mark.event
    for kind in kinds().values()
    for mark in kind.marks
    if mark.of is not None
)
