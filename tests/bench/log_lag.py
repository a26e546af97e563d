"""How long after its commit an event is under a signed checkpoint (L1), at 500 commits a second.

Worker and signer are real processes on PostgreSQL with durable commits; two writer processes
commit one event at a time, paced by the clock.
"""

from __future__ import annotations

import bisect
import multiprocessing
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from flask import Flask

from server.app import create_app
from server.audit import sequencer
from server.audit.events import EventKind
from server.audit.models import CheckpointRow, Event
from server.audit.service import Subject, record
from server.core.context import Context, system_actor
from server.core.db import db
from server.core.transactions import EVERY_COURT, unit_of_work
from server.schema import upgrade
from server.settings import Settings
from tests.bench.rows import Row
from tests.factories.identity import World, runtime_of
from tests.support.live import ROOT, environment
from tests.support.postgres import running_postgres

RATE: Final = 500
WRITERS: Final = 2
GOAL_SECONDS: Final = 2.0
_SETTLE_SECONDS: Final = 10.0
Commits = list[tuple[str, float]]  # hid, Unix time after the commit


def run(quick: bool) -> list[Row]:
    """The L1 row of the performance plan."""
    seconds = 5.0 if quick else 20.0
    durable = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, running_postgres(durable) as pg:
        settings = Settings(
            data_dir=Path(folder), database_url=pg.create_database().url,
            public_url="http://localhost", log_level="error",
        )  # fmt: skip
        with _app(settings) as app:
            upgrade(db.engine)
            with unit_of_work(EVERY_COURT) as session:
                sequencer.initialise(session, "bench")
            court_id = World.build(app).first.id
            with _processes(settings, "worker", "signer"):
                commits = _write(settings, court_id, seconds)
                time.sleep(_SETTLE_SECONDS)
            lags = _lags(commits)
    rate = len(commits) / seconds
    note = f"{rate:,.0f} commits/s reached"
    middle, late = lags[len(lags) // 2], lags[int(0.99 * (len(lags) - 1))]
    return [
        Row("log", "L1 after a commit, median", middle, "s", note=note),
        Row("log", "L1 after a commit, p99", late, "s", goal=GOAL_SECONDS, better="less"),
    ]


@contextmanager
def _app(settings: Settings) -> Iterator[Flask]:
    app = create_app(settings)
    runtime_of(app).keyring.initialise()
    with app.app_context():
        try:
            yield app
        finally:
            db.session.remove()
            db.engine.dispose()


@contextmanager
def _processes(settings: Settings, *names: str) -> Iterator[None]:
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "flask", "--app", "wsgi", name],
            cwd=ROOT, env=environment(settings),
        )
        for name in names
    ]  # fmt: skip
    try:
        time.sleep(3.0)  # they are up
        yield
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(60)


def _write(settings: Settings, court_id: uuid.UUID, seconds: float) -> Commits:
    context = multiprocessing.get_context("spawn")
    with context.Pool(WRITERS) as pool:
        work = (settings, court_id, RATE / WRITERS, seconds)
        found = pool.starmap(_commit_for, [work] * WRITERS, chunksize=1)
    return [one for commits in found for one in commits]


def _commit_for(settings: Settings, court_id: uuid.UUID, rate: float, seconds: float) -> Commits:
    commits: Commits = []
    with _app(settings) as app:
        started = time.perf_counter()
        while (now := time.perf_counter() - started) < seconds:
            if (ahead := len(commits) / rate - now) > 0:
                time.sleep(ahead)
            with unit_of_work(court_id) as session:
                ctx = Context(system_actor(court_id), session, runtime_of(app))
                hid = record(ctx, EventKind.USER_ADDED, Subject("user", str(len(commits))))
            commits.append((hid, time.time()))
    return commits


def _lags(commits: Commits) -> list[float]:
    """Seconds from commit to signature, sorted; what is not signed counts as endless."""
    with unit_of_work(EVERY_COURT, write=False) as session:
        places = dict(session.execute(sa.select(Event.hid, Event.log_index)).all())
        rows = session.execute(
            sa.select(CheckpointRow.size, CheckpointRow.signed_at).order_by(CheckpointRow.size)
        ).all()
    sizes = [row.size for row in rows]
    lags = []
    for hid, at in commits:
        first = bisect.bisect_right(sizes, places.get(hid, 2**62))
        signed = rows[first].signed_at.timestamp() if first < len(rows) else float("inf")
        lags.append(max(0.0, signed - at))
    return sorted(lags)
