"""A device that is enrolled anew begins a new chain; what it had before stays as it was."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from client_sdk.protocol.enrolment import enrolment_proof
from client_sdk.protocol.keys import Algorithm, PrivateKey
from server.audit.device_models import DeviceKey
from server.audit.models import DeviceRecord, RecordConflict
from server.core.transactions import EVERY_COURT, unit_of_work
from tests.factories.field import Recorder
from tests.factories.identity import Caller, FieldDevice, World, access_token
from tests.integration.identity.helpers import outbox, payload, slug
from tests.integration.identity.test_devices import PHONE, enrol, offered


def own_keys(code: str, alg: Algorithm = Algorithm.ES256) -> tuple[PrivateKey, dict[str, Any]]:
    """A key for records, and the fields of an enrolment that bring it."""
    key = PrivateKey.generate(alg)
    proof = enrolment_proof(code, key)
    return key, {"record_jwk": key.public.to_jwk(), "record_proof": proof}


def recorder(app: Flask, world: World, body: dict[str, Any], key: PrivateKey) -> Recorder:
    device = FieldDevice(uuid.UUID(body["device_id"]), world.first.id, "phone", key)
    return Recorder(app, device, ep=body["ep"])


def test_records_are_signed_with_a_key_of_their_own(app: Flask, world: World) -> None:
    code, identity = offered(world)["code"], PrivateKey.generate(Algorithm.ES256)
    first, fields = own_keys(code)
    answer = enrol(app, code, identity, **fields)
    assert answer.status_code == 201
    assert enrol(app, code, identity, **fields).get_json()["ep"] == 1
    other = own_keys(code)[1]
    assert slug(enrol(app, code, identity, **other)) == "enrolment-code-invalid"
    facts = json.loads(payload(outbox(app, "device.enrolled")[-1]))["facts"]
    assert facts["jwk"] == first.public.to_jwk()
    assert facts["identity_jwk"] == identity.public.to_jwk()

    phone = recorder(app, world, answer.get_json(), identity)
    assert phone.outcomes([phone.note()]) == ["rejected"]
    phone = replace(phone, seq=0, prev="0" * 64, signs_with=first)
    assert phone.outcomes([phone.note()]) == ["accepted"]


@pytest.mark.parametrize("wrong", ["alg", "proof", "same"])
def test_tamper_51_a_key_for_records_is_proven_and_of_the_same_algorithm(
    app: Flask, world: World, wrong: str
) -> None:
    code, identity = offered(world)["code"], PrivateKey.generate(Algorithm.ES256)
    _, fields = own_keys(code, Algorithm.ED25519 if wrong == "alg" else Algorithm.ES256)
    if wrong == "proof":
        fields |= {"record_proof": enrolment_proof(code, identity)}
    if wrong == "same":
        assert enrol(app, code, identity, **fields).status_code == 201
        code = offered(world)["code"]
        reused = enrol(app, code, PrivateKey.generate(Algorithm.ES256), **fields)
        assert reused.status_code in {401, 409}
        return
    assert enrol(app, code, identity, **fields).status_code in {401, 422}


def test_tamper_50_enrolling_anew_begins_a_new_chain(app: Flask, world: World) -> None:
    code, key = offered(world)["code"], PrivateKey.generate(Algorithm.ES256)
    body = enrol(app, code, key).get_json()
    before = recorder(app, world, body, key)
    assert before.outcomes([before.note(), before.note()]) == ["accepted"] * 2

    again = offered(world, device_id=body["device_id"])["code"]
    fresh = PrivateKey.generate(Algorithm.ED25519)
    renewed = enrol(app, again, fresh).get_json()
    assert (renewed["device_id"], renewed["ep"]) == (body["device_id"], 2)
    after = recorder(app, world, renewed, fresh)
    assert after.outcomes([after.note()]) == ["accepted"]
    (result,) = before.push([before.note()])["results"]
    assert result["problem"]["type"].endswith("record-epoch")
    assert slug(enrol(app, again, key)) == "enrolment-code-invalid"
    with unit_of_work(EVERY_COURT, write=False) as session:
        places = session.execute(sa.select(DeviceRecord.ep, DeviceRecord.seq)).all()
        kids = set(session.execute(sa.select(DeviceKey.kid, DeviceKey.ep)).all())
    assert sorted(map(tuple, places)) == [(1, 1), (1, 2), (2, 1)]
    assert {(key.public.thumbprint, 1), (fresh.public.thumbprint, 2)} <= {tuple(k) for k in kids}


def test_tamper_50_a_reinstall_that_starts_over_is_kept_as_a_conflict(
    app: Flask, world: World
) -> None:
    phone = Recorder(app, world.first.phone)
    assert phone.outcomes([phone.note("一"), phone.note("二")]) == ["accepted"] * 2
    reset = Recorder(app, world.first.phone)
    assert reset.outcomes([reset.note("另一"), reset.note("另二")]) == ["conflict"] * 2
    with unit_of_work(EVERY_COURT, write=False) as session:
        kept = session.execute(sa.select(RecordConflict.seq, RecordConflict.reason)).all()
    assert sorted(map(tuple, kept)) == [(1, "same-seq"), (2, "same-seq")]


def test_the_old_key_and_its_sign_ins_end(app: Flask, world: World) -> None:
    code, key = offered(world)["code"], PrivateKey.generate(Algorithm.ES256)
    body = enrol(app, code, key).get_json()
    device = FieldDevice(uuid.UUID(body["device_id"]), world.first.id, "phone", key)
    officer = Caller(app, access_token(app, world.first.officer, device), key)
    assert officer.get("/me").status_code == 200
    enrol(app, offered(world, device_id=body["device_id"])["code"], PrivateKey.generate(key.alg))
    assert officer.get("/me").status_code == 401
    back = enrol(app, offered(world)["code"], key)
    assert back.status_code in {401, 409}


def test_only_a_device_in_use_is_enrolled_anew(app: Flask, world: World) -> None:
    supervisor = world.caller(world.first.supervisor)
    phone = str(world.first.phone.id)
    other_kind = {**PHONE, "kind": "dock", "device_id": phone}
    assert slug(supervisor.post("/enrolment-codes", json=other_kind)) == "conflict"
    foreign = {**PHONE, "device_id": str(world.second.phone.id)}
    assert supervisor.post("/enrolment-codes", json=foreign).status_code == 404
    dock = str(world.first.dock.id)
    assert supervisor.post(f"/devices/{dock}/revoke", json={"reason": "遗失"}).status_code == 200
    revoked = {**PHONE, "kind": "dock", "device_id": dock}
    assert slug(supervisor.post("/enrolment-codes", json=revoked)) == "conflict"
