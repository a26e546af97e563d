"""PostgreSQL's own wall between the courts, behind every scoped query (00, "Who may ask what")."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, ProgrammingError

from server.core.db import Base, UtcDateTime, db
from tests.factories.ground import Ground
from tests.support.grounds import standing

TABLES = {name: table for name, table in Base.metadata.tables.items() if "court_id" in table.c}
Row = dict[str, Any]


@pytest.fixture(scope="module")
def ground(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ground]:
    """Both courts have a row in every table."""
    for ground in standing(request, "postgresql", tmp_path_factory):
        with scoped("*") as connection:
            for table in Base.metadata.sorted_tables:
                if table.name in TABLES:
                    for court in (ground.first, ground.second):
                        fill(connection, table, court.world.id)
        yield ground


@contextmanager
def scoped(court: uuid.UUID | str | None) -> Iterator[Connection]:
    """A transaction of the application's own role, with a court or without any."""
    with db.engine.begin() as connection:
        if court is not None:
            setting = sa.func.set_config("app.court", str(court), sa.true())
            connection.execute(sa.select(setting))
        yield connection


def fill(connection: Connection, table: sa.Table, court_id: uuid.UUID) -> None:
    """Give the court a row of this table, unless it has one."""
    mine = table.c.court_id == court_id
    if connection.execute(sa.select(sa.literal(1)).where(mine).limit(1)).first() is None:
        connection.execute(table.insert().values(made_up(connection, table, court_id)))


def made_up(connection: Connection, table: sa.Table, court_id: uuid.UUID) -> Row:
    row: Row = {"court_id": court_id}
    for column in table.columns:
        if column.name in row or column.nullable or column.autoincrement is True:
            continue
        key = next(iter(column.foreign_keys), None)
        row[column.name] = (
            _one_of(connection, key.column, court_id) if key else _value(column, court_id)
        )
    return row


def _one_of(connection: Connection, column: sa.Column[Any], court_id: uuid.UUID) -> Any:
    statement = sa.select(column).where(column.table.c.court_id == court_id).limit(1)
    return connection.execute(statement).scalar_one()


def _value(column: sa.Column[Any], court_id: uuid.UUID) -> Any:
    if isinstance(column.type, UtcDateTime):
        return datetime.now(UTC)
    kind = column.type.python_type
    if kind is uuid.UUID:
        return uuid.uuid4()
    if isinstance(column.type, sa.JSON):
        return []
    return {str: str(court_id), int: 1, bool: False, bytes: b""}[kind]


def count(connection: Connection, table: sa.Table, *rules: sa.ColumnElement[bool]) -> int:
    return connection.execute(
        sa.select(sa.func.count()).select_from(table).where(*rules)
    ).scalar_one()


def test_the_role_is_bound_by_row_security(ground: Ground) -> None:
    with scoped("*") as connection:
        who = connection.execute(
            sa.text("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
        )
        assert who.scalar_one() is False
        guarded = connection.execute(
            sa.text("SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity")
        )
        assert {*TABLES, "courts"} <= set(guarded.scalars())


def test_one_court_reaches_no_row_of_another(ground: Ground) -> None:
    own, foreign = ground.first.world.id, ground.second.world.id
    for name, table in TABLES.items():
        theirs = table.c.court_id == foreign
        with scoped("*") as connection:
            there = count(connection, table, theirs)
            assert there > 0, f"{name} proves nothing: the other court has no row"
        with scoped(own) as connection:
            assert count(connection, table, table.c.court_id == own) > 0, name
            assert count(connection, table, theirs) == 0, name
            assert count(connection, table, table.c.court_id != own) == 0, name
            taken = table.update().where(theirs).values(court_id=own)
            assert connection.execute(taken).rowcount == 0, name
            assert connection.execute(table.delete().where(theirs)).rowcount == 0, name
        with scoped("*") as connection:
            assert count(connection, table, theirs) == there, name


def test_no_row_can_be_given_to_another_court(ground: Ground) -> None:
    own, foreign = ground.first.world.id, ground.second.world.id
    for name, table in TABLES.items():
        with scoped("*") as connection:
            found = connection.execute(sa.select(table).where(table.c.court_id == foreign).limit(1))
            theirs = dict(found.mappings().one())
        for statement in (
            table.insert().values(theirs),
            table.update().where(table.c.court_id == own).values(court_id=foreign),
        ):
            with pytest.raises(ProgrammingError, match="row-level security"), scoped(own) as wall:
                wall.execute(statement)
        assert name


def test_without_a_court_nothing_is_there(ground: Ground) -> None:
    for court in (None, ""):
        with scoped(court) as connection:
            seen = {name: count(connection, table) for name, table in TABLES.items()}
            assert seen == dict.fromkeys(TABLES, 0), court
            assert count(connection, Base.metadata.tables["courts"]) == 0
    with pytest.raises(DBAPIError, match="uuid"), scoped("not a court") as connection:
        count(connection, TABLES["users"])


def test_the_setting_ends_with_its_transaction(ground: Ground) -> None:
    connection = db.engine.connect()
    with connection.begin():
        connection.execute(sa.select(sa.func.set_config("app.court", "*", sa.true())))
        assert count(connection, TABLES["users"]) > 0
    with connection.begin():
        assert count(connection, TABLES["users"]) == 0
    connection.close()


def test_a_court_sees_only_itself(ground: Ground) -> None:
    courts = Base.metadata.tables["courts"]
    with scoped(ground.first.world.id) as connection:
        assert connection.execute(sa.select(courts.c.id)).scalars().all() == [ground.first.world.id]
