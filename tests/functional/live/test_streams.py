"""Streams of a real server with two processes and a worker: nothing is lost, nothing repeated."""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from flask import Flask

from server.core.cookies import Kind, cookie_name
from server.core.transactions import EVERY_COURT, unit_of_work
from server.identity.models import SignIn
from tests.conftest import fresh_database
from tests.factories.console import session_secret
from tests.factories.identity import runtime_of
from tests.factories.live import Outing
from tests.support.live import LiveServer, running
from tests.support.sse import Fleet, Reader

READERS = 60
DROPS = 50
ENTRIES = 30
PATIENCE_SECONDS = 120


@dataclass
class Scene:
    """A server with a mission under way."""

    server: LiveServer
    outing: Outing
    secrets: list[str] = field(default_factory=list)

    @property
    def path(self) -> str:
        return f"/api/v1/live/missions/{self.outing.mission}/stream"

    def fleet(self, count: int) -> Fleet:
        """Supervisors, each with a sign-in of their own."""
        name = cookie_name(self.server.settings, Kind.STAFF)
        supervisor = self.outing.court.supervisor
        readers = [
            Reader(f"{name}={session_secret(self.server.app, supervisor)}") for _ in range(count)
        ]
        fleet = Fleet("127.0.0.1", self.server.port, self.path, readers)
        for reader in readers:
            fleet.connect(reader)
        return fleet


@pytest.fixture(
    params=[("sqlite", "gthread"), ("postgresql", "gthread"), ("postgresql", "gevent")],
    ids="-".join,
)
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Scene]:
    kind, worker_class = request.param
    url = fresh_database(request, kind, tmp_path)
    made: list[Outing] = []

    def fill(app: Flask) -> None:
        made.append(Outing.build(app))
        made[0].start()

    with running(
        tmp_path, url, worker=True, fill=fill, web_processes=2, web_threads=160,
        web_worker_class=worker_class,
    ) as server:  # fmt: skip
        yield Scene(server, made[0])


def patience() -> float:
    return time.monotonic() + PATIENCE_SECONDS


def test_every_reader_gets_every_entry_once_over_forced_drops(scene: Scene) -> None:
    fleet = scene.fleet(READERS)
    chance = random.Random(5)

    def write() -> None:
        with scene.server.app.app_context():
            for number in range(ENTRIES):
                scene.outing.note(f"第{number}次宣读(虚构)")

    writer = threading.Thread(target=write)
    writer.start()
    deadline = patience()

    def sometimes_drop() -> None:
        if fleet.drops < DROPS:
            fleet.drop(chance.choice(fleet.readers))

    def done() -> bool:
        complete = all(len(reader.received) >= ENTRIES for reader in fleet.readers)
        return (complete and fleet.drops >= DROPS) or time.monotonic() > deadline

    fleet.run(done, sometimes_drop)
    writer.join()
    fleet.close()
    got = {tuple(position for position, _ in reader.received) for reader in fleet.readers}
    assert got == {tuple(range(1, ENTRIES + 1))}
    assert {status for reader in fleet.readers for status in reader.statuses} == {200}
    assert fleet.drops == DROPS


def test_a_sign_in_that_is_revoked_ends_its_streams_and_no_others(scene: Scene) -> None:
    scene.outing.note()
    fleet = scene.fleet(8)
    deadline = patience()
    fleet.run(lambda: all(one.received for one in fleet.readers) or time.monotonic() > deadline)
    runtime = runtime_of(scene.server.app)
    with unit_of_work(EVERY_COURT) as session:
        newest: uuid.UUID = session.query(SignIn.id).order_by(SignIn.id.desc()).first()[0]  # type: ignore[index]
        session.get_one(SignIn, newest).revoked_at = runtime.clock.now()
    revoked = fleet.readers[-1]
    fleet.run(lambda: len(revoked.statuses) > 1 or time.monotonic() > deadline)
    fleet.close()
    assert revoked.statuses[:2] == [200, 401]
    assert {tuple(one.statuses) for one in fleet.readers[:-1]} == {(200,)}
