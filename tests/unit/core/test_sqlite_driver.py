"""The SQLite of the wheel behaves as the DB-API says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from server.core import sqlite_driver
from server.core.transactions import WAL_SAFE_FROM, sqlite_journal, sqlite_module


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite_driver.Connection]:
    opened = sqlite_driver.connect(str(tmp_path / "file.db"), timeout=0.01)
    opened.execute("CREATE TABLE thing (id INTEGER PRIMARY KEY, name TEXT UNIQUE, data BLOB)")
    yield opened
    opened.close()


def test_the_wheel_is_used_and_is_new_enough_for_wal() -> None:
    assert sqlite_module() is sqlite_driver
    assert sqlite_driver.sqlite_version_info >= WAL_SAFE_FROM
    assert sqlite_journal(sqlite_driver) == ("WAL", "FULL")


def test_a_query_without_rows_tells_its_columns(connection: sqlite_driver.Connection) -> None:
    cursor = connection.execute("SELECT id, name AS label FROM thing")
    assert [column[0] for column in cursor.description or ()] == ["id", "label"]
    assert cursor.fetchall() == []
    assert cursor.fetchone() is None


def test_a_statement_without_columns_has_no_description(
    connection: sqlite_driver.Connection,
) -> None:
    cursor = connection.execute("SELECT 1")
    cursor.execute("INSERT INTO thing (name) VALUES (?)", ("one",))
    assert cursor.description is None
    assert (cursor.rowcount, cursor.lastrowid) == (1, 1)


def test_rows_are_counted(connection: sqlite_driver.Connection) -> None:
    cursor = connection.cursor()
    cursor.executemany("INSERT INTO thing (name) VALUES (?)", [("a",), ("b",), ("c",)])
    assert cursor.rowcount == 3
    assert connection.execute("UPDATE thing SET data = x'00' WHERE id > 1").rowcount == 2
    assert connection.execute("DELETE FROM thing WHERE id = 9").rowcount == 0
    assert connection.execute("SELECT 1").rowcount == -1


def test_rows_come_one_by_one_or_together(connection: sqlite_driver.Connection) -> None:
    cursor = connection.execute("INSERT INTO thing (name) VALUES ('a'), ('b'), ('c') RETURNING id")
    assert cursor.fetchone() == (1,)
    assert cursor.fetchmany(1) == [(2,)]
    assert list(cursor) == [(3,)]


def test_values_come_back_as_they_were(connection: sqlite_driver.Connection) -> None:
    row = ("a\0b 现场", b"\x00\xff")
    connection.execute("INSERT INTO thing (name, data) VALUES (?, ?)", row)
    assert connection.execute("SELECT name, data FROM thing").fetchall() == [row]


def test_rollback_undoes_and_commit_keeps(connection: sqlite_driver.Connection) -> None:
    connection.execute("BEGIN")
    connection.execute("INSERT INTO thing (name) VALUES ('kept')")
    connection.commit()
    connection.execute("BEGIN")
    connection.execute("INSERT INTO thing (name) VALUES ('undone')")
    assert connection.in_transaction
    connection.rollback()
    connection.rollback()  # without a transaction it does nothing
    assert connection.execute("SELECT name FROM thing").fetchall() == [("kept",)]


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("INSERT INTO thing (name) VALUES ('a'), ('a')", sqlite_driver.IntegrityError),
        ("INSERT INTO thing (id) VALUES ('text')", sqlite_driver.IntegrityError),
        ("SELECT nothing FROM thing", sqlite_driver.OperationalError),
        ("SELECT ?", sqlite_driver.ProgrammingError),
    ],
)
def test_errors_are_those_of_the_db_api(
    connection: sqlite_driver.Connection, statement: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        connection.execute(statement)


def test_a_locked_file_is_an_operational_error(
    connection: sqlite_driver.Connection, tmp_path: Path
) -> None:
    other = sqlite_driver.connect(str(tmp_path / "file.db"), timeout=0.01)
    connection.execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite_driver.OperationalError, match="locked"):
        other.execute("BEGIN IMMEDIATE")
    connection.rollback()
    other.close()


def test_what_is_no_database_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "other.db").write_bytes(b"x" * 4096)
    opened = sqlite_driver.connect(str(tmp_path / "other.db"))
    with pytest.raises(sqlite_driver.DatabaseError):
        opened.execute("SELECT * FROM sqlite_master")
    opened.close()


def test_a_closed_connection_says_so(connection: sqlite_driver.Connection) -> None:
    connection.close()
    with pytest.raises(sqlite_driver.ProgrammingError, match="Cannot operate on a closed database"):
        connection.cursor()
