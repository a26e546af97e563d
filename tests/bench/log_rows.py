"""The sequencer beside bare inserts of the same rows, and proofs from a log of a million leaves.

Entries carry one of several cases each, so that their sequences are built too.  A bare insert is
the same row into a table of the same columns and indexes, without hashes, cases and tiles.
"""

from __future__ import annotations

import hashlib
import random
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from flask import Flask

from client_sdk.protocol import jcs
from client_sdk.protocol.encoding import b64url_encode
from client_sdk.protocol.records import header_id
from client_sdk.protocol.tlog.checkpoints import Checkpoint
from client_sdk.protocol.tlog.notes import NoteSigner, sign_note
from client_sdk.protocol.tlog.tiles import append_leaves
from server.app import create_app
from server.audit import log, sequencer
from server.audit.models import CheckpointRow, Event, LogState, LogTile, OutboxRow
from server.audit.outbox import entry_mac, mac_key
from server.core.bulk import insert_rows
from server.core.db import db, table_of
from server.core.transactions import EVERY_COURT, unit_of_work
from server.schema import upgrade
from server.settings import Settings
from tests.bench.rows import Row, median
from tests.factories.cases import add_case
from tests.factories.field import sequence
from tests.factories.identity import World, runtime_of
from tests.factories.log import signer_of
from tests.support.postgres import running_postgres

ENTRIES: Final = 40_000
LEAVES: Final = 1_000_000
CASES: Final = 20
GOAL_PER_SECOND: Final = 10_000
GOAL_PROOF_MS: Final = 5.0
PROOFS: Final = 200


def run(quick: bool) -> list[Row]:
    """The rows of the log in the performance plan."""
    rows: list[Row] = []
    count, leaves = (ENTRIES // 4, LEAVES // 10) if quick else (ENTRIES, LEAVES)
    durable = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}
    with running_postgres(durable) as postgres:
        for name, url in (("SQLite", ""), ("PostgreSQL", postgres.create_database().url)):
            with _app(url) as app:
                rows += _sequencing(app, name, count)
                rows.append(_proofs(app, name, leaves))
    return rows


@contextmanager
def _app(url: str) -> Iterator[Flask]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        settings = Settings(
            data_dir=Path(folder), database_url=url, public_url="http://localhost",
            log_level="error",
        )  # fmt: skip
        app = create_app(settings)
        app.extensions["tiezheng"].keyring.initialise()
        with app.app_context():
            upgrade(db.engine)
            with unit_of_work(EVERY_COURT) as session:
                sequencer.initialise(session, "bench")
            try:
                yield app
            finally:
                db.session.remove()
                db.engine.dispose()


def _sequencing(app: Flask, name: str, count: int) -> list[Row]:
    world = World.build(app)
    cases = [add_case(app, world.first.id, serial=serial + 1) for serial in range(CASES)]
    sequence(app)
    rows = [_entry(app, world.first.id, cases[number % CASES]) for number in range(count)]
    bare = count / _spent(lambda: _bare(rows))
    for start in range(0, count, sequencer.BATCH):
        with unit_of_work(EVERY_COURT) as session:
            insert_rows(session, table_of(OutboxRow), rows[start : start + sequencer.BATCH])
    ours = count / _spent(lambda: sequence(app))
    with unit_of_work(EVERY_COURT, write=False) as session:
        assert log.size_of(session) >= count
    return [
        Row("log", f"leaves sequenced, {name}", ours, "/s", goal=GOAL_PER_SECOND),
        Row("log", f"the same beside bare inserts, {name}", ours, "/s", bare, "bare"),
    ]


def _entry(app: Flask, court_id: uuid.UUID, case_id: uuid.UUID) -> dict[str, Any]:
    """A row as a push writes it; its signature is never looked at here."""
    ids = runtime_of(app).ids
    commitment = hashlib.sha256(ids().bytes).hexdigest()
    h = jcs.dumps(
        {"v": 1, "src": str(ids()), "ep": 1, "seq": 7, "prev": commitment, "pc": commitment}
    )
    row: dict[str, Any] = {
        "court_id": court_id, "kind": "capture.recorded", "src": str(ids()), "ep": 1, "seq": 7,
        "hid": header_id(h), "h": h, "p": jcs.dumps({"text": "x" * 600}), "salt": "00" * 32,
        "sig": b64url_encode(bytes(64)), "k": "k" * 43, "rx": "2026-03-02T01:00:00.000Z",
        "actor_id": None, "subject_type": "record", "subject_id": header_id(h),
        "case_id": case_id, "mission_id": None, "changes": [],
    }  # fmt: skip
    row["mac"] = entry_mac(mac_key(runtime_of(app).keyring), row)
    return row


def _bare(rows: list[dict[str, Any]]) -> None:
    """The same rows into a twin of the log's table, and nothing else."""
    events = table_of(Event)
    twin = sa.Table(
        "bare_events",
        sa.MetaData(),
        *(
            sa.Column(c.name, c.type, primary_key=c.primary_key, autoincrement=False)
            for c in events.columns
        ),
    )
    for index in events.indexes:
        sa.Index(f"bare_{index.name}", *(twin.c[column.name] for column in index.columns))
    names = [column.name for column in twin.columns if column.name in rows[0]]
    with unit_of_work(EVERY_COURT) as session:
        twin.create(session.connection())
    for start in range(0, len(rows), sequencer.BATCH):
        part = [
            {**{name: row[name] for name in names}, "log_index": start + at, "leaf_hash": bytes(32)}
            for at, row in enumerate(rows[start : start + sequencer.BATCH])
        ]
        with unit_of_work(EVERY_COURT) as session:
            insert_rows(session, twin, part)


def _proofs(app: Flask, name: str, leaves: int) -> Row:
    """Median time of an inclusion proof, each with tiles read anew."""
    chance = random.Random(5)
    hashes = [chance.randbytes(32) for _ in range(leaves)]
    grown = append_leaves(0, hashes, lambda _: b"")
    tiles = [
        {"level": tile.level, "index": tile.index, "width": tile.width, "data": data}
        for tile, data in grown.tiles.items()
    ]
    with unit_of_work(EVERY_COURT) as session:
        session.execute(sa.delete(table_of(LogTile)))
        session.execute(sa.insert(table_of(LogTile)), tiles)
        session.execute(sa.update(LogState).values(next_index=leaves))
    now = runtime_of(app).clock.now()
    with signer_of(app) as signer, unit_of_work(EVERY_COURT) as session:
        (key,) = signer.folder.signers
        note = _note(key, leaves, grown.root)
        row = {"size": leaves, "root": grown.root, "note": note, "signed_at": now}
        session.execute(sa.insert(table_of(CheckpointRow)), row)
    spent = []
    with unit_of_work(EVERY_COURT, write=False) as session:
        for _ in range(PROOFS):
            index = chance.randrange(leaves)
            started = time.perf_counter()
            log.proof_of(session, index).to_text()
            spent.append((time.perf_counter() - started) * 1000)
    figure = median(spent)
    at = f"proof at {leaves:,} leaves, {name}"
    return Row("log", at, figure, "ms", goal=GOAL_PROOF_MS, better="less")


def _note(key: NoteSigner, size: int, root: bytes) -> str:
    return sign_note(Checkpoint(key.name, size, root).body(), [key]).to_text()


def _spent(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
