"""Reading a database as it is at one moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session

from server.core.db import db
from server.core.transactions import EVERY_COURT, begin, scope


@contextmanager
def snapshot() -> Iterator[Session]:
    """A reading session that sees every court at one moment, however long it reads.

    A reading transaction of SQLite is one; PostgreSQL has to be asked for it.
    """
    session: Session = db.session()
    try:
        if session.get_bind().dialect.name == "postgresql":
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        else:
            begin(session, write=False)
        scope(session, EVERY_COURT)
        yield session
        session.rollback()
    finally:
        db.session.remove()
