"""Many rows in one statement (08, finding 7).

PostgreSQL takes them as one JSON text, which costs it and Python less than one execution a row;
SQLite is fastest with its own executemany.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import InstrumentedAttribute, Session

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]
Row = Mapping[str, Any]


def insert_rows(session: Session, table: sa.FromClause, rows: Sequence[Row]) -> None:
    """Insert rows that all have the same keys; values are what the columns' types take.

    Texts must not hold U+0000, which PostgreSQL cannot store (see :func:`storable`).
    """
    if rows:
        names = {name: name for name in rows[0]}
        insert_split(session, rows, {table: names})


def insert_split(
    session: Session, rows: Sequence[Row], parts: Mapping[Any, Mapping[str, str]]
) -> None:
    """Insert parts of the same rows into several tables, on PostgreSQL in one statement.

    :param parts: for each table, its columns and the rows' keys that they get.
    """
    if not rows:
        return
    if session.get_bind().dialect.name == "postgresql":
        shared = _shared(rows)
        text = json.dumps(_without(rows, shared), ensure_ascii=False, default=_plain())
        # Taking a JSON text apart, PostgreSQL refuses U+0000 even inside a JSON column.
        if "\\u0000" not in text:
            wanted = tuple((_table(table), tuple(names.items())) for table, names in parts.items())
            values = {f"s_{key}": _parameter(value) for key, value in shared.items()}
            statement = _statement(wanted, tuple(shared))
            session.connection().exec_driver_sql(statement, {**values, "rows": text})
            return
    for table, names in parts.items():
        part = [{column: row[key] for column, key in names.items()} for row in rows]
        session.execute(sa.insert(_table(table)), part)


def among(
    session: Session,
    column: InstrumentedAttribute[Any] | sa.ColumnElement[Any],
    values: Collection[Any],
) -> sa.ColumnElement[bool]:
    """``column IN values`` without a parameter for each value where that can be had."""
    if session.get_bind().dialect.name == "postgresql":
        return column == sa.any_(sa.literal(list(values), postgresql.ARRAY(column.type)))
    return column.in_(values)


def storable(text: str) -> str:
    """``text`` without U+0000, for columns; the signed text itself keeps it, escaped."""
    return text.replace("\0", "\ufffd") if "\0" in text else text


def _shared(rows: Sequence[Row]) -> Row:
    """What all rows have in common: it is sent once."""
    first, last, count = rows[0], rows[-1], len(rows)
    return {
        key: value
        for key, value in first.items()
        if last[key] == value and [row[key] for row in rows].count(value) == count
    }


def _without(rows: Sequence[Row], shared: Row) -> list[dict[str, Any]]:
    names = [name for name in rows[0] if name not in shared]
    return [{name: row[name] for name in names} for row in rows]


@lru_cache(maxsize=256)
def _statement(
    parts: tuple[tuple[sa.Table, tuple[tuple[str, str], ...]], ...], shared: tuple[str, ...]
) -> str:
    types = {
        key: str(table.c[column].type.compile(dialect=_DIALECT))
        for table, names in parts
        for column, key in names
    }
    typed = ", ".join(f'"{key}" {kind}' for key, kind in types.items() if key not in shared)
    columns = [
        f'%(s_{key})s::{kind} AS "{key}"' if key in shared else f'"{key}"'
        for key, kind in types.items()
    ]
    inserts = []
    for table, names in parts:
        into = ", ".join(f'"{column}"' for column, _ in names)
        picked = ", ".join(f'"{key}"' for _, key in names)
        inserts.append(f'INSERT INTO "{table.name}" ({into}) SELECT {picked} FROM r')  # noqa: S608  our own names
    first = "".join(f", i{place} AS ({one})" for place, one in enumerate(inserts[:-1]))
    elements = f"json_to_recordset(%(rows)s::json) AS t({typed})"
    if not typed:  # every row is the same: only their number counts
        elements = "json_array_elements(%(rows)s::json)"
    source = f"SELECT {', '.join(columns)} FROM {elements}"  # noqa: S608  our own names
    return f"WITH r AS MATERIALIZED ({source}){first} {inserts[-1]}"


def _parameter(value: object) -> str | None:
    """A value as a text that the database casts to the column's type."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool | int | list | dict | tuple):
        return json.dumps(value, ensure_ascii=False)
    return _text(value)


def _table(table: sa.FromClause) -> sa.Table:
    if not isinstance(table, sa.Table):
        raise TypeError("a table is needed")
    return table


def _plain() -> Callable[[object], str]:
    """How JSON writes ids, moments and bytes; rows share most of them, so each is written once."""
    known: dict[int, str] = {}

    def plain(value: object) -> str:
        text = known.get(id(value))
        if text is None:
            text = known[id(value)] = _text(value)
        return text

    return plain


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    isoformat = getattr(value, "isoformat", None)
    return isoformat() if isoformat else str(value)
