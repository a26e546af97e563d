"""The collector and real witnesses, over real connections: away, killed, back again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask

from server.audit import attestors, log
from server.audit.attestors import WITNESS, Standing
from server.audit.cosigning import Cosigner
from server.audit.outcalls import NoAnswerError, Outcalls
from server.core.clock import FixedClock
from server.core.transactions import EVERY_COURT, unit_of_work
from server.settings import Settings
from tests.factories.identity import World, runtime_of
from tests.factories.log import enter_events, sign_log, signer_of
from tests.factories.witnesses import with_policy
from tests.support.ports import free_port
from tests.support.witness import WitnessProcess, running_witness


@pytest.fixture
def clock() -> FixedClock:
    """Witnesses of their own process live in the present."""
    return FixedClock(datetime.now(UTC))


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    return replace(settings, witness_policy=str(tmp_path / "policy"))


@pytest.fixture
def world(app: Flask) -> World:
    world = World.build(app)
    enter_events(app, world.first.id, 30)
    sign_log(app)
    return world


@pytest.fixture
def pair(app: Flask, world: World, tmp_path: Path) -> Iterator[list[WitnessProcess]]:
    with signer_of(app) as signer:
        vkeys = signer.folder.vkeys
    with ExitStack() as stack:
        found = [
            stack.enter_context(running_witness(tmp_path / name, f"witness.example/{name}", *vkeys))
            for name in ("w1", "w2")
        ]
        lines = [f"log {vkey}" for vkey in vkeys]
        lines += [f"witness w{n} {one.vkey} {one.url}/" for n, one in enumerate(found, 1)]
        lines += ["group both all w1 w2", "quorum both"]
        with_policy(app, "".join(f"{line}\n" for line in lines))
        yield found


@pytest.fixture
def outcalls() -> Iterator[Outcalls]:
    calls = Outcalls()
    yield calls
    calls.close()


def level() -> str:
    with unit_of_work(EVERY_COURT, write=False) as session:
        found = log.newest_checkpoint(session)
    assert found is not None
    return found.level


def test_a_witness_that_is_killed_and_comes_back_is_asked_again(
    app: Flask, world: World, pair: list[WitnessProcess], outcalls: Outcalls, clock: FixedClock
) -> None:
    collector = Cosigner(runtime_of(app), outcalls.post)
    collector.turn()
    assert level() == "L2"
    pair[1].kill()
    enter_events(app, world.first.id, 5)
    sign_log(app)
    collector.turn()
    assert level() == "L1"
    with unit_of_work(EVERY_COURT, write=False) as session:
        stand = attestors.overview(session).of(WITNESS, "witness.example/w2")
    assert stand.standing is Standing.DOWN
    assert "ConnectError" in stand.detail
    pair[1].start()
    clock.advance(timedelta(seconds=10))
    collector.turn()
    assert level() == "L2"


def test_whatever_fails_on_the_way_is_one_error(outcalls: Outcalls) -> None:
    for url in (f"http://127.0.0.1:{free_port()}/", "http://", "nonsense", "ftp://127.0.0.1/"):
        with pytest.raises(NoAnswerError):
            outcalls.post(url, b"", "text/plain")
