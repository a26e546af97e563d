"""The signer signs what extends what it signed before, and nothing else."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import DBAPIError

from client_sdk.protocol.tlog.checkpoints import Checkpoint, open_checkpoint
from client_sdk.protocol.tlog.merkle import verify_consistency
from client_sdk.protocol.tlog.notes import parse_note, parse_vkey, verified_by
from server.audit import log
from server.audit.models import CheckpointRow, Event, LogState, LogTile, SignerState
from server.audit.signer import Signer
from server.audit.signing_state import SignerFolder, SignerFolderError
from server.core.db import db
from server.core.transactions import EVERY_COURT, unit_of_work
from tests.factories.identity import World, runtime_of
from tests.factories.log import enter_events, sign_log, signer_of


@pytest.fixture
def world(app: Flask) -> World:
    world = World.build(app)
    enter_events(app, world.first.id, 300)
    return world


def heads(vkey: str) -> list[Checkpoint]:
    """Every checkpoint of the database, its signature verified."""
    with unit_of_work(EVERY_COURT, write=False) as session:
        notes = session.execute(sa.select(CheckpointRow.note).order_by(CheckpointRow.size))
        return [open_checkpoint(parse_note(note), parse_vkey(vkey)) for (note,) in notes]


def state() -> tuple[str | None, str | None, int]:
    with unit_of_work(EVERY_COURT, write=False) as session:
        row = session.get_one(SignerState, 1)
        return row.refusal, row.detail, row.size


def rows(*statements: sa.Executable) -> None:
    """Change the database behind everybody's back."""
    with unit_of_work(EVERY_COURT) as session:
        for statement in statements:
            session.execute(statement)


def test_heads_follow_each_other(app: Flask, world: World) -> None:
    with signer_of(app) as signer:
        for count in (1, 5, 400):
            signer.drain()
            enter_events(app, world.first.id, count)
        size = signer.drain()
        (vkey,) = signer.folder.vkeys
    found = heads(vkey)
    assert len(found) == 4
    assert found[-1].size == size
    assert found[0].origin == "localhost/log"
    with unit_of_work(EVERY_COURT, write=False) as session:
        for old, new in pairwise(found):
            proof = log.consistency(session, old.size, new.size)
            verify_consistency(old.size, old.root, new.size, new.root, proof)
    assert state() == (None, None, size)


def test_a_long_backlog_is_signed_in_slices(app: Flask, world: World) -> None:
    with signer_of(app) as signer:
        signer.slice_size = 128
        assert signer.drain() == 300
        assert [head.size for head in heads(signer.folder.vkeys[0])] == [128, 256, 300]


def test_nothing_new_is_not_signed_again(app: Flask, world: World) -> None:
    with signer_of(app) as signer:
        signer.drain()
        before = heads(signer.folder.vkeys[0])
        signer.drain()
        assert heads(signer.folder.vkeys[0]) == before


def test_tamper_44_what_was_committed_but_not_signed_is_signed_at_the_start(
    app: Flask, world: World
) -> None:
    """A crash between commit and signature, and one between signature and publication."""
    signed = sign_log(app)
    enter_events(app, world.first.id, 10)
    assert sign_log(app) == signed + 10
    with unit_of_work(EVERY_COURT, write=False) as session:
        note = session.get_one(CheckpointRow, signed + 10).note
    rows(sa.delete(CheckpointRow).where(CheckpointRow.size == signed + 10))
    enter_events(app, world.first.id, 5)
    assert sign_log(app) == signed + 15
    with unit_of_work(EVERY_COURT, write=False) as session:
        assert session.get_one(CheckpointRow, signed + 10).note == note
        sizes = session.execute(sa.select(CheckpointRow.size)).scalars()
        assert sorted(sizes) == [signed, signed + 10, signed + 15]


def test_a_head_that_could_not_be_published_is_published_later(app: Flask, world: World) -> None:
    postgres = db.engine.dialect.name == "postgresql"
    broken = (
        "REVOKE INSERT ON checkpoints FROM CURRENT_USER"
        if postgres
        else "CREATE TRIGGER full BEFORE INSERT ON checkpoints BEGIN SELECT RAISE(ABORT, 'no'); END"
    )
    mended = "GRANT INSERT ON checkpoints TO CURRENT_USER" if postgres else "DROP TRIGGER full"
    with signer_of(app) as signer:
        rows(sa.text(broken))
        with pytest.raises(DBAPIError):
            signer.turn()
        rows(sa.text(mended))
        assert signer.folder.signed.size == 300
        assert heads(signer.folder.vkeys[0]) == []
        signer.drain()
        assert [head.size for head in heads(signer.folder.vkeys[0])] == [300]


def test_an_older_database_is_refused_with_an_explanation(app: Flask, world: World) -> None:
    sign_log(app)
    enter_events(app, world.first.id, 20)
    assert sign_log(app) == 320
    rows(
        sa.delete(Event).where(Event.log_index >= 300),
        sa.delete(CheckpointRow).where(CheckpointRow.size > 300),
        sa.update(LogState).values(next_index=300),
    )
    assert sign_log(app) == 320
    refusal, detail, size = state()
    assert (refusal, size) == ("older-database", 320)
    assert detail is not None
    assert "300" in detail
    assert "320" in detail
    assert "backup" in detail


def restore(app: Flask, world: World) -> None:
    """Bring the log back to 300 entries and let it go on with others."""
    with unit_of_work(EVERY_COURT, write=False) as session:
        tiles = session.execute(sa.select(LogTile.__table__)).mappings().all()
    enter_events(app, world.first.id, 20)
    assert sign_log(app) == 320
    rows(
        sa.delete(Event).where(Event.log_index >= 300),
        sa.delete(CheckpointRow).where(CheckpointRow.size > 300),
        sa.update(LogState).values(next_index=300),
        sa.delete(LogTile),
        sa.insert(LogTile).values([dict(tile) for tile in tiles]),
    )
    enter_events(app, world.first.id, 60)


def test_a_restored_database_that_went_on_is_refused(app: Flask, world: World) -> None:
    sign_log(app)
    restore(app, world)
    with signer_of(app) as signer:
        before = heads(signer.folder.vkeys[0])
        assert signer.drain() == 320
        assert heads(signer.folder.vkeys[0]) == before
    assert state()[0] == "history-differs"


def test_a_rewritten_entry_is_refused_before_it_is_signed(app: Flask, world: World) -> None:
    sign_log(app)
    enter_events(app, world.first.id, 3)
    rows(sa.update(Event).where(Event.log_index == 301).values(rx="2020-01-01T00:00:00.000Z"))
    assert sign_log(app) == 300
    assert state()[0] == "leaf-differs"


def test_a_deleted_entry_is_refused_before_it_is_signed(app: Flask, world: World) -> None:
    sign_log(app)
    enter_events(app, world.first.id, 3)
    rows(sa.delete(Event).where(Event.log_index == 302))
    assert sign_log(app) == 300
    assert state()[0] == "leaf-differs"


@pytest.mark.parametrize("place", [(1, 0), (0, 1)])
def test_tamper_46_a_corrupt_tile_is_not_signed(
    app: Flask, world: World, place: tuple[int, int]
) -> None:
    sign_log(app)
    corrupt = sa.update(LogTile).where(LogTile.level == place[0], LogTile.index == place[1])
    with unit_of_work(EVERY_COURT, write=False) as session:
        size_bytes = len(session.get_one(LogTile, place).data)
    rows(corrupt.values(data=bytes(size_bytes)))
    with signer_of(app) as signer:
        enter_events(app, world.first.id, 1)
        assert signer.drain() == 300
    assert state()[0] == "history-differs"


def test_it_signs_again_when_the_database_is_as_it_was(app: Flask, world: World) -> None:
    sign_log(app)
    enter_events(app, world.first.id, 3)
    when = sa.update(Event).where(Event.log_index == 301)
    with unit_of_work(EVERY_COURT, write=False) as session:
        rx = session.execute(sa.select(Event.rx).where(Event.log_index == 301)).scalar_one()
    with signer_of(app) as signer:
        rows(when.values(rx="2020-01-01T00:00:00.000Z"))
        assert signer.drain() == 300
        rows(when.values(rx=rx))
        assert signer.drain() == 303
    assert state() == (None, None, 303)


def test_a_lost_folder_does_not_sign_with_a_new_key(
    app: Flask, world: World, tmp_path: Path
) -> None:
    sign_log(app)
    enter_events(app, world.first.id, 3)
    assert sign_log(app, tmp_path / "other") == 0
    assert state()[0] == "other-key"


def test_a_person_can_begin_a_new_log_upon_a_restored_database(
    app: Flask, world: World, tmp_path: Path
) -> None:
    sign_log(app)
    with signer_of(app, tmp_path / "other") as signer:
        signer.begins_anew = True
        assert signer.drain() == 299, "the old head of 300 entries stays"
        enter_events(app, world.first.id, 1)
        assert signer.drain() == 301
        (vkey,) = signer.folder.vkeys
    assert state() == (None, None, 301)
    with unit_of_work(EVERY_COURT, write=False) as session:
        notes = session.execute(sa.select(CheckpointRow.note).order_by(CheckpointRow.size))
        first, old, new = (parse_note(note) for (note,) in notes)
    assert verified_by(first, parse_vkey(vkey))
    assert open_checkpoint(new, parse_vkey(vkey)).size == 301
    assert not verified_by(old, parse_vkey(vkey))


def test_only_one_signer_holds_the_folder(app: Flask, world: World) -> None:
    with (
        signer_of(app),
        pytest.raises(SignerFolderError, match="another signer"),
        signer_of(app),
    ):
        pass


def test_a_state_without_its_key_is_refused(app: Flask, world: World, tmp_path: Path) -> None:
    sign_log(app)
    folder = runtime_of(app).settings.signer_folder
    for path in folder.glob("log-*.pem"):
        path.unlink()
    with pytest.raises(SignerFolderError, match="restore the key"):
        sign_log(app)


def test_the_origin_stays_when_the_address_changes(app: Flask, world: World) -> None:
    sign_log(app)
    folder = SignerFolder(runtime_of(app).settings.signer_folder)
    folder.open("elsewhere.example/log", runtime_of(app).clock.now())
    assert folder.origin == "localhost/log"
    Signer(folder, runtime_of(app).clock).drain()
    folder.close()
    body = json.loads((runtime_of(app).settings.signer_folder / "state.json").read_bytes())
    assert (body["origin"], body["size"]) == ("localhost/log", 300)


def test_the_folder_is_closed_to_other_accounts(app: Flask, world: World) -> None:
    sign_log(app)
    folder = runtime_of(app).settings.signer_folder
    assert folder.stat().st_mode & 0o077 == 0
    for path in folder.iterdir():
        if path.name != "log.vkey":
            assert path.stat().st_mode & 0o077 == 0, path
