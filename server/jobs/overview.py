"""How the queue stands, for whoever looks after the server: counts and names, no content.

The queue is the installation's; a job is the court's whose entry of the log it follows from.  Its
numbers are told to every court, its failures by name, and their retry, to the job's court alone.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.audit.events import EventKind
from server.audit.models import Event, LogState
from server.audit.service import Subject, record
from server.core.context import Context
from server.core.problem import not_found
from server.jobs.models import Job, PeriodicRun, WorkerCursor
from server.jobs.readers import READERS

_SHOWN: Final = 50


@dataclass(frozen=True, slots=True)
class FailedJob:
    """A job that was given up; ``problem`` is the name of its error, without what it says."""

    id: uuid.UUID
    handler: str
    attempts: int
    finished_at: datetime | None
    problem: str | None


@dataclass(frozen=True, slots=True)
class JobsState:
    """The queue at one moment.

    ``oldest_seconds`` is how long the longest waiting job has been due; ``behind`` how many
    entries each reader of the log has not read; ``late`` periodic tasks past their time.
    ``failures`` are the newest of the reader's court, ``elsewhere`` counts those of other courts.
    """

    ready: int
    running: int
    failed: int
    oldest_seconds: float
    failures: Sequence[FailedJob]
    elsewhere: int
    behind: Mapping[str, int]
    late: Mapping[str, float]


def state_of(session: Session, now: datetime, court_id: uuid.UUID) -> JobsState:
    """Look at everything, for a reader of this court; a reading only."""
    counts = _counts(session)
    own = sa.select(sa.func.count()).where(Job.state == "failed", _of_court(court_id))
    due = sa.select(sa.func.min(Job.run_after)).where(Job.state == "ready", Job.run_after <= now)
    oldest: datetime | None = session.execute(due).scalar()
    return JobsState(
        ready=counts.get("ready", 0),
        running=counts.get("running", 0),
        failed=counts.get("failed", 0),
        oldest_seconds=0.0 if oldest is None else (now - oldest).total_seconds(),
        failures=_failures(session, court_id),
        elsewhere=counts.get("failed", 0) - session.execute(own).scalar_one(),
        behind=_behind(session),
        late=_late(session, now),
    )


def retry(ctx: Context, job_id: uuid.UUID) -> None:
    """Start a failed job of the caller's court again, with all its attempts; else 404."""
    wanted = sa.select(Job).where(Job.id == job_id, _of_court(ctx.actor.court_id))
    job = ctx.session.execute(wanted.with_for_update()).scalar_one_or_none()
    if job is None or job.state != "failed":
        raise not_found("there is no failed job like this")
    facts = {"handler": job.handler, "attempts": job.attempts}
    job.state, job.attempts, job.run_after = "ready", 0, ctx.clock.now()
    job.finished_at = job.lease_until = None
    record(ctx, EventKind.JOB_RETRIED, Subject("job", job.id), facts)


def _of_court(court_id: uuid.UUID) -> sa.ColumnElement[bool]:
    """A job follows from an entry of the log, and every entry is a court's."""
    return sa.exists().where(Event.log_index == Job.log_index, Event.court_id == court_id)


def _counts(session: Session) -> dict[str, int]:
    """By state, along the index; what is done is not counted, it may be very much."""
    statement = (
        sa.select(Job.state, sa.func.count().label("number"))
        .where(Job.state.in_(("ready", "running", "failed")))
        .group_by(Job.state)
    )
    return {row.state: row.number for row in session.execute(statement)}


def _failures(session: Session, court_id: uuid.UUID) -> list[FailedJob]:
    own = sa.select(Job).where(Job.state == "failed", _of_court(court_id))
    statement = own.order_by(Job.id.desc()).limit(_SHOWN)
    return [
        FailedJob(
            row.id, row.handler, row.attempts, row.finished_at,
            row.last_error.partition("(")[0].strip()[:80] if row.last_error else None,
        )
        for row in session.execute(statement).scalars()
    ]  # fmt: skip


def _behind(session: Session) -> dict[str, int]:
    newest = (session.execute(sa.select(LogState.next_index)).scalar() or 0) - 1
    rows = session.execute(sa.select(WorkerCursor.name, WorkerCursor.log_index)).all()
    places = {row.name: row.log_index for row in rows}
    return {name: max(0, newest - places.get(name, -1)) for name in READERS}


def _late(session: Session, now: datetime) -> dict[str, float]:
    statement = sa.select(PeriodicRun.name, PeriodicRun.next_at).where(PeriodicRun.next_at < now)
    return {name: (now - at).total_seconds() for name, at in session.execute(statement)}
