"""Health, readiness and metrics: each part goes red alone and says what to do."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from server.app import create_app
from server.audit import sequencer
from server.audit.models import LogState
from server.core.clock import FixedClock
from server.core.context import Context, system_actor
from server.core.db import db
from server.core.keyring import EVENT
from server.core.transactions import EVERY_COURT, unit_of_work
from server.identity.models import Court
from server.settings import Settings
from tests.factories.cases import add_case, believe
from tests.factories.identity import runtime_of
from tests.factories.log import enter_events, sign_log
from tests.meta.tree import ROOT
from tests.support.ports import free_port

PARTS = {"database", "blobs", "space", "keys", "audit", "log"}


@contextmanager
def second_app(settings: Settings, clock: FixedClock, **changes: Any) -> Iterator[Flask]:
    """Another process on the same database and folder, with other settings."""
    app = create_app(replace(settings, **changes), clock=clock)
    yield app
    with app.app_context():
        db.engine.dispose()


def red(app: Flask, clock: FixedClock) -> dict[str, Any]:
    """The red parts, asked anew."""
    clock.advance(timedelta(seconds=2))
    answer = app.test_client().get("/readyz")
    parts: dict[str, Any] = answer.get_json()["parts"]
    assert set(parts) == PARTS
    found = {name: part for name, part in parts.items() if not part["ok"]}
    assert answer.status_code == (503 if found else 200)
    assert answer.get_json()["ready"] is not bool(found)
    assert ("Retry-After" in answer.headers) == bool(found)
    assert all(part["detail"] for part in found.values())
    return found


def test_a_fresh_server_is_ready(app: Flask, clock: FixedClock) -> None:
    assert red(app, clock) == {}


def test_waiting_events_make_it_red_until_the_worker_moves_them(
    app: Flask, clock: FixedClock
) -> None:
    bench = believe(app)
    add_case(app, bench.court())
    assert red(app, clock) == {}
    clock.advance(timedelta(seconds=301))
    found = red(app, clock)
    assert set(found) == {"audit"}
    assert found["audit"]["waiting"] == 1
    assert found["audit"]["lag_seconds"] > 300
    with unit_of_work(EVERY_COURT) as session:
        sequencer.sequence(session, runtime_of(app))
    assert red(app, clock) == {}


def test_a_missing_key_is_named(app: Flask, clock: FixedClock, settings: Settings) -> None:
    for path in (settings.data_dir / "keys").glob(f"{EVENT}-*.pem"):
        path.rename(path.with_suffix(".away"))
    assert set(red(app, clock)) == {"keys", "audit"}


def test_a_store_that_cannot_be_written_is_named(
    app: Flask, clock: FixedClock, settings: Settings
) -> None:
    settings.data_dir.rename(settings.data_dir.with_name("away"))
    assert set(red(app, clock)) == {"blobs", "space", "keys", "audit"}


def test_a_full_volume_is_named(settings: Settings, app: Flask, clock: FixedClock) -> None:
    with second_app(settings, clock, spool_used_ratio_max=1e-9) as tight:
        assert set(red(tight, clock)) == {"space"}


def test_the_disk_is_not_probed_at_every_question(app: Flask, clock: FixedClock) -> None:
    assert red(app, clock) == {}
    shutil.rmtree(app.extensions["tiezheng"].settings.data_dir / "keys")
    assert app.test_client().get("/readyz").status_code == 200
    clock.advance(timedelta(seconds=2))
    assert app.test_client().get("/readyz").status_code == 503


@pytest.fixture
def orphan(tmp_path: Path, clock: FixedClock) -> Flask:
    """A server whose database does not answer."""
    url = f"postgresql+psycopg://nobody@127.0.0.1:{free_port()}/none"
    settings = Settings(data_dir=tmp_path / "data", database_url=url, log_level="error")
    app = create_app(settings, clock=clock)
    app.extensions["tiezheng"].keyring.initialise()
    return app


def test_without_its_database_it_lives_and_is_not_ready(orphan: Flask, clock: FixedClock) -> None:
    client = orphan.test_client()
    assert client.get("/healthz").status_code == 200
    assert set(red(orphan, clock)) == {"database", "audit", "log"}
    assert "nobody" not in client.get("/readyz").text
    metrics = client.get("/metrics")
    assert metrics.status_code == 200
    assert "tiezheng_database_up 0.0" in metrics.text
    assert "tiezheng_outbox_length" not in metrics.text
    assert client.get("/").status_code == 200
    assert client.get("/docs").status_code == 200


def test_the_metrics_tell_the_state(app: Flask) -> None:
    add_case(app, believe(app).court())
    text = app.test_client().get("/metrics").text
    gauges = dict(
        line.rsplit(" ", 1)
        for line in text.splitlines()
        if line.startswith("tiezheng_") and "{" not in line
    )
    assert float(gauges["tiezheng_outbox_length"]) == 1
    assert float(gauges["tiezheng_database_up"]) == 1
    assert 0 < float(gauges["tiezheng_spool_used_ratio"]) < 1
    for name in ("held_records", "uploads_receiving", "evidence_missing", "outbox_lag_seconds"):
        assert float(gauges[f"tiezheng_{name}"]) == 0
    assert "tiezheng_requests_total" in text


def test_the_metrics_are_for_this_host(app: Flask) -> None:
    client = app.test_client()
    elsewhere = {"environ_base": {"REMOTE_ADDR": "192.0.2.7"}}
    assert client.get("/metrics").status_code == 200
    assert client.get("/metrics", environ_base={"REMOTE_ADDR": "::1"}).status_code == 200
    refused = client.get("/metrics", **elsewhere)
    assert (refused.status_code, refused.mimetype) == (403, "application/problem+json")
    assert client.get("/metrics", headers={"X-Forwarded-For": "192.0.2.7"}).status_code == 403


def test_or_for_who_has_the_token(settings: Settings, app: Flask, clock: FixedClock) -> None:
    with second_app(settings, clock, metrics_token="scrape-me") as guarded:
        client = guarded.test_client()
        assert client.get("/metrics").status_code == 403
        for bad in ("Bearer scrape", "scrape-me", "Basic scrape-me", "Bearer é"):
            assert client.get("/metrics", headers={"Authorization": bad}).status_code == 403
        sent = {"Authorization": "Bearer scrape-me", "X-Forwarded-For": "192.0.2.7"}
        assert client.get("/metrics", headers=sent).status_code == 200


WORKER = """
import sys
from pathlib import Path
from server.app import create_app
from server.settings import Settings
from tests.factories.identity import runtime_of
from tests.factories.log import enter_events, sign_log
app = create_app(Settings(data_dir=Path(sys.argv[1]), log_level="error"))
client = app.test_client()
client.get("/healthz")
print(client.get("/metrics").get_data(as_text=True))
"""


def test_several_processes_count_together(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    env = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(shared), "PYTHONPATH": str(ROOT)}
    texts = [
        subprocess.run(
            [sys.executable, "-c", WORKER, str(tmp_path / "data")],
            env=env, check=True, capture_output=True, text=True,
        ).stdout
        for _ in range(2)
    ]  # fmt: skip
    counted = 'tiezheng_requests_total{route="/healthz",status="200"} '
    assert [counted + "1.0" in texts[0], counted + "2.0" in texts[1]] == [True, True]
    assert "tiezheng_spool_used_ratio" in texts[1]


def test_a_court_alone_does_not_make_an_event(app: Flask) -> None:
    """The helper of these tests writes rows, so that one event is one event."""
    court = believe(app).court()
    with unit_of_work(court) as session:
        ctx = Context(system_actor(court), session, app.extensions["tiezheng"])
        assert ctx.session.get(Court, court) is not None
    assert "tiezheng_outbox_length 0.0" in app.test_client().get("/metrics").text


def test_the_log_part_says_when_nobody_signs_and_when_the_signer_refuses(
    app: Flask, clock: FixedClock
) -> None:
    def part() -> dict[str, Any]:
        clock.advance(timedelta(seconds=2))
        found: dict[str, Any] = app.test_client().get("/readyz").get_json()["parts"]["log"]
        return found

    court_id = believe(app).court()
    assert part()["degraded"] is False
    enter_events(app, court_id, 3)
    assert (part()["signing"], part()["degraded"]) == ("absent", True)
    size = sign_log(app)
    assert (part()["signing"], part()["signed"], part()["degraded"]) == ("current", size, False)
    enter_events(app, court_id, 1)
    clock.advance(timedelta(seconds=61))
    assert part()["signing"] == "behind"
    with unit_of_work(EVERY_COURT) as session:
        session.execute(sa.update(LogState).values(next_index=size - 1))
    sign_log(app)
    found = part()
    assert (found["ok"], found["signing"]) == (True, "refuses")
    assert "older backup" in found["detail"]
