"""Devices: enrolled by one-time code and proof of the key, registered, revoked."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from client_sdk.protocol.enrolment import enrolment_proof
from client_sdk.protocol.keylist import pin
from client_sdk.protocol.keys import Algorithm, PrivateKey
from client_sdk.protocol.statements import SignedStatement
from server.core.clock import FixedClock
from server.core.transactions import EVERY_COURT, unit_of_work
from server.identity import queries
from server.identity.models import Device, EnrolmentCode
from tests.factories.identity import (
    API,
    Caller,
    World,
    device_token,
    proof_headers,
    runtime_of,
    sign_in,
)
from tests.integration.identity.helpers import outbox, payload, recorded, slug

PHONE = {"kind": "phone", "name": "执行一号机(虚构)"}


def offered(world: World, **fields: Any) -> dict[str, Any]:
    supervisor = world.caller(world.first.supervisor)
    response = supervisor.post("/enrolment-codes", json={**PHONE, **fields})
    assert response.status_code == 201
    body: dict[str, Any] = response.get_json()
    return body


def enrol(app: Flask, code: str, key: PrivateKey, **changed: Any) -> Any:
    body = {
        "code": code,
        "alg": key.alg.value,
        "public_jwk": key.public.to_jwk(),
        "name": "手机",
        "model": "样机",
        "serial": "FIC-1",
        "proof": enrolment_proof(code, key),
        **changed,
    }
    return app.test_client().post(f"{API}/devices/enrol", json=body)


@pytest.mark.parametrize("alg", list(Algorithm))
def test_a_code_binds_a_key(app: Flask, world: World, alg: Algorithm) -> None:
    holder = world.first.officer.id
    offer = offered(world, holder_id=str(holder))
    key = PrivateKey.generate(alg)
    response = enrol(app, offer["code"], key)
    assert response.status_code == 201
    body = response.get_json()
    assert (body["court_id"], body["ep"]) == (str(world.first.id), 1)
    assert body["court_name"].endswith("(虚构)")
    assert body["server_time"].startswith("2026-03-02T01:00:00")
    # The QR's fingerprint lets the device trust the key list that comes with the answer.
    mark, address, code, fingerprint = offer["qr"].split("|")
    assert (mark, address, code) == ("TZE1", "http://localhost", offer["code"])
    keys = pin(SignedStatement.from_dict(body["keys"]), fingerprint=fingerprint)
    assert keys.fingerprint == fingerprint

    with unit_of_work(world.first.id, write=False) as session:
        device = queries.device_in_court(session, world.first.id, uuid.UUID(body["device_id"]))
        assert device is not None
        assert queries.public_key_of(device) == key.public
        assert (device.name, device.holder_id, device.kind) == (PHONE["name"], holder, "phone")
    headers = proof_headers(app, key, "POST", f"{API}/auth/token")
    token = app.test_client().post(f"{API}/auth/token", json={"grant": "device"}, headers=headers)
    assert token.status_code == 200
    assert recorded(app) == ["enrolment.offered", "device.enrolled"]
    (event,) = outbox(app, "device.enrolled")
    assert event.court_id == world.first.id
    assert offer["code"] not in payload(event)


def test_a_repeat_with_the_same_key_gives_the_same_answer(app: Flask, world: World) -> None:
    """The first answer may be lost on the way; that must not cost a code."""
    offer, key = offered(world), PrivateKey.generate(Algorithm.ES256)
    first = enrol(app, offer["code"], key).get_json()
    second = enrol(app, offer["code"], key)
    assert second.status_code == 201
    assert second.get_json()["device_id"] == first["device_id"]
    assert recorded(app).count("device.enrolled") == 1


def test_a_code_is_good_once(app: Flask, world: World) -> None:
    offer = offered(world)
    assert enrol(app, offer["code"], PrivateKey.generate(Algorithm.ES256)).status_code == 201
    thief = PrivateKey.generate(Algorithm.ES256)
    assert slug(enrol(app, offer["code"], thief)) == "enrolment-code-invalid"
    assert slug(enrol(app, offer["code"], world.first.phone.key)) == "enrolment-code-invalid"


def test_a_code_expires(app: Flask, world: World, clock: FixedClock) -> None:
    offer, key = offered(world), PrivateKey.generate(Algorithm.ES256)
    clock.advance(timedelta(seconds=3600))
    assert slug(enrol(app, offer["code"], key)) == "enrolment-code-invalid"


def test_a_wrong_code_says_no_more_than_an_expired_one(
    app: Flask, world: World, clock: FixedClock
) -> None:
    offer, key = offered(world), PrivateKey.generate(Algorithm.ES256)
    clock.advance(timedelta(seconds=3600))
    answers = []
    for code in (offer["code"], "0000-0000-0000-0000", "x", "' OR 1=1 --"):
        body = enrol(app, code, key).get_json()
        del body["instance"]
        answers.append(body)
    assert answers == [answers[0]] * 4


def test_a_code_may_be_typed_sloppily(app: Flask, world: World) -> None:
    offer = offered(world)
    typed = offer["code"].lower().replace("-", " ").replace("0", "o").replace("1", "l")
    assert enrol(app, typed, PrivateKey.generate(Algorithm.ES256)).status_code == 201


def test_codes_are_not_stored(app: Flask, world: World) -> None:
    offer = offered(world)
    with unit_of_work(EVERY_COURT, write=False) as session:
        (row,) = session.execute(sa.select(EnrolmentCode)).scalars()
        plain = offer["code"].replace("-", "")
        assert plain not in json.dumps([row.code_hash, row.name, row.kind])


def test_the_key_must_be_held_and_be_of_the_stated_kind(app: Flask, world: World) -> None:
    offer = offered(world)
    code = offer["code"]
    key, other = PrivateKey.generate(Algorithm.ES256), PrivateKey.generate(Algorithm.ES256)
    assert slug(enrol(app, code, key, proof=enrolment_proof(code, other))) == "proof-invalid"
    foreign = enrolment_proof("another code", key)
    assert slug(enrol(app, code, key, proof=foreign)) == "proof-invalid"
    assert slug(enrol(app, code, key, proof="nonsense")) == "proof-invalid"
    assert slug(enrol(app, code, key, alg="Ed25519")) == "validation"
    assert slug(enrol(app, code, key, alg="RS256")) == "validation"
    several: tuple[Any, ...] = (
        {},
        {"kty": "oct", "k": "AAAA"},
        {**key.public.to_jwk(), "d": "AAAA"},
        {**key.public.to_jwk(), "x": "AAAA"},
        {**key.public.to_jwk(), "y": key.public.to_jwk()["x"]},
        {**key.public.to_jwk(), "use": "enc"},
        {**key.public.to_jwk(), "x5u": "http://127.0.0.1:1/"},
        "text",
        [],
    )
    for jwk in several:
        assert slug(enrol(app, code, key, public_jwk=jwk)) == "validation", jwk
    assert slug(enrol(app, code, key, court_id=str(world.second.id))) == "validation"
    # None of this used the code up.
    assert enrol(app, code, key).status_code == 201


def test_a_key_enrols_once(app: Flask, world: World) -> None:
    assert slug(enrol(app, offered(world)["code"], world.first.phone.key)) == "conflict"
    assert slug(enrol(app, offered(world)["code"], world.second.phone.key)) == "conflict"


def test_who_may_offer_codes_and_to_whom(app: Flask, world: World) -> None:
    court = world.first
    for name, person in court.people.items():
        response = world.caller(person).post("/enrolment-codes", json=PHONE)
        allowed = name in {"supervisor", "president", "administrator"}
        assert (response.status_code == 201) is allowed, name
    supervisor = world.caller(court.supervisor)
    foreign = {**PHONE, "holder_id": str(world.second.officer.id)}
    assert slug(supervisor.post("/enrolment-codes", json=foreign)) == "not-found"
    camera = {**PHONE, "kind": "camera"}
    assert slug(supervisor.post("/enrolment-codes", json=camera)) == "validation"


def test_a_camera_is_registered_without_a_key(app: Flask, world: World) -> None:
    supervisor = world.caller(world.first.supervisor)
    body = {"kind": "camera", "name": "相机(虚构)", "model": "样例相机C", "serial": "FIC-DC-4"}
    response = supervisor.post("/devices", json=body)
    assert response.status_code == 201
    device = response.get_json()
    assert (device["alg"], device["jkt"]) == (None, None)
    assert supervisor.get(f"/devices/{device['id']}").get_json() == device
    assert slug(supervisor.post("/devices", json={**body, "kind": "phone"})) == "validation"
    assert slug(world.caller(world.first.officer).post("/devices", json=body)) == "forbidden"
    cameras = supervisor.get("/devices?kind=camera").get_json()["items"]
    assert {one["id"] for one in cameras} == {device["id"], str(world.first.camera.id)}
    assert recorded(app) == ["device.registered"]


def test_a_repeated_registration_under_one_key_registers_once(app: Flask, world: World) -> None:
    supervisor = world.caller(world.first.supervisor)
    body = {"kind": "camera", "name": "相机(虚构)"}
    key = {"Idempotency-Key": "one registration"}
    first = supervisor.post("/devices", json=body, headers=key)
    second = supervisor.post("/devices", json=body, headers=key)
    assert first.get_json() == second.get_json()
    assert recorded(app) == ["device.registered"]


def test_a_revoked_device_is_out_at_once(app: Flask, world: World) -> None:
    court = world.first
    phone = court.phone
    officer = world.caller(court.officer)
    unattended = Caller(app, device_token(app, phone), phone.key)
    supervisor = world.caller(court.supervisor, court.dock)
    assert officer.get("/me").status_code == 200
    response = supervisor.post(f"/devices/{phone.id}/revoke", json={"reason": "遗失"})
    assert response.status_code == 200
    assert response.get_json()["revoked_reason"] == "遗失"
    assert slug(officer.get("/me")) == "device-revoked"
    assert slug(unattended.get("/me")) == "device-revoked"
    assert slug(sign_in(app, court.officer, phone)) == "device-revoked"
    again = supervisor.post(f"/devices/{phone.id}/revoke", json={"reason": "再次"})
    assert again.get_json()["revoked_reason"] == "遗失"
    (event,) = outbox(app, "device.revoked")
    assert sorted(event.changes) == sorted(
        [recipient, "revocation", str(phone.id), "put"]
        for recipient in (f"device:{phone.id}", f"user:{court.officer.id}")
    )
    # Its code cannot be used to come back, and its key stays taken.
    assert slug(enrol(app, offered_by(supervisor), phone.key)) == "conflict"
    assert len(supervisor.get("/devices?revoked=true").get_json()["items"]) == 1


def offered_by(caller: Caller) -> str:
    return str(caller.post("/enrolment-codes", json=PHONE).get_json()["code"])


def test_revoking_needs_a_reason_and_the_permission(world: World) -> None:
    court = world.first
    path = f"/devices/{court.phone.id}/revoke"
    supervisor = world.caller(court.supervisor)
    for body in ({}, {"reason": ""}, {"reason": "  "}, {"reason": "x", "now": True}):
        assert slug(supervisor.post(path, json=body)) == "validation"
    officer = world.caller(court.officer)
    assert slug(officer.post(path, json={"reason": "x"})) == "forbidden"


def test_devices_of_another_court_do_not_exist(app: Flask, world: World) -> None:
    supervisor = world.caller(world.first.supervisor)
    for one in (world.second.phone.id, world.second.camera.id, uuid.uuid4()):
        assert slug(supervisor.get(f"/devices/{one}")) == "not-found"
        assert slug(supervisor.post(f"/devices/{one}/revoke", json={"reason": "x"})) == "not-found"
    assert slug(supervisor.get("/devices/not-an-id")) == "not-found"
    listed = {one["id"] for one in supervisor.get("/devices").get_json()["items"]}
    court = world.first
    assert listed == {str(one.id) for one in (court.phone, court.dock, court.camera)}


def test_a_keyless_device_has_no_key_to_speak_of(app: Flask, world: World) -> None:
    with unit_of_work(world.first.id, write=False) as session:
        camera = session.get_one(Device, world.first.camera.id)
        with pytest.raises(Exception, match="conflict"):
            queries.public_key_of(camera)


def test_the_server_describes_itself(app: Flask, world: World) -> None:
    body = app.test_client().get(f"{API}/server").get_json()
    assert body["public_url"] == "http://localhost"
    assert body["time"].startswith("2026-03-02T01:00:00")
    keys = pin(SignedStatement.from_dict(body["keys"]))
    assert {entry.purpose.value for entry in keys.keys} == {"token", "event"}
    assert runtime_of(app).keyring.active("event").kid == keys.fingerprint
