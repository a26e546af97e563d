"""The register: the same entries by hand and from a device offline."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from server.cases.commands import PartyCommand
from server.cases.parties import PartyKind, PartyRole
from server.core.clock import FixedClock
from server.core.transactions import unit_of_work
from server.register.models import Entry
from tests.factories.cases import add_case
from tests.factories.field import Recorder
from tests.factories.identity import World

PEOPLE = [
    {"name": "孙样例(虚构)", "role": "staff", "post": "enforcement_judge", "sex": "F"},
    {"name": "李演示(虚构)", "role": "staff", "post": "enforcement_officer", "sex": "M"},
]


@pytest.fixture
def world(app: Flask) -> World:
    return World.build(app)


@pytest.fixture
def case(world: World) -> uuid.UUID:
    return add_case(world.app, world.first.id, handler_id=world.first.officer.id)


def write(world: World, case: uuid.UUID, kind: str, data: Any, **more: Any) -> Any:
    body = {"kind": kind, "data": data, **more}
    return world.caller(world.first.officer).post(f"/cases/{case}/entries", json=body)


def record(
    recorder: Recorder, act: str, case: uuid.UUID, data: Any, **entry: Any
) -> dict[str, str]:
    payload = recorder.payload(act, case=str(case), entry={"data": data, **entry})
    return recorder.seal(payload)


def action_of(world: World, action: str) -> dict[str, Any]:
    answer = world.caller(world.first.officer).get(f"/actions/{action}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.get_json()
    return found


def test_by_hand(world: World, case: uuid.UUID, clock: FixedClock) -> None:
    planned = write(world, case, "action.planned", {"type": "seal", "place": "清河镇(虚构)"})
    assert planned.status_code == 201, planned.text
    action = planned.get_json()["action_id"]
    assert action_of(world, action)["state"] == "planned"
    began = clock.now()
    write(world, case, "action.started", {"type": "seal"}, action_id=action)
    write(world, case, "action.people", {"people": PEOPLE}, action_id=action)
    clock.advance(timedelta(hours=1))
    ended = write(world, case, "action.ended", {"result": "已查封(虚构)"}, action_id=action)
    assert ended.status_code == 201, ended.text
    found = action_of(world, action)
    assert (found["state"], found["place"], found["type"]) == ("ended", "清河镇(虚构)", "seal")
    assert found["begins_at"] == began.isoformat()
    listed = world.caller(world.first.officer).get(f"/cases/{case}/entries?action_id={action}")
    kinds = [entry["kind"] for entry in listed.get_json()["items"]]
    assert kinds == ["action.planned", "action.started", "action.people", "action.ended"]


def test_offline_comes_to_the_same(world: World, case: uuid.UUID, clock: FixedClock) -> None:
    phone, action = Recorder(world.app, world.first.phone), str(uuid.uuid4())
    wires = [
        record(phone, "action.started", case, {"type": "seal"}, action=action),
        record(phone, "action.people", case, {"people": PEOPLE}, action=action),
    ]
    clock.advance(timedelta(minutes=40))
    wires.append(record(phone, "action.ended", case, {}, action=action))
    assert phone.outcomes(wires) == ["accepted"] * 3
    found = action_of(world, action)
    assert (found["state"], found["type"]) == ("ended", "seal")
    log = world.caller(world.first.officer).get(f"/cases/{case}/log").get_json()["items"]
    assert [line["kind"] for line in log] == ["action.started", "action.people", "action.ended"]
    assert phone.outcomes(wires) == ["duplicate"] * 3
    with unit_of_work(world.first.id, write=False) as session:
        assert session.query(Entry).count() == 3


def test_the_end_may_come_before_the_beginning(world: World, case: uuid.UUID) -> None:
    phone, dock = Recorder(world.app, world.first.phone), Recorder(world.app, world.first.dock)
    action = str(uuid.uuid4())
    begin = record(phone, "action.started", case, {"type": "search"}, action=action)
    end = record(dock, "action.ended", case, {}, action=action)
    assert dock.outcomes([end]) == ["accepted"]
    early = action_of(world, action)
    assert (early["state"], early["type"], early["begins_at"]) == ("ended", "unknown", None)
    assert phone.outcomes([begin]) == ["accepted"]
    assert action_of(world, action)["type"] == "search"


def test_the_sex_of_somebody_searched_names_no_entry(world: World, case: uuid.UUID) -> None:
    action = write(world, case, "action.started", {"type": "search"}).get_json()["action_id"]
    searched = write(world, case, "action.body-search", {"of": "F", "by": "杨演练(虚构)"},
                     action_id=action)  # fmt: skip
    assert searched.status_code == 201, searched.text


def test_an_amended_entry_counts_no_more(world: World, case: uuid.UUID) -> None:
    first = write(world, case, "action.started", {"type": "seal"}).get_json()
    action = first["action_id"]
    write(world, case, "action.started", {"type": "seal", "place": "东坡村(虚构)"},
          action_id=action, amends_id=first["id"])  # fmt: skip
    assert action_of(world, action)["place"] == "东坡村(虚构)"
    current = world.caller(world.first.officer).get(f"/cases/{case}/entries?current=true")
    assert [entry["id"] for entry in current.get_json()["items"]] != [first["id"]]
    assert len(current.get_json()["items"]) == 1


def test_a_device_amends_by_its_record(world: World, case: uuid.UUID) -> None:
    phone, action = Recorder(world.app, world.first.phone), str(uuid.uuid4())
    phone.push([record(phone, "action.started", case, {"type": "seal"}, action=action)])
    first = phone.prev
    phone.push(
        [record(phone, "action.started", case, {"type": "impound"}, action=action, amends=first)]
    )
    assert action_of(world, action)["type"] == "impound"


@pytest.mark.parametrize(
    ("kind", "data", "status"),
    [
        pytest.param("action.started", {}, 422, id="missing"),
        pytest.param("action.started", {"type": "dance"}, 422, id="unknown choice"),
        pytest.param("case.received", {"on": "2025-02-30", "amount_fen": 1}, 422, id="no such day"),
        pytest.param("case.received", {"on": "2025-02-03", "amount_fen": -1}, 422, id="negative"),
        pytest.param("case.received", {"on": "2025-02-03", "amount_fen": 1.5}, 422, id="not whole"),
        pytest.param("case.received", {"on": "2025-02-03", "amount_fen": 1, "x": 1}, 422, id="x"),
        pytest.param("action.ended", {}, 409, id="an action that is not known"),
        pytest.param("key.confirmed", {"on": "2025-02-03", "categories": ["migrant_wages"],
                                       "reason": "工资(虚构)"}, 403, id="for leaders"),
        pytest.param("case.extended", {"on": "2025-02-03", "until_on": "2025-12-31",
                                       "reason": "复杂(虚构)"}, 403, id="for the president"),
        pytest.param("case.disbursed", {"on": "2025-02-03", "amount_fen": 1,
                                        "of": str(uuid.UUID(int=7))}, 422, id="of nothing"),
    ],
)  # fmt: skip
def test_what_is_refused(
    world: World, case: uuid.UUID, kind: str, data: dict[str, Any], status: int
) -> None:
    answer = write(world, case, kind, data)
    assert answer.status_code == status, answer.text
    assert world.caller(world.first.officer).get(f"/cases/{case}/entries").get_json()["items"] == []


def test_a_bad_entry_of_a_device_is_a_finding(world: World, case: uuid.UUID) -> None:
    phone = Recorder(world.app, world.first.phone)
    wires = [
        record(phone, "action.started", case, {"type": "dance"}, action=str(uuid.uuid4())),
        record(phone, "action.ended", case, {}),
        record(phone, "action.started", case, {"type": "seal"}, action=str(uuid.uuid4())),
    ]
    results = phone.push(wires)["results"]
    assert [one["outcome"] for one in results] == ["accepted"] * 3
    codes = [[found["code"] for found in one.get("findings", [])] for one in results]
    assert codes[0] == codes[1] == ["entry-invalid"]
    assert "entry-invalid" not in codes[2]
    with unit_of_work(world.first.id, write=False) as session:
        assert [entry.data for entry in session.query(Entry)] == [{"type": "seal"}]


def test_an_action_of_another_case_is_not_taken_over(world: World, case: uuid.UUID) -> None:
    phone = Recorder(world.app, world.first.phone)
    other = add_case(world.app, world.first.id, serial=12, handler_id=world.first.officer.id)
    action = write(world, other, "action.started", {"type": "seal"}).get_json()["action_id"]
    assert phone.outcomes([record(phone, "action.ended", case, {}, action=action)]) == ["accepted"]
    assert action_of(world, action)["state"] == "started"
    refused = write(world, case, "action.ended", {}, action_id=action)
    assert refused.status_code == 404


def test_a_minor_is_never_listed(world: World) -> None:
    minor = PartyCommand(
        role=PartyRole.DEBTOR, kind=PartyKind.NATURAL, name="小虚构", details={"minor": True}
    )
    case = add_case(world.app, world.first.id, handler_id=world.first.officer.id, parties=[minor])
    listed = write(world, case, "case.measure", {"on": "2025-03-01", "type": "list_dishonest"})
    assert (listed.status_code, listed.get_json()["type"][-15:]) == (409, "listing-refused")


def test_suspension_and_closing_move_the_case(world: World, case: uuid.UUID) -> None:
    deferred = write(world, case, "case.deferred", {"on": "2025-03-01", "reason": "担保(虚构)"})
    assert deferred.status_code == 201, deferred.text
    officer = world.caller(world.first.officer)
    assert officer.get(f"/cases/{case}").get_json()["status"] == "suspended"
    write(world, case, "case.continued", {"on": "2025-04-01", "reason": "期满(虚构)"})
    assert officer.get(f"/cases/{case}").get_json()["status"] == "enforcing"


def test_others_see_nothing(world: World, case: uuid.UUID) -> None:
    action = write(world, case, "action.started", {"type": "seal"}).get_json()["action_id"]
    stranger = world.caller(world.second.officer)
    assert stranger.get(f"/actions/{action}").status_code == 404
    assert stranger.get(f"/cases/{case}/entries").status_code == 404
    assert stranger.get("/actions").get_json()["items"] == []
