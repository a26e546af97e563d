"""Keys of a chain follow each other: which one signs a record, the server knows by itself."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from client_sdk.protocol.epochs import certify
from client_sdk.protocol.keys import Algorithm, PrivateKey
from server.audit.device_models import DeviceKey
from server.audit.models import OutboxRow, RecordConflict
from server.core.transactions import EVERY_COURT, unit_of_work
from tests.factories.field import Recorder, Wire, log_of
from tests.factories.identity import World, add_device


@pytest.fixture
def world(app: Flask) -> World:
    return World.build(app)


@pytest.fixture
def phone(world: World) -> Recorder:
    return Recorder(world.app, world.first.phone)


def rows(model: Any) -> list[Any]:
    with unit_of_work(EVERY_COURT, write=False) as session:
        found = list(session.execute(sa.select(model)).scalars())
        session.expunge_all()
        return found


def rotate(
    phone: Recorder, alg: Algorithm | None = None, **changes: Any
) -> tuple[Wire, PrivateKey]:
    """The next record certifies a new key, which signs from then on."""
    successor = PrivateKey.generate(alg or phone.device.key.alg)
    place: dict[str, Any] = {"src": str(phone.device.id), "ep": 1, "seq": phone.seq + 1}
    body = certify(successor, **{**place, "prev": phone.prev, **changes}).to_dict()
    wire = phone.seal(phone.payload("key.next", key=body))
    phone.signs_with = successor
    return wire, successor


def problem_of(result: dict[str, Any]) -> tuple[str, str]:
    assert result["outcome"] in {"rejected", "conflict"}
    return result["problem"]["type"].rpartition(":")[2], result["problem"].get("detail", "")


@pytest.mark.parametrize("order", [1, -1])
def test_keys_follow_each_other_in_one_batch(phone: Recorder, order: int) -> None:
    wires = [phone.note(), rotate(phone)[0], phone.note(), rotate(phone)[0], phone.note()]
    assert phone.outcomes(wires[::order]) == ["accepted"] * 5
    assert phone.outcomes(wires) == ["duplicate"] * 5
    kids = {row.from_seq: row.kid for row in rows(DeviceKey) if row.device_id == phone.device.id}
    assert {3, 5} <= kids.keys()
    signed = {row.seq: row.k for row in rows(OutboxRow) if row.seq}
    first = phone.device.key.public.thumbprint
    assert signed == {1: first, 2: first, 3: kids[3], 4: kids[3], 5: kids[5]}


def test_keys_follow_each_other_over_batches(phone: Recorder) -> None:
    assert phone.outcomes([phone.note(), rotate(phone)[0]]) == ["accepted"] * 2
    assert phone.outcomes([phone.note()]) == ["accepted"]
    assert phone.outcomes([rotate(phone)[0], phone.note()]) == ["accepted"] * 2
    assert len(log_of(phone.app, phone.device)) == 5


def test_a_record_of_a_key_that_is_still_to_come_waits(phone: Recorder) -> None:
    first, turn, third = phone.note(), rotate(phone)[0], phone.note()
    assert phone.outcomes([third]) == ["held"]
    assert phone.outcomes([first]) == ["accepted"]
    assert phone.outcomes([turn]) == ["accepted"]
    assert [seq for seq, _ in log_of(phone.app, phone.device)] == [1, 2, 3]


def test_a_stolen_old_key_signs_nothing_more(phone: Recorder) -> None:
    old = phone.device.key
    phone.push([phone.note(), rotate(phone)[0]])
    forged = phone.sealed(phone.payload("log.note", text="假"), 3, phone.prev, key=old)
    (result,) = phone.push([forged.record.to_dict()])["results"]
    assert problem_of(result) == ("record-signature", "signature")
    assert phone.outcomes([phone.note()]) == ["accepted"]


def test_a_held_record_of_an_old_key_becomes_a_conflict(phone: Recorder) -> None:
    """Taken while the old key was the newest known one; the certificate came later."""
    old = phone.device.key
    first, turn = phone.note(), rotate(phone)[0]
    forged = phone.sealed(phone.payload("log.note", text="假"), 3, phone.prev, key=old)
    assert phone.outcomes([forged.record.to_dict()]) == ["held"]
    assert phone.outcomes([first, turn]) == ["accepted"] * 2
    assert [row.reason for row in rows(RecordConflict)] == ["signature"]
    assert phone.outcomes([phone.note()]) == ["accepted"]


def test_tamper_51_a_replayed_key_is_refused(phone: Recorder) -> None:
    first = phone.device.key
    phone.push([rotate(phone)[0], phone.note()])
    place: dict[str, Any] = {
        "src": str(phone.device.id),
        "ep": 1,
        "seq": phone.seq + 1,
        "prev": phone.prev,
    }
    back = phone.payload("key.next", key=certify(first, **place).to_dict())
    before = (phone.seq, phone.prev)
    (result,) = phone.push([phone.seal(back)])["results"]
    assert problem_of(result) == ("record-key", "key-replayed")
    phone.seq, phone.prev = before
    assert phone.outcomes([phone.note()]) == ["accepted"]


def test_tamper_51_a_key_of_another_device_is_refused(phone: Recorder, world: World) -> None:
    other = Recorder(world.app, add_device(world.app, world.first.id, alg=phone.device.key.alg))
    turn, theirs = rotate(other)
    assert other.outcomes([turn]) == ["accepted"]
    place: dict[str, Any] = {"src": str(phone.device.id), "ep": 1, "seq": 1, "prev": phone.prev}
    body = certify(theirs, **place).to_dict()
    (result,) = phone.push([phone.seal(phone.payload("key.next", key=body))])["results"]
    assert problem_of(result) == ("record-key", "key-replayed")


def test_tamper_51_another_algorithm_is_refused(phone: Recorder) -> None:
    other = next(alg for alg in Algorithm if alg is not phone.device.key.alg)
    (result,) = phone.push([rotate(phone, other)[0]])["results"]
    assert problem_of(result) == ("record-key", "key-algorithm")


@pytest.mark.parametrize("changes", [{"seq": 9}, {"ep": 2}, {"prev": "a" * 64}])
def test_tamper_51_a_certificate_of_another_place_is_refused(
    phone: Recorder, changes: dict[str, Any]
) -> None:
    (result,) = phone.push([rotate(phone, **changes)[0]])["results"]
    assert problem_of(result) == ("record-key", "key-proof")


def test_a_refused_certificate_does_not_spoil_the_batch_before_it(phone: Recorder) -> None:
    other = next(alg for alg in Algorithm if alg is not phone.device.key.alg)
    wires = [phone.note(), rotate(phone, other)[0], phone.note()]
    assert phone.outcomes(wires) == ["accepted", "rejected", "held"]
