"""A case's log along the clock; the caller has made sure that the case is visible."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from server.core.context import Context
from server.core.sql_time import ends, epoch_seconds
from server.fieldlog.models import LogEntry


def extent(ctx: Context, case_id: uuid.UUID) -> tuple[datetime, datetime] | None:
    """When a case's log begins and ends; None without any line."""
    moments = sa.select(LogEntry.happened_at).where(*_of_case(ctx, case_id)).limit(1)
    return ends(ctx.session, moments, LogEntry.happened_at)


def buckets(ctx: Context, case_id: uuid.UUID, origin_s: int, width_s: int) -> dict[int, int]:
    """Lines per stretch of ``width_s`` seconds since the origin."""
    number = ((epoch_seconds(ctx.session, LogEntry.happened_at) - origin_s) // width_s).label("n")
    statement = sa.select(number, sa.func.count()).where(*_of_case(ctx, case_id)).group_by(number)
    return dict(ctx.session.execute(statement).all())


def lines(
    ctx: Context,
    case_id: uuid.UUID,
    window: tuple[datetime, datetime],
    after: tuple[datetime, uuid.UUID] | None,
    limit: int,
) -> Sequence[LogEntry]:
    """Lines of a window (its end is exclusive) behind a place, in the order of time."""
    rules = [
        *_of_case(ctx, case_id),
        LogEntry.happened_at >= window[0],
        LogEntry.happened_at < window[1],
    ]
    if after is not None:
        rules.append(
            sa.or_(
                LogEntry.happened_at > after[0],
                sa.and_(LogEntry.happened_at == after[0], LogEntry.id > after[1]),
            )
        )
    statement = sa.select(LogEntry).where(*rules).order_by(LogEntry.happened_at, LogEntry.id)
    return ctx.session.execute(statement.limit(limit)).scalars().all()


def _of_case(ctx: Context, case_id: uuid.UUID) -> list[sa.ColumnElement[bool]]:
    return [LogEntry.court_id == ctx.actor.court_id, LogEntry.case_id == case_id]
