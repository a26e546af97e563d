"""Receipts: one for each record or object, signed, only when everything is durable."""

from __future__ import annotations

import hashlib

import pytest
import sqlalchemy as sa
from flask import Flask

from client_sdk.protocol.statements import Receipt, SignedStatement, StatementKind, verify_with
from server.audit.models import Event, ReceiptRow
from server.core.keyring import EVENT
from server.core.transactions import EVERY_COURT, unit_of_work
from tests.factories.field import Recorder, issue_receipts, object_of
from tests.factories.identity import World, runtime_of

PHOTO = b"not really a photo"


@pytest.fixture
def world(app: Flask) -> World:
    return World.build(app)


@pytest.fixture
def phone(world: World) -> Recorder:
    return Recorder(world.app, world.first.phone)


def fetch(world: World, since: str | None = None, limit: int = 100) -> tuple[list[Receipt], str]:
    caller = world.device_caller(world.first.phone)
    found: list[Receipt] = []
    while True:
        query = f"?limit={limit}" + (f"&since={since}" if since else "")
        page = caller.get(f"/receipts{query}").get_json()
        key = runtime_of(world.app).keyring.active(EVENT).public
        for value in page["receipts"]:
            statement = SignedStatement.from_dict(value)
            found.append(Receipt.from_body(verify_with(StatementKind.RECEIPT, statement, key)))
        since = page["cursor"]
        if not page["has_more"]:
            return found, str(since)


def test_a_record_without_objects_is_receipted_from_the_log(phone: Recorder, world: World) -> None:
    phone.push([phone.note("一"), phone.note("二")])
    assert fetch(world)[0] == []
    issue_receipts(phone.app)
    first, second = fetch(world)[0]
    assert (first.device, first.court) == (str(phone.device.id), str(world.first.id))
    assert [(one.ep, one.seq) for one in (first, second)] == [(1, 1), (1, 2)]
    assert second.hid == phone.prev
    assert (first.sha256, first.size_bytes) == (None, None)
    with unit_of_work(EVERY_COURT, write=False) as session:
        statement = sa.select(Event.seq, Event.log_index).where(Event.seq.is_not(None))
        places = dict(session.execute(statement).all())
    assert {one.seq: one.log_index for one in (first, second)} == places


def test_an_object_is_receipted_only_when_its_bytes_are_verified(
    phone: Recorder, world: World
) -> None:
    phone.push([phone.capture(PHOTO)])
    reached = issue_receipts(phone.app)
    assert fetch(world)[0] == []
    phone.bring(PHOTO)
    issue_receipts(phone.app, reached)
    (receipt,) = fetch(world)[0]
    assert receipt.sha256 == hashlib.sha256(PHOTO).hexdigest()
    assert (receipt.size_bytes, receipt.seq, receipt.hid) == (len(PHOTO), 1, phone.prev)
    assert receipt.copies >= 1


def test_bytes_before_the_record_give_the_same_receipt(phone: Recorder, world: World) -> None:
    phone.bring(PHOTO)
    phone.push([phone.capture(PHOTO)])
    issue_receipts(phone.app)
    assert [one.size_bytes for one in fetch(world)[0]] == [len(PHOTO)]


def test_the_attachment_of_a_note_is_evidence_with_its_receipt(
    phone: Recorder, world: World
) -> None:
    wire = phone.note("附照片", obj=[object_of(PHOTO)])
    phone.push([wire])
    phone.bring(PHOTO)
    issue_receipts(phone.app)
    (receipt,) = fetch(world)[0]
    assert receipt.sha256 == hashlib.sha256(PHOTO).hexdigest()


def test_two_records_of_the_same_bytes_get_a_receipt_each(phone: Recorder, world: World) -> None:
    phone.push([phone.capture(PHOTO), phone.capture(PHOTO)])
    phone.bring(PHOTO)
    issue_receipts(phone.app)
    assert sorted(one.seq for one in fetch(world)[0]) == [1, 2]


def test_receipts_are_issued_once_even_when_the_log_is_read_again(
    phone: Recorder, world: World
) -> None:
    phone.push([phone.note(), phone.capture(PHOTO)])
    phone.bring(PHOTO)
    for _ in range(3):
        issue_receipts(phone.app)
    with unit_of_work(EVERY_COURT, write=False) as session:
        assert session.execute(sa.select(sa.func.count()).select_from(ReceiptRow)).scalar() == 2
        kinds = session.execute(sa.select(Event.kind)).scalars().all()
    assert kinds.count("receipts.issued") <= 2
    assert len(fetch(world)[0]) == 2


def test_receipts_are_fetched_by_cursor(phone: Recorder, world: World) -> None:
    phone.push([phone.note(f"{n}") for n in range(9)])
    reached = issue_receipts(phone.app)
    found, cursor = fetch(world, limit=2)
    assert sorted(one.seq for one in found) == list(range(1, 10))
    assert fetch(world, cursor)[0] == []
    phone.push([phone.note()])
    issue_receipts(phone.app, reached)
    assert [one.seq for one in fetch(world, cursor)[0]] == [10]


def test_another_device_gets_none_of_them(phone: Recorder, world: World) -> None:
    phone.push([phone.note()])
    issue_receipts(phone.app)
    page = world.device_caller(world.first.dock).get("/receipts").get_json()
    assert page["receipts"] == []


def test_a_conflicting_or_held_record_has_no_receipt(phone: Recorder, world: World) -> None:
    prev = phone.prev
    first, _, third = phone.note("一"), phone.note("二"), phone.note("三")
    other = phone.sealed(phone.payload("log.note", text="别"), 1, prev).record.to_dict()
    phone.push([first, other, third])
    issue_receipts(phone.app)
    assert [one.seq for one in fetch(world)[0]] == [1]
