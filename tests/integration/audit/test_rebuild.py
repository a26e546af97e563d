"""Whatever somebody changes of the stored tree by hand is found by rebuilding it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from server.audit.models import CaseChain, CheckpointRow, Event, LogState, LogTile
from server.audit.rebuild import LogFinding, rebuild_tiles
from server.core.transactions import EVERY_COURT, unit_of_work
from tests.factories.cases import add_case
from tests.factories.identity import World
from tests.factories.log import enter_events, sign_log, signer_of


@pytest.fixture
def world(app: Flask) -> World:
    """A log of 300 entries and more, some of one case, signed in three steps."""
    world = World.build(app)
    case_id = add_case(app, world.first.id, serial=9)
    for count in (40, 230, 60):
        enter_events(app, world.first.id, count, case_id)
        sign_log(app)
    return world


def found(**given: Any) -> list[LogFinding]:
    with unit_of_work(EVERY_COURT) as session:
        return rebuild_tiles(session, **given)


def change(statement: sa.Executable) -> None:
    with unit_of_work(EVERY_COURT) as session:
        session.execute(statement)


def test_an_untouched_log_has_no_findings(app: Flask, world: World) -> None:
    with signer_of(app) as signer:
        assert found(vkeys=signer.folder.vkeys) == []
    assert found(repair=True) == []


def test_an_empty_log_has_no_findings(app: Flask) -> None:
    assert found() == []


def event(**values: Any) -> sa.Update:
    return sa.update(Event).where(Event.log_index == 77).values(**values)


def checkpoint(**values: Any) -> sa.Update:
    return sa.update(CheckpointRow).where(CheckpointRow.size == 271).values(**values)


FORGED = b"\x01" * 32
CHANGES: dict[str, tuple[Callable[[], sa.Executable], str]] = {
    "receipt time": (lambda: event(rx="2020-01-01T00:00:00.000Z"), "leaf-differs"),
    "header": (lambda: event(h="{}"), "leaf-differs"),
    "signature": (lambda: event(sig="A" * 86), "leaf-differs"),
    "malformed signature": (lambda: event(sig="?"), "leaf-malformed"),
    "key": (lambda: event(k="other"), "leaf-differs"),
    "case tag": (lambda: event(case_tag="0" * 32), "case-link"),
    "case sequence": (lambda: event(case_seq=500), "case-link"),
    "case predecessor": (lambda: event(case_prev="0" * 64), "case-link"),
    "leaf hash": (lambda: event(leaf_hash=FORGED), "leaf-differs"),
    "entry gone": (lambda: sa.delete(Event).where(Event.log_index == 77), "index-gap"),
    "entry moved": (lambda: event(log_index=5_000), "size-differs"),
    "log size": (lambda: sa.update(LogState).values(next_index=300), "size-differs"),
    "checkpoint root": (lambda: checkpoint(root=FORGED), "checkpoint-differs"),
    "checkpoint size": (lambda: checkpoint(size=272), "checkpoint-differs"),
    "checkpoint note": (lambda: checkpoint(note="x\n"), "checkpoint-differs"),
    "chain key": (lambda: sa.update(CaseChain).values(case_key=FORGED), "case-tag"),
    "chain end": (lambda: sa.update(CaseChain).values(last_seq=3), "case-chain"),
    "chain leaf": (lambda: sa.update(CaseChain).values(last_leaf=FORGED), "case-chain"),
    "chain gone": (lambda: sa.delete(CaseChain), "case-chain"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_by_hand_is_found(app: Flask, world: World, name: str) -> None:
    make, code = CHANGES[name]
    change(make())
    assert code in {one.code for one in found()}


TILE_CHANGES: dict[str, tuple[Callable[[], sa.Executable], str]] = {
    "a full tile": (lambda: tile(0, 0, data=bytes(32 * 256)), "tile-differs"),
    "one hash of it": (lambda: tile(0, 1, data=sa.func.substr(LogTile.data, 2)), "tile-differs"),
    "the width": (lambda: tile(0, 1, width=3), "tile-differs"),
    "the upper level": (lambda: tile(1, 0, data=bytes(32)), "tile-differs"),
    "a tile gone": (lambda: sa.delete(LogTile).where(LogTile.level == 0), "tile-missing"),
}


def tile(level: int, index: int, **values: Any) -> sa.Update:
    where = (LogTile.level == level, LogTile.index == index)
    return sa.update(LogTile).where(*where).values(**values)


@pytest.mark.parametrize("name", TILE_CHANGES)
def test_tamper_46_a_corrupt_tile_is_found_and_put_right(
    app: Flask, world: World, name: str
) -> None:
    make, code = TILE_CHANGES[name]
    change(make())
    assert {one.code for one in found()} == {code}
    assert all(one.repaired for one in found(repair=True))
    assert found() == []
    enter_events(app, world.first.id, 3)
    assert sign_log(app) == 334


def test_a_tile_that_no_tree_has_is_found(app: Flask, world: World) -> None:
    for place in ((0, 7), (3, 0), (70, 1)):
        row = {"level": place[0], "index": place[1], "width": 1, "data": FORGED}
        change(sa.insert(LogTile).values(row))
    assert [one.code for one in found()] == ["tile-extra"] * 3


def test_tiles_are_not_rebuilt_upon_rewritten_entries(app: Flask, world: World) -> None:
    """Putting tiles right must not make a rewritten log look whole."""
    change(event(rx="2020-01-01T00:00:00.000Z"))
    findings = found(repair=True)
    assert {"leaf-differs", "tile-differs", "checkpoint-differs"} <= {one.code for one in findings}
    assert not any(one.repaired for one in findings)


def test_a_checkpoint_of_another_key_is_found(app: Flask, world: World) -> None:
    with signer_of(app) as signer:
        vkeys = signer.folder.vkeys
    with unit_of_work(EVERY_COURT, write=False) as session:
        note = session.get_one(CheckpointRow, 271).note
    head, _, line = note.rpartition("\n\n")
    forged = line[:60] + ("A" if line[60] != "A" else "B") + line[61:]
    change(checkpoint(note=f"{head}\n\n{forged}"))
    assert {one.code for one in found(vkeys=vkeys)} == {"checkpoint-signature"}
