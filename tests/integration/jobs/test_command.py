"""``flask --app wsgi worker`` as an operator runs it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from time import monotonic, sleep

import pytest
import sqlalchemy as sa
from flask import Flask

from server.audit.models import Event, OutboxRow, ReceiptRow
from server.core.transactions import EVERY_COURT, unit_of_work
from server.settings import PREFIX, Settings
from tests.factories.field import Recorder
from tests.factories.identity import World
from tests.meta.tree import ROOT

PATIENCE_SECONDS = 60


@pytest.fixture
def environment(settings: Settings) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return {
        **own,
        f"{PREFIX}DATA_DIR": str(settings.data_dir),
        f"{PREFIX}DATABASE_URL": settings.database_url,
        f"{PREFIX}PUBLIC_URL": settings.public_url,
        f"{PREFIX}SANDBOX": "process",
        "PYTHONPATH": str(ROOT),
        "LC_ALL": "C.UTF-8",
    }


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "flask", "--app", "wsgi", "worker", *arguments]


@contextmanager
def running(environment: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command(), env=dict(environment), cwd=ROOT)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(PATIENCE_SECONDS)


def waited(model: type, count: int) -> bool:
    """Whether the table gets so many rows before patience ends."""
    deadline = monotonic() + PATIENCE_SECONDS
    while monotonic() < deadline:
        with unit_of_work(EVERY_COURT, write=False) as session:
            if session.execute(sa.select(sa.func.count()).select_from(model)).scalar() == count:
                return True
        sleep(0.05)
    return False


def test_it_works_until_it_is_told_to_stop(app: Flask, environment: dict[str, str]) -> None:
    phone = Recorder(app, World.build(app).first.phone)
    phone.push([phone.note()])
    with running(environment) as process:
        assert waited(ReceiptRow, 1)
        phone.push([phone.note(), phone.note()])
        assert waited(ReceiptRow, 3)
        assert waited(OutboxRow, 0)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_SECONDS) == 0


def test_what_a_killed_worker_left_the_next_one_finishes(
    app: Flask, environment: dict[str, str]
) -> None:
    phone = Recorder(app, World.build(app).first.phone)
    with running(environment) as process:
        for _ in range(20):
            phone.push([phone.note() for _ in range(10)])
        process.kill()
        process.wait(PATIENCE_SECONDS)
    done = subprocess.run(
        command("--once", "--json"), env=environment, cwd=ROOT, check=False, capture_output=True
    )
    assert done.returncode == 0, done.stderr
    assert waited(OutboxRow, 0)
    with unit_of_work(EVERY_COURT, write=False) as session:
        seqs = session.execute(
            sa.select(Event.seq).where(Event.seq.is_not(None)).order_by(Event.log_index)
        ).scalars()
        assert list(seqs) == list(range(1, 201))
        receipts = session.execute(sa.select(ReceiptRow.seq)).scalars()
        assert sorted(receipts) == list(range(1, 201))


def test_an_empty_database_is_refused_with_a_next_step(
    environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("empty")
    environment |= {f"{PREFIX}DATA_DIR": str(folder), f"{PREFIX}DATABASE_URL": ""}
    done = subprocess.run(
        command(), env=environment, cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert done.returncode == 3
    assert "init" in done.stderr
