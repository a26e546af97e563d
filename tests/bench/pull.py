"""Pull costs what changed, not what is there: the same 100 changes at 10 k and at 1 M rows."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from flask import Flask

from client_sdk.protocol.tlog.tiles import new_tiles
from server.app import create_app
from server.audit import sequencer
from server.audit.models import LogState, LogTile
from server.core.db import db
from server.core.transactions import EVERY_COURT, unit_of_work
from server.schema import upgrade
from server.settings import Settings
from tests.bench.rows import Row, median
from tests.factories.cases import add_case
from tests.factories.identity import API, Caller, CourtWorld, World, runtime_of
from tests.support.postgres import running_postgres

FEW: Final = 10_000
MANY: Final = 1_000_000
CHANGES: Final = 100
GOAL: Final = 2.5

_EVENTS = """
INSERT INTO events (log_index, court_id, kind, src, hid, h, p, salt, sig, k, rx, subject_type,
                    subject_id, leaf_hash)
SELECT n, :court, 'case.changed', 'server', md5(n::text), '{}', '{}', '', '', 'k',
       '2026-01-01T00:00:00.000Z', 'case', n::text, '\\x'::bytea
FROM generate_series(0, :rows - 1) AS n
"""
_CHANGES = """
INSERT INTO changes (recipient, log_index, topic, entity_id, op, court_id)
SELECT 'user:' || (n % 500), n, 'case', n::text, 'put', :court
FROM generate_series(0, :rows - 1) AS n
"""


def run(quick: bool) -> list[Row]:
    """The pull rows of the performance plan."""
    rounds = 5 if quick else 15
    many = MANY // 10 if quick else MANY
    with running_postgres() as postgres:
        few_ms, few_empty_ms = _measured(postgres.create_database().url, FEW, rounds)
        many_ms, many_empty_ms = _measured(postgres.create_database().url, many, rounds)
    at = f"{FEW:,} rows"
    return [
        Row("sync", f"pull of the same {CHANGES} changes at {many:,} rows", many_ms, "ms",
            few_ms, at, goal=GOAL, better="less"),
        Row("sync", f"empty pull at {many:,} rows", many_empty_ms, "ms", few_empty_ms, at,
            goal=GOAL, better="less"),
    ]  # fmt: skip


def _measured(url: str, rows: int, rounds: int) -> tuple[float, float]:
    """Median milliseconds of a pull of 100 changes, and of one with nothing new."""
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
                return _in_app(app, rows, rounds)
            finally:
                db.session.remove()
                db.engine.dispose()


def _in_app(app: Flask, rows: int, rounds: int) -> tuple[float, float]:
    with unit_of_work(EVERY_COURT) as session:
        sequencer.initialise(session, "bench")
    world = World.build(app)
    _fill(world.first, rows)
    officer = world.caller(world.first.officer)
    before = _drained(officer)
    for serial in range(CHANGES):
        add_case(app, world.first.id, serial=serial + 1, handler_id=world.first.officer.id)
    with unit_of_work(EVERY_COURT) as session:
        sequencer.sequence(session, runtime_of(app))
    after = _drained(officer)
    answer = _pull(officer, before)
    assert (
        len({change["id"] for change in answer["changes"] if change["kind"] == "case"}) == CHANGES
    )
    return _median_ms(officer, before, rounds), _median_ms(officer, after, rounds)


def _fill(court: CourtWorld, rows: int) -> None:
    with unit_of_work(EVERY_COURT) as session:
        for statement in (_EVENTS, _CHANGES):
            session.execute(sa.text(statement), {"court": court.id, "rows": rows})
        session.execute(sa.update(LogState).values(next_index=rows))
        session.execute(sa.delete(LogTile))
        for tile in new_tiles(0, rows):  # a tree of that size, so that the log can go on
            data = bytes(tile.size_bytes)
            session.add(LogTile(level=tile.level, index=tile.index, width=tile.width, data=data))
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("ANALYZE"))


def _drained(officer: Caller) -> str:
    """The cursor behind everything that is there now."""
    answer = _pull(officer, None)
    while answer["has_more"]:
        answer = _pull(officer, answer["cursor"])
    return str(answer["cursor"])


def _pull(officer: Caller, cursor: str | None) -> dict[str, Any]:
    query = "limit=500" + (f"&cursor={cursor}" if cursor else "")
    response = officer.get(f"{API}/sync/pull?{query}")
    assert response.status_code == 200, response.get_data(as_text=True)
    found: dict[str, Any] = response.get_json()
    return found


def _median_ms(officer: Caller, cursor: str, rounds: int) -> float:
    spent = []
    for _ in range(rounds):
        started = time.perf_counter()
        _pull(officer, cursor)
        spent.append((time.perf_counter() - started) * 1000)
    return median(spent)
