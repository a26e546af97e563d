"""Every event has its leaf; the stored tiles are the tree of the leaves, at every size."""

from __future__ import annotations

import json
import threading
import uuid

import pytest
import sqlalchemy as sa
from flask import Flask

from client_sdk.protocol.tlog.leaves import case_tag, parse_leaf
from client_sdk.protocol.tlog.merkle import leaf_hash, root_of, tree_root
from server.audit import log, sequencer
from server.audit.models import CaseChain, Event, LogTile, OutboxRow, RefusedRow
from server.cases.models import Case
from server.core.transactions import EVERY_COURT, unit_of_work
from tests.factories.cases import add_case
from tests.factories.field import Recorder, sequence
from tests.factories.identity import World, runtime_of
from tests.factories.log import enter_events, write_events


@pytest.fixture
def world(app: Flask) -> World:
    return World.build(app)


def events() -> list[Event]:
    with unit_of_work(EVERY_COURT, write=False) as session:
        found = list(session.execute(sa.select(Event).order_by(Event.log_index)).scalars())
        session.expunge_all()
        return found


def test_every_event_has_its_leaf(app: Flask, world: World) -> None:
    phone = Recorder(app, world.first.phone)
    phone.push([phone.note(), phone.capture(b"photo")])
    sequence(app)
    found = events()
    assert len(found) == 2
    for event in found:
        text = log.leaf_of(event)
        assert event.leaf_hash == leaf_hash(text.encode())
        leaf = parse_leaf(text)
        assert (leaf.h, leaf.k, leaf.s, leaf.rx) == (event.h, event.k, event.sig, event.rx)


@pytest.mark.parametrize("sizes", [(1,), (255, 1, 1), (3, 600, 2), (256, 256, 1)])
def test_the_tiles_are_the_tree_of_the_leaves(
    app: Flask, world: World, sizes: tuple[int, ...]
) -> None:
    sequence(app)
    for count in sizes:
        enter_events(app, world.first.id, count)
    leaves = [event.leaf_hash for event in events()]
    with unit_of_work(EVERY_COURT, write=False) as session:
        total = log.size_of(session)
        assert total == len(leaves)
        wanted = {1, 2, 3, 255, 256, 257, 511, 512, 513, total - 1, total}
        for size in sorted(size for size in wanted if 0 < size <= total):
            assert tree_root(size, log.reader(session, size)) == root_of(leaves[:size])
        widths = session.execute(sa.select(LogTile.width).where(LogTile.level == 0)).scalars()
        assert sum(widths) == total


def test_the_entries_of_a_case_are_numbered_and_linked(app: Flask, world: World) -> None:
    court = world.first
    case_id = add_case(app, court.id, serial=3)
    other = add_case(app, court.id, serial=4)
    for _ in range(3):
        enter_events(app, court.id, 2, case_id)
        enter_events(app, court.id, 1, other)
        enter_events(app, court.id, 1)
    with unit_of_work(EVERY_COURT, write=False) as session:
        case = session.get_one(Case, case_id)
        chain = session.get_one(CaseChain, case_id)
        tag = case_tag(bytes.fromhex(case.case_key), case.case_no)
        assert (chain.tag, chain.case_key.hex()) == (tag, case.case_key)
        stands = (chain.last_seq, chain.last_leaf.hex())
    mine = [event for event in events() if event.case_id == case_id]
    assert [event.case_seq for event in mine] == list(range(1, len(mine) + 1))
    assert len(mine) >= 6
    before = None
    for event in mine:
        assert (event.case_tag, event.case_prev) == (tag, before)
        before = event.leaf_hash.hex()
    assert stands == (len(mine), before)
    assert {event.case_tag for event in events() if event.case_id is None} == {None}


def test_an_entry_of_an_unknown_case_has_no_case_sequence(app: Flask, world: World) -> None:
    sequence(app)
    enter_events(app, world.first.id, 1, uuid.uuid4())
    assert events()[-1].case_tag is None


def test_tamper_45_two_sequencers_make_one_tree(app: Flask, world: World) -> None:
    """No fork: every index once, and the tree is that of the entries in their order."""
    case_id = add_case(app, world.first.id, serial=5)
    for _ in range(8):
        write_events(app, world.first.id, 100, case_id)
    errors: list[BaseException] = []
    start = threading.Barrier(3)

    def work() -> None:
        with app.app_context():
            try:
                start.wait()
                while True:
                    with unit_of_work(EVERY_COURT) as session:
                        if not sequencer.sequence(session, runtime_of(app), limit=37):
                            return
            except BaseException as error:  # noqa: BLE001  told by the test
                errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    found = events()
    assert [event.log_index for event in found] == list(range(len(found)))
    chained = [event.case_seq for event in found if event.case_id == case_id]
    assert chained == list(range(1, len(chained) + 1))
    assert len(chained) >= 800
    with unit_of_work(EVERY_COURT, write=False) as session:
        size = log.size_of(session)
        root = tree_root(size, log.reader(session, size))
    assert root == root_of([event.leaf_hash for event in found])


def inject(**changes: object) -> None:
    """Add a row to the outbox, as somebody with the database would: a copy of one, altered."""
    with unit_of_work(EVERY_COURT) as session:
        row = dict(session.execute(sa.select(OutboxRow.__table__)).mappings().all()[-1])
        del row["id"]
        session.execute(sa.insert(OutboxRow), {**row, **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {"hid": "0" * 64}, {"p": "{}"}, {"case_id": uuid.UUID(int=5)}, {"kind": "case.added"},
        {"rx": "2020-01-01T00:00:00.000Z"}, {"subject_id": None}, {"mac": "0" * 64},
        {"changes": [["device:x", "mission", "1", "put"]]}, {"seq": 3}, {},
    ],
)  # fmt: skip
def test_a_row_that_the_server_did_not_write_is_set_aside(
    app: Flask, world: World, changes: dict[str, object]
) -> None:
    sequence(app)
    before = len(events())
    write_events(app, world.first.id, 2)
    inject(**changes)
    sequence(app)
    assert len(events()) == before + 2
    with unit_of_work(EVERY_COURT, write=False) as session:
        (refused,) = session.execute(sa.select(RefusedRow)).scalars()
        assert refused.reason == ("mac" if changes else "repeated")
        for name, value in changes.items():
            kept = refused.row[name]
            assert kept == (str(value) if isinstance(value, uuid.UUID) else value)
        assert json.loads(refused.row["h"])["src"] == "server"
        assert session.execute(sa.select(OutboxRow.id)).first() is None


def test_a_row_that_is_put_back_later_enters_once(app: Flask, world: World) -> None:
    write_events(app, world.first.id, 1)
    with unit_of_work(EVERY_COURT) as session:
        copies = [dict(row) for row in session.execute(sa.select(OutboxRow.__table__)).mappings()]
    sequence(app)
    before = len(events())
    with unit_of_work(EVERY_COURT) as session:
        session.execute(sa.insert(OutboxRow), copies)
    write_events(app, world.first.id, 1)
    sequence(app)
    assert len(events()) == before + 1
    with unit_of_work(EVERY_COURT, write=False) as session:
        refused = session.execute(sa.select(RefusedRow.reason)).scalars().all()
    assert refused == ["repeated"] * len(copies)


def test_the_log_does_not_grow_upon_a_damaged_edge(app: Flask, world: World) -> None:
    enter_events(app, world.first.id, 2)
    with unit_of_work(EVERY_COURT) as session:
        session.execute(sa.delete(LogTile).where(LogTile.level == 0))
    with pytest.raises(sequencer.LogDamagedError):
        enter_events(app, world.first.id, 1)
    with unit_of_work(EVERY_COURT, write=False) as session:
        assert session.execute(sa.select(OutboxRow.id)).first() is not None
