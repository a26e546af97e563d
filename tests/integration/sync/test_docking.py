"""Suggestions for a docked card: by duty booking, over what the caller may see."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from server.core.clock import rfc3339
from server.core.transactions import EVERY_COURT, unit_of_work
from server.identity.models import DutyBooking
from tests.factories.cases import add_case, add_mission
from tests.factories.identity import (
    Caller,
    World,
    add_booking,
    add_device,
    runtime_of,
)


@pytest.fixture
def world(app: Flask) -> World:
    return World.build(app)


def at(world: World, hours: float) -> str:
    return rfc3339(runtime_of(world.app).clock.now() + timedelta(hours=hours))


def mission(world: World, officer: str, *serials: int) -> tuple[uuid.UUID, list[str]]:
    """A mission of the officer with one case for each serial."""
    court = world.first
    cases = [add_case(world.app, court.id, serial=serial) for serial in serials]
    who = court.people[officer].id
    return add_mission(world.app, court.id, cases, officer_ids=[who]), [str(one) for one in cases]


def asked(caller: Caller, camera: uuid.UUID | None, *files: dict[str, Any]) -> dict[str, Any]:
    body = {"camera_id": str(camera) if camera else None, "files": list(files)}
    answer = caller.post("/dock/matches", json=body)
    assert answer.status_code == 200, answer.get_json()
    found: dict[str, Any] = answer.get_json()
    return found


def test_a_file_within_a_booking_is_matched_with_its_reason(world: World) -> None:
    outing, (case,) = mission(world, "officer", 21)
    officer = world.caller(world.first.officer)
    found = asked(officer, world.first.camera.id, {"at": at(world, 2)})
    (match,) = found["matches"]
    assert match["complete"] is True
    assert (match["certainty"], match["reason"]) == ("sure", "booked")
    assert match["officer_id"] == str(world.first.officer.id)
    assert (match["mission_id"], match["case_id"]) == (str(outing), case)
    assert match["match"] == {
        "certainty": "sure", "reason": "booked", "time_source": "file",
        "booking": str(world.first.booking_id),
        "file_time": at(world, 2).replace("Z", "+00:00"),
    }  # fmt: skip
    assert found["officers"] == {match["officer_id"]: world.first.officer.name}
    assert found["cases"][case].endswith("执21号")
    assert found["missions"] == {str(outing): "清河镇现场调查(虚构)"}


def test_the_carrier_is_named_whoever_docks(world: World) -> None:
    """Another officer docks: the carrier is known, the mission of others has no name for them."""
    outing, _ = mission(world, "officer", 22)
    add_booking(world.app, add_device(world.app, world.first.id, "camera", alg=None),
                world.first.second_officer, starts_in=timedelta(hours=30))  # fmt: skip
    other = world.caller(world.first.second_officer)
    found = asked(other, world.first.camera.id, {"at": at(world, 2)})
    (match,) = found["matches"]
    assert match["officer_id"] == str(world.first.officer.id)
    assert (match["complete"], match["reason"]) == (False, "no-mission")
    assert (match["case_id"], match["case_choices"]) == (None, [])
    assert found["missions"] == {}
    assert found["cases"] == {}
    boss = asked(world.caller(world.first.supervisor), world.first.camera.id, {"at": at(world, 2)})
    assert boss["matches"][0]["mission_id"] == str(outing)


def test_what_others_carried_and_went_on_has_no_id_for_who_docks(world: World) -> None:
    """The booking of another, and a mission that the caller is not in."""
    outing, _ = mission(world, "officer", 26)
    with unit_of_work(EVERY_COURT) as session:
        session.get_one(DutyBooking, world.first.booking_id).mission_id = outing
    other = world.caller(world.first.second_officer)
    found = asked(other, world.first.camera.id, {"at": at(world, 2)})
    (match,) = found["matches"]
    assert (match["officer_id"], match["reason"]) == (str(world.first.officer.id), "no-case")
    told = json.dumps(found)
    assert str(outing) not in told
    assert str(world.first.booking_id) not in told
    for person in (world.first.officer, world.first.supervisor):
        seen = json.dumps(asked(world.caller(person), world.first.camera.id, {"at": at(world, 2)}))
        assert str(outing) in seen
        assert str(world.first.booking_id) in seen


def test_without_a_camera_an_officer_is_told_of_their_own_bookings(world: World) -> None:
    other = world.caller(world.first.second_officer)
    (match,) = asked(other, None, {"at": at(world, 2)})["matches"]
    assert (match["reason"], match["officer_id"], match["camera_id"]) == ("no-booking", None, None)
    boss = world.caller(world.first.supervisor)
    (match,) = asked(boss, None, {"at": at(world, 2)})["matches"]
    assert match["camera_id"] == str(world.first.camera.id)


def test_a_mission_of_two_cases_asks_and_what_is_told_counts(world: World) -> None:
    _, cases = mission(world, "officer", 23, 24)
    officer = world.caller(world.first.officer)
    (match,) = asked(officer, None, {"at": at(world, 1)})["matches"]
    assert (match["complete"], match["reason"]) == (False, "many-cases")
    assert sorted(match["case_choices"]) == sorted(cases)
    (told,) = asked(officer, None, {"at": at(world, 1), "case_id": cases[1]})["matches"]
    assert (told["certainty"], told["reason"], told["case_id"]) == ("told", "told-booked", cases[1])
    assert told["officer_id"] == str(world.first.officer.id)


def test_a_clock_slightly_off_is_near_and_said_so(world: World) -> None:
    mission(world, "officer", 25)
    boss = world.caller(world.first.supervisor)
    found = asked(boss, world.first.camera.id, {"at": at(world, 9.1)}, {"at": at(world, 9.5)})
    assert [one["reason"] for one in found["matches"]] == ["no-mission", "no-booking"]
    assert [one["officer_id"] for one in found["matches"]] == [str(world.first.officer.id), None]


def test_cases_that_the_caller_may_not_see_cannot_be_told(world: World) -> None:
    case = add_case(world.app, world.first.id, serial=31)
    foreign = add_case(world.app, world.second.id, serial=32)
    officer = world.caller(world.first.officer)
    for hidden in (case, foreign, uuid.uuid4()):
        body = {"files": [{"at": at(world, 1), "case_id": str(hidden)}]}
        assert officer.post("/dock/matches", json=body).status_code == 404
    unmatched = asked(officer, None, {"at": at(world, 40)})
    assert unmatched["cases"] == {}
    boss = asked(world.caller(world.first.supervisor), None, {"at": at(world, 40)})
    assert list(boss["cases"]) == [str(case)]


def test_only_cameras_and_recorders_of_the_court_are_docked(world: World) -> None:
    officer = world.caller(world.first.officer)
    files = [{"at": at(world, 1)}]
    for device, status in ((world.first.phone, 422), (world.second.camera, 404)):
        body = {"camera_id": str(device.id), "files": files}
        assert officer.post("/dock/matches", json=body).status_code == status


def test_a_device_alone_and_administrators_are_not_told(world: World) -> None:
    body = {"files": [{"at": at(world, 1)}]}
    assert world.device_caller(world.first.dock).post("/dock/matches", json=body).status_code == 401
    administrator = world.caller(world.first.administrator)
    assert administrator.post("/dock/matches", json=body).status_code == 403
