"""kill -9 of sequencer and signer at random moments: nothing is lost, and there is no fork.

In the suite a short form; ``make faults`` sets ``TIEZHENG_FAULTS=full`` for 25 points on each
database.  A failing run prints its seed: ``TIEZHENG_FAULTS_SEED`` plays it again.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from client_sdk.protocol.tlog.checkpoints import Checkpoint, open_checkpoint
from client_sdk.protocol.tlog.merkle import EMPTY_ROOT
from client_sdk.protocol.tlog.notes import parse_note, parse_vkey
from server.audit import log
from server.audit.models import CheckpointRow, Event, OutboxRow, RefusedRow, SignerState
from server.audit.rebuild import rebuild_tiles
from server.core.transactions import EVERY_COURT, unit_of_work
from server.settings import PREFIX, Settings
from server.witness.state import WitnessFolder
from server.witness.wire import format_request
from server.witness.witness import Witness
from tests.factories.cases import add_case
from tests.factories.identity import World
from tests.factories.log import signer_of, write_events
from tests.meta.tree import ROOT

POINTS = 25 if os.environ.get("TIEZHENG_FAULTS") == "full" else 3
SEED = int(os.environ.get("TIEZHENG_FAULTS_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
BATCH = 40
PATIENCE_SECONDS = 60

pytestmark = [pytest.mark.serial, pytest.mark.timeout(60 * 30 if POINTS > 3 else 300)]


@pytest.fixture
def environment(settings: Settings) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return {
        **own,
        f"{PREFIX}DATA_DIR": str(settings.data_dir),
        f"{PREFIX}DATABASE_URL": settings.database_url,
        f"{PREFIX}PUBLIC_URL": settings.public_url,
        f"{PREFIX}SANDBOX": "process",
        f"{PREFIX}LOG_LEVEL": "error",
        "PYTHONPATH": str(ROOT),
    }


@contextmanager
def running(environment: dict[str, str], log_file: Path, *names: str) -> Iterator[None]:
    """Commands of the server, killed with SIGKILL at the end of the block."""
    with log_file.open("ab") as sink:
        processes = [
            subprocess.Popen(
                [sys.executable, "-m", "flask", "--app", "wsgi", name],
                env=environment, cwd=ROOT, stdout=sink, stderr=sink,
            )
            for name in names
        ]  # fmt: skip
    try:
        yield
        assert [process.poll() for process in processes] == [None] * len(names), (
            log_file.read_text()[-3000:]
        )
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.wait()


class Writer(threading.Thread):
    """Commits events without end and counts what was acknowledged."""

    def __init__(self, app: Flask, world: World) -> None:
        super().__init__(daemon=True)
        self._app = app
        self._court_id = world.first.id
        self._case_id = add_case(app, world.first.id, serial=21)
        self._ended = threading.Event()
        self.committed = 1

    def run(self) -> None:
        with self._app.app_context():
            while not self._ended.is_set():
                write_events(self._app, self._court_id, BATCH, self._case_id)
                self.committed += BATCH
                self._ended.wait(0.05)

    def stop(self) -> int:
        self._ended.set()
        self.join()
        return self.committed


def test_kills_of_sequencer_and_signer_leave_one_log(
    app: Flask, environment: dict[str, str], tmp_path: Path
) -> None:
    print(f"seed {SEED}, {POINTS} points")
    chance = random.Random(SEED)
    writer = Writer(app, World.build(app))
    writer.start()
    noted: list[tuple[int, bytes]] = []
    try:
        for _ in range(POINTS):
            with running(environment, tmp_path / "log", "worker", "signer"):
                wait_for(lambda: newest() not in {None, *noted[-1:]})
                time.sleep(chance.uniform(0, 0.8))
            found = newest()
            assert found is not None
            noted.append(found)
    finally:
        committed = writer.stop()
    with running(environment, tmp_path / "log", "worker", "signer"):
        wait_for(lambda: is_done(committed))
    hold_together(app, committed, noted, tmp_path / "witness")


def newest() -> tuple[int, bytes] | None:
    with unit_of_work(EVERY_COURT, write=False) as session:
        found = log.newest_checkpoint(session)
        return None if found is None else (found.size, found.root)


def is_done(committed: int) -> bool:
    with unit_of_work(EVERY_COURT, write=False) as session:
        waits = session.execute(sa.select(OutboxRow.id).limit(1)).first() is not None
        size = log.size_of(session)
        return not waits and size >= committed and log.levels(session).signed == size


def wait_for(there: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not there():
        assert time.monotonic() < deadline, how_it_stands()
        time.sleep(0.05)


def how_it_stands() -> str:
    """For the reader of a failure."""
    with unit_of_work(EVERY_COURT, write=False) as session:
        waiting = session.execute(sa.select(sa.func.count()).select_from(OutboxRow)).scalar_one()
        signer = session.get(SignerState, 1)
        said = (signer.size, signer.refusal, signer.detail, signer.seen_at) if signer else None
        return f"outbox {waiting}, log {log.size_of(session)}, signer {said}"


def hold_together(app: Flask, committed: int, noted: list[tuple[int, bytes]], folder: Path) -> None:
    """Every event once, one tree, every head that was ever shown a beginning of the next."""
    with signer_of(app) as signer:
        vkeys = signer.folder.vkeys
    witness = Witness(WitnessFolder.create(folder, "witness.example"))
    witness.trust(parse_vkey(vkeys[0]))
    with unit_of_work(EVERY_COURT, write=False) as session:
        assert session.execute(sa.select(RefusedRow)).first() is None
        assert session.get_one(SignerState, 1).refusal is None
        events = session.execute(sa.select(Event.log_index, Event.hid).order_by(Event.log_index))
        rows = events.all()
        assert [row.log_index for row in rows] == list(range(len(rows)))
        assert len({row.hid for row in rows}) == len(rows) >= committed
        assert rebuild_tiles(session, vkeys=vkeys) == []
        notes = session.execute(sa.select(CheckpointRow.note).order_by(CheckpointRow.size))
        heads = [Checkpoint("none", 0, EMPTY_ROOT)]
        for (text,) in notes:
            old, new = heads[-1], open_checkpoint(parse_note(text), parse_vkey(vkeys[0]))
            proof = log.consistency(session, old.size, new.size)
            witness.add_checkpoint(format_request(old.size, proof, text))
            heads.append(new)
    assert set(noted) <= {(head.size, head.root) for head in heads}
