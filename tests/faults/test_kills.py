"""kill -9 of server and client at random moments of a sync, on both databases.

In the suite a short form; ``make faults`` sets ``TIEZHENG_FAULTS=full`` for 200 points on each.
A failing run prints its seed: ``TIEZHENG_FAULTS_SEED`` plays it again.
"""

from __future__ import annotations

import json
import os
import random
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from client_sdk import FieldClient
from deploy.demo.processes import flask_command, free_port, server_environment
from server.core.transactions import engine_options
from server.evidence.models import Blob, Evidence
from server.fieldlog.models import LogEntry
from storage.digest import Digest
from storage.factory import StorageConfig, build_stores
from tests.faults.killing import Server, officer
from tests.support.postgres import running_postgres

POINTS = 200 if os.environ.get("TIEZHENG_FAULTS") == "full" else 6
SEED = int(os.environ.get("TIEZHENG_FAULTS_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)

pytestmark = [pytest.mark.serial, pytest.mark.timeout(60 * 60 if POINTS > 6 else 300)]


def test_kills_on_sqlite(tmp_path: Path) -> None:
    campaign(tmp_path, "")


def test_kills_on_postgresql(tmp_path: Path) -> None:
    durable = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}
    with running_postgres(durable) as postgres:
        campaign(tmp_path, postgres.create_database().url)


def campaign(folder: Path, database_url: str) -> None:
    """Kill at ``POINTS`` moments, let the client finish, then hold both sides together."""
    print(f"seed {SEED}, {POINTS} points")
    chance = random.Random(SEED)
    extra = {"TIEZHENG_DATABASE_URL": database_url} if database_url else {}
    environment = server_environment(folder / "server", free_port(), extra)
    url = environment["TIEZHENG_PUBLIC_URL"]
    seed = json.loads(flask_command(environment, "demo", "--json"))["officer"]
    server = Server(environment, folder / "server.log")
    server.start()
    try:
        with FieldClient(url, store=folder / "store", secrets=None) as field:
            field.enrol(seed["code"], name="手机(虚构)")
            field.sign_in(seed["login"], seed["password"])
            field.pull()
        points = 0
        while points < POINTS:
            with officer(folder, url, seed["case_id"], "--seed", str(SEED + points)) as process:
                while points < POINTS:
                    time.sleep(chance.uniform(0.05, 1.5))
                    assert process.poll() is None, (folder / "officer.log").read_text()[-3000:]
                    points += 1
                    if chance.random() < 0.5:
                        break  # kills the client
                    server.kill()
                    server.start()
        with officer(folder, url, seed["case_id"], "--finish") as process:
            done = process.wait(1200)
        assert done == 0, (folder / "officer.log").read_text()[-3000:]
    finally:
        server.stop()
    hold_together(folder, environment)


def hold_together(folder: Path, environment: dict[str, str]) -> None:
    """The oracle: acknowledged ⇒ there, once; row ⇒ bytes; receipt ⇒ evidence."""
    lines = (folder / "acked.log").read_text().splitlines()
    acked = {tuple(line.split()) for line in lines}
    assert len(acked) == len(lines) > 0
    url = environment.get("TIEZHENG_DATABASE_URL") or (
        f"sqlite:///{folder / 'server' / 'tiezheng.db'}"
    )
    engine = sa.create_engine(url, **engine_options(url))
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.text("SELECT set_config('app.court', '*', true)"))
        evidence = connection.execute(
            sa.select(Evidence.ep, Evidence.seq, Evidence.sha256, Evidence.state)
        ).all()
        notes = connection.execute(sa.select(LogEntry.ep, LogEntry.seq)).all()
        blobs = connection.execute(sa.select(Blob.sha256, Blob.size_bytes)).all()
    engine.dispose()
    stored = [(str(row.ep), str(row.seq), row.sha256) for row in evidence]
    stored += [(str(row.ep), str(row.seq), "-") for row in notes]
    assert len(stored) == len(set(stored)), "something is there twice"
    assert acked <= set(stored), f"acknowledged, then lost: {sorted(acked - set(stored))[:5]}"
    assert {row.state for row in evidence} == {"verified"}
    store = build_stores(StorageConfig(kind="local", root=folder / "server")).blobs
    for row in blobs:
        assert store.verify(Digest(row.sha256)).size_bytes == row.size_bytes
    assert {row.sha256 for row in evidence} == {row.sha256 for row in blobs}
    with FieldClient(store=folder / "store", secrets=None) as field:
        receipted = {(str(r.ep), str(r.seq), r.sha256 or "-") for r, _ in field.receipts()}
    assert acked <= receipted
