"""Records from a device: one outcome each, nothing signed is lost, nothing enters twice."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from client_sdk.protocol import jcs
from client_sdk.protocol.records import MAX_PAYLOAD_BYTES
from server.audit.models import DeviceRecord, HeldRecord, OutboxRow, RecordConflict
from server.core.clock import FixedClock
from server.core.problem import Problem
from server.core.transactions import EVERY_COURT, unit_of_work
from server.evidence.models import Evidence
from tests.factories.cases import add_case
from tests.factories.field import Recorder, log_of, sequence, spoiled
from tests.factories.identity import World, add_booking, add_device


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


def findings_of(result: dict[str, Any]) -> set[str]:
    return {one["code"] for one in result.get("findings", [])}


def test_records_are_accepted_once_and_then_known(phone: Recorder) -> None:
    wires = [phone.note(f"第{n}条") for n in range(5)]
    answer = phone.push(wires)
    assert [r["outcome"] for r in answer["results"]] == ["accepted"] * 5
    assert [r["seq"] for r in answer["results"]] == [1, 2, 3, 4, 5]
    assert answer["head"] == {"ep": 1, "seq": 5, "hid": phone.prev}
    assert phone.outcomes(wires) == ["duplicate"] * 5
    assert [seq for seq, _ in log_of(phone.app, phone.device)] == [1, 2, 3, 4, 5]


def test_the_log_keeps_the_texts_that_were_signed(phone: Recorder) -> None:
    wire = phone.note('引号"与反斜线\\与控制符\u0001')
    phone.push([wire])
    (row,) = [row for row in rows(OutboxRow) if row.ep is not None]
    assert (row.h, row.p, row.salt, row.sig) == (wire["h"], wire["p"], wire["salt"], wire["sig"])
    assert (row.src, row.ep, row.seq) == (str(phone.device.id), 1, 1)
    assert row.k == phone.device.key.public.thumbprint


def test_records_come_in_any_order_within_a_batch(phone: Recorder) -> None:
    wires = [phone.note() for _ in range(4)]
    assert phone.outcomes(wires[::-1]) == ["accepted"] * 4
    assert [seq for seq, _ in log_of(phone.app, phone.device)] == [1, 2, 3, 4]


def test_a_record_waits_for_its_predecessor_and_is_shown(phone: Recorder) -> None:
    first, second, third = (phone.note() for _ in range(3))
    assert phone.outcomes([third]) == ["held"]
    assert phone.outcomes([second, third]) == ["held", "held"]
    assert sorted(row.seq for row in rows(HeldRecord)) == [2, 3]
    assert log_of(phone.app, phone.device) == []
    assert phone.outcomes([first]) == ["accepted"]
    assert rows(HeldRecord) == []
    assert [seq for seq, _ in log_of(phone.app, phone.device)] == [1, 2, 3]
    assert phone.outcomes([second, third]) == ["duplicate", "duplicate"]


def test_another_record_for_a_taken_place_is_kept_and_flagged(phone: Recorder) -> None:
    prev = phone.prev
    first = phone.note("一")
    other = phone.sealed(phone.payload("log.note", text="另一"), 1, prev).record.to_dict()
    assert phone.outcomes([first]) == ["accepted"]
    (result,) = phone.push([other])["results"]
    assert result["outcome"] == "conflict"
    assert result["problem"]["type"].endswith("record-same-seq")
    assert phone.outcomes([other, other]) == ["conflict", "conflict"]
    (kept,) = rows(RecordConflict)
    assert (kept.seq, kept.reason, kept.wire) == (1, "same-seq", other)
    kinds = [row.kind for row in rows(OutboxRow)]
    assert kinds.count("record.conflict") == 1
    assert len(log_of(phone.app, phone.device)) == 1


def test_a_record_that_names_another_predecessor_is_kept_beside_the_chain(
    phone: Recorder,
) -> None:
    phone.push([phone.note()])
    forged = phone.sealed(phone.payload("log.note", text="x"), 2, "a" * 64).record.to_dict()
    (result,) = phone.push([forged])["results"]
    assert result["outcome"] == "conflict"
    assert result["problem"]["type"].endswith("record-chain-break")
    assert phone.outcomes([phone.note()]) == ["accepted"]


def test_a_held_record_that_does_not_fit_its_predecessor_becomes_a_conflict(
    phone: Recorder,
) -> None:
    first = phone.note()
    forged = phone.sealed(phone.payload("log.note", text="x"), 2, "a" * 64).record.to_dict()
    assert phone.outcomes([forged]) == ["held"]
    assert phone.outcomes([first]) == ["accepted"]
    assert rows(HeldRecord) == []
    assert [row.reason for row in rows(RecordConflict)] == ["chain-break"]
    assert phone.outcomes([phone.note()]) == ["accepted"]


def test_one_bad_record_does_not_spoil_the_batch(phone: Recorder, world: World) -> None:
    wires = [phone.note(f"第{n}条") for n in range(3)]
    stranger = Recorder(phone.app, world.first.dock)
    bad: list[tuple[object, str]] = [
        (spoiled(wires[0], p=wires[1]["p"]), "record-commitment"),
        (spoiled(wires[0], sig=wires[1]["sig"]), "record-signature"),
        (spoiled(wires[0], h=wires[0]["h"].replace('"v":1', '"v": 1')), "record-not-canonical"),
        (spoiled(wires[0], p='{"act":"log.note","act":"x"}'), "record-not-canonical"),
        (spoiled(wires[0], salt="00"), "record-malformed"),
        ({**wires[0], "extra": "x"}, "record-malformed"),
        ("not a record", "record-malformed"),
        (None, "record-malformed"),
        ({"h": 1, "p": 2, "salt": 3, "sig": 4}, "record-malformed"),
        (stranger.note(), "record-foreign-device"),
        (Recorder(phone.app, phone.device, ep=2).note(), "record-epoch"),
    ]
    answer = phone.push([*wires[:2], *(wire for wire, _ in bad), wires[2]])
    results = answer["results"]
    assert [r["outcome"] for r in results[:2] + results[-1:]] == ["accepted"] * 3
    slugs = [r["problem"]["type"].rpartition(":")[2] for r in results[2:-1]]
    assert slugs == [slug for _, slug in bad]
    assert {r["outcome"] for r in results[2:-1]} == {"rejected"}
    assert len(rows(DeviceRecord)) == 3


def test_a_record_that_is_too_large_is_refused(phone: Recorder) -> None:
    huge = phone.payload("log.note", text="x", match={"x": "y" * MAX_PAYLOAD_BYTES})
    (result,) = phone.push([phone.sealed(huge, 1, phone.prev).record.to_dict()])["results"]
    assert result["problem"]["type"].endswith("record-too-large")
    assert (result["seq"], result["ep"]) == (1, 1)


def test_too_many_records_are_refused_whole(phone: Recorder) -> None:
    with pytest.raises(Problem) as caught:
        phone.push(["x"] * 501)
    assert caught.value.kind.slug == "too-many-records"


def test_a_foreign_courts_ids_behave_exactly_like_absent_ids(phone: Recorder, world: World) -> None:
    foreign_case = add_case(phone.app, world.second.id)
    foreign = phone.note(case=str(foreign_case), who=str(world.second.officer.id))
    absent = phone.note(case=str(uuid.uuid4()), who=str(uuid.uuid4()))
    first, second = phone.push([foreign, absent])["results"]
    assert first["outcome"] == second["outcome"] == "accepted"
    assert findings_of(first) == findings_of(second) >= {"case-not-found", "officer-not-found"}
    assert [row.case_id for row in rows(OutboxRow) if row.ep] == [None, None]


ODD: list[tuple[dict[str, Any], str]] = [
    ({"act": "raid.started"}, "kind-unknown"),
    ({"act": 7}, "kind-unknown"),
    ({"act": ...}, "kind-unknown"),
    ({"act": "x\0y"}, "kind-unknown"),
    ({"geo": ...}, "geo-invalid"),
    ({"geo": {"lat": "91"}}, "geo-invalid"),
    ({"t": ...}, "time-invalid"),
    ({"t": {"wall": "yesterday"}}, "time-invalid"),
    ({"t": "x"}, "time-invalid"),
    ({"case": "not-an-id"}, "payload-invalid"),
    ({"who": 7}, "payload-invalid"),
    ({"text": "字" * 4001}, "payload-invalid"),
    ({"text": ["x"]}, "payload-invalid"),
    ({"media": ["x"]}, "payload-invalid"),
    ({"ticket": "no such"}, "ticket-unknown"),
    ({"ticket": "\0"}, "ticket-unknown"),
    ({"ticket": 7}, "payload-invalid"),
    ({"obj": "x"}, "object-invalid"),
    ({"obj": [{"sha256": "x"}]}, "object-invalid"),
    ({"captured_by": str(uuid.UUID(int=7))}, "camera-not-found"),
    ({"new-member": True}, "member-unknown"),
]


@pytest.mark.parametrize(("changes", "code"), ODD, ids=[repr(c)[:40] for c, _ in ODD])
def test_what_was_signed_is_accepted_however_odd_it_is(
    phone: Recorder, changes: dict[str, Any], code: str
) -> None:
    payload = phone.payload("log.note", **({"text": "x"} | changes))
    (result,) = phone.push([phone.seal(payload)])["results"]
    assert result["outcome"] == "accepted"
    assert code in findings_of(result)
    (indexed,) = rows(DeviceRecord)
    assert indexed.findings == result["findings"]
    assert phone.outcomes([phone.note()]) == ["accepted"]


def test_empty_payloads_and_nul_characters_are_kept(phone: Recorder) -> None:
    wires = [
        phone.seal({}),
        phone.note("a\0b"),
        phone.note(t=phone.times(boot="b\0ot")),
        phone.note(match={"x\0": "\0"}),
        phone.seal(phone.payload("capture.lost", ref={"sha256": "0" * 64, "reason": "a\0"})),
    ]
    assert phone.outcomes(wires) == ["accepted"] * 5
    assert jcs.loads_object(rows(OutboxRow)[1].p)["text"] == "a\0b"


def test_the_booking_says_who_recorded_it(world: World, app: Flask) -> None:
    device = add_device(app, world.first.id)
    booking = add_booking(app, device, world.first.officer)
    phone = Recorder(app, device)
    agreed, differs, silent = phone.push(
        [
            phone.capture(b"1", who=str(world.first.officer.id)),
            phone.capture(b"2", who=str(world.first.supervisor.id)),
            phone.capture(b"3"),
        ]
    )["results"]
    assert findings_of(agreed) == findings_of(silent) == set()
    assert findings_of(differs) == {"officer-differs"}

    items = rows(Evidence)
    assert {item.officer_id for item in items} == {world.first.officer.id}
    assert {item.booking_id for item in items} == {booking}
    assert {item.officer_source for item in items} == {"booking"}


def test_without_a_booking_the_record_says_who(world: World, app: Flask) -> None:
    phone = Recorder(app, add_device(app, world.first.id))
    phone.push([phone.capture(b"1", who=str(world.first.officer.id)), phone.capture(b"2")])

    found = {item.seq: (item.officer_id, item.officer_source) for item in rows(Evidence)}
    assert found == {1: (world.first.officer.id, "record"), 2: (None, "none")}


def test_a_cameras_booking_counts_behind_the_dock(world: World, app: Flask) -> None:
    dock = Recorder(app, world.first.dock)
    camera = str(world.first.camera.id)
    (result,) = dock.push([dock.capture(b"1", captured_by=camera)])["results"]
    assert findings_of(result) == set()

    (item,) = rows(Evidence)
    assert (str(item.captured_by), item.device_id) == (camera, world.first.dock.id)
    assert item.booking_id == world.first.booking_id


def test_a_docked_file_belongs_to_who_carried_the_camera_when_it_was_made(
    world: World, app: Flask, clock: FixedClock
) -> None:
    camera = add_device(app, world.first.id, "camera", alg=None)
    morning = add_booking(app, camera, world.first.officer, starts_in=timedelta(0), hours=4)
    add_booking(app, camera, world.first.police, starts_in=timedelta(hours=4), hours=4)
    made = clock.now() + timedelta(hours=1)
    clock.advance(timedelta(hours=6))
    dock = Recorder(app, world.first.dock)
    times = {"certainty": "exact", "reason": "booking", "time_source": "file"}
    wires = [
        dock.capture(b"1", captured_by=str(camera.id), match={**times, "file_time": at})
        for at in (made.isoformat(), "this morning")
    ]
    first, second = dock.push(wires)["results"]
    assert findings_of(first) == set()
    assert findings_of(second) == {"time-invalid"}
    items = {item.seq: item for item in rows(Evidence)}
    assert (items[1].booking_id, items[1].officer_id) == (morning, world.first.officer.id)
    assert (items[1].captured_at, items[1].clock_class) == (made, "C")
    assert items[1].boot is None
    assert items[2].officer_id == world.first.police.id
    assert items[2].captured_at == clock.now()


def test_records_of_one_batch_are_one_share_of_the_log(phone: Recorder) -> None:
    phone.push([phone.note() for _ in range(500)])
    assert sequence(phone.app) == 500
    assert len(log_of(phone.app, phone.device)) == 500
