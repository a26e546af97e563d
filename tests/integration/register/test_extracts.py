"""An action begun on one device is there on the next one."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from server.core.clock import FixedClock
from tests.factories.cases import add_case
from tests.factories.field import Recorder, sequence
from tests.factories.identity import Caller, World


@pytest.fixture
def world(app: Flask) -> World:
    return World.build(app)


@pytest.fixture
def case(world: World) -> uuid.UUID:
    return add_case(world.app, world.first.id, handler_id=world.first.officer.id)


def pull(caller: Caller, cursor: str | None = None) -> tuple[dict[str, Any], str]:
    """Actions of each case that came, and the next cursor."""
    answer = caller.get("/sync/pull" + (f"?cursor={cursor}" if cursor else ""))
    assert answer.status_code == 200, answer.text
    page = answer.get_json()
    assert not page["has_more"]
    cases = {one["id"]: one["data"] for one in page["changes"] if one["kind"] == "case"}
    return {key: data["actions"] for key, data in cases.items() if data}, page["cursor"]


def test_a_record_of_one_device_reaches_another(
    app: Flask, world: World, case: uuid.UUID, clock: FixedClock
) -> None:
    second = world.caller(world.first.officer, world.first.dock)
    sequence(app)
    before, cursor = pull(second)
    assert before == {str(case): []}
    phone, action = Recorder(app, world.first.phone), str(uuid.uuid4())
    entry = {"data": {"type": "search", "place": "东坡村(虚构)"}, "action": action}
    phone.push([phone.seal(phone.payload("action.started", case=str(case), entry=entry))])
    sequence(app)
    after, cursor = pull(second, cursor)
    (found,) = after[str(case)]
    assert (found["id"], found["state"], found["place"]) == (action, "started", "东坡村(虚构)")
    (begun,) = found["entries"]
    assert (begun["record_hid"], begun["data"]["type"]) == (phone.prev, "search")
    # By hand as well, and long afterwards it is no longer carried about.
    ended = {"kind": "action.ended", "data": {}, "action_id": action}
    officer = world.caller(world.first.officer)
    assert officer.post(f"/cases/{case}/entries", json=ended).status_code == 201
    sequence(app)
    again, _ = pull(world.caller(world.first.officer, world.first.dock), cursor)
    assert again[str(case)][0]["state"] == "ended"
    clock.advance(timedelta(days=31))
    assert pull(world.caller(world.first.officer, world.first.dock))[0] == {str(case): []}


def test_what_is_about_the_case_alone_tells_nobody(
    app: Flask, world: World, case: uuid.UUID
) -> None:
    second = world.caller(world.first.officer, world.first.dock)
    sequence(app)
    _, cursor = pull(second)
    phone = Recorder(app, world.first.phone)
    data = {"on": "2026-03-02", "with": "某(虚构)", "content": "释明(虚构)"}
    phone.push([phone.seal(phone.payload("case.persuasion", case=str(case), entry={"data": data}))])
    sequence(app)
    assert pull(second, cursor)[0] == {}
