"""The queue: jobs are rows, taken under a lease, given back when the lease runs out.

A worker that is killed loses nothing: its jobs are taken again once their lease is over.  Each
taking counts as an attempt, so that a job that kills its worker ends as ``failed``.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.core.clock import Clock
from server.core.context import Context
from server.core.db import table_of
from server.jobs.models import Job

LEASE_SECONDS: Final = 60
ATTEMPTS_MAX: Final = 10
BACK_OFF_SECONDS_MAX: Final = 600
POSTPONE_SECONDS: Final = 60
KEEP_DONE_DAYS: Final = 7
_ERROR_CHARACTERS: Final = 500
_jobs = table_of(Job)


@dataclass(frozen=True, slots=True)
class Taken:
    """A job that this worker holds; ``attempt`` is its fence against a later taker."""

    id: uuid.UUID
    handler: str
    subject_id: str
    attempt: int


def is_due(session: Session, clock: Clock, handlers: Collection[str]) -> bool:
    """Whether a job of these handlers can be taken; a reading only."""
    statement = sa.select(_jobs.c.id).where(_due(clock, handlers)).limit(1)
    return session.execute(statement).first() is not None


def take(ctx: Context, handlers: Collection[str]) -> Taken | None:
    """Take the longest waiting job of these handlers; one whose lease ran out waits as well."""
    now = ctx.clock.now()
    statement = (
        sa.select(_jobs.c.id, _jobs.c.handler, _jobs.c.subject_id, _jobs.c.attempts)
        .where(_due(ctx.clock, handlers))
        .order_by(_jobs.c.run_after, _jobs.c.log_index)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = ctx.session.execute(statement).first()
    if row is None:
        return None
    if row.attempts >= ATTEMPTS_MAX:  # its workers died with it
        _change(ctx, row.id, state="failed", lease_until=None, finished_at=now)
        return take(ctx, handlers)
    attempt = row.attempts + 1
    until = now + timedelta(seconds=LEASE_SECONDS)
    _change(ctx, row.id, state="running", attempts=attempt, lease_until=until)
    return Taken(row.id, row.handler, row.subject_id, attempt)


def renew(ctx: Context, job: Taken) -> bool:
    """Hold a job for longer; false when it is no longer ours."""
    until = ctx.clock.now() + timedelta(seconds=LEASE_SECONDS)
    return _change(ctx, job.id, job.attempt, lease_until=until)


def finish(ctx: Context, job: Taken) -> bool:
    """The handler is through; false when the job is no longer ours."""
    now = ctx.clock.now()
    return _change(
        ctx, job.id, job.attempt, state="done", lease_until=None, finished_at=now, last_error=None
    )


def fail(ctx: Context, job: Taken, error: str) -> bool:
    """The handler failed: tried again after a while, given up after ``ATTEMPTS_MAX``."""
    now, said = ctx.clock.now(), error[:_ERROR_CHARACTERS].replace("\0", "\ufffd")
    if job.attempt >= ATTEMPTS_MAX:
        return _change(
            ctx, job.id, job.attempt, state="failed", lease_until=None, finished_at=now,
            last_error=said,
        )  # fmt: skip
    return _change(
        ctx, job.id, job.attempt, state="ready", lease_until=None, last_error=said,
        run_after=now + timedelta(seconds=back_off_seconds(job.attempt)),
    )  # fmt: skip


def give_back(ctx: Context, job: Taken, *, after_seconds: float = 0, why: str = "") -> bool:
    """Not this worker, not now: ready again, and the attempt is not counted."""
    return _change(
        ctx, job.id, job.attempt, state="ready", attempts=job.attempt - 1, lease_until=None,
        run_after=ctx.clock.now() + timedelta(seconds=after_seconds), last_error=why or None,
    )  # fmt: skip


def forget_done(ctx: Context) -> int:
    """Remove jobs that were done long ago; failed ones stay to be seen."""
    before = ctx.clock.now() - timedelta(days=KEEP_DONE_DAYS)
    gone = ctx.session.execute(
        sa.delete(_jobs).where(_jobs.c.state == "done", _jobs.c.finished_at < before)
    )
    return int(getattr(gone, "rowcount", 0))


def back_off_seconds(attempt: int) -> int:
    """2, 4, 8 … seconds, at most ten minutes."""
    return int(min(2**attempt, BACK_OFF_SECONDS_MAX))


def _due(clock: Clock, handlers: Collection[str]) -> sa.ColumnElement[bool]:
    now = clock.now()
    waits = sa.or_(
        sa.and_(_jobs.c.state == "ready", _jobs.c.run_after <= now),
        sa.and_(_jobs.c.state == "running", _jobs.c.lease_until < now),
    )
    return sa.and_(waits, _jobs.c.handler.in_(sorted(handlers)))


def _change(ctx: Context, job_id: uuid.UUID, attempt: int | None = None, **values: Any) -> bool:
    statement = sa.update(_jobs).where(_jobs.c.id == job_id)
    if attempt is not None:
        ours = sa.and_(_jobs.c.state == "running", _jobs.c.attempts == attempt)
        statement = statement.where(ours)
    changed = ctx.session.execute(statement.values(**values))
    return bool(getattr(changed, "rowcount", 0))
