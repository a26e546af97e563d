"""The detectors at work: alarms are raised, cleared when they are no longer so, escalated.

They look in a transaction that only reads, since that takes a while in a large court; what they
found is written in small turns, so that nobody else's writing waits for long.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.core.context import Context, Runtime, system_actor
from server.core.transactions import EVERY_COURT, unit_of_work
from server.identity.models import Court
from server.oversight import alerts, idleness, lateness, queries, tasks, weeks
from server.oversight.alarms import Alarm, Look
from server.oversight.kinds import OPEN_ALERTS, AlertKind, AlertState, TaskState
from server.oversight.models import OversightAlert, OversightTask
from server.oversight.queries import Thresholds

TURN: Final = 100
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class _Work:
    """What is to be written for a court."""

    rules: Thresholds
    new: Sequence[Alarm]
    gone: Sequence[uuid.UUID]
    unexplained: Sequence[uuid.UUID]


def watch(ctx: Context) -> int:
    """Look at every court once; returns how many alerts and tasks changed.  For the worker.

    The transactions are its own.
    """
    runtime = ctx.runtime
    with unit_of_work(EVERY_COURT, write=False) as session:
        courts = list(session.execute(sa.select(Court.id).order_by(Court.id)).scalars())
    return sum(watch_court(runtime, court_id) for court_id in courts)


def watch_court(runtime: Runtime, court_id: uuid.UUID) -> int:
    """Look at one court."""
    today = weeks.local_day(runtime.clock.now(), runtime.settings.time_zone)
    done = _mark_late_tasks(runtime, court_id, today)
    work = _look(runtime, court_id, today)
    for some in _turns(work.new):
        with unit_of_work(court_id) as session:
            ctx = Context(system_actor(court_id), session, runtime)
            done += alerts.raise_alarms(ctx, court_id, some, today, work.rules)
    for ids, change in (
        (work.gone, alerts.clear_gone), (work.unexplained, alerts.escalate_unexplained)
    ):  # fmt: skip
        for turn in _turns(ids):
            with unit_of_work(court_id) as session:
                done += change(Context(system_actor(court_id), session, runtime), turn)
    return done


def late_tasks(look: Look) -> list[Alarm]:
    """Tasks that are marked as overdue."""
    statement = sa.select(OversightTask).where(
        OversightTask.court_id == look.court_id, OversightTask.state == TaskState.OVERDUE
    )
    return [
        Alarm(AlertKind.TASK, f"task:{row.id}", row.due_on, row.case_id, row.owner_id, row.id)
        for row in look.session.execute(statement).scalars()
    ]


def _mark_late_tasks(runtime: Runtime, court_id: uuid.UUID, today: date) -> int:
    late = sa.select(OversightTask.id).where(
        OversightTask.court_id == court_id,
        OversightTask.state == TaskState.OPEN,
        OversightTask.due_on < today,
    )
    with unit_of_work(court_id, write=False) as session:
        if session.execute(late.limit(1)).first() is None:
            return 0
    with unit_of_work(court_id) as session:
        return tasks.mark_overdue(
            Context(system_actor(court_id), session, runtime), court_id, today
        )


def _look(runtime: Runtime, court_id: uuid.UUID, today: date) -> _Work:
    with unit_of_work(court_id, write=False) as session:
        rules = queries.thresholds(session, court_id)
        look = Look(session, court_id, today, runtime.settings.time_zone, rules)
        found = [*idleness.idle(look), *late_tasks(look), *lateness.of_cases(look)]
        columns = (
            OversightAlert.id, OversightAlert.key, OversightAlert.state, OversightAlert.explain_by,
        )  # fmt: skip
        mine = sa.select(*columns).where(OversightAlert.court_id == court_id)
        standing = session.execute(mine.where(OversightAlert.state.in_(OPEN_ALERTS))).all()
        asleep = _accepted_of_late(session, court_id, runtime.clock.now(), rules)
    keys = {alarm.key for alarm in found}
    known = {row.key for row in standing} | asleep
    return _Work(
        rules,
        new=[alarm for alarm in found if alarm.key not in known],
        gone=[row.id for row in standing if row.key not in keys],
        unexplained=[
            row.id
            for row in standing
            if row.key in keys and row.state == AlertState.RAISED and row.explain_by < today
        ],
    )


def _accepted_of_late(
    session: Session, court_id: uuid.UUID, now: datetime, rules: Thresholds
) -> set[str]:
    """What a leader accepted rests for as long as a case may lie idle; then it is asked again."""
    statement = sa.select(OversightAlert.key).where(
        OversightAlert.court_id == court_id,
        OversightAlert.state == AlertState.CLEARED,
        OversightAlert.cleared_by.is_not(None),
        OversightAlert.cleared_at > now - timedelta(days=rules.idle_days),
    )
    return set(session.execute(statement).scalars())


def _turns(given: Sequence[_T]) -> Iterator[Sequence[_T]]:
    for start in range(0, len(given), TURN):
        yield given[start : start + TURN]
