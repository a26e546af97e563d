"""Watches every flush for changed rows and puts their seals into the log (see ``seals``).

The seals of a transaction go into the last event it wrote for the court; where it wrote none, one
``rows.sealed`` event is added.  So a business row cannot change without the log knowing.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Mapper, Session, SessionTransaction, object_session

from client_sdk.protocol import jcs
from server.audit import seals
from server.audit.events import EventKind
from server.audit.models import OutboxRow
from server.audit.service import Subject, record, sign_entry
from server.core.context import CONTEXT_OF, NOBODY_COURT, Context
from server.core.db import Base

_CHANGES: Final = "tiezheng.row-changes"
_ENTRIES: Final = "tiezheng.entries"
_listening = False


def listen() -> None:
    """Start watching, once per process."""
    global _listening  # noqa: PLW0603  SQLAlchemy's events are the process' own as well
    if _listening:
        return
    _listening = True
    event.listen(Base, "before_insert", _before_insert, propagate=True)
    event.listen(Base, "after_insert", _after_insert, propagate=True)
    event.listen(Base, "after_update", _after_update, propagate=True)
    event.listen(Base, "after_delete", _after_delete, propagate=True)
    event.listen(Session, "after_soft_rollback", _after_soft_rollback)
    event.listen(Session, "before_commit", _before_commit)


def update_rows(
    ctx: Context, table: sa.Table, where: sa.ColumnElement[bool], values: Mapping[str, Any]
) -> int:
    """Change rows of a sealed table that belongs to another slice, as a flush would be seen.

    Returns how many rows there were.
    """
    key = seals.seal_key(ctx.runtime.keyring)
    changes = ctx.session.info.setdefault(_CHANGES, seals.Changes())
    rows = ctx.session.execute(sa.select(table).where(where)).all()
    for row in rows:
        before = row._asdict()
        delta = seals.row_digest(key, table, before)
        delta ^= seals.row_digest(key, table, {**before, **values})
        name = seals.row_name(table, before)
        changes.note(ctx.session.get_nested_transaction(), name, before.get("court_id"), delta)
    ctx.session.execute(sa.update(table).where(where).values(values))
    return len(rows)


def _before_insert(mapper: Mapper[Any], _connection: Connection, target: object) -> None:
    ctx = _context(target)
    table = mapper.local_table
    if ctx is None or not isinstance(table, sa.Table) or table.name not in seals.SEALED:
        return
    if seals.SEAL not in table.columns:
        return
    values = seals.values_now(mapper, target)
    for column in table.columns:
        if values[column.name] is None and column.default is not None and column.default.is_scalar:
            values[column.name] = column.default.arg
    key = seals.seal_key(ctx.runtime.keyring)
    target.seal = seals.first_seal(key, table, values)  # type: ignore[attr-defined]


def _after_insert(mapper: Mapper[Any], _connection: Connection, target: object) -> None:
    if isinstance(target, OutboxRow):
        session = object_session(target)
        if session is not None:
            session.info.setdefault(_ENTRIES, []).append(target)
    elif seals.SEAL not in mapper.local_table.columns:
        _note(mapper, target, before=False, after=True)


def _after_update(mapper: Mapper[Any], _connection: Connection, target: object) -> None:
    _note(mapper, target, before=True, after=True)


def _after_delete(mapper: Mapper[Any], _connection: Connection, target: object) -> None:
    _note(mapper, target, before=True, after=False)


def _note(mapper: Mapper[Any], target: object, *, before: bool, after: bool) -> None:
    table = mapper.local_table
    ctx = _context(target)
    if ctx is None or not isinstance(table, sa.Table) or table.name not in seals.SEALED:
        return
    key = seals.seal_key(ctx.runtime.keyring)
    now = seals.values_now(mapper, target)
    delta = seals.row_digest(key, table, now) if after else 0
    if before:
        delta ^= seals.row_digest(key, table, seals.values_before(mapper, target, now))
    if delta:
        changes = ctx.session.info.setdefault(_CHANGES, seals.Changes())
        court = now["id"] if table.name == "courts" else now.get("court_id")
        name = seals.row_name(table, now)
        changes.note(ctx.session.get_nested_transaction(), name, court, delta)


def _after_soft_rollback(session: Session, previous: SessionTransaction) -> None:
    changes = session.info.get(_CHANGES)
    if changes is not None:
        if previous.nested:
            changes.undone(previous)
        else:
            session.info.pop(_CHANGES)
    if not previous.nested:
        session.info.pop(_ENTRIES, None)


def _before_commit(session: Session) -> None:
    if session.in_nested_transaction():
        return
    session.flush()
    changes: seals.Changes | None = session.info.pop(_CHANGES, None)
    entries: list[OutboxRow] = session.info.pop(_ENTRIES, [])
    ctx: Context | None = session.info.get(CONTEXT_OF)
    if changes is None or ctx is None:
        return
    found = changes.take()
    last = {row.court_id: row for row in entries if row in session}
    homeless = found.pop(None, None)
    if homeless:
        court = next(iter([*found, *last]), None) or _some_court(ctx)
        found[court] = {**found.get(court, {}), **homeless}
    for concerned, rows in found.items():
        if concerned in last:
            _sign_again(ctx, last[concerned], rows)
        else:
            _event(ctx, concerned or NOBODY_COURT, rows)
    session.info.pop(_ENTRIES, None)


def _event(ctx: Context, court: uuid.UUID, rows: dict[str, str]) -> None:
    record(ctx, EventKind.ROWS_SEALED, Subject("court", court), court_id=court, rows=rows)
    ctx.session.flush()


def _sign_again(ctx: Context, row: OutboxRow, rows: dict[str, str]) -> None:
    """Put the seals into an event that this transaction wrote; nobody has seen it yet."""
    text = row.p or "{}"
    payload = jcs.loads_object(text, max_bytes=len(text.encode()))
    header = jcs.loads_object(row.h)
    total = seals.folded([payload, {seals.ROWS: rows}])
    merged = {name: seals.as_text(digest) for name, digest in sorted(total.items()) if digest}
    sign_entry(ctx, row, {**payload, seals.ROWS: merged}, header["id"])


def _some_court(ctx: Context) -> uuid.UUID:
    if ctx.actor.court_id != NOBODY_COURT:
        return ctx.actor.court_id
    courts = sa.table("courts", sa.column("id", sa.Uuid()))  # its slice stands a floor above
    found: uuid.UUID = ctx.session.execute(
        sa.select(courts.c.id).order_by(courts.c.id).limit(1)
    ).scalar_one()
    return found


def _context(target: object) -> Context | None:
    session = object_session(target)
    return None if session is None else session.info.get(CONTEXT_OF)
