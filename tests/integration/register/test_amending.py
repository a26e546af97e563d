"""What may take the place of an entry: the same thing said better, by who may say it, once."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from flask import Flask

from tests.factories.cases import add_case
from tests.factories.field import Recorder
from tests.factories.identity import World
from tests.factories.identity_rows import Person


@pytest.fixture
def world(app: Flask) -> World:
    return World.build(app)


@pytest.fixture
def case(world: World) -> uuid.UUID:
    return add_case(world.app, world.first.id, handler_id=world.first.officer.id)


def write(
    world: World, case: uuid.UUID, kind: str, data: Any, who: Person | None = None, **more: Any
) -> Any:
    caller = world.caller(who or world.first.officer)
    body = {"kind": kind, "data": data, **more}
    return caller.post(f"/cases/{case}/entries", json=body)


def written(*given: Any, **more: Any) -> Any:
    answer = write(*given, **more)
    assert answer.status_code == 201, answer.text
    return answer.get_json()


def status_of(world: World, case: uuid.UUID) -> str:
    answer = world.caller(world.first.officer).get(f"/cases/{case}")
    return str(answer.get_json()["status"])


def finding(fact: str, *, holds: bool) -> dict[str, Any]:
    return {"on": "2025-09-01", "fact": fact, "holds": holds, "ground": "笔录(虚构)"}


def test_nobody_takes_back_the_word_of_the_president(world: World, case: uuid.UUID) -> None:
    refused = finding("president_approved", holds=False)
    said = written(world, case, "case.condition", refused, world.first.president)
    other = finding("debtor_found", holds=True)
    answer = write(world, case, "case.condition", other, amends_id=said["id"])
    assert answer.status_code == 403
    written(world, case, "case.condition", other, world.first.president, amends_id=said["id"])


def test_an_entry_is_amended_once(world: World, case: uuid.UUID) -> None:
    money = {"on": "2025-09-01", "amount_fen": 100}
    first = written(world, case, "case.received", money)
    second = written(world, case, "case.received", money, amends_id=first["id"])
    answer = write(world, case, "case.received", money, amends_id=first["id"])
    assert answer.status_code == 409
    written(world, case, "case.received", money, amends_id=second["id"])
    state = world.caller(world.first.officer).get(f"/cases/{case}/state").get_json()
    assert state["amounts"]["received_fen"] == 100


def test_entries_of_one_action_stay_when_another_is_put_right(
    world: World, case: uuid.UUID
) -> None:
    one, other = (written(world, case, "action.started", {"type": "seal"}) for _ in range(2))
    answer = write(world, case, "action.started", {"type": "seal"},
                   action_id=other["action_id"], amends_id=one["id"])  # fmt: skip
    assert answer.status_code == 409
    phone = Recorder(world.app, world.first.phone)
    actions = [str(uuid.uuid4()) for _ in range(2)]
    first = phone.seal(_started(phone, case, actions[0]))
    second = phone.seal(_started(phone, case, actions[1], amends=phone.prev))
    assert phone.outcomes([first, second]) == ["accepted", "accepted"]
    listed = world.caller(world.first.officer).get(f"/cases/{case}/entries?current=true")
    shown = {entry["action_id"] for entry in listed.get_json()["items"]}
    assert shown == {*actions, one["action_id"], other["action_id"]}


def _started(phone: Recorder, case: uuid.UUID, action: str, **more: Any) -> dict[str, Any]:
    entry = {"data": {"type": "seal"}, "action": action, **more}
    return phone.payload("action.started", case=str(case), entry=entry)


def test_putting_an_old_step_right_moves_no_case(world: World, case: uuid.UUID) -> None:
    pause = {"on": "2025-05-01", "reason": "协商(虚构)"}
    first = written(world, case, "case.deferred", pause)
    written(world, case, "case.continued", {"on": "2025-06-01", "reason": "未果(虚构)"})
    written(world, case, "case.deferred", {**pause, "reason": "担保(虚构)"}, amends_id=first["id"])
    assert status_of(world, case) == "enforcing"
