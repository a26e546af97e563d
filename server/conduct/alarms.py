"""What presses in a case: limits that end or have ended, defaults, broken promises …  Pure."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Final

from server.cases.deadlines import Standing
from server.conduct.case_parts import ENDS_MEASURES, CaseState, PromiseState
from server.conduct.clocks import Running
from server.conduct.key_cases import KeyCase, ResponsibilityState

_DATA: Final = Path(__file__).parent / "data" / "alarms.toml"


class AlarmKind(StrEnum):
    """What an alarm is about; names are in ``data/alarms.toml``."""

    DEADLINE = "deadline"
    MEASURE = "measure"
    MONEY = "money"
    LEAD = "lead"
    PETITION = "petition"
    OBJECTION = "objection"
    CLOCK = "clock"
    SETTLEMENT_DEFAULT = "settlement_default"
    PROMISE_BROKEN = "promise_broken"
    LIAISON_EXPIRED = "liaison_expired"
    LISTING_ENDS = "listing_ends"
    TO_BE_LIFTED = "to_be_lifted"
    PAUSE_OVER = "pause_over"
    RESPONSIBILITY_INCOMPLETE = "responsibility_incomplete"
    RESPONSIBILITY_OVERDUE = "responsibility_overdue"


_CLOCKS: Final = MappingProxyType(
    {
        "complete": AlarmKind.DEADLINE,
        "freeze_expires": AlarmKind.MEASURE,
        "impound_expires": AlarmKind.MEASURE,
        "seal_expires": AlarmKind.MEASURE,
        "disburse": AlarmKind.MONEY,
        "verify_lead": AlarmKind.LEAD,
        "register_petition": AlarmKind.PETITION,
        "finish_petition": AlarmKind.PETITION,
        "decide_objection": AlarmKind.OBJECTION,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """Something that somebody has to do or to answer for.

    :param late: it is too late already; otherwise it soon will be.
    :param on: the day that counts.
    :param clock: the limit, where it is one.
    :param entry: the entry that it is about.
    """

    kind: AlarmKind
    late: bool
    on: date | None = None
    clock: str | None = None
    entry: str | None = None


@dataclass(frozen=True, slots=True)
class Words:
    """An alarm for people."""

    zh: str
    en: str


@functools.cache
def words() -> Mapping[str, Words]:
    """Names of the kinds of alarms."""
    tables = tomllib.loads(_DATA.read_text(encoding="utf-8"))
    return MappingProxyType({name: Words(**entry) for name, entry in tables.items()})


def alarms(state: CaseState, clocks: Sequence[Running], key: KeyCase) -> list[Alarm]:
    """Every alarm of a case, what is late first, then by day."""
    found = [
        *_of_clocks(clocks), *_of_talks(state), *_of_leads(state), *_of_measures(state),
        *_of_pauses(state), *_of_key(state, key),
    ]  # fmt: skip
    return sorted(
        found, key=lambda one: (not one.late, one.on or date.max, one.kind, one.entry or "")
    )


def _of_clocks(clocks: Iterable[Running]) -> Iterable[Alarm]:
    for one in clocks:
        if one.is_overdue or (one.is_waiting and one.due.standing is Standing.DUE_SOON):
            yield Alarm(
                kind=_CLOCKS.get(one.clock.id, AlarmKind.CLOCK), late=one.is_overdue,
                on=one.due.due_on, clock=one.clock.id, entry=one.entry,
            )  # fmt: skip


def _of_talks(state: CaseState) -> Iterable[Alarm]:
    for settlement in state.settlements:
        for part in settlement.late(state.today):
            if settlement.performed_on is None:
                yield Alarm(
                    kind=AlarmKind.SETTLEMENT_DEFAULT, late=True, on=part.due_on, entry=part.id
                )
    for promise in state.promises:
        if promise.state is PromiseState.BROKEN and state.is_open:
            yield Alarm(
                kind=AlarmKind.PROMISE_BROKEN, late=True, on=promise.due_on, entry=promise.id
            )


def _of_leads(state: CaseState) -> Iterable[Alarm]:
    for lead in state.leads:
        if lead.expired_term_on is not None:
            yield Alarm(
                kind=AlarmKind.LIAISON_EXPIRED, late=False, on=lead.expired_term_on, entry=lead.id
            )


def _of_measures(state: CaseState) -> Iterable[Alarm]:
    for one in state.measures:
        if one.type == "list_dishonest" and one.until_on and one.lifted_on is None:
            over = one.until_on < state.today
            if over:
                yield Alarm(kind=AlarmKind.LISTING_ENDS, late=True, on=one.until_on, entry=one.id)
    if state.closed is None or state.closed.method not in ENDS_MEASURES:
        return
    for one in state.in_force:
        if one.seizes or one.type.startswith(("restrict_", "list_")):
            yield Alarm(kind=AlarmKind.TO_BE_LIFTED, late=False, on=state.closed.on, entry=one.id)


def _of_pauses(state: CaseState) -> Iterable[Alarm]:
    """The case still stands still although every pause that was written down is over."""
    pauses = [one for one in state.periods if one.reason in {"suspension", "deferral"}]
    if state.facts.status != "suspended" or not pauses:
        return
    ends = [one.ends_on for one in pauses]
    over = [end for end in ends if end is not None and end < state.today]
    if len(over) == len(ends):
        yield Alarm(kind=AlarmKind.PAUSE_OVER, late=False, on=max(over))


def _of_key(state: CaseState, key: KeyCase) -> Iterable[Alarm]:
    if key.state != "confirmed" or not state.is_open:
        return
    if key.responsibility in {ResponsibilityState.NONE, ResponsibilityState.INCOMPLETE}:
        yield Alarm(
            kind=AlarmKind.RESPONSIBILITY_INCOMPLETE, late=False, on=key.confirmed_on,
            entry=key.now.id if key.now else None,
        )  # fmt: skip
    if key.responsibility is ResponsibilityState.OVERDUE and key.now:
        yield Alarm(
            kind=AlarmKind.RESPONSIBILITY_OVERDUE, late=True, on=key.deadline_on, entry=key.now.id
        )
