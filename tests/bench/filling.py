"""Filling a table with a million rows: without its indexes, which are made when it is full."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlalchemy.schema import CreateIndex, DropIndex


@contextlib.contextmanager
def without_indexes(session: Session, table: sa.Table) -> Iterator[None]:
    """Leave the table's indexes off while it is filled; keys and unique constraints stay."""
    indexes = sorted(table.indexes, key=lambda index: str(index.name))
    for index in indexes:
        session.execute(DropIndex(index))
    yield
    for index in indexes:
        session.execute(CreateIndex(index))


def analyse(engine: sa.Engine, table: sa.Table) -> None:
    """Statistics as a server in use has them; PostgreSQL's vacuum also marks what all may see."""
    postgres = engine.dialect.name == "postgresql"
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if postgres:
            # A vacuum marks nothing of commits that are not on the disk: one more takes them there.
            connection.execute(sa.text("SET synchronous_commit TO on"))
            connection.execute(sa.text(f"COMMENT ON TABLE {table.name} IS 'filled'"))
        connection.execute(sa.text(f"{'VACUUM ANALYZE' if postgres else 'ANALYZE'} {table.name}"))
        if postgres:
            connection.execute(sa.text("RESET synchronous_commit"))
