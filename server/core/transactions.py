"""Transactions: how one begins on each database, and whose rows it may see.

SQLite: Python's own library may lie in the range with the WAL-reset corruption (3.7.0–3.51.2),
so WAL + FULL is used only from 3.51.3 on (the wheel ``apsw`` brings it) and
TRUNCATE + EXTRA otherwise; anything else could lose an acknowledged row (07 §1).
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib
import os
import time
import uuid
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from server.core.db import db
from server.core.problem import Problem

WAL_SAFE_FROM = (3, 51, 3)
EVERY_COURT = "*"
# Built once, since every request runs them; the last argument means SET LOCAL.
_SET_COURT = sa.select(sa.func.set_config("app.court", sa.bindparam("court"), sa.true()))
_TAKE_TURNS = sa.select(
    sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(sa.bindparam("name"), 0))
)
_WRITE = "tz_write"
_LOCK_FD = "tz_lock_fd"
_IDLE_SINCE = "tz_idle_since"
_IDLE_SECONDS = 5


def sqlite_module() -> ModuleType:
    """The SQLite to use: the wheel's when it is newer than Python's own."""
    own = importlib.import_module("sqlite3")
    with contextlib.suppress(ImportError):
        wheel = importlib.import_module("server.core.sqlite_driver")
        if wheel.sqlite_version_info > own.sqlite_version_info:
            return wheel
    return own


def sqlite_journal(module: ModuleType) -> tuple[str, str]:
    """Journal mode and synchronous level that keep acknowledged rows with this library."""
    if module.sqlite_version_info >= WAL_SAFE_FROM:
        return "WAL", "FULL"
    return "TRUNCATE", "EXTRA"


def engine_options(url: str) -> dict[str, Any]:
    """Options of the engine for an address of either database.

    Parameters stay out of errors, which end in logs: they hold names, texts and hashes.
    """
    if url.startswith("sqlite"):
        return {
            "module": sqlite_module(),
            "connect_args": {"timeout": 30, "check_same_thread": False},
            "pool_size": 16,
            "max_overflow": 48,
            "hide_parameters": True,
        }
    return {"pool_size": 16, "max_overflow": 32, "hide_parameters": True}


def prepare_engine(engine: Engine) -> None:
    """Attach what SQLite needs: safe journal, foreign keys, our own BEGIN, a fair writers' lock."""
    if engine.dialect.name != "sqlite":
        _ask_after_idling(engine)
        return
    journal, synchronous = sqlite_journal(sqlite_module())
    lock_path = f"{engine.url.database}.writers"

    @event.listens_for(engine, "connect")
    def _connect(dbapi_connection: Any, _record: object) -> None:
        dbapi_connection.isolation_level = None
        cursor = dbapi_connection.cursor()
        cursor.execute("PRAGMA busy_timeout=30000")
        cursor.execute(f"PRAGMA journal_mode={journal}")
        if cursor.fetchone()[0].upper() != journal:
            raise RuntimeError(f"SQLite refused journal_mode={journal}")
        cursor.execute(f"PRAGMA synchronous={synchronous}")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        write = connection.get_execution_options().get(_WRITE, True)
        if write:
            # SQLite's busy handler is unfair: a queue at a file lock cuts the tail (08, finding 7).
            descriptor = os.open(lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            connection.info[_LOCK_FD] = descriptor
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
        except BaseException:
            _release(connection)
            raise

    _release_after(engine)


def _ask_after_idling(engine: Engine) -> None:
    """A connection that idled may be dead, and is replaced then; a busy one is not asked."""

    @event.listens_for(engine, "checkin")
    def _given_back(_connection: object, record: ConnectionPoolEntry) -> None:
        record.info[_IDLE_SINCE] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _taken(connection: Any, record: ConnectionPoolEntry, _proxy: object) -> None:
        idle_since = record.info.get(_IDLE_SINCE)
        if idle_since is None or time.monotonic() - idle_since < _IDLE_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except Exception as error:
            raise sa.exc.DisconnectionError from error


def _release_after(engine: Engine) -> None:
    """Let the next writer in when the statement that ends a transaction is done, not before it."""

    def releasing(end: Callable[[Any], None]) -> Callable[[Any], None]:
        def run(connection: Any) -> None:
            try:
                end(connection)
            finally:
                # The dialect's own first look at a connection is not the pool's: it has no info.
                with contextlib.suppress(NotImplementedError):
                    _release(connection)

        return run

    dialect: Any = engine.dialect
    dialect.do_commit = releasing(dialect.do_commit)
    dialect.do_rollback = releasing(dialect.do_rollback)


def _release(connection: Connection | PoolProxiedConnection) -> None:
    descriptor = connection.info.pop(_LOCK_FD, None)
    if descriptor is not None:
        os.close(descriptor)


def begin(session: Session, *, write: bool) -> None:
    """Start the transaction; a writer on SQLite takes its lock now, not at its first write."""
    session.connection(execution_options={_WRITE: write})


def is_writing(session: Session) -> bool:
    """Whether the session's transaction was begun by a writer."""
    write: bool = session.connection().get_execution_options().get(_WRITE, True)
    return write


def scope(session: Session, court: uuid.UUID | str) -> None:
    """Limit what row security shows to one court, or ``EVERY_COURT``; PostgreSQL only."""
    if session.get_bind().dialect.name == "postgresql":
        session.connection().execute(_SET_COURT, {"court": str(court)})


def take_turns(session: Session, name: str) -> None:
    """Let transactions that name the same thing wait for each other until they end.

    Where two writers each look for what the other is about to add, both would find nothing.
    SQLite's writers wait for each other anyway.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.connection().execute(_TAKE_TURNS, {"name": name})


@contextlib.contextmanager
def unit_of_work(court: uuid.UUID | str, *, write: bool = True) -> Iterator[Session]:
    """A session in a transaction that commits at the end and rolls back on any error.

    A refusal that says so (``Problem.keep``) commits what was done so far.
    """
    session: Session = db.session()
    try:
        begin(session, write=write)
        scope(session, court)
        yield session
        session.commit()
    except BaseException as error:
        if isinstance(error, Problem) and error.keep:
            session.commit()
        session.rollback()
        raise
    finally:
        db.session.remove()
