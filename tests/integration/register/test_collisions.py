"""Ids that two devices make: of one action at the same moment, or of another court's action."""

from __future__ import annotations

import threading
import uuid
from typing import Any

import pytest
from flask import Flask

from server.core.transactions import unit_of_work
from server.register.models import Action, Entry
from server.sync import push
from tests.factories.cases import add_case
from tests.factories.field import Recorder, field_unit
from tests.factories.identity import World


@pytest.fixture
def world(app: Flask) -> World:
    return World.build(app)


def begun(
    recorder: Recorder, case: uuid.UUID, action: str, act: str, **data: Any
) -> dict[str, str]:
    entry = {"data": data, "action": action}
    return recorder.seal(recorder.payload(act, case=str(case), entry=entry))


def test_two_devices_begin_one_action_at_the_same_moment(world: World) -> None:
    court = world.first
    case = add_case(world.app, court.id, handler_id=court.officer.id)
    phone, dock = Recorder(world.app, court.phone), Recorder(world.app, court.dock)
    action = str(uuid.uuid4())
    first = begun(phone, case, action, "action.started", type="seal")
    second = begun(dock, case, action, "action.ended")
    outcomes: list[str] = []

    def other() -> None:
        with world.app.app_context():
            outcomes.extend(dock.outcomes([second]))

    thread = threading.Thread(target=other)
    with field_unit(world.app, court.phone) as ctx:
        assert push.push(ctx, [first])["results"][0]["outcome"] == "accepted"
        thread.start()
        thread.join(0.5)  # it waits for us, on either database
        assert outcomes == []
    thread.join(30)
    assert outcomes == ["accepted"]
    with unit_of_work(court.id, write=False) as session:
        found = session.get_one(Action, uuid.UUID(action))
        assert (found.type, found.state) == ("seal", "ended")
        assert found.begins_at is not None
        assert found.ends_at is not None


def test_an_action_id_of_another_court_spoils_nothing(world: World) -> None:
    action = str(uuid.uuid4())
    for court in (world.first, world.second):
        case = add_case(world.app, court.id, handler_id=court.officer.id)
        phone = Recorder(world.app, court.phone)
        wires = [
            begun(phone, case, action, "action.started", type="seal"),
            phone.note(case=str(case)),
        ]
        assert phone.outcomes(wires) == ["accepted", "accepted"]
    with unit_of_work(world.first.id, write=False) as session:
        assert session.get_one(Action, uuid.UUID(action)).court_id == world.first.id
        assert session.query(Entry).filter_by(court_id=world.first.id).one().action_id is not None
    with unit_of_work(world.second.id, write=False) as session:
        assert session.query(Action).filter_by(court_id=world.second.id).count() == 0
        assert session.query(Entry).filter_by(court_id=world.second.id).one().action_id is None
