"""A thousand live streams on two processes: from an entry to every reader, over forced drops.

The web server (gevent), its worker and PostgreSQL are real processes; entries are pushed as a
phone pushes them, every reader is a socket with a sign-in of its own.
"""

from __future__ import annotations

import random
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from flask import Flask

from server.app import create_app
from server.core.cookies import Kind, cookie_name
from server.core.db import db
from server.schema import upgrade
from server.settings import Settings
from tests.bench.rows import Row
from tests.factories.console import session_secret
from tests.factories.live import Outing
from tests.support.live import LiveServer, running
from tests.support.postgres import running_postgres
from tests.support.sse import Fleet, Reader

READERS: Final = 1_000
ENTRIES: Final = 60
DROPS: Final = 50
PACE_SECONDS: Final = 0.5
GOAL_MS: Final = 500.0
PATIENCE_SECONDS: Final = 300.0
_WARM: Final = 1  # the first entry only shows that every reader is connected


@dataclass
class Trial:
    """One run: the mission, its readers, and when each entry was committed (Unix time)."""

    server: LiveServer
    outing: Outing
    fleet: Fleet
    entries: int
    commits: list[float] = field(default_factory=list)

    def write(self, count: int) -> None:
        """Push entries at an even pace."""
        with self.server.app.app_context():
            for _ in range(count):
                self.outing.note(f"第{len(self.commits)}次宣读(虚构)")
                self.commits.append(time.time())
                time.sleep(PACE_SECONDS)

    def read(self, entries: int, drops: int) -> None:
        """Read until everybody has that many, cutting connections at random meanwhile."""
        chance, deadline = random.Random(11), time.monotonic() + PATIENCE_SECONDS
        wanted = self.fleet.drops + drops

        def sometimes_drop() -> None:
            started = len(self.commits) > _WARM
            if started and self.fleet.drops < wanted and chance.random() < 0.2:
                self.fleet.drop(chance.choice(list(self.fleet.readers)))

        def done() -> bool:
            complete = all(len(one.received) >= entries for one in self.fleet.readers)
            return (complete and self.fleet.drops >= wanted) or time.monotonic() > deadline

        self.fleet.run(done, sometimes_drop)


def run(quick: bool) -> list[Row]:
    """The row of the live streams."""
    readers, entries = (200, 20) if quick else (READERS, ENTRIES)
    durable = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, running_postgres(durable) as pg:
        url = pg.create_database().url
        _migrate(Path(folder), url)
        made: list[Outing] = []

        def fill(app: Flask) -> None:
            made.append(Outing.build(app))
            made[0].start()

        with running(
            Path(folder), url, worker=True, fill=fill, web_processes=2, web_worker_class="gevent"
        ) as server:
            trial = Trial(server, made[0], _fleet(server, made[0], readers), entries)
            _play(trial)
    return _rows(trial, readers)


def _play(trial: Trial) -> None:
    trial.write(_WARM)
    trial.read(_WARM, drops=0)
    writer = threading.Thread(target=trial.write, args=(trial.entries,))
    writer.start()
    trial.read(_WARM + trial.entries, DROPS)
    writer.join()
    trial.fleet.close()


def _rows(trial: Trial, readers: int) -> list[Row]:
    places = range(1, _WARM + trial.entries + 1)
    lost = sum(len(set(places) - {one for one, _ in r.received}) for r in trial.fleet.readers)
    total = sum(len(r.received) for r in trial.fleet.readers)
    repeated = total - sum(len({one for one, _ in r.received}) for r in trial.fleet.readers)
    lags = sorted(
        (at - trial.commits[place - 1]) * 1000
        for reader in trial.fleet.readers
        for place, at in reader.received
        if place > _WARM
    )
    name, note = f"entry → {readers:,} readers", f"{trial.fleet.drops} drops"
    late = lags[int(0.99 * (len(lags) - 1))]
    return [
        Row("live", f"{name}, median", lags[len(lags) // 2], "ms"),
        Row("live", f"{name}, p99", late, "ms", goal=GOAL_MS, better="less", note=note),
        Row("live", f"{name}, lost", lost, "", goal=0, better="less", note=note),
        Row("live", f"{name}, repeated", repeated, "", goal=0, better="less", note=note),
    ]


def _fleet(server: LiveServer, outing: Outing, count: int) -> Fleet:
    name, who = cookie_name(server.settings, Kind.STAFF), outing.court.supervisor
    readers = [Reader(f"{name}={session_secret(server.app, who)}") for _ in range(count)]
    path = f"/api/v1/live/missions/{outing.mission}/stream"
    fleet = Fleet("127.0.0.1", server.port, path, readers)
    for reader in readers:
        fleet.connect(reader)
    return fleet


def _migrate(folder: Path, url: str) -> None:
    app = create_app(Settings(data_dir=folder / "migrating", database_url=url, log_level="error"))
    with app.app_context():
        upgrade(db.engine)
        db.engine.dispose()
