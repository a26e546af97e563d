"""The same routes with real tokens and proofs: who may speak is decided before what is asked."""

from __future__ import annotations

import pytest
from flask import Flask

from server.audit import sequencer
from server.audit.queries import changes_for
from server.core.transactions import EVERY_COURT, unit_of_work
from tests.factories.identity import World, runtime_of, upload_token

CASE = {"case_no": "（2026）样0101执8号", "parties": []}


@pytest.fixture
def world(app: Flask) -> World:
    return World.build(app)


def test_from_filing_to_the_feed_of_the_device(world: World) -> None:
    court = world.first
    lead = world.caller(court.supervisor)
    case = lead.post("/cases", json=CASE)
    assert case.status_code == 201, case.text
    case_id = case.get_json()["id"]
    mission = lead.post(
        "/missions",
        json={
            "title": "现场调查(虚构)",
            "case_ids": [case_id],
            "starts_at": "2026-03-02T09:00:00+08:00",
            "ends_at": "2026-03-02T17:00:00+08:00",
            "officer_ids": [str(court.officer.id)],
            "device_ids": [str(court.phone.id)],
        },
    )
    assert mission.status_code == 201, mission.text
    mission_id = mission.get_json()["id"]
    officer = world.caller(court.officer)
    assert officer.get(f"/cases/{case_id}").get_json()["case_no"] == "(2026)样0101执8号"
    started = officer.patch(
        f"/missions/{mission_id}", json={"state": "started"}, headers={"If-Match": '"1"'}
    )
    assert started.get_json()["state"] == "started"
    with unit_of_work(EVERY_COURT) as session:
        sequencer.sequence(session, runtime_of(world.app))
    with unit_of_work(court.id, write=False) as session:
        changes = changes_for(session, [f"device:{court.phone.id}"], -1, 100)
        told = [(one.topic, one.entity_id, one.op) for one in changes]
    assert ("mission", mission_id, "put") in told
    assert ("case", case_id, "put") in told


def test_another_court_finds_nothing(world: World) -> None:
    case_id = world.caller(world.first.supervisor).post("/cases", json=CASE).get_json()["id"]
    foreign = world.caller(world.second.supervisor)
    assert foreign.get(f"/cases/{case_id}").status_code == 404
    assert foreign.get("/cases").get_json()["items"] == []
    refused = foreign.post("/cases", json=CASE)
    assert (refused.status_code, refused.get_json()["type"].rpartition(":")[2]) == (
        422,
        "case-no-invalid",
    )


def test_tokens_of_another_kind_are_refused(world: World) -> None:
    court = world.first
    alone = world.device_caller(court.phone)
    for path in ("/cases", "/missions", "/review-reasons"):
        answer = alone.get(path)
        assert answer.status_code == 401, path
        assert answer.get_json()["type"].endswith(":token-wrong-type")
    bearer = upload_token(world.app, court.officer, court.phone, court.id, [])
    answer = world.app.test_client().get(
        "/api/v1/cases", headers={"Authorization": f"Bearer {bearer}"}
    )
    assert answer.status_code == 401
    assert world.app.test_client().get("/api/v1/cases").status_code == 401
