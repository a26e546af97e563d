"""A volume that is really full: nothing acknowledged is lost; with room again all goes on."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from server.app import create_app
from server.core.clock import FixedClock
from server.core.db import db
from server.settings import Settings
from tests.conftest import fresh_database
from tests.factories.identity import World
from tests.factories.uploads import Sender, checksum, device_sender, sha256_of
from tests.support.volumes import Volume, small_volume

MIB = 1 << 20
SIZE_BYTES = 12 * MIB
DATA = random.Random(5).randbytes(3 * MIB)
PART = 256 * 1024


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """One kind is enough: the database is not what is tested."""
    return fresh_database(request, "sqlite", tmp_path)


@pytest.fixture
def volume(tmp_path: Path) -> Iterator[Volume]:
    with small_volume(tmp_path / "data", SIZE_BYTES) as volume:
        yield volume


@pytest.fixture
def settings(database_url: str, volume: Volume) -> Settings:
    return Settings(
        data_dir=volume.folder,
        database_url=database_url,
        public_url="http://localhost",
        log_level="error",
        spool_used_ratio_max=1.0,  # so that the bytes themselves meet the end of the volume
    )


@pytest.fixture
def sender(app: Flask) -> Sender:
    return device_sender(World.build(app))


def slug(answer: object) -> str:
    return str(answer.get_json()["type"]).rpartition(":")[2]  # type: ignore[attr-defined]


def test_what_was_acknowledged_stays_and_the_rest_follows_when_there_is_room(
    sender: Sender, volume: Volume
) -> None:
    path = sender.begin(DATA)
    assert sender.patch(path, 0, DATA[:PART]).status_code == 204
    volume.fill(room_bytes=MIB)
    answer = sender.patch(path, PART, DATA[PART:])
    assert (answer.status_code, slug(answer)) == (507, "no-space")
    assert int(answer.headers["Retry-After"]) > 0
    offset = sender.offset(path)
    assert PART <= offset < len(DATA)
    partial = volume.folder / "partials" / path.rpartition("/")[2]
    assert partial.read_bytes() == DATA[:offset]
    assert sender.blobs() == set()
    assert sender.row(path).state == "receiving"

    volume.free()
    assert sender.offset(path) == offset
    assert sender.patch(path, offset, DATA[offset:]).status_code == 204
    assert sender.stored(DATA)


def test_a_checked_chunk_is_taken_whole_or_not_at_all(sender: Sender, volume: Volume) -> None:
    path = sender.begin(DATA)
    assert sender.patch(path, 0, DATA[:PART]).status_code == 204
    volume.fill(room_bytes=MIB)
    rest = DATA[PART:]
    answer = sender.patch(path, PART, rest, upload_checksum=checksum("sha256", rest))
    assert (answer.status_code, slug(answer)) == (507, "no-space")
    assert sender.offset(path) == PART
    volume.free()
    answer = sender.patch(path, PART, rest, upload_checksum=checksum("sha256", rest))
    assert answer.status_code == 204
    assert sender.stored(DATA)


def test_a_photo_that_comes_with_its_creation_is_not_half_stored(
    sender: Sender, volume: Volume
) -> None:
    volume.fill(room_bytes=MIB)
    answer = sender.create(len(DATA), sha256_of(DATA), DATA, idempotency_key="one")
    assert (answer.status_code, slug(answer)) == (507, "no-space")
    assert sender.blobs() == set()
    assert not sender.stored(DATA)
    volume.free()
    again = sender.create(len(DATA), sha256_of(DATA), DATA, idempotency_key="one")
    assert again.status_code == 201
    assert int(again.headers["Upload-Offset"]) == len(DATA)
    assert sender.stored(DATA)
    assert sender.rows() == 1


def test_without_any_room_it_asks_to_come_again_and_loses_nothing(
    sender: Sender, volume: Volume
) -> None:
    path = sender.begin(DATA)
    assert sender.patch(path, 0, DATA[:PART]).status_code == 204
    volume.fill()
    answer = sender.head(path)  # not even a lock can be written
    assert answer.status_code == 507
    assert int(answer.headers["Retry-After"]) > 0
    volume.free()
    assert sender.offset(path) == PART
    assert sender.patch(path, PART, DATA[PART:]).status_code == 204
    assert sender.stored(DATA)


def test_other_uploads_that_were_finished_are_still_served(sender: Sender, volume: Volume) -> None:
    sender.send(b"before")
    volume.fill()
    assert sender.create(5, sha256_of(b"12345"), b"12345").status_code == 507
    assert sender.stored(b"before")
    volume.free()
    sender.send(b"12345")
    assert sender.blobs() == {sha256_of(b"before"), sha256_of(b"12345")}


def test_above_its_share_the_spool_refuses_before_it_takes_bytes(
    settings: Settings, sender: Sender, volume: Volume, clock: FixedClock
) -> None:
    path = sender.begin(DATA)
    assert sender.patch(path, 0, DATA[:PART]).status_code == 204
    tight = create_app(dataclasses.replace(settings, spool_used_ratio_max=0.8), clock=clock)
    careful = dataclasses.replace(sender, app=tight)
    assert careful.caller is not None
    careful.caller.app = tight
    volume.fill(room_bytes=2 * MIB)
    for answer in (careful.create(5, sha256_of(b"12345")), careful.patch(path, PART, DATA[PART:])):
        assert (answer.status_code, slug(answer)) == (503, "unavailable")
        assert int(answer.headers["Retry-After"]) > 0
    assert careful.offset(path) == PART
    assert careful.rows() == 1
    volume.free()
    assert careful.patch(path, PART, DATA[PART:]).status_code == 204
    assert careful.stored(DATA)
    with tight.app_context():
        db.engine.dispose()


def test_a_length_that_cannot_fit_is_refused_before_any_byte(
    sender: Sender, volume: Volume
) -> None:
    answer = sender.create(SIZE_BYTES * 2, sha256_of(DATA))
    assert (answer.status_code, slug(answer)) == (507, "no-space")
    assert int(answer.headers["Retry-After"]) > 0
    assert not any((volume.folder / "partials").glob("*"))
    assert sender.begin(DATA)
