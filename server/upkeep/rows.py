"""Sealed rows against the log: each is as the server last wrote it, none is missing or new."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.audit import seals
from server.core.db import Base
from server.upkeep.findings import Code, Report

BATCH: Final = 500
# Their seal depends on the entry of the log as well; compared along the log (see ``derived``).
ALONG_THE_LOG: Final = frozenset({"device_records"})


def sealed_tables() -> list[sa.Table]:
    """Every table whose rows are compared here."""
    return [Base.metadata.tables[name] for name in seals.SEALED if name not in ALONG_THE_LOG]


class Suspects(dict[str, Code]):
    """Rows that did not fit when they were read; a later entry of the log may still explain them.

    A worker may have changed a row between the walk along the log and the reading of the row.
    """


def compare(
    session: Session,
    table: sa.Table,
    after: tuple[Any, ...] | None,
    key: bytes,
    known: Mapping[str, int],
) -> tuple[dict[str, int], tuple[Any, ...] | None]:
    """The next rows of a table and what is left of each when the log is taken off; 0 is good.

    Returns them with the place to go on from, ``None`` at the end of the table.
    """
    rows = session.execute(_page(table, after)).all()
    found = {}
    for row in rows:
        values = row._asdict()
        name = seals.row_name(table, values)
        found[name] = rest_of(table, values, key, known.get(name, 0))
    last = tuple(getattr(rows[-1], column.name) for column in table.primary_key) if rows else None
    return found, last if len(rows) == BATCH else None


def rest_of(table: sa.Table, values: Mapping[str, Any], key: bytes, known: int) -> int:
    """Digest of the row as it is, less what the log and its own seal say; 0 when they agree."""
    own = values.get(seals.SEAL) if seals.SEAL in table.columns else None
    return seals.row_digest(key, table, values) ^ known ^ seals.sealed_digest(key, own)


def again(session: Session, names: Iterable[str], key: bytes, known: Mapping[str, int]) -> Suspects:
    """Of these rows, those that do not fit the log as it is now, and why."""
    left = Suspects()
    tables = {table.name: table for table in sealed_tables()}
    for name in names:
        table_name, _, place = name.partition("/")
        table = tables.get(table_name)
        if table is None:
            continue
        row = session.execute(_one(table, place)).first()
        if row is None:
            if known.get(name, 0):
                left[name] = Code.ROW_MISSING
        elif rest_of(table, row._asdict(), key, known.get(name, 0)):
            sealed = name in known or getattr(row, seals.SEAL, None)
            left[name] = Code.ROW_CHANGED if sealed else Code.ROW_UNKNOWN
    return left


def report(suspects: Mapping[str, Code], to: Report) -> None:
    """Say what does not fit."""
    said = {
        Code.ROW_MISSING: "the log knows it, the table does not",
        Code.ROW_CHANGED: "it is not as the server last wrote it",
        Code.ROW_UNKNOWN: "no entry of the log knows it",
    }
    for name, code in sorted(suspects.items()):
        to.add(code, name, said[code])


def _page(table: sa.Table, after: tuple[Any, ...] | None) -> sa.Select[Any]:
    keys = list(table.primary_key)
    statement = sa.select(table).order_by(*keys).limit(BATCH)
    if after is not None:
        statement = statement.where(_beyond(keys, after))
    return statement


def _beyond(keys: list[sa.Column[Any]], after: tuple[Any, ...]) -> sa.ColumnElement[bool]:
    """``keys > after`` in the order of the key, written out so that types are kept."""
    rules = []
    for place, column in enumerate(keys):
        same = [keys[at] == after[at] for at in range(place)]
        rules.append(sa.and_(*same, column > after[place]))
    return sa.or_(*rules)


def _one(table: sa.Table, place: str) -> sa.Select[Any]:
    parts = place.split("/")
    statement = sa.select(table)
    for column, text in zip(table.primary_key, parts, strict=True):
        statement = statement.where(column == _typed(column, text))
    return statement


def _typed(column: sa.Column[Any], text: str) -> Any:
    python_type = column.type.python_type
    return python_type(text)
