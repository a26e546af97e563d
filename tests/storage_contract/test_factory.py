"""The settings name the stores."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from storage.digest import Digest
from storage.errors import NoSpace, StorageConfigError, StoreUnavailable
from storage.factory import S3Config, StorageConfig, build_stores
from storage.memory import MemoryBlobStore, MemoryUploadStore
from storage.ports import KeepsCopies, LocalPaths
from tests.support.s3 import Bucket

DATA = b"evidence"
DIGEST = Digest.of(DATA)


def test_memory() -> None:
    stores = build_stores(StorageConfig("memory"))
    stores.blobs.put_stream(DIGEST, io.BytesIO(DATA), len(DATA))
    assert stores.blobs.stat(DIGEST) is not None


def test_local_stores_share_one_folder(tmp_path: Path) -> None:
    for _ in range(2):  # the second start finds what the first left
        stores = build_stores(StorageConfig("local", tmp_path / "data"))
    stores.uploads.create("u1")
    with stores.locker.acquire("u1"), stores.uploads.writer("u1", 0) as writer:
        writer.write(DATA)
        writer.sync()
    stores.blobs.put_file(DIGEST, stores.uploads.path_of("u1"))
    stores.uploads.discard("u1")
    assert isinstance(stores.blobs, LocalPaths)
    assert stores.blobs.path_of(DIGEST).read_bytes() == DATA
    assert stores.blobs.path_of(DIGEST).stat().st_nlink == 1


def test_locks_may_live_elsewhere(tmp_path: Path) -> None:
    elsewhere = tmp_path / "run" / "locks"
    stores = build_stores(StorageConfig("local", tmp_path / "data", lock_root=elsewhere))
    with stores.locker.acquire("u1"):
        assert len(list(elsewhere.iterdir())) == 1
    assert not (tmp_path / "data" / "locks").exists()


def test_s3_takes_blobs_near_and_ships_them(tmp_path: Path, bucket: Bucket, prefix: str) -> None:
    stores = build_stores(StorageConfig("s3", tmp_path, bucket.config(prefix)))
    stores.blobs.put_stream(DIGEST, io.BytesIO(DATA), len(DATA))
    assert isinstance(stores.blobs, KeepsCopies)
    assert stores.blobs.copies(DIGEST) == 1
    assert stores.blobs.ship(DIGEST) == 2


@pytest.mark.parametrize(
    "config",
    [
        StorageConfig("local"),
        StorageConfig("s3", s3=S3Config("evidence")),
        StorageConfig("s3", Path("unused")),
    ],
)
def test_settings_that_do_not_go_together(config: StorageConfig) -> None:
    with pytest.raises(StorageConfigError):
        build_stores(config)


def test_a_root_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailable):
        build_stores(StorageConfig("local", tmp_path / "file"))


def test_the_memory_store_of_uploads_forgets_what_was_not_synced() -> None:
    uploads = MemoryUploadStore()
    uploads.create("u1")
    with uploads.writer("u1", 0) as writer:
        writer.write(b"durable")
        writer.sync()
        writer.write(b"lost")
    uploads.crash()
    assert uploads.durable_length("u1") == 7


def test_the_memory_stores_run_full() -> None:
    uploads = MemoryUploadStore(capacity_bytes=10)
    uploads.create("u1")
    with uploads.writer("u1", 0) as writer:
        with pytest.raises(NoSpace):
            writer.write(bytes(11))
        assert writer.sync() == 10
    blobs = MemoryBlobStore(capacity_bytes=10)
    with pytest.raises(NoSpace):
        blobs.put_stream(Digest.of(bytes(11)), io.BytesIO(bytes(11)), 11)
    blobs.put_stream(Digest.of(bytes(10)), io.BytesIO(bytes(10)), 10)
    with pytest.raises(NoSpace):
        blobs.check()
