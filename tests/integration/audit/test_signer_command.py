"""``flask --app wsgi signer`` as an operator runs it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from client_sdk.protocol.tlog.checkpoints import open_checkpoint
from client_sdk.protocol.tlog.notes import parse_note, parse_vkey
from server.audit import log
from server.audit.models import LogState
from server.core.transactions import EVERY_COURT, unit_of_work
from server.settings import Settings, SettingsError
from tests.factories.commands import run
from tests.factories.identity import World
from tests.factories.log import enter_events
from tests.support.live import ROOT, environment

PATIENCE_SECONDS = 60


def command(settings: Settings, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "wsgi", "signer", *arguments],
        env=environment(settings), cwd=ROOT, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def test_it_signs_until_it_is_told_to_stop(app: Flask, settings: Settings) -> None:
    court_id = World.build(app).first.id
    enter_events(app, court_id, 3)
    process = command(settings)
    try:
        for size in (3, 5):
            deadline = time.monotonic() + PATIENCE_SECONDS
            while signed() != size:
                assert time.monotonic() < deadline
                assert process.poll() is None
                time.sleep(0.05)
            if size == 3:
                enter_events(app, court_id, 2)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_SECONDS) == 0
    finally:
        process.kill()
        process.communicate()
    listed = json.loads(run(app, "signer", "--key", "--json").stdout)
    with unit_of_work(EVERY_COURT, write=False) as session:
        newest = log.newest_checkpoint(session)
    assert newest is not None
    (vkey,) = listed["vkeys"]
    assert open_checkpoint(parse_note(newest.note), parse_vkey(vkey)).size == 5


def signed() -> int:
    with unit_of_work(EVERY_COURT, write=False) as session:
        return log.levels(session).signed


def test_once_signs_what_is_there(app: Flask, settings: Settings) -> None:
    enter_events(app, World.build(app).first.id, 3)
    first = run(app, "signer", "--key")
    assert first.stdout.startswith("localhost/log+")
    assert json.loads(run(app, "signer", "--once", "--json").stdout) == {"size": 3}
    assert run(app, "signer", "--key").stdout == first.stdout


def test_a_folder_that_cannot_be_used_is_named(app: Flask, settings: Settings) -> None:
    folder = settings.signer_folder
    folder.mkdir(parents=True)
    (folder / "state.json").write_text("{}")
    done = run(app, "signer", "--once")
    assert done.exit_code == 3
    assert "restore the key" in done.stderr


def test_a_refusal_is_told(app: Flask) -> None:
    enter_events(app, World.build(app).first.id, 3)
    run(app, "signer", "--once")
    with unit_of_work(EVERY_COURT) as session:
        session.execute(sa.update(LogState).values(next_index=2))
    done = run(app, "signer", "--once", "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["error"] == "older-database"
    state = app.test_client().get("/api/v1/log/state").get_json()
    assert state["signing"] == "refuses"


def test_an_origin_that_is_no_name_is_refused(tmp_path: Path) -> None:
    env = {"TIEZHENG_LOG_ORIGIN": "a b", "TIEZHENG_DATA_DIR": str(tmp_path)}
    with pytest.raises(SettingsError, match="LOG_ORIGIN"):
        Settings.from_env(env)
