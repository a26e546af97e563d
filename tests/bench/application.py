"""The application that a benchmark of pages asks: on an empty migrated database of either kind."""

from __future__ import annotations

import contextlib
import math
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from flask import Flask

from server.app import create_app
from server.audit import sequencer
from server.core.db import db
from server.core.transactions import EVERY_COURT, unit_of_work
from server.schema import upgrade
from server.settings import Settings
from tests.bench.rows import Row, median
from tests.factories.console import Desk
from tests.support.postgres import running_postgres

_SHARE: Final = 0.95
_WARM: Final = 3  # requests that are not counted


def page_row(group: str, what: str, browser: Desk, path: str, rounds: int, goal_ms: float) -> Row:
    """p95 of a page on the wall, which the goal is about; processor is this process' alone."""
    spent = [_asked(browser, path) for _ in range(_WARM + rounds)][_WARM:]
    walls = sorted(wall for wall, _ in spent)
    processor = median([work for _, work in spent])
    note = f"p95 of {rounds}, median {median(walls):.0f} ms, processor {processor:.0f} ms"
    p95 = walls[math.ceil(_SHARE * rounds) - 1]
    return Row(group, what, p95, "ms", goal=goal_ms, better="less", note=note)


def _asked(browser: Desk, path: str) -> tuple[float, float]:
    """Milliseconds of a clock on the wall, and of this process' own work (not PostgreSQL's)."""
    wall, processor = time.perf_counter(), time.process_time()
    answer = browser.get(path)
    spent = time.perf_counter() - wall, time.process_time() - processor
    assert answer.status_code == 200, answer.text
    return spent[0] * 1000, spent[1] * 1000


def on_both(rows: Callable[[Flask, str], list[Row]]) -> list[Row]:
    """Rows of an application on PostgreSQL, then of one on SQLite; ``rows`` gets app and name."""
    with running_postgres() as postgres, _installed(postgres.create_database().url) as app:
        found = rows(app, "PostgreSQL")
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        _installed(f"sqlite:///{folder}/bench.db") as app,
    ):
        return found + rows(app, "SQLite")


@contextlib.contextmanager
def _installed(url: str) -> Iterator[Flask]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        settings = Settings(
            data_dir=Path(folder), database_url=url, public_url="http://localhost",
            log_level="error",
        )  # fmt: skip
        app = create_app(settings)
        app.extensions["tiezheng"].keyring.initialise()
        with app.app_context():
            upgrade(db.engine)
            try:
                with unit_of_work(EVERY_COURT) as session:
                    sequencer.initialise(session, "bench")
                yield app
            finally:
                db.session.remove()
                db.engine.dispose()
