"""Waits for changes of the database on a connection of its own, and says so once per burst.

PostgreSQL notifies at the commit; on SQLite the counter of the file's changes is looked at.  While
the database is away, everybody is woken from time to time and looks for themselves.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Final

import structlog
from flask import Flask

from server.core.db import db
from server.core.waking import CHANNEL

LOOK_SECONDS: Final = 0.1
BURST_SECONDS: Final = 0.01
ANYWAY_SECONDS: Final = 15.0  # everybody looks once more, should a notification have been lost
_LISTEN_SECONDS: Final = 1.0
_TROUBLE_SECONDS: Final = 1.0
_log = structlog.get_logger("live")


class Waiter:
    """A thread that runs while it is needed, so that an idle process holds no connection.

    :param wake: called when there may be something to read.
    """

    def __init__(self, app: Flask, wake: Callable[[], None]) -> None:
        self._app = app
        self._wake = wake
        self._wanted: threading.Event | None = None

    def start(self) -> None:
        """Begin to wait; nothing when it does so already."""
        if self._wanted is None:
            self._wanted = threading.Event()
            args = (self._wanted,)
            threading.Thread(target=self._run, args=args, name="live-waiter", daemon=True).start()

    def stop(self) -> None:
        """Stop waiting: the connection is closed within about a second."""
        if self._wanted is not None:
            self._wanted.set()
            self._wanted = None

    def _run(self, ended: threading.Event) -> None:
        while not ended.is_set():
            try:
                self._wait(ended)
            except Exception as error:  # noqa: BLE001  a database that is away comes back
                _log.warning("waiting for changes was interrupted", error=repr(error))
                self._wake()
                ended.wait(_TROUBLE_SECONDS)

    def _wait(self, ended: threading.Event) -> None:
        with self._app.app_context():
            engine = db.engine
        raw = engine.raw_connection()
        raw.detach()
        try:
            if engine.dialect.name == "postgresql":
                self._listen(raw.dbapi_connection, ended)
            else:
                self._look(raw.cursor(), ended)
        finally:
            raw.close()

    def _listen(self, connection: Any, ended: threading.Event) -> None:
        connection.autocommit = True
        connection.execute(f"LISTEN {CHANNEL}")
        self._wake()  # what came before anybody listened
        woken_at = time.monotonic()
        while not ended.is_set():
            told = list(connection.notifies(timeout=_LISTEN_SECONDS, stop_after=1))
            if told:
                time.sleep(BURST_SECONDS)
                list(connection.notifies(timeout=0))  # the rest of a burst
            if told or time.monotonic() - woken_at >= ANYWAY_SECONDS:
                woken_at = time.monotonic()
                self._wake()

    def _look(self, cursor: Any, ended: threading.Event) -> None:
        seen = -1
        while not ended.is_set():
            cursor.execute("PRAGMA data_version")
            ((version,),) = cursor.fetchall()  # to its end: an open statement sees no change
            if version != seen:
                seen = version
                self._wake()
            ended.wait(LOOK_SECONDS)
