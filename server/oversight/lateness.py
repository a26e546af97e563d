"""Limits, promises, measures and money of a court's cases that ran late, from the register."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

import sqlalchemy as sa

from server.cases.calendar import national
from server.cases.deadlines import Exclusion, Limit, Unit, due_date
from server.cases.models import Case
from server.cases.states import CaseStatus
from server.oversight.alarms import UNDER_WAY, Alarm, Look, of_case
from server.oversight.kinds import AlertKind
from server.register.folding import current
from server.register.models import Entry

COMPLETE_WITHIN: Final = Limit(6, Unit.MONTHS)  # 执行规定 63
LIMITED_TYPES: Final = frozenset({"执", "执恢"})
DISBURSE_DAYS: Final = 30  # 执行案款管理工作指引
_KINDS: Final = (
    "case.extended", "case.excluded", "case.suspended", "case.deferred", "case.continued",
    "case.promise", "case.promise-kept", "case.instalment", "case.instalment-paid",
    "case.measure", "case.measure-renewed", "case.measure-lifted", "action.seizure",
    "case.received", "case.disbursed",
)  # fmt: skip
_PAUSES: Final = {"case.suspended": "suspension", "case.deferred": "deferral"}


@dataclass(frozen=True, slots=True)
class _Case:
    id: uuid.UUID
    handler_id: uuid.UUID | None
    status: str
    type_code: str
    filed_on: date | None
    deadline_on: date | None


def of_cases(look: Look) -> list[Alarm]:
    """Deadlines that passed, promises broken, measures about to expire, money not paid out."""
    columns = (
        Case.id, Case.handler_id, Case.status, Case.type_code, Case.filed_on, Case.deadline_on,
    )  # fmt: skip
    rows = look.session.execute(sa.select(*columns).where(Case.court_id == look.court_id)).all()
    written = _written(look)
    found: list[Alarm] = []
    for row in rows:
        case = _Case(*row)
        entries = written.get(case.id, {})
        found += _deadline(look, case, entries)
        if case.status != CaseStatus.CLOSED:
            found += _promises(look, case, entries)
        found += _instalments(look, case, entries)
        found += _measures(look, case, entries)
        found += _money(look, case, entries)
    return found


_Entries = Mapping[str, Sequence[Entry]]


def _written(look: Look) -> dict[uuid.UUID, dict[str, list[Entry]]]:
    statement = sa.select(Entry).where(Entry.court_id == look.court_id, Entry.kind.in_(_KINDS))
    found: dict[uuid.UUID, dict[str, list[Entry]]] = defaultdict(lambda: defaultdict(list))
    for entry in current(look.session.execute(statement).scalars()):
        found[entry.case_id][entry.kind].append(entry)
    return found


def _deadline(look: Look, case: _Case, entries: _Entries) -> Iterator[Alarm]:
    if case.status not in UNDER_WAY:
        return
    due_on = deadline_of(case, entries)
    if due_on is not None and due_on < look.today:
        yield of_case(AlertKind.DEADLINE, case.id, case.handler_id, due_on, case.id)


def deadline_of(case: _Case, entries: _Entries) -> date | None:
    """By when a case has to be completed; none while that is open, or for other types."""
    due_on = case.deadline_on
    if due_on is None:
        if case.filed_on is None or case.type_code not in LIMITED_TYPES:
            return None
        due_on, _ = due_date(case.filed_on, COMPLETE_WITHIN, national(), list(_exclusions(entries)))
    if due_on is None:
        return None
    extended = [_day(one.data["until_on"]) for one in entries.get("case.extended", ())]
    return max([due_on, *extended])


def _exclusions(entries: _Entries) -> Iterator[Exclusion]:
    for one in entries.get("case.excluded", ()):
        until = one.data.get("until_on")
        yield Exclusion(_day(one.data["on"]), _day(until) if until else None, one.data["reason"])
    goes_on = sorted(_day(one.data["on"]) for one in entries.get("case.continued", ()))
    for kind, reason in _PAUSES.items():
        for one in entries.get(kind, ()):
            begins_on = _day(one.data["on"])
            ends_on = next((day for day in goes_on if day >= begins_on), None)
            yield Exclusion(begins_on, ends_on, reason)


def _promises(look: Look, case: _Case, entries: _Entries) -> Iterator[Alarm]:
    kept = {one.data["promise"] for one in entries.get("case.promise-kept", ()) if one.data["kept"]}
    for one in entries.get("case.promise", ()):
        due_on = _day(one.data["due_on"])
        if due_on < look.today and str(one.id) not in kept:
            yield of_case(AlertKind.PROMISE, case.id, case.handler_id, due_on, one.id)


def _instalments(look: Look, case: _Case, entries: _Entries) -> Iterator[Alarm]:
    paid = _sums(entries.get("case.instalment-paid", ()))
    for one in entries.get("case.instalment", ()):
        due_on = _day(one.data["due_on"])
        if due_on < look.today and paid[str(one.id)] < one.data["amount_fen"]:
            yield of_case(AlertKind.PROMISE, case.id, case.handler_id, due_on, one.id)


def _measures(look: Look, case: _Case, entries: _Entries) -> Iterator[Alarm]:
    soon = look.today + timedelta(days=look.rules.measure_days)
    lifted = {one.data["of"] for one in entries.get("case.measure-lifted", ())}
    renewed: dict[str, date] = {}
    for one in entries.get("case.measure-renewed", ()):
        until = _day(one.data["until_on"])
        renewed[one.data["of"]] = max(until, renewed.get(one.data["of"], until))
    for one in (*entries.get("case.measure", ()), *entries.get("action.seizure", ())):
        if str(one.id) in lifted or not one.data.get("until_on"):
            continue
        until = max(_day(one.data["until_on"]), renewed.get(str(one.id), date.min))
        if until <= soon:
            yield of_case(AlertKind.MEASURE, case.id, case.handler_id, until, one.id)


def _money(look: Look, case: _Case, entries: _Entries) -> Iterator[Alarm]:
    paid = _sums(entries.get("case.disbursed", ()))
    for one in entries.get("case.received", ()):
        due_on = _day(one.data["on"]) + timedelta(days=DISBURSE_DAYS)
        if due_on < look.today and paid[str(one.id)] < one.data["amount_fen"]:
            yield of_case(AlertKind.MONEY, case.id, case.handler_id, due_on, one.id)


def _sums(entries: Sequence[Entry]) -> defaultdict[str, int]:
    found: defaultdict[str, int] = defaultdict(int)
    for one in entries:
        found[one.data["of"]] += one.data["amount_fen"]
    return found


def _day(text: Any) -> date:
    return date.fromisoformat(text)
