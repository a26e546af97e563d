"""Receipts are superseded by receipts that prove the record's place under a checkpoint."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from client_sdk.protocol.statements import (
    Receipt,
    SignedStatement,
    StatementKind,
    Ticket,
    verify_with,
)
from client_sdk.protocol.tlog.checkpoints import open_checkpoint
from client_sdk.protocol.tlog.notes import parse_note, parse_vkey
from client_sdk.protocol.tlog.proofs import parse_proof
from server.audit import log, receipts
from server.audit.mirroring import BUNDLES, Mirror
from server.audit.models import Event, LogTile, ReceiptRow, TileMirror
from server.core.clock import FixedClock
from server.core.context import Context, system_actor
from server.core.keyring import EVENT
from server.core.transactions import EVERY_COURT, unit_of_work
from server.evidence.models import Evidence
from storage.digest import Digest
from tests.factories.cases import add_case, add_mission
from tests.factories.field import Recorder, issue_receipts, sequence
from tests.factories.identity import World, runtime_of
from tests.factories.log import enter_events, sign_log
from tests.factories.witnesses import Witnesses, with_policy


@pytest.fixture
def world(app: Flask) -> World:
    return World.build(app)


@pytest.fixture
def phone(world: World) -> Recorder:
    return Recorder(world.app, world.first.phone)


def with_witnesses(app: Flask, folder: Path) -> Witnesses:
    """Two witnesses, both of whom have to agree."""
    runtime = runtime_of(app)
    settings = replace(runtime.settings, witness_policy=str(folder / "policy"))
    app.extensions["tiezheng"] = replace(runtime, settings=settings)
    found = Witnesses(app, folder / "witnesses")
    for name in ("w1", "w2"):
        found.add(name)
    with_policy(app, found.policy())
    return found


def supersede(app: Flask) -> int:
    """As the worker's loop does it, to the end; then into the log."""
    total = 0
    while True:
        with unit_of_work(EVERY_COURT) as session:
            done = receipts.supersede(Context(system_actor(), session, runtime_of(app)), limit=3)
        total += done
        if not done:
            sequence(app)
            return total


def fetched(world: World) -> list[Receipt]:
    """Everything that the device gets, verified."""
    caller = world.device_caller(world.first.phone)
    key = runtime_of(world.app).keyring.active(EVENT).public
    page = caller.get("/receipts?limit=500").get_json()
    assert not page["has_more"]
    statements = map(SignedStatement.from_dict, page["receipts"])
    return [Receipt.from_body(verify_with(StatementKind.RECEIPT, s, key)) for s in statements]


def vkey_of(app: Flask) -> str:
    return str(app.test_client().get("/api/v1/log/state").get_json()["vkeys"][0])


def test_each_receipt_is_superseded_once_with_a_proof(phone: Recorder, world: World) -> None:
    phone.push([phone.note(f"{n}") for n in range(7)])
    phone.push([phone.capture(b"photo")])
    phone.bring(b"photo")
    issue_receipts(phone.app)
    first = fetched(world)
    assert len(first) == 8
    assert not any(one.is_superseding for one in first)
    assert supersede(phone.app) == 0
    sign_log(phone.app)
    assert supersede(phone.app) == 8
    assert supersede(phone.app) == 0
    sign_log(phone.app)
    assert supersede(phone.app) == 0
    later = [one for one in fetched(world) if one.is_superseding]
    assert len(later) == 8
    with unit_of_work(EVERY_COURT, write=False) as session:
        leaves = dict(session.execute(sa.select(Event.log_index, Event.leaf_hash)).all())
        hids = dict(session.execute(sa.select(Event.log_index, Event.hid)).all())
    for one in later:
        assert one.level == "L1"
        assert one.checkpoint is not None
        assert one.proof is not None
        assert one.log_index is not None
        proof = parse_proof(one.proof)
        assert proof.checkpoint_note == parse_note(one.checkpoint)
        head = open_checkpoint(proof.checkpoint_note, parse_vkey(vkey_of(phone.app)))
        proof.verify(leaves[one.log_index], head)
        assert hids[one.log_index] == one.hid
        plain = replace(one, level=None, checkpoint=None, proof=None)
        assert plain in [replace(older, issued=one.issued) for older in first]


def test_where_witnesses_are_asked_receipts_wait_for_them(
    phone: Recorder, world: World, tmp_path: Path
) -> None:
    witnesses = with_witnesses(phone.app, tmp_path)
    phone.push([phone.note()])
    issue_receipts(phone.app)
    sign_log(phone.app)
    assert supersede(phone.app) == 0
    witnesses.collector().turn()
    assert supersede(phone.app) == 1
    assert [one.level for one in fetched(world)] == [None, "L2"]


@pytest.mark.parametrize("asked", [True, False])
def test_tamper_a_level_written_by_hand_is_not_signed(
    phone: Recorder, world: World, clock: FixedClock, tmp_path: Path, asked: bool
) -> None:
    if asked:
        witnesses = with_witnesses(phone.app, tmp_path)
        witnesses.away.update({"w1", "w2"})
    phone.push([phone.note()])
    issue_receipts(phone.app)
    size = sign_log(phone.app)
    with unit_of_work(EVERY_COURT) as session:
        log.mark_witnessed(session, size, clock.now())  # as somebody with the database open would
    assert supersede(phone.app) == (0 if asked else 1)
    assert "L2" not in {one.level for one in fetched(world)}


def test_a_receipt_altered_in_the_database_is_not_signed_again(
    phone: Recorder, world: World
) -> None:
    phone.push([phone.note(), phone.note()])
    issue_receipts(phone.app)
    sign_log(phone.app)
    with unit_of_work(EVERY_COURT) as session:
        row = session.execute(sa.select(ReceiptRow).order_by(ReceiptRow.seq)).scalars().first()
        assert row is not None
        row.s = row.s.replace('"copies":1', '"copies":3')
    assert supersede(phone.app) == 2
    with unit_of_work(EVERY_COURT, write=False) as session:
        newer = session.execute(sa.select(ReceiptRow.seq).where(ReceiptRow.generation == 2))
        assert list(newer.scalars()) == [2]


def test_a_receipt_whose_entry_cannot_be_proven_waits(phone: Recorder, world: World) -> None:
    phone.push([phone.note(), phone.note()])
    issue_receipts(phone.app)
    sign_log(phone.app)
    rx = "2020-01-01T00:00:00.000Z"
    with unit_of_work(EVERY_COURT) as session:
        event = session.execute(sa.select(Event).where(Event.seq == 1)).scalar_one()
        event.rx, rx = rx, event.rx
    assert supersede(phone.app) == 1
    assert [one.seq for one in fetched(world) if one.is_superseding] == [2]
    with unit_of_work(EVERY_COURT) as session:
        session.execute(sa.update(Event).where(Event.seq == 1).values(rx=rx))
    assert supersede(phone.app) == 1
    assert sorted(one.seq for one in fetched(world) if one.is_superseding) == [1, 2]


def test_an_old_receipt_is_still_read(phone: Recorder, world: World) -> None:
    phone.push([phone.note()])
    issue_receipts(phone.app)
    (receipt,) = fetched(world)
    assert set(receipt.to_body()) == {
        "court", "device", "ep", "seq", "hid", "sha256", "size", "copies", "log_index", "rx",
        "issued",
    }  # fmt: skip
    assert Receipt.from_body(receipt.to_body()) == receipt


def test_a_ticket_names_the_newest_checkpoint(phone: Recorder, world: World) -> None:
    court = world.first
    case_id = add_case(phone.app, court.id, officer_ids=[court.officer.id])
    mission_id = add_mission(phone.app, court.id, [case_id], officer_ids=[court.officer.id])
    ask = {"mission_id": str(mission_id), "ep": 1, "seq": 0, "head": "0" * 64}
    caller = world.caller(court.officer)
    found = []
    for _ in range(2):
        statement = SignedStatement.from_dict(caller.post("/tickets", json=ask).get_json())
        key = runtime_of(phone.app).keyring.active(EVENT).public
        found.append(Ticket.from_body(verify_with(StatementKind.TICKET, statement, key)))
        sequence(phone.app)
        sign_log(phone.app)
    assert found[0].checkpoint is None
    assert found[1].checkpoint is not None
    open_checkpoint(parse_note(found[1].checkpoint), parse_vkey(vkey_of(phone.app)))


def test_the_level_is_shown_wherever_custody_is(
    phone: Recorder, world: World, clock: FixedClock
) -> None:
    case_id = add_case(phone.app, world.first.id)
    phone.push([phone.capture(b"photo", case=str(case_id))])
    phone.bring(b"photo")
    with unit_of_work(EVERY_COURT, write=False) as session:
        item_id = session.execute(sa.select(Evidence.id)).scalar_one()
    lead = world.caller(world.first.supervisor)

    def shown() -> tuple[str | None, set[str], dict[str, int]]:
        detail = lead.get(f"/evidence/{item_id}").get_json()["custody"]
        custody = lead.get(f"/evidence/{item_id}/custody").get_json()["items"]
        levels = lead.get("/events").get_json()["levels"]
        return detail["level"], {one["level"] for one in custody}, levels

    assert shown()[0] is None
    sequence(phone.app)
    assert shown() == ("L0", {"L0"}, {"L1": 0, "L2": 0, "L3": 0})
    size = sign_log(phone.app)
    assert shown() == ("L1", {"L1"}, {"L1": size, "L2": 0, "L3": 0})
    with unit_of_work(EVERY_COURT) as session:
        log.mark_witnessed(session, size, clock.now())
    assert shown() == ("L2", {"L2"}, {"L1": size, "L2": size, "L3": 0})


def test_full_tiles_lie_in_the_store_of_bytes(app: Flask, world: World) -> None:
    enter_events(app, world.first.id, 520)
    mirror = Mirror(runtime_of(app))
    while mirror.turn() == 0.0:
        pass
    with unit_of_work(EVERY_COURT, write=False) as session:
        rows = list(session.execute(sa.select(TileMirror)).scalars())
        session.expunge_all()
        tiles = {
            (tile.level, tile.index): tile.data
            for tile in session.execute(sa.select(LogTile)).scalars()
        }
    assert sorted((row.level, row.index) for row in rows) == [
        (BUNDLES, 0), (BUNDLES, 1), (0, 0), (0, 1),
    ]  # fmt: skip
    blobs = runtime_of(app).stores.blobs
    for row in rows:
        data = b"".join(blobs.read(Digest(row.sha256)))
        assert len(data) == row.size_bytes
        if row.level == BUNDLES:
            assert data == app.test_client().get(f"/log/tile/entries/{row.index:03}").data
        else:
            assert data == tiles[row.level, row.index]
    assert mirror.turn() > 0
