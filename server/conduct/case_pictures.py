"""Everything that is known of a case on a day, in one piece."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from server.cases.deadlines import Standing
from server.conduct import alarms, key_cases
from server.conduct.alarms import Alarm
from server.conduct.case_lines import Book
from server.conduct.case_parts import CaseFacts, CaseState, PromiseState
from server.conduct.case_state import fold
from server.conduct.clocks import Running, running
from server.conduct.court_limits import Limits, standard
from server.conduct.key_cases import KeyCase

AMOUNT_MAX_FEN: Final = 2**63 - 1  # what a column holds; sums of absurd amounts go beyond
_RENEWED: Final = frozenset({"freeze_expires", "impound_expires", "seal_expires"})


@dataclass(frozen=True, slots=True, kw_only=True)
class CasePicture:
    """State, limits, key case and alarms."""

    state: CaseState
    clocks: tuple[Running, ...]
    key: KeyCase
    alarms: tuple[Alarm, ...]

    @property
    def deadline(self) -> Running | None:
        """The limit for completing the case, where its type has one."""
        return next((one for one in self.clocks if one.clock.id == "complete"), None)

    @property
    def deadline_on(self) -> date | None:
        """The last day for completing it: computed, or as stated where no limit runs."""
        if self.deadline is None:
            return self.state.facts.deadline_on
        return self.deadline.due.due_on

    @property
    def next_due_on(self) -> date | None:
        """The first last day of what the court still has to do, late ones included."""
        days = [one.due.due_on for one in self.clocks if one.is_waiting and one.due.due_on]
        return min(days, default=None)

    @property
    def next_renewal_on(self) -> date | None:
        """When the next seizure expires."""
        days = [
            one.due.due_on
            for one in self.clocks
            if one.clock.id in _RENEWED and one.is_waiting and one.due.due_on
        ]
        return min(days, default=None)


def picture(facts: CaseFacts, book: Book, today: date, limits: Limits | None = None) -> CasePicture:
    """The picture of a case on a day.  Pure.

    :param limits: what the court goes by, if it has added something of its own.
    """
    limits = limits or standard()
    state = fold(facts, book, today)
    clocks = tuple(running(limits.clocks, state, book, limits.calendar))
    key = key_cases.fold(state, book)
    return CasePicture(
        state=state, clocks=clocks, key=key, alarms=tuple(alarms.alarms(state, clocks, key))
    )


def columns_of(found: CasePicture) -> dict[str, Any]:
    """The columns of a case's row."""
    state, key, deadline = found.state, found.key, found.deadline
    waiting = [one for one in found.clocks if one.is_waiting]
    return {
        "status": state.facts.status,
        "closing": state.closed.method if state.closed else None,
        "closed_on": state.closed.on if state.closed else None,
        "claimed_fen": state.amounts.claimed,
        "controlled_fen": min(state.amounts.controlled, AMOUNT_MAX_FEN),
        "received_fen": min(state.amounts.received, AMOUNT_MAX_FEN),
        "disbursed_fen": min(state.amounts.disbursed, AMOUNT_MAX_FEN),
        "deadline_on": found.deadline_on,
        "deadline_standing": deadline.due.standing.value if deadline else None,
        "extended_to": state.extended_to, "next_due_on": found.next_due_on,
        "next_renewal_on": found.next_renewal_on,
        "overdue": sum(one.is_overdue for one in waiting),
        "due_soon": sum(one.due.standing is Standing.DUE_SOON for one in waiting),
        "last_activity_on": state.last_activity_on,
        "settlement": state.settlement.state.value if state.settlement else None,
        "broken_promises": sum(one.state is PromiseState.BROKEN for one in state.promises),
        "open_petitions": sum(one.closed_on is None for one in state.petitions),
        "alarms": [plain(one) for one in found.alarms],
        "key_state": key.state, "key_categories": list(key.categories),
        "key_suggested": [one.category for one in key.suggested],
        "responsibility": key.responsibility.value, "key_deadline_on": key.deadline_on,
        "computed_on": state.today, "refresh_on": _refresh_on(found),
    }  # fmt: skip


def plain(alarm: Alarm) -> dict[str, Any]:
    """An alarm as it is stored."""
    return {
        "kind": alarm.kind.value, "late": alarm.late, "clock": alarm.clock, "entry": alarm.entry,
        "on": alarm.on.isoformat() if alarm.on else None,
    }  # fmt: skip


def _refresh_on(found: CasePicture) -> date | None:
    """A closed case in which nothing waits any more stays as it is."""
    if not found.state.is_open and not any(one.is_waiting for one in found.clocks):
        late = found.state.settlement is not None and found.state.settlement.performed_on is None
        if not late:
            return None
    return found.state.today + timedelta(days=1)
