"""Reading the enforcement log: of a case that the caller may see."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from client_sdk.protocol.times import from_unix_ms, unix_ms
from server.audit.models import DeviceRecord
from server.cases import queries as cases
from server.core.context import Context
from server.core.paging import Page, decode_cursor, page_of
from server.core.problem import Kind, Problem
from server.fieldlog.commands import LogFilter
from server.fieldlog.models import LogEntry


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the log and what is remarkable about its record."""

    entry: LogEntry
    findings: list[dict[str, Any]]

    @property
    def time(self) -> LogEntry:
        """Where its times are."""
        return self.entry

    @property
    def place(self) -> LogEntry:
        """Where its position is."""
        return self.entry


def log_of_case(ctx: Context, case_id: uuid.UUID, wanted: LogFilter) -> Page[Line]:
    """Lines of a visible case by the time when they happened; 404 when it is not visible."""
    cases.visible_case(ctx, case_id)
    table = DeviceRecord
    same = sa.and_(
        table.device_id == LogEntry.device_id,
        table.ep == LogEntry.ep,
        table.seq == LogEntry.seq,
    )
    statement = (
        sa.select(LogEntry, table.findings)
        .outerjoin(table, same)
        .where(*_rules(ctx, case_id, wanted))
        .order_by(LogEntry.happened_at, LogEntry.id)
        .limit(wanted.limit + 1)
    )
    rows = [Line(entry, found or []) for entry, found in ctx.session.execute(statement)]
    return page_of(
        rows, wanted.limit, lambda line: (unix_ms(line.entry.happened_at), str(line.entry.id))
    )


def _rules(ctx: Context, case_id: uuid.UUID, wanted: LogFilter) -> list[sa.ColumnElement[bool]]:
    rules: list[sa.ColumnElement[bool]] = [
        LogEntry.court_id == ctx.actor.court_id,
        LogEntry.case_id == case_id,
    ]
    if wanted.kinds:
        rules.append(LogEntry.act.in_(wanted.kinds))
    if wanted.officer_id is not None:
        rules.append(LogEntry.officer_id == wanted.officer_id)
    if wanted.device_id is not None:
        rules.append(LogEntry.device_id == wanted.device_id)
    if wanted.mission_id is not None:
        rules.append(LogEntry.mission_id == wanted.mission_id)
    if wanted.happened_from is not None:
        rules.append(LogEntry.happened_at >= wanted.happened_from)
    if wanted.happened_to is not None:
        rules.append(LogEntry.happened_at < wanted.happened_to)
    if wanted.cursor:
        rules.append(_beyond(wanted.cursor))
    return rules


def _beyond(cursor: str) -> sa.ColumnElement[bool]:
    at_ms, text = decode_cursor(cursor, int, str)
    try:
        at, last = from_unix_ms(at_ms), uuid.UUID(text)
    except ValueError:
        raise Problem(Kind.CURSOR_INVALID) from None
    return sa.or_(
        LogEntry.happened_at > at, sa.and_(LogEntry.happened_at == at, LogEntry.id > last)
    )
