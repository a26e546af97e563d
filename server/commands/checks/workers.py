"""Whether a worker runs and keeps up, as far as the database shows it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.audit.models import OutboxRow
from server.commands.checks.finding import Finding, Installation, fail, ok, warn
from server.commands.console import Words
from server.jobs.models import Job, PeriodicRun
from server.jobs.periodic import TASKS

_SLOW_SECONDS: Final = 30.0
_START: Final = Words(
    "启动后台进程：flask --app wsgi worker（make run 会一并启动）",
    "start it: 'flask --app wsgi worker' (make run does)",
)


def findings(session: Session, place: Installation) -> Iterator[Finding]:
    """The outbox first: nothing is receipted while it waits."""
    yield outbox(session, place) or alive(session, place)
    yield from failed_jobs(session)


def outbox(session: Session, place: Installation) -> Finding | None:
    """How long events wait for their place in the log; ``None`` when none does."""
    oldest = sa.select(OutboxRow.rx).order_by(OutboxRow.id).limit(1)
    rx = session.execute(oldest).scalar_one_or_none()
    if rx is None:
        return None
    waiting = session.execute(sa.select(sa.func.count()).select_from(OutboxRow)).scalar_one()
    lag = max(0.0, (place.clock.now() - datetime.fromisoformat(rx)).total_seconds())
    said = Words(
        f"{waiting} 个事件在等待，最早的已等 {lag:.0f} 秒",
        f"{waiting} events wait for it, the oldest for {lag:.0f} s",
    )
    if lag > place.settings.outbox_lag_seconds_max:
        return fail("worker", said, _START)
    if lag > min(_SLOW_SECONDS, place.settings.outbox_lag_seconds_max):
        return warn("worker", said, _START)
    return ok("worker", said.zh, said.en)


def alive(session: Session, place: Installation) -> Finding:
    """When its periodic tasks were last due: a running worker moves these times on."""
    known = PeriodicRun.name.in_([task.name for task in TASKS])
    first = sa.select(sa.func.min(PeriodicRun.next_at)).where(known)
    due: datetime | None = session.execute(first).scalar()
    if due is None:
        return ok("worker", "尚未运行过，没有等待的事件", "it has not run yet, and no event waits")
    late = place.clock.now() - due
    if late > timedelta(seconds=place.settings.outbox_lag_seconds_max):
        since = due.isoformat(timespec="seconds")
        said = Words(f"自 {since} 起没有运行", f"it has not run since {since}")
        return fail("worker", said, _START)
    return ok("worker", "在运行，没有等待的事件", "it runs, and no event waits")


def failed_jobs(session: Session) -> Iterator[Finding]:
    """Work that was given up after several attempts; the evidence itself is safe."""
    failed = sa.select(sa.func.count()).select_from(Job).where(Job.state == "failed")
    count = session.execute(failed).scalar_one()
    if not count:
        return
    last = sa.select(Job.last_error).where(Job.state == "failed").order_by(Job.id.desc()).limit(1)
    reason = session.execute(last).scalar_one_or_none() or "?"
    yield warn(
        "jobs",
        Words(f"{count} 项处理失败，最近：{reason}", f"{count} were given up, the last: {reason}"),
        Words("原件不受影响；查看后台进程的日志", "the bytes are safe; see the worker's log"),
    )
