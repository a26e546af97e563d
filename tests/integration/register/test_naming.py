"""What entries name has to belong to the court and to the case."""

from __future__ import annotations

import uuid

import pytest
from flask import Flask

from server.core.transactions import unit_of_work
from server.register.models import Action
from tests.factories.cases import add_case, add_mission
from tests.factories.field import Recorder
from tests.factories.identity import World


@pytest.fixture
def world(app: Flask) -> World:
    return World.build(app)


@pytest.fixture
def case(world: World) -> uuid.UUID:
    return add_case(world.app, world.first.id, handler_id=world.first.officer.id)


@pytest.fixture
def elsewhere(world: World) -> uuid.UUID:
    """A mission of the same officer, for another case."""
    officer = world.first.officer.id
    other = add_case(world.app, world.first.id, serial=12, handler_id=officer)
    return add_mission(world.app, world.first.id, [other], officer_ids=[officer])


def test_people_named_by_id_are_of_the_court(world: World, case: uuid.UUID) -> None:
    officer = world.caller(world.first.officer)
    begun = {"kind": "action.started", "data": {"type": "seal"}}
    action = officer.post(f"/cases/{case}/entries", json=begun).get_json()["action_id"]
    for person, status in ((world.first.police, 201), (world.second.police, 422)):
        people = [{"id": str(person.id), "role": "police"}]
        entry = {"kind": "action.people", "data": {"people": people}, "action_id": action}
        assert officer.post(f"/cases/{case}/entries", json=entry).status_code == status


def test_a_mission_for_another_case_is_refused(
    world: World, case: uuid.UUID, elsewhere: uuid.UUID
) -> None:
    begun = {"kind": "action.started", "data": {"type": "seal"}, "mission_id": str(elsewhere)}
    answer = world.caller(world.first.officer).post(f"/cases/{case}/entries", json=begun)
    assert answer.status_code == 422


def test_a_device_that_names_one_gets_an_action_without(
    world: World, case: uuid.UUID, elsewhere: uuid.UUID
) -> None:
    phone, action = Recorder(world.app, world.first.phone), uuid.uuid4()
    entry = {"data": {"type": "seal"}, "action": str(action)}
    payload = phone.payload("action.started", case=str(case), mission=str(elsewhere), entry=entry)
    assert phone.outcomes([phone.seal(payload)]) == ["accepted"]
    with unit_of_work(world.first.id, write=False) as session:
        assert session.get_one(Action, action).mission_id is None
