"""What is done from time to time: whoever moves a task's time on runs it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from server.audit import retention
from server.conduct import standings
from server.core.clock import Clock
from server.core.context import Context
from server.core.db import table_of
from server.core.models import IdempotentReply
from server.disclosure import upkeep as exports
from server.evidence import erasure_bytes
from server.evidence import service as evidence
from server.evidence import uploads_upkeep as uploads
from server.guests import overdue as guests
from server.identity import dpop
from server.jobs import queue
from server.jobs.models import PeriodicRun
from server.notices import service as notices
from server.oversight import tallies, watching
from server.review import second_look
from server.sync import service as sync

REPLIES_KEPT: Final = timedelta(days=7)
_runs = table_of(PeriodicRun)


@dataclass(frozen=True, slots=True)
class Task:
    """Something to do every so often.

    :param in_transaction: ``run`` gets a context with an open transaction, which is committed
        after it; otherwise it opens its own, because it waits for the disk in between.
    """

    name: str
    every_seconds: int
    run: Callable[[Context], object]
    in_transaction: bool = True


def _forget_proofs(ctx: Context) -> None:
    dpop.prune(ctx.session, ctx.runtime)


def _forget_replies(ctx: Context) -> None:
    before = ctx.clock.now() - REPLIES_KEPT
    replies = table_of(IdempotentReply)
    ctx.session.execute(sa.delete(replies).where(replies.c.created_at < before))


TASKS: Final[Sequence[Task]] = (
    Task("evidence.missing", 60, evidence.mark_missing),
    Task("uploads.expire", 60, uploads.expire_due, in_transaction=False),
    Task("uploads.sweep", 3_600, uploads.sweep, in_transaction=False),
    Task("exports.sweep", 3_600, exports.sweep, in_transaction=False),
    Task("erasures.finish", 600, erasure_bytes.unlink_due, in_transaction=False),
    Task("records.overdue", 600, sync.release_overdue),
    Task("opinions.overdue", 600, guests.mark_overdue),
    Task("oversight.watch", 3_600, watching.watch, in_transaction=False),
    Task("oversight.count", 300, tallies.count_all, in_transaction=False),
    Task("cases.refresh", 60, standings.refresh_due),
    Task("review.draw", 3_600, second_look.draw_due),
    Task("feed.compact", 86_400, retention.compact_feed),
    Task("proofs.forget", 300, _forget_proofs),
    Task("replies.forget", 3_600, _forget_replies),
    Task("jobs.forget", 3_600, queue.forget_done),
    Task("notices.forget", 86_400, notices.forget_read),
)


def due(session: Session, clock: Clock, tasks: Sequence[Task] = TASKS) -> list[Task]:
    """Tasks whose time has come, or that never ran; a reading only."""
    times = dict(session.execute(sa.select(_runs.c.name, _runs.c.next_at)).all())
    now = clock.now()
    return [task for task in tasks if task.name not in times or times[task.name] <= now]


def claim(ctx: Context, task: Task) -> bool:
    """Move the task's time on; false when somebody else has done so."""
    now = ctx.clock.now()
    following = now + timedelta(seconds=task.every_seconds)
    dialect = ctx.session.get_bind().dialect.name
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    made = ctx.session.execute(
        insert(_runs)
        .values(name=task.name, next_at=following)
        .on_conflict_do_nothing()
        .returning(_runs.c.name)
    )
    if made.first() is not None:
        return True
    moved = ctx.session.execute(
        sa.update(_runs)
        .where(_runs.c.name == task.name, _runs.c.next_at <= now)
        .values(next_at=following)
        .returning(_runs.c.name)
    )
    return moved.first() is not None
