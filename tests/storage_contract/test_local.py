"""What only blobs as files on a volume can get wrong."""

from __future__ import annotations

import errno
import io
import os
import stat
import threading
from pathlib import Path

import pytest

from storage._disk import Disk
from storage.digest import Digest
from storage.errors import (
    BlobNotFound,
    DigestMismatch,
    DurabilityLost,
    NoSpace,
    StoreUnavailable,
)
from storage.local import LocalBlobStore
from storage.local_uploads import LocalUploadStore
from storage.ports import LocalPaths, MeasuresSpace, SetsAside
from tests.storage_contract.disks import (
    DATA,
    DIGEST,
    SMALL_BYTES,
    FailingDisk,
    RecordingDisk,
    full_soon,
)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.write_bytes(DATA)
    return path


def test_abilities(tmp_path: Path) -> None:
    store = LocalBlobStore(tmp_path)
    assert isinstance(store, LocalPaths)
    assert isinstance(store, MeasuresSpace)
    assert isinstance(store, SetsAside)
    assert 0 < store.space().free_bytes < store.space().total_bytes


def test_a_blob_is_a_file_that_shares_the_bytes_of_its_source(tmp_path: Path, source: Path) -> None:
    store = LocalBlobStore(tmp_path / "store")
    store.put_file(DIGEST, source)
    path = store.path_of(DIGEST)
    expected = tmp_path / "store" / "sha256" / DIGEST.hex[:2] / DIGEST.hex[2:4] / DIGEST.hex
    assert path == expected
    assert path.samefile(source)
    assert stat.S_IMODE(path.stat().st_mode) & 0o222 == 0
    with pytest.raises(BlobNotFound):
        store.path_of(Digest.of(b"else"))


def test_the_bytes_are_flushed_before_the_name_and_the_name_before_the_answer(
    tmp_path: Path, source: Path
) -> None:
    disk = RecordingDisk()
    root = tmp_path / "new" / "store"
    store = LocalBlobStore(root, disk=disk)
    made = [name for call, name in disk.calls if call == "fsync"]
    assert {str(tmp_path), str(tmp_path / "new"), str(root)} <= set(made)

    disk.calls.clear()
    store.put_file(DIGEST, source)
    top = root / "sha256"
    middle = top / DIGEST.hex[:2]
    leaf = middle / DIGEST.hex[2:4]
    assert disk.calls == [
        ("fdatasync", str(source)),
        ("link", str(leaf / DIGEST.hex)),
        ("fsync", str(leaf)),
        ("fsync", str(middle)),
        ("fsync", str(top)),
    ]


def test_everything_is_closed_to_strangers(tmp_path: Path, source: Path) -> None:
    uploads = LocalUploadStore(tmp_path / "deep" / "store")
    uploads.create("u1")
    store = LocalBlobStore(tmp_path / "deep" / "store")
    store.put_stream(DIGEST, io.BytesIO(DATA), len(DATA))
    store.put_file(Digest.of(DATA), source)
    made = [tmp_path / "deep", *(tmp_path / "deep").rglob("*")]
    assert [path for path in made if path.stat().st_mode & 0o007] == []


def test_a_folder_made_by_another_process_is_flushed_once_more(
    tmp_path: Path, source: Path
) -> None:
    LocalBlobStore(tmp_path / "store").put_file(DIGEST, source)
    disk = RecordingDisk()
    store = LocalBlobStore(tmp_path / "store", disk=disk)
    store.put_file(DIGEST, source)
    leaf = store.path_of(DIGEST).parent
    flushed = [name for call, name in disk.calls if call == "fsync"]
    assert {str(leaf), str(leaf.parent), str(leaf.parent.parent)} <= set(flushed)


def test_one_link_wins_and_nothing_is_overwritten(tmp_path: Path) -> None:
    stores = [LocalBlobStore(tmp_path / "store") for _ in range(16)]
    sources = [tmp_path / f"source-{n}" for n in range(16)]
    for path in sources:
        path.write_bytes(DATA)
    start = threading.Barrier(16)

    def run(number: int) -> None:
        start.wait()
        stores[number].put_file(DIGEST, sources[number])

    threads = [threading.Thread(target=run, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    blob = stores[0].path_of(DIGEST)
    assert blob.stat().st_nlink == 2
    assert sum(blob.samefile(path) for path in sources) == 1
    assert blob.read_bytes() == DATA


def test_a_source_on_another_volume_is_copied(tmp_path: Path, source: Path) -> None:
    class TwoVolumes(Disk):
        def link(self, source: Path, target: Path) -> None:
            if not source.is_relative_to(tmp_path / "store"):
                raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
            super().link(source, target)

    store = LocalBlobStore(tmp_path / "store", disk=TwoVolumes())
    store.put_file(DIGEST, source)
    assert store.verify(DIGEST).size_bytes == len(DATA)
    assert not store.path_of(DIGEST).samefile(source)
    assert [path.name for path in (tmp_path / "store").glob(".scratch*")] == []


def test_a_damaged_blob_is_set_aside_and_never_unlinked(tmp_path: Path, source: Path) -> None:
    store = LocalBlobStore(tmp_path / "store")
    store.put_stream(DIGEST, io.BytesIO(DATA), len(DATA))
    path = store.path_of(DIGEST)
    path.chmod(0o640)
    path.write_bytes(b"damaged")
    store.put_file(DIGEST, source)
    kept = list((tmp_path / "store" / "quarantine").rglob("*.bytes"))
    assert [p.read_bytes() for p in kept] == [b"damaged"]
    with pytest.raises(BlobNotFound):
        store.set_aside(Digest.of(b"else"), "why")


def test_strange_files_in_the_store_are_left_alone(tmp_path: Path, source: Path) -> None:
    store = LocalBlobStore(tmp_path / "store")
    store.put_file(DIGEST, source)
    (store.path_of(DIGEST).parent / "notes.txt").write_text("x")
    (tmp_path / "store" / "sha256" / "lost+found").mkdir()
    assert list(store.digests()) == [DIGEST]


def test_a_failed_flush_is_never_success(tmp_path: Path, source: Path) -> None:
    disk = FailingDisk()
    store = LocalBlobStore(tmp_path / "store", disk=disk)
    disk.error = errno.EIO
    with pytest.raises(DurabilityLost):
        store.put_file(DIGEST, source)
    with pytest.raises(DurabilityLost):
        store.put_stream(DIGEST, io.BytesIO(DATA), len(DATA))
    with pytest.raises(DurabilityLost):
        store.check()
    assert list(store.digests()) == []


def test_short_writes_are_continued(tmp_path: Path) -> None:
    class ShortDisk(Disk):
        def pwrite(self, fd: int, data: memoryview, offset: int) -> int:
            return super().pwrite(fd, data[:1000], offset)

    uploads = LocalUploadStore(tmp_path, disk=ShortDisk())
    uploads.create("u1")
    with uploads.writer("u1", 0) as writer:
        assert writer.write(DATA) == len(DATA)
        writer.sync()
    assert uploads.path_of("u1").read_bytes() == DATA
    store = LocalBlobStore(tmp_path, disk=ShortDisk())
    store.put_stream(DIGEST, io.BytesIO(DATA), len(DATA))
    assert store.verify(DIGEST).size_bytes == len(DATA)


def test_a_full_volume_takes_no_half_blob_and_recovers(tmp_path: Path) -> None:
    with full_soon(tmp_path / "small") as folder:
        store = LocalBlobStore(folder)
        big = bytes(2 * SMALL_BYTES)
        with pytest.raises(NoSpace):
            store.put_stream(Digest.of(big), io.BytesIO(big), len(big))
        assert list(store.digests()) == []
        store.put_stream(DIGEST, io.BytesIO(DATA), len(DATA))
        assert store.verify(DIGEST).size_bytes == len(DATA)


def test_a_symbolic_link_is_not_followed(tmp_path: Path, source: Path) -> None:
    uploads = LocalUploadStore(tmp_path / "store")
    (tmp_path / "store" / "partials" / "u1").symlink_to(source)
    with pytest.raises(StoreUnavailable):
        uploads.durable_length("u1")
    with pytest.raises(StoreUnavailable):
        uploads.create("u1")
    link = tmp_path / "link"
    link.symlink_to(source)
    with pytest.raises(StoreUnavailable):
        LocalBlobStore(tmp_path / "store").put_file(DIGEST, link)
    assert source.read_bytes() == DATA


def test_leftovers_of_a_killed_copy_are_removed_when_old(tmp_path: Path) -> None:
    old = tmp_path / ".scratch-old"
    young = tmp_path / ".scratch-young"
    for path in (old, young):
        path.write_bytes(b"half a copy")
    os.utime(old, (0, 0))
    LocalBlobStore(tmp_path)
    assert not old.exists()
    assert young.exists()


def test_a_blob_is_verified_from_the_volume(tmp_path: Path, source: Path) -> None:
    store = LocalBlobStore(tmp_path / "store")
    store.put_file(DIGEST, source)
    source.chmod(0o640)
    with source.open("r+b") as file:  # the same bytes by their other name
        file.seek(100)
        file.write(b"!")
    with pytest.raises(DigestMismatch):
        store.verify(DIGEST)
