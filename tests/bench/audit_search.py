"""The search of a court's log over a million entries: server time of pages, common and rare.

Each figure is the 95th percentile over the rounds, through the whole application (session cookie,
transaction, names, template), without the network and the browser.  PostgreSQL and SQLite in turn.
A search for a person also writes that it was made.
"""

from __future__ import annotations

import functools
import json
import time
import uuid
from collections.abc import Callable
from typing import Any, Final

import sqlalchemy as sa
from flask import Flask

from server.audit.models import Event, LogState
from server.core.bulk import insert_rows
from server.core.db import db, table_of
from server.core.settling import settle
from server.core.transactions import EVERY_COURT, unit_of_work
from tests.bench.application import on_both
from tests.bench.filling import analyse, without_indexes
from tests.bench.rows import Row
from tests.factories.cases import add_case
from tests.factories.console import Desk, desk
from tests.factories.field import sequence
from tests.factories.identity import World

ENTRIES: Final = 1_000_000
GOAL_MS: Final = 150.0
PERCENTILE: Final = 0.95
_BATCH: Final = 10_000
_COMMON: Final = ("custody.viewed", "custody.listed", "evidence.verified", "receipts.issued")
_RARE_EVERY: Final = 250_000
_OWNERS: Final = 200


def run(quick: bool) -> list[Row]:
    """The rows of the search; ``--quick`` makes a tenth of the entries."""
    entries, rounds = (ENTRIES // 10, 15) if quick else (ENTRIES, 30)
    return on_both(lambda app, name: _in_app(app, name, entries, rounds))


def _in_app(app: Flask, name: str, entries: int, rounds: int) -> list[Row]:
    world = World.build(app)
    case = add_case(app, world.first.id, serial=901)
    sequence(app)
    _fill(world, case, entries)
    someone = desk(app, world.first.supervisor)
    settle()  # as a server does when it starts
    rows = []
    for label, path in _paths(world, case, entries).items():
        figure = _p95(functools.partial(_asked, someone, path), rounds)
        title = f"search of {entries:,} log entries, {name}: {label}, p95"
        rows.append(Row("console", title, figure, "ms", goal=GOAL_MS, better="less"))
    bare = _p95(functools.partial(_asked, someone, "/api/v1/review-reasons"), rounds)
    bare_name = f"a request that reads no log, {name}, p95: to read the others by"
    return [*rows, Row("console", bare_name, bare, "ms")]


def _paths(world: World, case: uuid.UUID, entries: int) -> dict[str, str]:
    court = world.first
    day = "from=2026-01-03T00:00&to=2026-01-03T12:00"
    deep = sa.select(Event.log_index).where(Event.log_index == entries // 2)
    with unit_of_work(court.id, write=False) as session:
        assert session.execute(deep).scalar() is not None
    return {
        "newest entries": "/audit",
        "a common kind": "/audit?kind=custody.viewed",
        "a rare kind": "/audit?kind=retention.ruled",
        "a group of kinds": "/audit?group=custody",
        "a person": f"/audit?actor={court.officer.id}",
        "a person who did little": f"/audit?actor={court.president.id}",
        "a device": f"/audit?device={court.phone.id}",
        "one case": f"/audit?case={case}",
        "half a day": f"/audit?{day}",
        "a rare kind within half a day": f"/audit?kind=retention.ruled&{day}",
        "what nothing fits": "/audit?kind=webhook.added",
    }


def _asked(someone: Desk, path: str) -> None:
    answer = someone.get(path)
    assert answer.status_code == 200, (path, answer.get_data(as_text=True)[:500])


def _p95(once: Callable[[], None], rounds: int) -> float:
    """Milliseconds, after two rounds to warm up."""
    spent = []
    for number in range(rounds + 2):
        started = time.perf_counter()
        once()
        if number > 1:
            spent.append((time.perf_counter() - started) * 1000)
    return sorted(spent)[int(len(spent) * PERCENTILE)]


def _fill(world: World, case: uuid.UUID, entries: int) -> None:
    """Entries as the sequencer would leave them, but for their signatures: nobody verifies here."""
    table = table_of(Event)
    with unit_of_work(EVERY_COURT) as session, without_indexes(session, table):
        start = session.execute(sa.select(LogState.next_index)).scalar_one()
        for first in range(0, entries, _BATCH):
            rows = [_entry(world, case, start + first + n, first + n) for n in range(_BATCH)]
            insert_rows(session, table, rows)
        session.execute(sa.update(table_of(LogState)).values(next_index=start + entries))
    analyse(db.engine, table)


def _entry(world: World, case: uuid.UUID, index: int, number: int) -> dict[str, Any]:
    court = world.first if number % 10 else world.second
    by_device = number % 4 == 1
    kind = "log.note" if by_device else _COMMON[number % len(_COMMON)]
    actor: uuid.UUID = court.officer.id if number % 3 else uuid.UUID(int=number % _OWNERS + 1)
    if number % _RARE_EVERY == _RARE_EVERY // 2 + 1:
        kind, actor, by_device = "retention.ruled", world.first.president.id, False
    payload = {"act": kind, "by": {"token": "access"}, "facts": {}}
    minutes = number // 70  # a million entries in ten days
    day, rest = divmod(minutes, 1440)
    return {
        "log_index": index, "court_id": court.id, "kind": kind,
        "src": str(court.phone.id) if by_device else "server", "ep": 1 if by_device else None,
        "seq": number if by_device else None, "hid": f"{number:064x}", "h": "{}",
        "p": json.dumps(payload), "salt": "00", "sig": "-", "k": "-",
        "rx": f"2026-01-{day + 1:02}T{rest // 60:02}:{rest % 60:02}:00.000Z", "actor_id": actor,
        "subject_type": "evidence", "subject_id": str(uuid.UUID(int=number % 5_000 + 1)),
        "case_id": case if number % _OWNERS == 7 and court is world.first else None,
        "mission_id": None, "leaf_hash": b"\0" * 32,
    }  # fmt: skip
