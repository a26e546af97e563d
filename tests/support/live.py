"""The real server on loopback: gunicorn as the launcher starts it, stopped by its own id.

``live_server`` runs on both databases, without the worker.  ``server.app`` is an application of
this process on the same database, keys and folder, to write rows and make tokens with.
"""

from __future__ import annotations

import dataclasses
import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from deploy.serve import environment_of
from server.app import create_app
from server.audit import sequencer
from server.core.db import db
from server.core.transactions import EVERY_COURT, unit_of_work
from server.settings import PREFIX, Settings
from tests.support.ports import free_port

HOST = "127.0.0.1"
ROOT = Path(__file__).resolve().parent.parent.parent
START_SECONDS = 240


@dataclass
class LiveServer:
    """A server that runs; ``restart`` after ``kill`` brings it back on the same data."""

    app: Flask
    settings: Settings
    port: int
    log: Path
    worker: bool
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Address without a path."""
        return f"http://{HOST}:{self.port}"

    def start(self) -> None:
        """Start and wait for ``/healthz``."""
        command = [sys.executable, "-m", "deploy.serve"]
        if not self.worker:
            command.append("--no-worker")
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=environment(self.settings), stdout=log, stderr=log
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"the server did not start:\n{self.log.read_text()[-3000:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop as an operator would."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(40)
            except subprocess.TimeoutExpired:
                self.kill()
        self.process = None

    def kill(self) -> None:
        """End the whole server at once, as a power cut ends a process: nothing is caught."""
        if self.process is None:
            return
        for pid in reversed(self.pids()):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(10)
        self.process = None
        deadline = time.monotonic() + 10
        while self._answers() and time.monotonic() < deadline:
            time.sleep(0.02)

    def restart(self) -> None:
        """Start again on the same port and data."""
        self.stop()
        self.start()

    def pids(self) -> list[int]:
        """The launcher, gunicorn's master and its processes, parents first."""
        if self.process is None:
            return []
        found = [self.process.pid]
        for pid in found:
            found += _children(pid)
        return found

    def rss_bytes(self) -> int:
        """Resident memory of gunicorn's processes."""
        return sum(_rss_bytes(pid) for pid in self.pids()[1:])

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=2)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


@contextmanager
def running(
    folder: Path,
    database_url: str,
    *,
    worker: bool = False,
    fill: Callable[[Flask], object] | None = None,
    **changes: Any,
) -> Iterator[LiveServer]:
    """A server on a migrated database, filled before it starts; ``changes`` are settings."""
    port = free_port()
    settings = dataclasses.replace(
        Settings(
            data_dir=folder / "data",
            database_url=database_url,
            bind=f"{HOST}:{port}",
            public_url=f"http://{HOST}:{port}",
            log_level="warning",
            web_threads=64,
        ),
        **changes,
    )
    app = create_app(settings)
    app.extensions["tiezheng"].keyring.initialise()
    with app.app_context():
        with unit_of_work(EVERY_COURT) as session:
            sequencer.initialise(session, "live-generation")
        if fill is not None:
            fill(app)
        server = LiveServer(app, settings, port, folder / "server.log", worker)
        try:
            server.start()
            yield server
        finally:
            server.stop()
            db.session.remove()
            db.engine.dispose()


@pytest.fixture
def live_server(database_url: str, tmp_path: Path) -> Iterator[LiveServer]:
    """A server of the test's own, on either database."""
    with running(tmp_path, database_url) as server:
        yield server


def environment(settings: Settings) -> dict[str, str]:
    """Environment that makes the launcher read exactly these settings."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    for entry in dataclasses.fields(settings):
        own[PREFIX + entry.name.upper()] = str(getattr(settings, entry.name))
    return environment_of(own)


def _children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found += [int(child) for child in task.read_text().split()]
    return found


def _rss_bytes(pid: int) -> int:
    with suppress(OSError):
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    return 0
