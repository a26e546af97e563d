"""Two copies: taken near at once, shipped far when the far place answers."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from storage.digest import Digest
from storage.errors import BlobNotFound, DigestMismatch, StoreUnavailable
from storage.local import LocalBlobStore
from storage.memory import MemoryBlobStore
from storage.ports import KeepsCopies, LocalPaths, MeasuresSpace, SetsAside
from storage.replicated import ReplicatedBlobStore
from tests.support.s3 import Bucket

DATA = b"evidence" * 50_000
DIGEST = Digest.of(DATA)


class Pair:
    """A replicated store with both of its places in hand."""

    def __init__(self, folder: Path) -> None:
        self.near = LocalBlobStore(folder)
        self.far = MemoryBlobStore()
        self.both = ReplicatedBlobStore(self.near, self.far)

    def put(self) -> None:
        self.both.put_stream(DIGEST, io.BytesIO(DATA), len(DATA))

    def damage_near(self) -> None:
        path = self.near.path_of(DIGEST)
        path.chmod(0o640)
        path.write_bytes(DATA[:-9])


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(tmp_path)


def test_abilities(pair: Pair) -> None:
    for ability in (KeepsCopies, LocalPaths, MeasuresSpace, SetsAside):
        assert isinstance(pair.both, ability)
    assert pair.both.space().total_bytes > 0


def test_a_blob_is_near_first_and_far_once_shipped(pair: Pair) -> None:
    pair.put()
    assert pair.both.copies(DIGEST) == 1
    assert list(pair.both.unshipped()) == [DIGEST]
    assert pair.both.ship(DIGEST) == 2
    assert pair.both.ship(DIGEST) == 2
    assert pair.both.copies(DIGEST) == 2
    assert list(pair.both.unshipped()) == []
    assert list(pair.both.digests()) == [DIGEST]
    assert pair.far.verify(DIGEST).size_bytes == len(DATA)


def test_what_is_nowhere_is_told(pair: Pair) -> None:
    assert pair.both.copies(DIGEST) == 0
    for call in (pair.both.ship, pair.both.repair, pair.both.path_of, pair.both.verify):
        with pytest.raises(BlobNotFound):
            call(DIGEST)
    with pytest.raises(BlobNotFound):
        pair.both.set_aside(DIGEST, "why")


def test_a_blob_that_is_only_far_is_read_and_fetched(pair: Pair) -> None:
    pair.far.put_stream(DIGEST, io.BytesIO(DATA), len(DATA))
    assert list(pair.both.digests()) == [DIGEST]
    assert b"".join(pair.both.read(DIGEST, 5, 100_000)) == DATA[5:100_005]
    assert pair.both.verify(DIGEST).size_bytes == len(DATA)
    assert pair.both.ship(DIGEST) == 1
    assert pair.both.path_of(DIGEST).read_bytes() == DATA
    assert pair.both.copies(DIGEST) == 2


def test_a_damaged_near_copy_is_repaired_from_the_far_one(pair: Pair) -> None:
    pair.put()
    pair.both.ship(DIGEST)
    assert pair.both.repair(DIGEST) == 0
    pair.damage_near()
    assert pair.both.repair(DIGEST) == 1
    assert pair.near.verify(DIGEST).size_bytes == len(DATA)
    assert pair.both.repair(DIGEST) == 0


def test_a_damaged_or_absent_far_copy_is_repaired_from_the_near_one(pair: Pair) -> None:
    pair.put()
    assert pair.both.repair(DIGEST) == 1
    pair.far.damage(DIGEST, b"")
    assert pair.both.repair(DIGEST) == 1
    assert pair.far.verify(DIGEST).size_bytes == len(DATA)


def test_without_a_sound_copy_there_is_nothing_to_repair_from(pair: Pair) -> None:
    pair.put()
    pair.damage_near()
    with pytest.raises(DigestMismatch):
        pair.both.repair(DIGEST)
    with pytest.raises(DigestMismatch):
        pair.both.ship(DIGEST)  # a damaged copy is not spread
    assert pair.near.stat(DIGEST) is not None
    assert pair.far.stat(DIGEST) is None


def test_a_read_that_ends_early_goes_on_from_the_far_copy(pair: Pair) -> None:
    pair.put()
    pair.both.ship(DIGEST)
    reader = pair.both.read(DIGEST, 10, 300_000, chunk_bytes=1_000)
    pieces = [next(reader)]
    pair.damage_near()
    pair.near.path_of(DIGEST).write_bytes(DATA[:5_000])  # shorter than what is asked
    pieces.extend(reader)
    assert b"".join(pieces) == DATA[10:300_010]


def test_set_aside_takes_the_copy_that_would_be_served(pair: Pair) -> None:
    pair.put()
    pair.both.ship(DIGEST)
    pair.both.set_aside(DIGEST, "why")
    assert pair.near.stat(DIGEST) is None
    assert b"".join(pair.both.read(DIGEST)) == DATA


def test_uploads_go_on_while_the_far_place_is_away(
    s3_store: Any, bucket: Bucket, tmp_path: Path
) -> None:
    near = LocalBlobStore(tmp_path / "spool")
    both = ReplicatedBlobStore(near, s3_store)
    bucket.server.stop_gateway()
    try:
        both.put_stream(DIGEST, io.BytesIO(DATA), len(DATA))
        both.check()
        assert b"".join(both.read(DIGEST)) == DATA
        with pytest.raises(StoreUnavailable):
            both.ship(DIGEST)
        with pytest.raises(StoreUnavailable):
            both.check_far()
    finally:
        bucket.server.start_gateway()
    both.check_far()
    assert list(both.unshipped()) == [DIGEST]
    assert both.ship(DIGEST) == 2
    assert s3_store.verify(DIGEST).size_bytes == len(DATA)
    near.set_aside(DIGEST, "lost")
    assert both.path_of(DIGEST).read_bytes() == DATA
