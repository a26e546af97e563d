"""The PostgreSQL server that the tests start."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.support.postgres import ROLE, Postgres, running_postgres


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with running_postgres() as server:
        yield server


def test_the_role_owns_its_database_and_is_no_superuser(postgres: Postgres) -> None:
    database = postgres.create_database()
    with psycopg.connect(database.dsn) as connection:
        row = connection.execute(
            "SELECT current_user, rolsuper, rolbypassrls, pg_get_userbyid(datdba)"
            " FROM pg_roles, pg_database"
            " WHERE rolname = current_user AND datname = current_database()"
        ).fetchone()
    assert row == (ROLE, False, False, ROLE)


def test_forced_row_security_binds_the_role(postgres: Postgres) -> None:
    database = postgres.create_database()
    with psycopg.connect(database.dsn) as connection:
        connection.execute("CREATE TABLE things (court int)")
        connection.execute("INSERT INTO things VALUES (1), (2)")
        connection.execute("ALTER TABLE things ENABLE ROW LEVEL SECURITY")
        connection.execute("ALTER TABLE things FORCE ROW LEVEL SECURITY")
        connection.execute(
            "CREATE POLICY by_court ON things"
            " USING (court = current_setting('tiezheng.court', true)::int)"
        )
        connection.execute("SET LOCAL tiezheng.court = '2'")
        seen = connection.execute("SELECT court FROM things").fetchall()
    assert seen == [(2,)]


def test_a_template_is_copied_and_the_copies_are_apart(postgres: Postgres) -> None:
    template = postgres.create_database()
    with psycopg.connect(template.dsn) as connection:
        connection.execute("CREATE TABLE notes (line text)")
    one, two = postgres.create_database(template), postgres.create_database(template.name)
    with psycopg.connect(one.dsn) as connection:
        connection.execute("INSERT INTO notes VALUES ('one')")
    with psycopg.connect(two.dsn) as connection:
        assert connection.execute("SELECT count(*) FROM notes").fetchone() == (0,)


def test_the_trusted_extension_for_bookings_is_available(postgres: Postgres) -> None:
    with psycopg.connect(postgres.create_database().dsn) as connection:
        connection.execute("CREATE EXTENSION btree_gist")


def test_a_dropped_database_is_gone_even_while_in_use(postgres: Postgres) -> None:
    database = postgres.create_database()
    connection = psycopg.connect(database.dsn)
    postgres.drop_database(database)
    with pytest.raises(psycopg.OperationalError, match=r"terminat|closed"):
        connection.execute("SELECT 1")
    connection.close()
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(database.dsn)


def test_nothing_is_left_behind() -> None:
    with running_postgres() as server:
        assert Path(f"/proc/{server.pid}").exists() or not Path("/proc/self").exists()
        dsn = server.create_database().dsn
    assert not Path(f"/proc/{server.pid}").exists()
    with pytest.raises(psycopg.OperationalError, match="refused"):
        psycopg.connect(dsn)
