"""Up, down, and no difference between the migrations and the tables, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy.engine import Engine

from server.core.db import Base
from server.core.transactions import engine_options, prepare_engine
from server.schema import downgrade, is_current, upgrade
from tests.support.postgres import Postgres


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An engine on an empty database."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'empty.db'}"
    else:
        server: Postgres = request.getfixturevalue("postgres")
        url = server.create_database().url
    engine = sa.create_engine(url, **engine_options(url))
    prepare_engine(engine)
    yield engine
    engine.dispose()


def test_up_makes_exactly_the_tables_of_the_code(engine: Engine) -> None:
    upgrade(engine)
    with engine.connect() as connection:
        assert is_current(connection)
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_down_leaves_nothing_and_up_works_again(engine: Engine) -> None:
    upgrade(engine)
    downgrade(engine)
    assert set(sa.inspect(engine).get_table_names()) <= {"alembic_version"}
    upgrade(engine)
    with engine.connect() as connection:
        assert is_current(connection)


def test_every_table_of_a_court_is_walled_on_postgresql(postgres: Postgres) -> None:
    engine = sa.create_engine(postgres.create_database().url)
    upgrade(engine)
    scoped = {name for name, table in Base.metadata.tables.items() if "court_id" in table.c}
    with engine.connect() as connection:
        walled = connection.execute(
            sa.text("SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity")
        ).scalars()
        assert scoped | {"courts"} == set(walled)
    engine.dispose()
