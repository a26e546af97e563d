"""The store's database: one SQLite file that survives a power cut.

TRUNCATE + EXTRA: the journal's end is durable together with the data. (The default,
DELETE + FULL, loses commits when the journal's unlink is not durable; WAL is unsafe on
SQLite before 3.51.3.) Values that speak of people or cases are sealed by the vault.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from client_sdk._durable import store_errors, sync_directory
from client_sdk._vault import Vault
from client_sdk.errors import StoreCorruptError, StoreError, StoreFullError

BALLAST_BYTES: Final = 4 * 1024 * 1024
_DATABASE: Final = "outbox.sqlite3"
_BALLAST: Final = "ballast"
_SCHEMA_VERSION: Final = 1
_BUSY_SECONDS: Final = 30.0
_SCHEMA: Final = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
CREATE TABLE records (
    ep INTEGER NOT NULL, seq INTEGER NOT NULL, hid TEXT NOT NULL, act TEXT NOT NULL,
    boot TEXT NOT NULL, mono_ms INTEGER NOT NULL, wall TEXT NOT NULL,
    wire BLOB NOT NULL, wire_bytes INTEGER NOT NULL,
    state TEXT NOT NULL, problem TEXT,
    PRIMARY KEY (ep, seq)) STRICT;
CREATE INDEX records_by_state ON records (state, ep, seq);
CREATE TABLE objects (
    ep INTEGER NOT NULL, seq INTEGER NOT NULL, sha256 TEXT NOT NULL,
    size_bytes INTEGER NOT NULL, media TEXT NOT NULL, lane INTEGER NOT NULL,
    details BLOB NOT NULL, state TEXT NOT NULL,
    upload_url TEXT, offset_bytes INTEGER NOT NULL DEFAULT 0, problem TEXT,
    PRIMARY KEY (ep, seq, sha256)) STRICT;
CREATE INDEX objects_by_state ON objects (state, lane, ep, seq);
CREATE INDEX objects_by_digest ON objects (sha256);
CREATE TABLE receipts (
    ep INTEGER NOT NULL, seq INTEGER NOT NULL, sha256 TEXT NOT NULL,
    copies INTEGER NOT NULL, log_index INTEGER, issued TEXT NOT NULL,
    statement TEXT NOT NULL,
    PRIMARY KEY (ep, seq, sha256)) STRICT;
CREATE TABLE inbox (
    kind TEXT NOT NULL, id TEXT NOT NULL, data BLOB NOT NULL,
    PRIMARY KEY (kind, id)) STRICT;
CREATE TABLE docked (
    place TEXT PRIMARY KEY, sha256 TEXT NOT NULL,
    ep INTEGER NOT NULL, seq INTEGER NOT NULL) STRICT;
"""


class Store:
    """Connection, transactions, named values and the inbox of pulled changes."""

    def __init__(self, root: Path, vault: Vault, *, ballast_bytes: int = BALLAST_BYTES) -> None:
        self._root = root
        self._vault = vault
        self._lock = threading.RLock()
        self._depth = 0
        path = root / _DATABASE
        fresh = not path.exists()
        with _database_errors("opening the store"):
            self._connection = sqlite3.connect(
                path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
        try:
            self._prepare()
        except BaseException:
            self._connection.close()
            raise
        if fresh:
            path.chmod(0o600)
            sync_directory(root)
        self._lay_ballast(ballast_bytes)

    def _prepare(self) -> None:
        with _database_errors("opening the store"):
            (mode,) = self._connection.execute("PRAGMA journal_mode=TRUNCATE").fetchone()
            self._connection.execute("PRAGMA synchronous=EXTRA")
            self._connection.execute("PRAGMA foreign_keys=ON")
        if mode != "truncate":
            raise StoreError(f"the database refuses the safe journal mode (it is in {mode})")
        with self.transaction():
            (version,) = self.one("PRAGMA user_version") or (0,)
            if version == 0:
                for statement in _SCHEMA.split(";\n"):
                    self.run(statement)
                self.run(f"PRAGMA user_version={_SCHEMA_VERSION}")
            elif version != _SCHEMA_VERSION:
                raise StoreError(f"the store is of version {version}, which this program is not")

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._connection.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; durable when it ends. Nested ones join the outer."""
        with self._lock:
            if self._depth:
                yield
                return
            self.run("BEGIN IMMEDIATE")
            self._depth = 1
            try:
                yield
                self.run("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    if self._connection.in_transaction:
                        self._connection.execute("ROLLBACK")
                raise
            finally:
                self._depth = 0

    @property
    def in_transaction(self) -> bool:
        """Whether this thread is in a transaction; waits for the end of another's."""
        with self._lock:
            return self._depth > 0

    def run(self, sql: str, *values: object) -> int:
        """Execute one statement; the number of rows it changed."""
        with self._lock, _database_errors("writing the store"):
            return self._connection.execute(sql, values).rowcount

    def all(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Rows of a query."""
        with self._lock, _database_errors("reading the store"):
            return self._connection.execute(sql, values).fetchall()

    def one(self, sql: str, *values: object) -> tuple[Any, ...] | None:
        """First row of a query."""
        with self._lock, _database_errors("reading the store"):
            row: tuple[Any, ...] | None = self._connection.execute(sql, values).fetchone()
            return row

    # -- named values

    def get(self, name: str) -> Any:  # JSON value
        """A kept JSON value, None when there is none."""
        row = self.one("SELECT value FROM meta WHERE name=?", name)
        return None if row is None else json.loads(self._vault.open(row[0], f"meta:{name}"))

    def put(self, name: str, value: object) -> None:
        """Keep a JSON value; None forgets it."""
        if value is None:
            self.run("DELETE FROM meta WHERE name=?", name)
            return
        sealed = self.seal(value, f"meta:{name}")
        self.run(
            "INSERT INTO meta VALUES (?,?) ON CONFLICT (name) DO UPDATE SET value=excluded.value",
            name,
            sealed,
        )

    def seal(self, value: object, context: str) -> bytes:
        """Stored form of a JSON value."""
        return self._vault.seal(json.dumps(value, ensure_ascii=False).encode(), context)

    def unseal(self, stored: bytes, context: str) -> Any:  # JSON value
        """JSON value of a stored form."""
        return json.loads(self._vault.open(stored, context))

    # -- inbox

    def put_change(self, kind: str, identifier: str, data: object) -> None:
        """Keep the newest state of a pulled thing."""
        self.run(
            "INSERT INTO inbox VALUES (?,?,?)"
            " ON CONFLICT (kind, id) DO UPDATE SET data=excluded.data",
            kind,
            identifier,
            self.seal(data, f"inbox:{kind}:{identifier}"),
        )

    def drop_change(self, kind: str, identifier: str) -> None:
        """Forget a pulled thing that is no longer this device's."""
        self.run("DELETE FROM inbox WHERE kind=? AND id=?", kind, identifier)

    def changes(self, kind: str) -> list[tuple[str, Mapping[str, Any]]]:
        """Pulled things of a kind, by id."""
        rows = self.all("SELECT id, data FROM inbox WHERE kind=? ORDER BY id", kind)
        return [(row[0], self.unseal(row[1], f"inbox:{kind}:{row[0]}")) for row in rows]

    # -- ballast

    def _lay_ballast(self, size_bytes: int) -> None:
        """Reserve space that is given up when a record would not fit otherwise."""
        path = self._root / _BALLAST
        if size_bytes <= 0 or path.exists():
            return
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, size_bytes)
        except OSError:
            path.unlink()
        finally:
            os.close(descriptor)

    def release_ballast(self) -> bool:
        """Free the reserve; False when it was gone already."""
        with store_errors("freeing the reserve"):
            try:
                (self._root / _BALLAST).unlink()
            except FileNotFoundError:
                return False
            return True


@contextlib.contextmanager
def _database_errors(doing: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        name = getattr(error, "sqlite_errorname", "")
        if name == "SQLITE_FULL":
            raise StoreFullError(f"no space left while {doing}") from error
        if name in {"SQLITE_CORRUPT", "SQLITE_NOTADB"}:
            raise StoreCorruptError(f"{doing}: {error}") from error
        raise StoreError(f"{doing}: {error}") from error
