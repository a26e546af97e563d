"""Readers of the log: each has a cursor, moved in the transaction of what the reading caused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from server.audit import receipts
from server.audit.models import Event, LogState, OutboxRow
from server.conduct import following
from server.core.bulk import insert_rows
from server.core.context import Context
from server.core.db import table_of
from server.jobs.models import Job, WorkerCursor
from server.jobs.table import HANDLERS_OF
from server.live import projection
from server.notices import projecting

RECEIPTS: Final = "receipts"
JOBS: Final = "jobs"
LIVE: Final = "live"
NOTICES: Final = "notices"
CONDUCT: Final = "conduct"
BATCH: Final = 500

Reader = Callable[[Context, int], int]


def project_jobs(ctx: Context, after: int) -> int:
    """Make a job for each handler of each event beyond ``after``; returns how far it read."""
    newest = ctx.session.execute(sa.select(LogState.next_index)).scalar_one() - 1
    upto = min(newest, after + 20 * BATCH)
    statement = (
        sa.select(Event.log_index, Event.kind, Event.subject_id)
        .where(Event.log_index > after, Event.log_index <= upto, Event.kind.in_(HANDLERS_OF))
        .order_by(Event.log_index)
    )
    now = ctx.clock.now()
    rows: list[dict[str, Any]] = [
        {
            "id": ctx.new_id(),
            "handler": handler,
            "log_index": log_index,
            "subject_id": subject_id or "",
            "state": "ready",
            "attempts": 0,
            "run_after": now,
        }
        for log_index, kind, subject_id in ctx.session.execute(statement)
        for handler in HANDLERS_OF[kind]
    ]
    insert_rows(ctx.session, table_of(Job), rows)
    return max(upto, after)


READERS: Final[Mapping[str, Reader]] = {
    LIVE: projection.project,  # people are watching; receipts can wait for it
    RECEIPTS: receipts.issue_pending,
    JOBS: project_jobs,
    NOTICES: projecting.project,
    CONDUCT: following.project,
}


def waiting(session: Session) -> tuple[bool, list[str]]:
    """Whether the outbox holds anything, and which readers are behind; one cheap statement."""
    some = sa.select(OutboxRow.id).limit(1).scalar_subquery()
    newest = sa.select(LogState.next_index - 1).scalar_subquery()
    places = [
        sa.select(WorkerCursor.log_index).where(WorkerCursor.name == name).scalar_subquery()
        for name in READERS
    ]
    outbox, last, *cursors = session.execute(sa.select(some, newest, *places)).one()
    behind = [
        name
        for name, cursor in zip(READERS, cursors, strict=True)
        if last is not None and (-1 if cursor is None else cursor) < last
    ]
    return outbox is not None, behind


def read_on(ctx: Context, name: str) -> bool:
    """Let a reader take its next share; false when there was none.

    The cursor's row is locked, so that several workers take turns.
    """
    held = sa.select(WorkerCursor.log_index).where(WorkerCursor.name == name).with_for_update()
    after = ctx.session.execute(held).scalar_one_or_none()
    if after is None:
        _start(ctx.session, name)
        after = ctx.session.execute(held).scalar_one()
    reached = READERS[name](ctx, after)
    if reached == after:
        return False
    ctx.session.execute(
        sa.update(table_of(WorkerCursor)).where(WorkerCursor.name == name).values(log_index=reached)
    )
    return True


def _start(session: Session, name: str) -> None:
    dialect = session.get_bind().dialect.name
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    session.execute(
        insert(table_of(WorkerCursor)).values(name=name, log_index=-1).on_conflict_do_nothing()
    )
