"""What presses in a court's cases, from where each of them stands; see ``conduct.alarms``."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from datetime import date
from types import MappingProxyType
from typing import Any, Final

import sqlalchemy as sa

from server.cases.models import Case
from server.conduct.alarms import AlarmKind
from server.conduct.case_models import CaseStanding
from server.oversight.alarms import Alarm, Look, of_case
from server.oversight.kinds import AlertKind

# Those that are not here press as well, but need no explanation.
_KINDS: Final[Mapping[str, AlertKind]] = MappingProxyType(
    {
        AlarmKind.DEADLINE: AlertKind.DEADLINE,
        AlarmKind.MONEY: AlertKind.MONEY,
        AlarmKind.PROMISE_BROKEN: AlertKind.PROMISE,
        AlarmKind.SETTLEMENT_DEFAULT: AlertKind.PROMISE,
        AlarmKind.MEASURE: AlertKind.MEASURE,
        AlarmKind.LEAD: AlertKind.LIMIT,
        AlarmKind.PETITION: AlertKind.LIMIT,
        AlarmKind.OBJECTION: AlertKind.LIMIT,
        AlarmKind.CLOCK: AlertKind.LIMIT,
        AlarmKind.RESPONSIBILITY_INCOMPLETE: AlertKind.KEY,
        AlarmKind.RESPONSIBILITY_OVERDUE: AlertKind.KEY,
    }
)
# A measure that lapses cannot be called back, so it is told of while it can still be renewed.
_BEFORE_IT_IS_LATE: Final = frozenset({AlertKind.MEASURE, AlertKind.KEY})


def of_cases(look: Look) -> Iterator[Alarm]:
    """Deadlines that passed, promises broken, measures about to expire, money not paid out."""
    statement = (
        sa.select(CaseStanding.case_id, CaseStanding.alarms, Case.handler_id)
        .join(Case, Case.id == CaseStanding.case_id)
        .where(CaseStanding.court_id == look.court_id)
    )
    for row in look.session.execute(statement):
        for alarm in row.alarms:
            yield from _of(alarm, row.case_id, row.handler_id)


def _of(
    alarm: Mapping[str, Any], case_id: uuid.UUID, handler_id: uuid.UUID | None
) -> Iterator[Alarm]:
    kind = _KINDS.get(alarm["kind"])
    if kind is None or alarm.get("on") is None:
        return
    if alarm["late"] or kind in _BEFORE_IT_IS_LATE:
        what = ".".join(filter(None, (alarm.get("clock"), alarm.get("entry") or str(case_id))))
        yield of_case(kind, case_id, handler_id, date.fromisoformat(alarm["on"]), what)
