"""Every column of every table: an edit by hand is reported, or the table of coverage says why not.

On SQLite the walk edits each covered column, on PostgreSQL one of each table, for time.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date, datetime, timedelta
from itertools import zip_longest
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from server import tables
from server.audit.seals import SEALED
from server.core.db import Base, UtcDateTime, db
from server.upkeep import coverage
from server.upkeep.scrub import Options, scrub
from tests.factories.identity import runtime_of
from tests.factories.upkeep import Installation

assert tables.__all__
BYTES_TOO = frozenset({"blobs"})  # their columns are compared with the store
BY_ROW = frozenset(SEALED) - {"device_records"}  # a finding names the row that was edited
_Place = tuple[sa.Table, sa.Column[Any]]


@pytest.fixture
def installation(app: Flask) -> Installation:
    return Installation.build(app)


def test_every_column_is_covered_or_has_a_reason() -> None:
    every = [(t, c) for t in Base.metadata.tables.values() for c in t.columns]
    unknown = [f"{t.name}.{c.name}" for t, c in every if not coverage.is_known(t, c)]
    assert not unknown, "decide in server/upkeep/coverage.py"


def test_the_table_of_coverage_names_only_what_there_is() -> None:
    every = {f"{t.name}.{c.name}" for t in Base.metadata.tables.values() for c in t.columns}
    every |= {f"{name}.*" for name in Base.metadata.tables}
    assert set(coverage.NOT_COVERED) <= every
    assert set(coverage.COVERED) <= set(Base.metadata.tables)
    assert all(reason.strip() for reason in coverage.NOT_COVERED.values())


def test_tamper_every_covered_column(installation: Installation, database_url: str) -> None:
    sqlite = database_url.startswith("sqlite")
    edited: set[str] = set()
    missed: list[str] = []
    for together in _rounds(sqlite):
        with ExitStack() as edits:
            there = [(t, c, row) for t, c in together if (row := _some_row(t, c)) is not None]
            for table, column, row in there:
                edits.enter_context(_edited(table, column, row))
            told = _told(installation.app, [table.name for table, _, _ in there])
        names = {f"{table.name}.{column.name}": table.name for table, column, _ in there}
        missed += [name for name, table in names.items() if table not in told]
        edited |= names.keys()
    assert not missed
    report = scrub(runtime_of(installation.app), Options(resume=False))
    assert report.to_dict()["findings"] == [], "everything was put back"
    if sqlite:
        every = {f"{t.name}.{c.name}" for t, c in coverage.covered_columns()}
        assert every == edited, "every covered column needs a row to edit"


def _rounds(sqlite: bool) -> list[list[_Place]]:
    """Columns that are edited together.

    Of tables whose rows are named one each at a time; others by themselves.
    """
    by_table: dict[str, list[_Place]] = {}
    for table, column in coverage.covered_columns():
        # Constraints hold on PostgreSQL, and one column of each table is enough there.
        if sqlite or not (column.primary_key or column.foreign_keys or table.name in by_table):
            by_table.setdefault(table.name, []).append((table, column))
    sealed = [columns for name, columns in by_table.items() if name in BY_ROW]
    alone = [[place] for name, places in by_table.items() if name not in BY_ROW for place in places]
    shared = [[place for place in one if place] for one in zip_longest(*sealed)]
    return alone + shared


def _told(app: Flask, tables_: list[str]) -> set[str]:
    """Tables whose edit is reported: by the row's name when several were edited."""
    report = scrub(runtime_of(app), Options(bytes_=not BYTES_TOO.isdisjoint(tables_), resume=False))
    if len(tables_) == 1:
        return set() if report.is_clean else set(tables_)
    return {one["subject"].partition("/")[0] for one in report.to_dict()["findings"]}


def _some_row(table: sa.Table, column: sa.Column[Any]) -> Any:
    """A row to edit, best one in which the column has a value."""
    with db.engine.begin() as connection:
        return connection.execute(
            sa.select(table).order_by(column.is_(None), *table.primary_key).limit(1)
        ).first()


@contextmanager
def _edited(table: sa.Table, column: sa.Column[Any], row: Any) -> Iterator[None]:
    """The column of that row with another value, as somebody with the database open would."""
    other = _other(column, getattr(row, column.name))
    _write(table, row._asdict(), {column.name: other})
    try:
        yield
    finally:
        there = row._asdict() | ({column.name: other} if column.primary_key else {})
        _write(table, there, row._asdict())  # a repair may have changed others


def _write(table: sa.Table, row: dict[str, Any], values: dict[str, Any]) -> None:
    where = [key == row[key.name] for key in table.primary_key]
    with db.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            connection.connection.cursor().execute("PRAGMA foreign_keys=OFF")
        with connection.begin():
            done = connection.execute(sa.update(table).where(*where).values(values))
            assert done.rowcount == 1
        if connection.dialect.name == "sqlite":
            connection.connection.cursor().execute("PRAGMA foreign_keys=ON")


def _other(column: sa.Column[Any], value: Any) -> Any:
    """Another value of the column's type."""
    if value is None:
        return _first(column)
    return _ANOTHER[type(value)](value)


_ANOTHER: dict[type, Callable[[Any], Any]] = {
    bool: lambda value: not value,
    int: lambda value: value + 1_000,
    str: lambda value: value[:-1] + ("0" if value[-1:] != "0" else "1"),
    bytes: lambda value: value[:-1] + bytes([value[-1] ^ 1]),
    list: lambda value: [*value, 1],
    dict: lambda value: {**value, "edited": 1},
    uuid.UUID: lambda value: uuid.UUID(int=value.int ^ 1),
    datetime: lambda value: value + timedelta(seconds=1),
    date: lambda value: value + timedelta(days=1),
}


def _first(column: sa.Column[Any]) -> Any:
    """A value where there was none."""
    if isinstance(column.type, sa.JSON):
        return {"edited": 1}
    if isinstance(column.type, UtcDateTime):
        return datetime.fromisoformat("2026-01-01T00:00:00+00:00")
    kinds: dict[type, Any] = {
        str: "edited", int: 7, bytes: b"edited", bool: True,
        uuid.UUID: uuid.UUID(int=7), date: date(2026, 1, 1),
    }  # fmt: skip
    return kinds[column.type.python_type]
