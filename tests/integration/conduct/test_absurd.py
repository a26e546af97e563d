"""Devices that say absurd things: what they sent is taken, and nobody else waits for it."""

from __future__ import annotations

import uuid

import pytest
from flask import Flask

from server.conduct.due import Judger
from server.conduct.models import ConductCheck, DueAction
from server.core.transactions import unit_of_work
from tests.factories.cases import add_case
from tests.factories.field import Recorder
from tests.factories.identity import World, runtime_of

HUGE_FEN = 2**53 - 1
ITEMS = 1_030  # together more than a column of 64 bits holds


@pytest.fixture
def world(app: Flask) -> World:
    return World.build(app)


@pytest.fixture
def case(world: World) -> uuid.UUID:
    return add_case(world.app, world.first.id, handler_id=world.first.officer.id)


def test_values_beyond_all_money_stop_no_chain(world: World, case: uuid.UUID) -> None:
    phone, action = Recorder(world.app, world.first.phone), str(uuid.uuid4())
    data = {
        "kind": "deposit", "from_on": "2026-01-05", "until_on": "2026-12-31",
        "value_fen": HUGE_FEN,
    }  # fmt: skip
    entry = {"data": data, "action": action}
    payload = phone.payload("action.seizure", case=str(case), entry=entry)
    wires = [phone.seal(payload) for _ in range(ITEMS)]
    for start in range(0, ITEMS, 200):
        assert set(phone.outcomes(wires[start : start + 200])) == {"accepted"}
    found = world.caller(world.first.officer).get(f"/cases/{case}/state").get_json()
    assert found["amounts"]["controlled_fen"] == ITEMS * HUGE_FEN


def test_a_clock_at_the_end_of_all_years(world: World, case: uuid.UUID) -> None:
    phone, action = Recorder(world.app, world.first.phone), str(uuid.uuid4())
    far = phone.times(wall="9999-12-31T20:00:00.000+00:00", suspend=False)
    said: list[tuple[str, dict[str, str]]] = [
        ("action.started", {"type": "seal"}),
        ("action.ended", {}),
    ]
    wires = [
        phone.seal(
            phone.payload(act, case=str(case), t=far, entry={"data": data, "action": action})
        )
        for act, data in said
    ]
    assert phone.outcomes(wires) == ["accepted", "accepted"]
    answer = world.caller(world.first.officer).get(f"/actions/{action}/checks")
    assert answer.status_code == 200, answer.text
    Judger(runtime_of(world.app)).turn()
    with unit_of_work(world.first.id, write=False) as session:
        assert session.query(ConductCheck).count() > 0
        assert session.query(DueAction).count() == 0
