"""Cases in which nothing happens (消极执行), computed from register, log and evidence."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from server.cases.models import Case, MissionCase
from server.evidence.models import Evidence
from server.fieldlog.models import LogEntry
from server.oversight import weeks
from server.oversight.alarms import UNDER_WAY, Alarm, Look, chunks, of_case
from server.oversight.kinds import AlertKind
from server.register.models import Entry


def idle(look: Look) -> list[Alarm]:
    """Cases under way in which nothing was written, recorded or photographed for too long."""
    since = look.today - timedelta(days=look.rules.idle_days)
    cutoff = weeks.begin_of(since + timedelta(days=1), look.zone)
    statement = sa.select(Case.id, Case.handler_id, Case.filed_on, Case.created_at).where(
        Case.court_id == look.court_id,
        Case.status.in_(UNDER_WAY),
        sa.or_(Case.filed_on <= since, sa.and_(Case.filed_on.is_(None), Case.created_at < cutoff)),
        *(~one for one in _touched_since(look.court_id, cutoff)),
    )
    rows = look.session.execute(statement).all()
    latest = _latest(look, [row.id for row in rows])
    found = []
    for row in rows:
        filed_on = row.filed_on or weeks.local_day(row.created_at, look.zone)
        last = latest.get(row.id)
        since_on = max(filed_on, weeks.local_day(last, look.zone)) if last else filed_on
        found.append(of_case(AlertKind.IDLE, row.id, row.handler_id, since_on, row.id))
    return found


def _touched_since(court_id: uuid.UUID, cutoff: datetime) -> Iterator[sa.ColumnElement[bool]]:
    yield sa.exists().where(
        Entry.court_id == court_id, Entry.case_id == Case.id, Entry.happened_at >= cutoff
    )
    yield sa.exists().where(
        LogEntry.court_id == court_id, LogEntry.case_id == Case.id, LogEntry.happened_at >= cutoff
    )
    yield sa.exists().where(
        Evidence.court_id == court_id,
        Evidence.case_id == Case.id,
        Evidence.captured_at >= cutoff,
    )
    # What was captured on a mission over several cases belongs to each of them.
    yield sa.exists().where(
        MissionCase.case_id == Case.id,
        Evidence.mission_id == MissionCase.mission_id,
        Evidence.case_id.is_(None),
        Evidence.captured_at >= cutoff,
    )


def _latest(look: Look, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, datetime]:
    found: dict[uuid.UUID, datetime] = {}
    for some in chunks(ids):
        for statement in _latest_of(some):
            for case_id, at in look.session.execute(statement):
                found[case_id] = max(at, found.get(case_id, at))
    return found


def _latest_of(ids: Sequence[uuid.UUID]) -> Iterator[Any]:
    for case, at in (
        (Entry.case_id, Entry.happened_at),
        (LogEntry.case_id, LogEntry.happened_at),
        (Evidence.case_id, Evidence.captured_at),
    ):
        yield sa.select(case, sa.func.max(at)).where(case.in_(ids)).group_by(case)
    yield (
        sa.select(MissionCase.case_id, sa.func.max(Evidence.captured_at))
        .join(Evidence, Evidence.mission_id == MissionCase.mission_id)
        .where(MissionCase.case_id.in_(ids), Evidence.case_id.is_(None))
        .group_by(MissionCase.case_id)
    )
