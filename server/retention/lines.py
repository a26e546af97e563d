"""Lines of the log book without bytes: the same rules, the same two people, the same traces.

A line that tells of a measure is kept for good, and so is what hangs together with it: see
:mod:`server.retention.categories`.  Only what people wrote down (``log.note``) is disposed of;
records of hand-overs and deletions explain what is left.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from typing import Any, Final

import sqlalchemy as sa

from server.audit.events import EventKind
from server.audit.service import Subject, record
from server.cases.models import Case
from server.core.context import Context
from server.core.paging import Page, decode_id, encode_cursor
from server.core.problem import Kind, Problem, not_found
from server.evidence import erasure_lines
from server.evidence.models import Evidence
from server.fieldlog.models import LogEntry
from server.retention import disposal, guard, queries, service
from server.retention.commands import Decide, DueFilter, ProposeLines
from server.retention.disposal import Outcome
from server.retention.judging import Judged, Line, judge
from server.retention.models import LineErasure

NOTE: Final = "log.note"
REQUESTED: Final = "requested"
ERASED: Final = "erased"
_BATCH: Final = 250
_SCANNED_MAX: Final = 2_000
_COLUMNS: Final = (
    LogEntry.id, LogEntry.device_id, LogEntry.ep, LogEntry.seq, LogEntry.record_hid,
    LogEntry.case_id, LogEntry.mission_id, LogEntry.text,
    LogEntry.happened_at.label("captured_at"), LogEntry.created_at,
)  # fmt: skip


def due(ctx: Context, wanted: DueFilter) -> Page[Judged[Line]]:
    """Lines whose period is over, that nothing holds, and that nobody has proposed yet.

    A page may be short and still have a successor: only so many lines are judged for one answer.
    """
    found: list[Judged[Line]] = []
    at, scanned = queries.bench(ctx), 0
    after = decode_id(wanted.cursor) if wanted.cursor else None
    for batch in _batches(ctx, after):
        for one in judge(at, batch):
            after, scanned = one.item.id, scanned + 1
            if one.is_due:
                found.append(one)
            if len(found) == wanted.limit:
                return Page(found, encode_cursor(str(after)))
        if scanned >= _SCANNED_MAX:
            return Page(found, encode_cursor(str(after)))
    return Page(found)


def proposals(ctx: Context, limit: int = 100) -> list[tuple[LineErasure, Judged[Line]]]:
    """Erasures of lines that wait for a second person, the oldest first, judged as of now."""
    statement = (
        sa.select(LineErasure)
        .where(LineErasure.court_id == ctx.actor.court_id, LineErasure.state == REQUESTED)
        .order_by(LineErasure.id)
        .limit(limit)
    )
    waiting = ctx.session.execute(statement).scalars().all()
    there = {one.id: one for one in _read(ctx, [row.log_entry_id for row in waiting])}
    pairs = [(row, there[row.log_entry_id]) for row in waiting if row.log_entry_id in there]
    found = judge(queries.bench(ctx), [line for _, line in pairs])
    return [(row, one) for (row, _), one in zip(pairs, found, strict=True)]


def propose(ctx: Context, command: ProposeLines) -> list[Outcome]:
    """Ask for the erasure of lines whose period is over; nothing is erased yet."""
    service.take_turn(ctx)
    return disposal.each(ctx, command.log_entry_ids, lambda one: _ask(ctx, one, command.reason))


def approve(ctx: Context, command: Decide) -> list[Outcome]:
    """Agree to what somebody else proposed, and erase what may still go."""
    service.take_turn(ctx)
    return disposal.each(ctx, command.erasure_ids, lambda one: _approve(ctx, one, command.note))


def refuse(ctx: Context, command: Decide) -> list[Outcome]:
    """Refuse what somebody else proposed; it may be proposed again."""
    service.take_turn(ctx)
    return disposal.each(ctx, command.erasure_ids, lambda one: _refuse(ctx, one, command.note))


def _ask(ctx: Context, line_id: uuid.UUID, reason: str) -> LineErasure:
    judged = _erasable(ctx, line_id)
    rule = judged.rule
    row = LineErasure(
        id=ctx.new_id(), court_id=ctx.actor.court_id, log_entry_id=line_id, reason=reason,
        legal_basis=f"retention period over: {rule.category.value}, rule version {rule.version}",
        requested_by=ctx.actor.user(), requested_at=ctx.clock.now(), state=REQUESTED,
    )  # fmt: skip
    ctx.session.add(row)
    facts = {"erasure": str(row.id), "legal_basis": row.legal_basis, "reason": row.reason}
    _happened(ctx, EventKind.ERASURE_REQUESTED, judged.item, facts)
    return row


def _approve(ctx: Context, erasure_id: uuid.UUID, note: str | None) -> LineErasure:
    row = _undecided(ctx, erasure_id)
    line = _erasable(ctx, row.log_entry_id, asked=row.id).item
    gone = erasure_lines.erase(ctx, line.id, line.record_hid)
    _decided(ctx, row, ERASED, note)
    facts = {
        "erasure": str(row.id), "legal_basis": row.legal_basis, "reason": row.reason,
        "requested_by": str(row.requested_by), "note": note, "hids": gone.hids,
        "items": [], "unlinked": [], "kept": [], "packages": [],
    }  # fmt: skip
    _happened(ctx, EventKind.EVIDENCE_ERASED, line, facts, rows=gone.rows)
    return row


def _refuse(ctx: Context, erasure_id: uuid.UUID, note: str | None) -> LineErasure:
    row = _undecided(ctx, erasure_id)
    _decided(ctx, row, "refused", note)
    (line,) = _read(ctx, [row.log_entry_id])
    facts = {"erasure": str(row.id), "note": note}
    _happened(ctx, EventKind.ERASURE_REFUSED, line, facts)
    return row


def _erasable(ctx: Context, line_id: uuid.UUID, asked: uuid.UUID | None = None) -> Judged[Line]:
    """The line, judged as of now; 404 for what is no such line, 409 for what has to stay.

    :param asked: the request that is being decided; any other that waits is in the way.
    """
    found = _read(ctx, [line_id])
    if not found:
        raise not_found()
    waiting = sa.select(LineErasure.id).where(
        LineErasure.log_entry_id == line_id, LineErasure.state == REQUESTED
    )
    if set(ctx.session.execute(waiting).scalars()) - {asked}:
        raise Problem(Kind.CONFLICT, "somebody has proposed it already")
    (judged,) = judge(queries.bench(ctx), found)
    if judged.why_not is not None:
        raise guard.refusal(judged)
    return judged


def _undecided(ctx: Context, erasure_id: uuid.UUID) -> LineErasure:
    statement = sa.select(LineErasure).where(
        LineErasure.id == erasure_id, LineErasure.court_id == ctx.actor.court_id
    )
    row = ctx.session.execute(statement.with_for_update()).scalar_one_or_none()
    if row is None:
        raise not_found()
    if row.state != REQUESTED:
        raise Problem(Kind.CONFLICT, f"it is {row.state} already")
    if row.requested_by == ctx.actor.user():
        raise Problem(Kind.FORBIDDEN, "someone else has to decide on what you asked for")
    return row


def _decided(ctx: Context, row: LineErasure, state: str, note: str | None) -> None:
    row.state, row.note = state, note
    row.decided_by, row.decided_at = ctx.actor.user(), ctx.clock.now()


def _of_court(ctx: Context) -> list[sa.ColumnElement[bool]]:
    """Lines of the court that still say something, and whose record declares no bytes."""
    bytes_too = sa.exists().where(
        Evidence.device_id == LogEntry.device_id, Evidence.ep == LogEntry.ep,
        Evidence.seq == LogEntry.seq,
    )  # fmt: skip
    return [
        LogEntry.court_id == ctx.actor.court_id,
        LogEntry.act == NOTE,
        LogEntry.text.is_not(None),
        ~bytes_too,
    ]


def _read(ctx: Context, ids: Sequence[uuid.UUID]) -> list[Line]:
    statement = sa.select(*_COLUMNS).where(*_of_court(ctx), LogEntry.id.in_(ids))
    return [Line(**row._asdict()) for row in ctx.session.execute(statement)]


def _batches(ctx: Context, after: uuid.UUID | None) -> Iterator[list[Line]]:
    latest = queries.months_before(queries.bench(ctx).now, ctx.settings.time_zone)
    closed = sa.select(Case.id).where(Case.court_id == ctx.actor.court_id, Case.closed_at <= latest)
    open_request = sa.exists().where(
        LineErasure.log_entry_id == LogEntry.id, LineErasure.state == REQUESTED
    )
    rules = [
        *_of_court(ctx),
        LogEntry.created_at <= latest,
        LogEntry.happened_at <= latest,
        sa.or_(LogEntry.case_id.is_(None), LogEntry.case_id.in_(closed)),
        ~open_request,
    ]
    while True:
        statement = sa.select(*_COLUMNS).where(*rules)
        if after is not None:
            statement = statement.where(LogEntry.id > after)
        rows = ctx.session.execute(statement.order_by(LogEntry.id).limit(_BATCH)).all()
        if rows:
            yield [Line(**row._asdict()) for row in rows]
        if len(rows) < _BATCH:
            return
        after = rows[-1].id


def _happened(
    ctx: Context,
    kind: EventKind,
    line: Line,
    facts: dict[str, Any],
    rows: dict[str, str] | None = None,
) -> None:
    record(
        ctx, kind, Subject("log_entry", line.id), facts, case_id=line.case_id,
        mission_id=line.mission_id, rows=rows,
    )  # fmt: skip
