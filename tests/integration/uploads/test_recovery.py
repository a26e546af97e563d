"""Lost answers, lost commits, crashes in between: repeated, and then it is right."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from server.core.clock import FixedClock
from server.core.context import Actor, Context
from server.core.permissions import TokenKind
from server.core.transactions import EVERY_COURT, unit_of_work
from server.evidence import possessions, service, uploads_upkeep
from server.evidence.models import Upload
from server.evidence.uploads_upkeep import ORPHAN_SECONDS
from tests.factories.identity import World
from tests.factories.uploads import Sender, device_sender, sha256_of, token_sender

DATA = b"the third drawer was locked" * 300


def restarted(app: Flask) -> None:
    """As a new process: what this one remembered of hashes is gone."""
    uploads = app.extensions["tiezheng.uploads"]
    app.extensions["tiezheng.uploads"] = type(uploads)(app.extensions["tiezheng"])


@pytest.mark.parametrize("header", ["idempotency_key", "upload_tag"])
def test_a_lost_answer_makes_no_second_upload(sender: Sender, header: str) -> None:
    key = {header: "7-12-" + sha256_of(DATA)}
    path = sender.begin(DATA, **key)
    assert sender.begin(DATA, **key) == path
    sender.patch(path, 0, DATA[:1000])
    again = sender.create(len(DATA), sha256_of(DATA), **key)
    assert again.headers["Location"] == path
    assert sender.offset(path) == 1000
    sender.patch(path, 1000, DATA[1000:])
    done = sender.create(len(DATA), sha256_of(DATA), **key)
    assert (done.status_code, done.headers["Location"]) == (201, path)
    assert done.headers["Upload-Offset"] == str(len(DATA))
    assert sender.rows() == 1
    assert sender.events("evidence.unclaimed") == 1


def test_a_repeated_creation_with_bytes_goes_on_where_the_first_ended(sender: Sender) -> None:
    key = {"idempotency_key": "k"}
    path = sender.begin(DATA, **key)
    sender.patch(path, 0, DATA[:1000])
    again = sender.create(len(DATA), sha256_of(DATA), DATA, **key)
    assert (again.status_code, again.headers["Location"]) == (201, path)
    assert again.headers["Upload-Offset"] == str(len(DATA))
    assert sender.stored(DATA)
    once_more = sender.create(len(DATA), sha256_of(DATA), DATA, **key)
    assert (once_more.status_code, once_more.headers["Location"]) == (201, path)
    assert sender.rows() == 1


def test_a_key_is_good_for_the_same_bytes_only(sender: Sender) -> None:
    sender.begin(DATA, idempotency_key="k")
    answer = sender.create(5, sha256_of(b"other"), idempotency_key="k")
    assert answer.status_code == 422
    assert answer.get_json()["type"].endswith(":idempotency-key-reused")
    assert sender.rows() == 1


def test_keys_of_two_devices_are_apart(world: World, sender: Sender) -> None:
    dock = Sender(world.app, world.first, caller=world.device_caller(world.first.dock))
    assert sender.begin(DATA, idempotency_key="k") != dock.begin(DATA, idempotency_key="k")


def test_without_a_key_each_creation_is_a_new_upload(sender: Sender) -> None:
    assert sender.begin(DATA) != sender.begin(DATA)


def test_an_upload_token_needs_no_key(world: World) -> None:
    token = token_sender(world, DATA)
    path = token.begin(DATA)
    assert token.begin(DATA) == path
    other = token_sender(world, DATA)
    assert other.begin(DATA) != path


def test_the_same_bytes_twice_are_stored_once(world: World, sender: Sender) -> None:
    sender.send(DATA)
    dock = Sender(world.app, world.first, caller=world.device_caller(world.first.dock))
    dock.send(DATA)
    assert sender.stored(DATA)
    assert sender.events("evidence.unclaimed") == 2


@pytest.mark.parametrize("how", ["head", "patch", "create"])
def test_a_commit_that_failed_after_the_blob_is_made_up_for(
    app: Flask, sender: Sender, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    path = sender.begin(DATA, idempotency_key="k")
    with monkeypatch.context() as broken:
        broken.setattr(service, "bytes_arrived", _fails)
        assert sender.patch(path, 0, DATA).status_code == 500
    assert sender.row(path).state == "receiving"
    assert sender.stored(DATA)  # the blob is there, no row promises it
    assert sender.blobs() == set()
    restarted(app)
    if how == "head":
        assert sender.offset(path) == len(DATA)
    elif how == "patch":
        assert sender.patch(path, len(DATA), b"").status_code == 204
    else:
        sender.create(len(DATA), sha256_of(DATA), DATA, idempotency_key="k")
    assert sender.row(path).state == "complete"
    assert sender.blobs() == {sha256_of(DATA)}
    assert sender.events("evidence.unclaimed") == 1


def test_a_whole_creation_whose_commit_failed_can_be_repeated(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(service, "bytes_arrived", _fails)
        answer = sender.create(len(DATA), sha256_of(DATA), DATA, idempotency_key="k")
        assert answer.status_code == 500
    assert sender.blobs() == set()
    answer = sender.create(len(DATA), sha256_of(DATA), DATA, idempotency_key="k")
    assert answer.status_code == 201
    assert sender.row(answer.headers["Location"]).state == "complete"
    assert sender.rows() == 1
    assert sender.events("evidence.unclaimed") == 1


def test_a_joined_upload_whose_commit_failed_is_finished_by_head(
    app: Flask, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = sender.create(len(DATA), None, upload_concat="partial").headers["Location"]
    sender.patch(part, 0, DATA)
    with monkeypatch.context() as broken:
        broken.setattr(service, "bytes_arrived", _fails)
        final = sender.create(
            None, sha256_of(DATA), upload_concat=f"final;{part}", idempotency_key="k"
        )
        assert final.status_code == 500
    restarted(app)
    final = sender.create(None, sha256_of(DATA), upload_concat=f"final;{part}", idempotency_key="k")
    assert final.status_code == 201, final.get_json()
    assert sender.offset(final.headers["Location"]) == len(DATA)
    assert sender.stored(DATA)


def test_hashes_survive_a_restart_of_the_process(app: Flask, sender: Sender) -> None:
    path = sender.begin(DATA)
    for start in range(0, len(DATA), 1500):
        restarted(app)
        assert sender.patch(path, start, DATA[start : start + 1500]).status_code == 204
    assert sender.stored(DATA)


def test_a_partial_that_vanished_begins_again(sender: Sender) -> None:
    path = sender.begin(DATA)
    sender.runtime.stores.uploads.discard(path.rpartition("/")[2])
    assert sender.patch(path, 0, DATA).status_code == 409
    assert sender.offset(path) == 0
    assert sender.patch(path, 0, DATA).status_code == 204


def test_expiry_moves_what_nobody_finished(clock: FixedClock, world: World, sender: Sender) -> None:
    stale = sender.begin(DATA)
    sender.patch(stale, 0, DATA[:10])
    clock.advance(timedelta(seconds=sender.runtime.settings.upload_expire_seconds - 100))
    fresh = device_sender(world).begin(DATA + b"x")  # its first token has run out
    clock.advance(timedelta(seconds=200))
    assert uploads_upkeep.expire_due(sender.worker()) == 1
    assert sender.row(stale).state == "expired"
    assert sender.row(fresh).state == "receiving"
    assert list(sender.quarantined().values()) == ["not finished in time"]
    assert sender.events("upload.quarantined") == 1
    assert uploads_upkeep.expire_due(sender.worker()) == 0


def test_expiry_finishes_what_is_all_here(
    clock: FixedClock, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = sender.begin(DATA)
    with monkeypatch.context() as broken:
        broken.setattr(service, "bytes_arrived", _fails)
        sender.patch(path, 0, DATA)
    clock.advance(timedelta(days=30))
    assert uploads_upkeep.expire_due(sender.worker()) == 1
    assert sender.row(path).state == "complete"
    assert sender.stored(DATA)
    assert sender.events("evidence.unclaimed") == 1


def test_the_sweep_tidies_what_crashes_left(sender: Sender) -> None:
    uploads = sender.runtime.stores.uploads
    under_way, done = sender.begin(DATA), sender.send(DATA + b"1")
    orphan = str(uuid.uuid4())
    uploads.create(done.rpartition("/")[2])  # killed before the partial was unlinked
    uploads.create(orphan)  # killed before the row was written
    ended = sender.begin(DATA + b"2")
    with unit_of_work(EVERY_COURT) as session:
        session.execute(
            sa.update(Upload)
            .where(Upload.id == uuid.UUID(ended.rpartition("/")[2]))
            .values(state="quarantined")
        )
    assert uploads_upkeep.sweep(sender.worker()) == 2
    assert set(uploads.upload_ids()) == {under_way.rpartition("/")[2], orphan}
    later = uploads.path_of(orphan).stat().st_mtime + ORPHAN_SECONDS + 1
    assert uploads_upkeep.sweep(sender.worker(), later) == 1
    assert orphan in sender.quarantined()
    assert sender.stored(DATA + b"1")


def test_possessions_are_those_of_the_device_alone(world: World, sender: Sender) -> None:
    present, under_way, never = DATA, DATA + b"1", DATA + b"2"
    sender.send(present)
    path = sender.begin(under_way)
    sender.patch(path, 0, under_way[:77])
    digests = [sha256_of(data) for data in (present, under_way, never)]
    court = world.first
    actor = Actor(token=TokenKind.DEVICE, court_id=court.id, device_id=court.phone.id)
    with unit_of_work(court.id) as session:
        ctx = Context(actor=actor, session=session, runtime=sender.runtime)
        found = possessions.of_device(ctx, court.phone.id, digests)
        other = possessions.of_device(ctx, court.dock.id, digests)
    assert [found[digest].state for digest in digests] == ["present", "partial", "needed"]
    assert found[digests[1]].offset == 77
    assert str(found[digests[1]].upload_id) == path.rpartition("/")[2]
    assert {possession.state for possession in other.values()} == {"needed"}


def _fails(*_: object) -> None:
    raise RuntimeError("the commit does not come")
