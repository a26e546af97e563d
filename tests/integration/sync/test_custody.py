"""What chains prove about each other: heads, closings, tickets, recordings, revocation."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from client_sdk.protocol.heads import HeadText, show
from client_sdk.protocol.statements import SignedStatement
from server.audit.device_models import HeadAttestation
from server.audit.models import DeviceRecord, OutboxRow
from server.core.context import Context, system_actor
from server.core.transactions import EVERY_COURT, unit_of_work
from server.identity import service_devices
from server.identity.commands import Revoke
from server.identity.models import Device
from server.sync import service as sync
from tests.factories.cases import add_case, add_mission
from tests.factories.field import Recorder
from tests.factories.identity import World, runtime_of

STREAM = uuid.UUID("01936b1e-0000-7000-8000-0000000000aa")


@pytest.fixture
def world(app: Flask) -> World:
    return World.build(app)


@pytest.fixture
def phone(world: World) -> Recorder:
    return Recorder(world.app, world.first.phone)


@pytest.fixture
def dock(world: World) -> Recorder:
    return Recorder(world.app, world.first.dock)


def rows(model: Any) -> list[Any]:
    with unit_of_work(EVERY_COURT, write=False) as session:
        found = list(session.execute(sa.select(model)).scalars())
        session.expunge_all()
        return found


def findings(recorder: Recorder) -> dict[int, list[str]]:
    """Codes of the findings of a chain's records that have any."""
    return {
        row.seq: [one["code"] for one in row.findings]
        for row in rows(DeviceRecord)
        if row.device_id == recorder.device.id and row.findings
    }


def head_of(recorder: Recorder, **changes: Any) -> HeadText:
    """What the device shows now."""
    shown: dict[str, Any] = {
        "device": recorder.device.id, "ep": 1, "seq": recorder.seq, "hid": recorder.prev,
        "unix_ms": 1_772_413_200_000,
    }  # fmt: skip
    return show(recorder.device.key, **(shown | changes))


def attest(recorder: Recorder, head: HeadText) -> dict[str, str]:
    return recorder.seal(recorder.payload("head.attest", head=head.to_dict()))


def kinds() -> list[str]:
    return [row.kind for row in rows(OutboxRow)]


# ---------------------------------------------------------------- heads


def test_another_device_binds_a_head(phone: Recorder, dock: Recorder) -> None:
    unsynced = [phone.note("一"), phone.note("二")]
    dock.push([attest(dock, head_of(phone))])
    assert phone.outcomes(unsynced) == ["accepted"] * 2
    (row,) = rows(HeadAttestation)
    assert (row.device_id, row.seq, row.hid) == (phone.device.id, 2, phone.prev)
    assert (row.by_device_id, row.by_seq) == (dock.device.id, 1)
    assert findings(phone) == findings(dock) == {}


def test_tamper_43_a_rewrite_after_the_attestation_is_found(
    phone: Recorder, dock: Recorder
) -> None:
    phone.note("一"), phone.note("二")
    dock.push([attest(dock, head_of(phone))])
    rewritten = Recorder(phone.app, phone.device)
    assert rewritten.outcomes([rewritten.note("一"), rewritten.note("改")]) == ["accepted"] * 2
    assert findings(rewritten) == {2: ["head-contradicted"]}
    assert "head.contradicted" in kinds()


def test_tamper_43_an_attestation_that_the_log_contradicts_is_found(
    phone: Recorder, dock: Recorder
) -> None:
    phone.push([phone.note("一")])
    other = head_of(phone, hid="ab" * 32)
    dock.push([attest(dock, other)])
    assert findings(dock) == {1: ["head-contradicted"]}
    assert "head.contradicted" in kinds()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"seq": 9}, "head-invalid"),
        ({"sig": "A" * 86}, "head-invalid"),
        ({"device": STREAM}, "head-unknown"),
        ({"ep": 7}, "head-unknown"),
    ],
)
def test_a_head_that_its_device_did_not_show_binds_nothing(
    phone: Recorder, dock: Recorder, change: dict[str, Any], code: str
) -> None:
    phone.note()
    dock.push([attest(dock, replace(head_of(phone), **change))])
    assert findings(dock) == {1: [code]}
    assert rows(HeadAttestation) == []


def test_a_device_of_another_court_and_the_own_one_bind_nothing(
    phone: Recorder, dock: Recorder, world: World
) -> None:
    stranger = Recorder(world.app, world.second.phone)
    stranger.note()
    dock.push([attest(dock, head_of(stranger)), attest(dock, head_of(dock))])
    assert findings(dock) == {1: ["head-unknown"], 2: ["head-own"]}
    assert rows(HeadAttestation) == []


def test_what_is_no_head_is_said(dock: Recorder) -> None:
    dock.push([dock.seal(dock.payload("head.attest", head={"text": "TZH1|x"}))])
    assert findings(dock) == {1: ["head-invalid"]}


# ---------------------------------------------------------------- closings and tickets


def test_a_closing_counts_the_missions_records(world: World, phone: Recorder) -> None:
    mission = mission_of(world)
    phone.push([phone.note(mission=mission)])
    wires = [phone.note(), phone.note(mission=mission)]
    closing = {"count": 2, "head": phone.prev, "witness": "见证人(虚构)"}
    wires.append(phone.seal(phone.payload("mission.closed", mission=mission, closing=closing)))
    phone.push(wires)
    assert findings(phone) == {}
    wrong = {"count": 5, "head": "ab" * 32}
    phone.push([phone.seal(phone.payload("mission.closed", mission=mission, closing=wrong))])
    assert findings(phone) == {5: ["closing-mismatch", "closing-mismatch"]}


def test_tamper_49_a_ticket_of_another_mission_or_after_its_time_is_found(
    world: World, phone: Recorder
) -> None:
    missions = [mission_of(world) for _ in range(2)]
    nonce = ticket(world, phone, missions[0])
    phone.push([phone.note(ticket=nonce, mission=missions[1])])
    assert findings(phone) == {1: ["ticket-mismatch"]}
    late = phone.times(wall="2027-03-02T09:00:00.000+08:00")
    phone.push([phone.note(ticket=nonce, mission=missions[0], t=late)])
    assert "ticket-expired" in findings(phone)[2]


def test_tamper_49_the_first_record_must_extend_the_tickets_head(
    world: World, phone: Recorder
) -> None:
    phone.note("in the outbox when the ticket was fetched")
    nonce = ticket(world, phone, mission_of(world))
    rewritten = Recorder(phone.app, phone.device)
    rewritten.push([rewritten.note("改"), rewritten.note(ticket=nonce)])
    assert findings(rewritten) == {2: ["ticket-mismatch"]}


def mission_of(world: World) -> str:
    serial = int.from_bytes(runtime_of(world.app).randbytes(2)) + 1
    case = add_case(world.app, world.first.id, serial=serial)
    people = [world.first.officer.id]
    return str(add_mission(world.app, world.first.id, [case], officer_ids=people))


def ticket(world: World, phone: Recorder, mission: str) -> str:
    body = {"mission_id": mission, "ep": 1, "seq": phone.seq, "head": phone.prev}
    answer = world.caller(world.first.officer).post("/tickets", json=body)
    assert answer.status_code == 201
    return str(SignedStatement.from_dict(answer.get_json()).body()["nonce"])


# ---------------------------------------------------------------- recordings


def mark(chunks: int, root: str = "ab" * 32, **changes: Any) -> dict[str, Any]:
    return {"id": str(STREAM), "chunks": chunks, "size": chunks << 22, "root": root, **changes}


def test_a_recording_grows_from_its_beginning(phone: Recorder) -> None:
    opened = phone.payload("media.open", stream={"id": str(STREAM), "chunks": 0, "size": 0})
    phone.push([phone.seal(opened), phone.seal(phone.payload("media.progress", stream=mark(3)))])
    phone.push([phone.seal(phone.payload("media.close", stream=mark(4)))])
    assert findings(phone) == {}


def test_tamper_62_a_recording_across_a_reboot_is_found(phone: Recorder) -> None:
    opened = phone.payload("media.open", stream={"id": str(STREAM), "chunks": 0, "size": 0})
    phone.push([phone.seal(opened)])
    phone.boot = "boot-2"
    phone.push([phone.seal(phone.payload("media.progress", stream=mark(3)))])
    assert findings(phone) == {2: ["stream-across-reboot"]}


def test_tamper_60_a_recording_that_shrinks_or_never_began_is_found(phone: Recorder) -> None:
    phone.push([phone.seal(phone.payload("media.progress", stream=mark(3)))])
    phone.push([phone.seal(phone.payload("media.close", stream=mark(2)))])
    assert findings(phone) == {1: ["stream-without-open"], 2: ["stream-shrinks"]}


# ---------------------------------------------------------------- revocation


def test_tamper_36_what_enters_after_the_revocation_is_suspect(
    world: World, phone: Recorder
) -> None:
    phone.push([phone.note("一")])
    phone.note("missing")
    third = phone.note("三")
    assert phone.outcomes([third]) == ["held"]
    runtime = runtime_of(world.app)
    with unit_of_work(EVERY_COURT) as session:
        ctx = Context(system_actor(world.first.id), session, runtime)
        service_devices.revoke(ctx, session.get_one(Device, phone.device.id), Revoke(reason="遗失"))
    with unit_of_work(EVERY_COURT) as session:
        ctx = Context(system_actor(world.first.id), session, runtime)
        sync.release(ctx, phone.device.id, 1, 3, "求证")
    assert findings(phone) == {3: ["gap", "suspect"]}
