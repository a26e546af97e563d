"""What every blob store promises."""

from __future__ import annotations

import io
import random
import threading
from pathlib import Path

import pytest

from storage.digest import Digest
from storage.errors import BlobNotFound, DigestMismatch
from storage.ports import BlobStat, BlobStore
from tests.storage_contract.conftest import BlobCase

DATA = random.Random(7).randbytes(700_001)
DIGEST = Digest.of(DATA)
NOWHERE = Digest.of(b"never stored")


def put(store: BlobStore, data: bytes) -> Digest:
    digest = Digest.of(data)
    assert store.put_stream(digest, io.BytesIO(data), len(data)) == BlobStat(digest, len(data))
    return digest


def whole(store: BlobStore, digest: Digest) -> bytes:
    return b"".join(store.read(digest))


def test_a_file_becomes_a_blob(blobs: BlobStore, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(DATA)
    assert blobs.put_file(DIGEST, source) == BlobStat(DIGEST, len(DATA))
    assert blobs.stat(DIGEST) == BlobStat(DIGEST, len(DATA))
    assert whole(blobs, DIGEST) == DATA
    assert source.read_bytes() == DATA
    assert blobs.verify(DIGEST) == BlobStat(DIGEST, len(DATA))


def test_a_stream_becomes_a_blob(blobs: BlobStore) -> None:
    put(blobs, DATA)
    assert whole(blobs, DIGEST) == DATA


def test_a_stream_that_gives_little_at_a_time_becomes_a_blob(blobs: BlobStore) -> None:
    class Dribble(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(min(size or 1, 777) if size != -1 else -1)

    blobs.put_stream(DIGEST, Dribble(DATA), len(DATA))
    assert whole(blobs, DIGEST) == DATA


def test_the_empty_blob(blobs: BlobStore, tmp_path: Path) -> None:
    digest = put(blobs, b"")
    assert list(blobs.read(digest)) == []
    source = tmp_path / "empty"
    source.touch()
    assert blobs.put_file(digest, source) == BlobStat(digest, 0)
    assert blobs.verify(digest).size_bytes == 0


@pytest.mark.parametrize(
    ("offset", "length"),
    [
        (0, None),
        (0, 1),
        (0, 0),
        (1, None),
        (65_535, 2),
        (262_143, 262_146),
        (700_000, None),
        (700_000, 50),
        (700_001, None),
        (900_000, 5),
    ],
)
def test_ranges(blobs: BlobStore, offset: int, length: int | None) -> None:
    put(blobs, DATA)
    end = None if length is None else offset + length
    assert b"".join(blobs.read(DIGEST, offset, length)) == DATA[offset:end]


def test_chunks_are_no_larger_than_asked(blobs: BlobStore) -> None:
    put(blobs, DATA)
    chunks = list(blobs.read(DIGEST, chunk_bytes=10_000))
    assert max(map(len, chunks)) <= 10_000
    assert b"".join(chunks) == DATA


def test_a_reader_may_stop_early(blobs: BlobStore) -> None:
    put(blobs, DATA)
    for _ in range(20):
        reader = blobs.read(DIGEST, chunk_bytes=1000)
        assert next(reader) == DATA[:1000]
        del reader
    assert whole(blobs, DIGEST) == DATA


def test_an_absent_blob_is_told_before_the_first_byte(blobs: BlobStore) -> None:
    assert blobs.stat(NOWHERE) is None
    with pytest.raises(BlobNotFound):
        blobs.read(NOWHERE)
    with pytest.raises(BlobNotFound):
        blobs.verify(NOWHERE)


@pytest.mark.parametrize("size_bytes", [len(DATA), len(DATA) + 1, len(DATA) - 1, 0])
def test_a_stream_that_hashes_otherwise_is_refused(blobs: BlobStore, size_bytes: int) -> None:
    with pytest.raises(DigestMismatch):
        blobs.put_stream(NOWHERE, io.BytesIO(DATA), size_bytes)
    assert blobs.stat(NOWHERE) is None
    assert list(blobs.digests()) == []


def test_a_stream_that_ends_early_is_refused(blobs: BlobStore) -> None:
    with pytest.raises(DigestMismatch):
        blobs.put_stream(DIGEST, io.BytesIO(DATA[:-1]), len(DATA))
    assert blobs.stat(DIGEST) is None


def test_a_wrong_stream_is_refused_also_for_a_blob_that_is_there(blobs: BlobStore) -> None:
    put(blobs, DATA)
    with pytest.raises(DigestMismatch):
        blobs.put_stream(DIGEST, io.BytesIO(b"x" * len(DATA)), len(DATA))
    assert whole(blobs, DIGEST) == DATA


def test_putting_twice_is_one_blob(blobs: BlobStore) -> None:
    put(blobs, DATA)
    put(blobs, DATA)
    assert list(blobs.digests()) == [DIGEST]


def test_all_digests_are_listed(blobs: BlobStore) -> None:
    expected = {put(blobs, f"item {n}".encode()) for n in range(12)}
    assert set(blobs.digests()) == expected


def test_many_writers_of_one_blob_all_succeed(blobs: BlobStore, tmp_path: Path) -> None:
    sources = [tmp_path / f"source-{n}" for n in range(16)]
    for source in sources:
        source.write_bytes(DATA)
    start = threading.Barrier(len(sources))
    outcomes: list[BlobStat] = []

    def run(source: Path) -> None:
        start.wait()
        outcomes.append(blobs.put_file(DIGEST, source))

    threads = [threading.Thread(target=run, args=(source,)) for source in sources]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == [BlobStat(DIGEST, len(DATA))] * len(sources)
    assert whole(blobs, DIGEST) == DATA
    assert all(source.read_bytes() == DATA for source in sources)


@pytest.mark.parametrize("damaged", [b"\0" + DATA[1:], DATA[:-1], b""])
def test_damage_is_noticed(blob_case: BlobCase, damaged: bytes) -> None:
    put(blob_case.store, DATA)
    blob_case.damage(DIGEST, damaged)
    with pytest.raises(DigestMismatch):
        blob_case.store.verify(DIGEST)


@pytest.mark.parametrize("damaged", [b"\0" + DATA[1:], DATA[:-1], b""])
def test_a_damaged_blob_never_wins_over_a_sound_one(
    blob_case: BlobCase, tmp_path: Path, damaged: bytes
) -> None:
    put(blob_case.store, DATA)
    blob_case.damage(DIGEST, damaged)
    source = tmp_path / "again"
    source.write_bytes(DATA)
    assert blob_case.store.put_file(DIGEST, source) == BlobStat(DIGEST, len(DATA))
    assert whole(blob_case.store, DIGEST) == DATA
    assert blob_case.store.verify(DIGEST).size_bytes == len(DATA)


def test_the_check_passes_and_leaves_nothing(blobs: BlobStore) -> None:
    blobs.check()
    assert list(blobs.digests()) == []
