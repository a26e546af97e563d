"""The log over HTTP, as somebody else's tools would read it."""

from __future__ import annotations

import base64
import gzip
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.test import TestResponse

from client_sdk.protocol.tlog.checkpoints import Checkpoint, open_checkpoint
from client_sdk.protocol.tlog.merkle import leaf_hash, tree_root, verify_consistency
from client_sdk.protocol.tlog.notes import parse_note, parse_vkey
from client_sdk.protocol.tlog.proofs import parse_proof
from client_sdk.protocol.tlog.tiles import Tile, TileReader, decode_bundle, tile_of
from server.audit import log
from server.audit.models import Event, LogTile
from server.core.clock import FixedClock
from server.core.transactions import EVERY_COURT, unit_of_work
from tests.factories.identity import World
from tests.factories.log import enter_events, sign_log, signer_of

SIZE = 600


@pytest.fixture
def world(app: Flask) -> World:
    world = World.build(app)
    enter_events(app, world.first.id, 300)
    sign_log(app)
    enter_events(app, world.first.id, SIZE - 300)
    sign_log(app)
    return world


def get(app: Flask, path: str, status: int = 200, encoding: str = "") -> TestResponse:
    answer = app.test_client().get(path, headers={"Accept-Encoding": encoding})
    assert answer.status_code == status, answer.text
    return answer


def state(app: Flask) -> dict[str, Any]:
    found: dict[str, Any] = get(app, "/api/v1/log/state").get_json()
    return found


def newest(app: Flask) -> Checkpoint:
    answer = get(app, "/log/checkpoint")
    assert answer.content_type == "text/plain; charset=utf-8"
    (vkey,) = state(app)["vkeys"]
    return open_checkpoint(parse_note(answer.data), parse_vkey(vkey))


def test_tiles_lead_to_the_root_of_the_checkpoint(app: Flask, world: World) -> None:
    head = newest(app)
    assert head.size == SIZE
    fetched = []

    def fetch(tile: Tile) -> bytes:
        answer = get(app, f"/log/{tile.path}")
        assert answer.content_type == "application/octet-stream"
        assert "immutable" in answer.headers["Cache-Control"]
        fetched.append(tile)
        return bytes(answer.data)

    assert tree_root(SIZE, TileReader(fetch, SIZE)) == head.root
    assert tile_of(1, 0, SIZE) in fetched


def test_a_partial_tile_of_an_older_checkpoint_is_still_served(app: Flask, world: World) -> None:
    with unit_of_work(EVERY_COURT, write=False) as session:
        whole = session.get_one(LogTile, (0, 1)).data
    assert get(app, "/log/tile/0/001.p/44").data == whole[: 44 * 32]
    assert get(app, "/log/tile/0/001").data == whole


def test_entries_hash_to_the_leaves(app: Flask, world: World) -> None:
    for path in ("000", "001", f"002.p/{SIZE - 512}"):
        entries = decode_bundle(get(app, f"/log/tile/entries/{path}").data)
        hashes = get(app, f"/log/tile/0/{path}").data
        assert b"".join(map(leaf_hash, entries)) == hashes


def test_entries_are_compressed_for_those_who_can_read_it(app: Flask, world: World) -> None:
    path = "/log/tile/entries/000"
    plain, packed = get(app, path), get(app, path, encoding="gzip")
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert len(packed.data) < len(plain.data) / 2


@pytest.mark.parametrize(
    "path",
    [
        "0/003", "0/002", "0/002.p/200", "1/000", "2/000.p/1", "64/000", "00/000", "0/0",
        "0/x000/000", "0/000.p/0", "0/000.p/256", "-1/000", "entries/003", "entries/002",
        "entries/0", "0/../0/000", "9/999", "0/x999/x999/x999/x999/x999/999",
    ],
)  # fmt: skip
def test_what_the_tree_does_not_have_is_not_found(app: Flask, world: World, path: str) -> None:
    get(app, f"/log/tile/{path}", 404)


def test_the_proof_of_every_kind_of_place_verifies(app: Flask, world: World) -> None:
    head = newest(app)
    with unit_of_work(EVERY_COURT, write=False) as session:
        leaves = dict(session.execute(sa.select(Event.log_index, Event.leaf_hash)).all())
    for index in (0, 255, 256, 511, 512, SIZE - 1):
        answer = get(app, f"/api/v1/log/proofs/{index}")
        proof = parse_proof(answer.data)
        assert proof.index == index
        proof.verify(leaves[index], head)
    older = parse_proof(get(app, "/api/v1/log/proofs/5?size=300").data)
    assert older.checkpoint_note.text.split("\n")[1] == "300"


@pytest.mark.parametrize(
    "path", ["600", "99999999999999999999999", "5?size=301", "350?size=300", "-1"]
)
def test_no_proof_of_what_is_not_there(app: Flask, world: World, path: str) -> None:
    get(app, f"/api/v1/log/proofs/{path}", 404)


def test_an_entry_that_is_not_signed_yet_has_no_proof(app: Flask, world: World) -> None:
    enter_events(app, world.first.id, 1)
    assert "yet" in get(app, f"/api/v1/log/proofs/{SIZE}", 404).get_json()["detail"]


def test_consistency_between_any_two_sizes(app: Flask, world: World) -> None:
    with unit_of_work(EVERY_COURT, write=False) as session:
        roots = {
            size: tree_root(size, log.reader(session, size)) for size in (1, 256, 300, 511, SIZE)
        }
    for old, root in roots.items():
        body = get(app, f"/api/v1/log/consistency?old={old}&new={SIZE}").get_json()
        proof = [base64.b64decode(one) for one in body["proof"]]
        verify_consistency(old, root, SIZE, roots[SIZE], proof)
    get(app, "/api/v1/log/consistency?old=5&new=601", 404)
    get(app, "/api/v1/log/consistency?old=6&new=5", 404)


@pytest.mark.usefixtures("world")
def test_a_clock_that_was_ahead_for_a_while_holds_no_level_back(
    app: Flask, clock: FixedClock
) -> None:
    ahead = clock.now() + timedelta(days=1)
    for size, at in ((300, ahead), (SIZE, clock.now())):
        with unit_of_work(EVERY_COURT) as session:
            log.mark_witnessed(session, size, at)
            log.add_timestamp(session, size, "tsa", b"token", at, at)
    assert state(app)["levels"] == {"L1": SIZE, "L2": SIZE, "L3": SIZE}


def test_the_state_says_how_the_log_stands(app: Flask, world: World, clock: FixedClock) -> None:
    found = state(app)
    assert (found["size"], found["signing"], found["detail"]) == (SIZE, "current", None)
    assert found["levels"] == {"L1": SIZE, "L2": 0, "L3": 0}
    assert found["checkpoint"]["level"] == "L1"
    assert found["origin"] == "localhost/log"
    with unit_of_work(EVERY_COURT) as session:
        log.mark_witnessed(session, 300, clock.now())
        log.add_timestamp(session, 300, "tsa", b"token", clock.now(), clock.now())
    assert state(app)["levels"] == {"L1": SIZE, "L2": 300, "L3": 300}
    with unit_of_work(EVERY_COURT, write=False) as session:
        levels = [log.level_of(session, index) for index in (0, 299, 300, SIZE - 1, SIZE)]
        best = log.newest_checkpoint(session, 3)
    assert levels == ["L3", "L3", "L1", "L1", "L0"]
    assert best is not None
    assert (best.size, best.level) == (300, "L3")


def test_a_damaged_tile_gives_no_false_proof(app: Flask, world: World) -> None:
    with unit_of_work(EVERY_COURT) as session:
        session.execute(sa.update(LogTile).where(LogTile.level == 0).values(data=bytes(32 * 256)))
    answer = get(app, "/api/v1/log/proofs/5", 503)
    assert answer.get_json()["type"].endswith("log-damaged")


def test_before_anything_is_signed(app: Flask) -> None:
    get(app, "/log/checkpoint", 404)
    found = state(app)
    assert (found["size"], found["signing"], found["checkpoint"]) == (0, "absent", None)
    with signer_of(app) as signer:
        assert signer.drain() == 0
    assert state(app)["signing"] == "current"
