"""Sync over HTTP: who may, what is refused, and what an answer looks like."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from typing import Any

import pytest
from flask import Flask

from tests.factories.field import Recorder
from tests.factories.identity import World, add_device


@pytest.fixture
def world(app: Flask) -> World:
    return World.build(app)


@pytest.fixture
def phone(world: World) -> Recorder:
    return Recorder(world.app, world.first.phone)


def test_a_push_over_http_answers_in_order(world: World, phone: Recorder) -> None:
    wires = [phone.note(), phone.note()]
    answer = world.device_caller(phone.device).post("/sync/push", json={"records": wires[::-1]})
    assert answer.status_code == 200
    assert [r["seq"] for r in answer.get_json()["results"]] == [2, 1]
    assert set(answer.get_json()["results"][0]) == {"seq", "ep", "hid", "outcome"}
    again = world.caller(world.first.officer).post("/sync/push", json={"records": wires})
    assert {r["outcome"] for r in again.get_json()["results"]} == {"duplicate"}


@pytest.mark.parametrize(
    ("body", "slug"),
    [
        (b"{", "malformed-json"),
        (b'{"records":[],"records":[]}', "malformed-json"),
        (b"[]", "validation"),
        (b"{}", "validation"),
        (b'{"records":[]}', "validation"),
        (b'{"records":{}}', "validation"),
        (b'{"records":[null],"extra":1}', "validation"),
        (b'{"records":[NaN]}', "malformed-json"),
    ],
)
def test_bodies_that_are_none_are_refused(world: World, body: bytes, slug: str) -> None:
    answer = world.device_caller(world.first.phone).post(
        "/sync/push", data=body, content_type="application/json"
    )
    assert answer.get_json()["type"].endswith(slug)


def test_a_body_of_ten_megabytes_is_refused(world: World) -> None:
    body = json.dumps({"records": ["x" * 10_000_000]})
    answer = world.device_caller(world.first.phone).post(
        "/sync/push", data=body, content_type="application/json"
    )
    assert answer.status_code == 413
    assert answer.get_json()["type"].endswith("body-too-large")


def test_more_than_five_hundred_records_are_refused(world: World) -> None:
    answer = world.device_caller(world.first.phone).post("/sync/push", json={"records": [0] * 501})
    assert answer.get_json()["type"].endswith("too-many-records")


@pytest.mark.parametrize("record", [0, "", [], {}, None, True, {"h": "x"}, {"h": ["x"]}])
def test_things_that_are_no_records_are_rejected_one_by_one(
    world: World, phone: Recorder, record: Any
) -> None:
    answer = world.device_caller(phone.device).post(
        "/sync/push", json={"records": [record, phone.note()]}
    )
    first, second = answer.get_json()["results"]
    assert (first["outcome"], second["outcome"]) == ("rejected", "accepted")
    assert first["problem"]["type"] == "urn:tiezheng:problem:record-malformed"
    assert first["seq"] is None


def test_deeply_nested_records_are_rejected(world: World) -> None:
    deep: Any = 0
    for _ in range(200):
        deep = [deep]
    phone = Recorder(world.app, world.first.phone)
    wire = {**phone.note(), "p": json.dumps(deep)}
    answer = world.device_caller(phone.device).post("/sync/push", json={"records": [wire]})
    assert answer.get_json()["results"][0]["outcome"] == "rejected"


def test_a_person_without_a_device_pushes_nothing(world: World) -> None:
    """Signed in on a device of another court: the session has no device."""
    caller = world.caller(world.first.officer, world.second.phone)
    answer = caller.post("/sync/push", json={"records": ["x"]})
    assert answer.status_code == 403


def test_another_devices_records_are_rejected(world: World, phone: Recorder) -> None:
    stranger = world.device_caller(world.first.dock)
    answer = stranger.post("/sync/push", json={"records": [phone.note()]})
    (result,) = answer.get_json()["results"]
    assert result["problem"]["type"].endswith("record-foreign-device")


def test_a_revoked_device_pushes_nothing(world: World, phone: Recorder) -> None:
    caller = world.device_caller(phone.device)
    boss = world.caller(world.first.supervisor, world.first.dock)
    boss.post(f"/devices/{phone.device.id}/revoke", json={"reason": "遗失(虚构)"})
    answer = caller.post("/sync/push", json={"records": [phone.note()]})
    assert answer.status_code == 401
    assert answer.get_json()["type"].endswith("device-revoked")


@pytest.mark.parametrize("person", ["administrator", "liaison", "observer"])
def test_people_who_record_nothing_push_nothing(world: World, person: str) -> None:
    caller = world.caller(world.first.people[person])
    assert caller.post("/sync/push", json={"records": ["x"]}).status_code == 403
    assert caller.get("/sync/pull").status_code == 403


def test_missing_blobs_are_about_this_device_alone(world: World, phone: Recorder) -> None:
    phone.bring(b"mine")
    wanted = [
        {"sha256": hashlib.sha256(data).hexdigest(), "size_bytes": len(data)}
        for data in (b"mine", b"unknown")
    ]
    mine = world.device_caller(phone.device).post("/blobs/missing", json={"objects": wanted})
    assert [one["state"] for one in mine.get_json()["objects"]] == ["present", "needed"]
    other = world.device_caller(world.first.dock).post("/blobs/missing", json={"objects": wanted})
    assert [one["state"] for one in other.get_json()["objects"]] == ["needed", "needed"]


def test_a_partial_upload_is_named_with_its_offset(world: World, phone: Recorder) -> None:
    data = os.urandom(1000)
    sha256 = hashlib.sha256(data).hexdigest()
    caller = world.device_caller(phone.device)
    made = caller.post(
        "/uploads",
        data=data[:300],
        headers={
            "Tus-Resumable": "1.0.0",
            "Upload-Length": "1000",
            "Upload-Metadata": f"sha256 {_b64(sha256)}",
            "Content-Type": "application/offset+octet-stream",
            "Idempotency-Key": "1-1",
        },
    )
    assert made.status_code == 201, made.text
    answer = caller.post(
        "/blobs/missing", json={"objects": [{"sha256": sha256, "size_bytes": 1000}]}
    )
    (found,) = answer.get_json()["objects"]
    assert (found["state"], found["offset"]) == ("partial", 300)
    assert made.headers["Location"].endswith(found["upload_url"])


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "objects",
    [
        [],
        [{"sha256": "x", "size_bytes": 1}],
        [{"sha256": "0" * 64, "size_bytes": -1}],
        [{"sha256": "0" * 64, "size_bytes": "1"}],
        [{"sha256": "0" * 64}],
        [{"sha256": "0" * 64, "size_bytes": 1, "x": 1}],
        [{"sha256": "0" * 64, "size_bytes": 1}] * 1001,
        "x",
    ],
)
def test_strange_questions_for_blobs_are_refused(world: World, objects: Any) -> None:
    caller = world.device_caller(world.first.phone)
    assert caller.post("/blobs/missing", json={"objects": objects}).status_code == 422


def test_a_key_of_either_algorithm_signs_records(world: World, app: Flask) -> None:
    for device in (world.first.phone, world.first.dock, add_device(app, world.first.id)):
        recorder = Recorder(app, device)
        assert recorder.outcomes([recorder.note(), recorder.note()]) == ["accepted", "accepted"]
