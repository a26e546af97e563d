"""SQLite as the ``apsw`` wheel brings it, in the shape of a DB-API module (PEP 249).

Python's own ``sqlite3`` carries whatever the system has; ``apsw`` carries a library of its own that
is new enough for WAL.  Only what SQLAlchemy's SQLite dialect and ``transactions`` use is here.
Transactions are begun by hand: ``isolation_level`` is ``None`` and stays so.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import apsw

apilevel: Final = "2.0"
threadsafety: Final = 1  # a connection is used by one thread at a time
paramstyle: Final = "qmark"
sqlite_version: Final = apsw.sqlite_lib_version()
sqlite_version_info: Final = tuple(int(part) for part in sqlite_version.split("."))
Binary: Final = memoryview
_CHANGING: Final = ("INSERT", "UPDATE", "DELETE", "REPLACE")


class Warning(Exception):  # noqa: A001  PEP 249 names it
    """Never raised; PEP 249 asks for it."""


class Error(Exception):
    """Root of PEP 249's errors.

    Error
    ├── InterfaceError
    └── DatabaseError
        ├── DataError          a value is too large
        ├── OperationalError   locked, full, unreadable, or a statement that makes no sense
        ├── IntegrityError     a constraint refused it
        ├── InternalError
        ├── ProgrammingError   misuse of connection, cursor or parameters
        └── NotSupportedError
    """


class InterfaceError(Error):
    """Never raised; PEP 249 asks for it."""


class DatabaseError(Error):
    """The file is damaged or no database."""


class DataError(DatabaseError):
    """A value is too large."""


class OperationalError(DatabaseError):
    """Locked, full, unreadable, or a statement that makes no sense."""


class IntegrityError(DatabaseError):
    """A constraint refused it."""


class InternalError(DatabaseError):
    """The library contradicts itself."""


class ProgrammingError(DatabaseError):
    """Misuse of connection, cursor or parameters."""


class NotSupportedError(DatabaseError):
    """Never raised; PEP 249 asks for it."""


_TRANSLATED: Final[tuple[tuple[type[Exception], type[Error]], ...]] = (
    (apsw.ConstraintError, IntegrityError),
    (apsw.MismatchError, IntegrityError),
    (apsw.TooBigError, DataError),
    (apsw.CorruptError, DatabaseError),
    (apsw.NotADBError, DatabaseError),
    (apsw.InternalError, InternalError),
    (apsw.BindingsError, ProgrammingError),
    (apsw.MisuseError, ProgrammingError),
    (apsw.CursorClosedError, ProgrammingError),
    (apsw.ThreadingViolationError, ProgrammingError),
    (apsw.Error, OperationalError),
)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except apsw.ConnectionClosedError as error:
        raise ProgrammingError("Cannot operate on a closed database.") from error
    except apsw.Error as error:
        raise _error_of(error) from error


def _error_of(error: apsw.Error) -> Error:
    kind = next(made for given, made in _TRANSLATED if isinstance(error, given))
    return kind(str(error))


class Cursor:
    """One statement and its rows."""

    arraysize = 1

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        with _translated():
            self._raw = connection.raw.cursor()
        self._raw.exec_trace = self._begun
        self.description: tuple[tuple[Any, ...], ...] | None = None
        self.rowcount = -1
        self.lastrowid: int | None = None

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> Cursor:
        """Run one statement up to its first row."""
        self.description, self.rowcount = None, -1
        try:
            self._raw.execute(statement, parameters)
        except apsw.Error:
            with _translated():
                raise
        if statement.lstrip()[:7].upper().startswith(_CHANGING):
            raw = self._connection.raw
            self.rowcount, self.lastrowid = raw.changes(), raw.last_insert_rowid()
        return self

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]]) -> Cursor:
        """Run a statement that returns no rows once for each row."""
        raw = self._connection.raw
        before = raw.total_changes()
        self.description = None
        self._raw.exec_trace = None
        try:
            with _translated():
                self._raw.executemany(statement, rows)
        finally:
            self._raw.exec_trace = self._begun
        self.rowcount = raw.total_changes() - before
        return self

    def fetchone(self) -> tuple[Any, ...] | None:
        """The next row."""
        with _translated():
            return next(self._raw, None)

    def fetchmany(self, size: int | None = None) -> list[tuple[Any, ...]]:
        """Up to ``size`` further rows."""
        with _translated():
            return list(itertools.islice(self._raw, size or self.arraysize))

    def fetchall(self) -> list[tuple[Any, ...]]:
        """All further rows."""
        try:
            return self._raw.fetchall()
        except apsw.Error:
            with _translated():
                raise

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return iter(self.fetchone, None)

    def setinputsizes(self, _sizes: object) -> None:
        """Do nothing, as PEP 249 allows."""

    def setoutputsize(self, _size: object, _column: object = None) -> None:
        """Do nothing, as PEP 249 allows."""

    def close(self) -> None:
        """Let go of the statement."""
        self._raw.close(force=True)

    def _begun(self, raw: apsw.Cursor, _statement: str, _bindings: object) -> bool:
        """Asked when a statement begins: later, one without rows no longer tells its columns."""
        described = raw.get_description()
        if described:
            self.description = tuple(
                (name, None, None, None, None, None, None) for name, _ in described
            )
        return True


class Connection:
    """One connection; ``raw`` is apsw's own."""

    def __init__(self, raw: apsw.Connection) -> None:
        self.raw = raw
        self.isolation_level: str | None = None

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return self.raw.in_transaction

    def cursor(self) -> Cursor:
        """A new cursor."""
        return Cursor(self)

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> Cursor:
        """Run one statement on a new cursor."""
        return self.cursor().execute(statement, parameters)

    def commit(self) -> None:
        """Commit the open transaction, if there is one."""
        self._end("COMMIT")

    def rollback(self) -> None:
        """Roll the open transaction back, if there is one."""
        self._end("ROLLBACK")

    def create_function(
        self, name: str, count: int, function: Callable[..., Any], *, deterministic: bool = False
    ) -> None:
        """Make a function of Python's known to SQL."""
        self.raw.create_scalar_function(name, function, count, deterministic=deterministic)

    def close(self) -> None:
        """Close it; what is not committed is lost."""
        with _translated():
            self.raw.close(force=True)

    def _end(self, statement: str) -> None:
        with _translated():
            if self.raw.in_transaction:
                self.raw.execute(statement)


def connect(database: str, *, timeout: float = 5.0, check_same_thread: bool = True) -> Connection:  # noqa: ARG001  sqlite3's signature
    """Open or make a database file; ``timeout``: seconds to wait for a lock."""
    with _translated():
        raw = apsw.Connection(str(database))
        raw.set_busy_timeout(int(timeout * 1000))
    return Connection(raw)
