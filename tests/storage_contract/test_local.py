"""What only files on a volume can get wrong."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import resource
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage._disk import Disk
from storage.digest import Digest
from storage.errors import (
    BlobNotFound,
    DigestMismatch,
    DurabilityLost,
    NoSpace,
    PartialNotFound,
    PartialSealed,
    StoreUnavailable,
)
from storage.local import LocalBlobStore
from storage.local_uploads import WRITEBACK_BYTES, LocalUploadStore
from storage.ports import LocalPaths, MeasuresSpace, SetsAside

REPOSITORY = Path(__file__).parents[2]
DATA = b"evidence" * 20_000
DIGEST = Digest.of(DATA)
SMALL_BYTES = 1 << 20


class RecordingDisk(Disk):
    """The real disk, with a list of what was flushed and linked, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[str, str]] = []

    def fsync(self, fd: int) -> None:
        self.calls.append(("fsync", str(Path(f"/proc/self/fd/{fd}").readlink())))
        super().fsync(fd)

    def fdatasync(self, fd: int) -> None:
        self.calls.append(("fdatasync", str(Path(f"/proc/self/fd/{fd}").readlink())))
        super().fdatasync(fd)

    def link(self, source: Path, target: Path) -> None:
        self.calls.append(("link", str(target)))
        super().link(source, target)

    def start_writeback(self, fd: int, offset: int, size_bytes: int) -> None:
        self.calls.append(("writeback", f"{offset}+{size_bytes}"))
        super().start_writeback(fd, offset, size_bytes)


class FailingDisk(Disk):
    """The real disk until ``error`` is set; then flushes fail with it."""

    error: int | None = None

    def _fail(self) -> None:
        if self.error is not None:
            raise OSError(self.error, os.strerror(self.error))

    def fsync(self, fd: int) -> None:
        self._fail()
        super().fsync(fd)

    def fdatasync(self, fd: int) -> None:
        self._fail()
        super().fdatasync(fd)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.write_bytes(DATA)
    return path


def _mounted(folder: Path) -> bool:
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SMALL_BYTES}", "tmpfs", str(folder)]
    return (
        os.geteuid() == 0
        and subprocess.run(mount, check=False, capture_output=True).returncode == 0
    )


@pytest.fixture
def full_soon(tmp_path: Path) -> Iterator[Path]:
    """A folder that takes a megabyte: a small volume, or else a limit on the size of files."""
    folder = tmp_path / "small"
    folder.mkdir()
    if _mounted(folder):
        yield folder
        subprocess.run(["umount", str(folder)], check=True)
        return
    with file_size_limit():
        yield folder


@contextlib.contextmanager
def file_size_limit() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (SMALL_BYTES, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


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


@pytest.mark.parametrize("error", [errno.EIO, errno.ENOSPC])
def test_a_writer_whose_flush_failed_refuses_for_good(tmp_path: Path, error: int) -> None:
    disk = FailingDisk()
    uploads = LocalUploadStore(tmp_path, disk=disk)
    uploads.create("u1")
    with uploads.writer("u1", 0) as writer:
        writer.write(b"durable")
        writer.sync()
        writer.write(b"doubtful")
        disk.error = error
        with pytest.raises(DurabilityLost):
            writer.sync()
        disk.error = None
        with pytest.raises(DurabilityLost):
            writer.sync()
    # The next process must not count what reads back from memory only.
    assert LocalUploadStore(tmp_path).durable_length("u1") == 7


def test_a_failed_flush_is_no_durable_length(tmp_path: Path) -> None:
    disk = FailingDisk()
    uploads = LocalUploadStore(tmp_path, disk=disk)
    uploads.create("u1")
    disk.error = errno.EIO
    with pytest.raises(DurabilityLost):
        uploads.durable_length("u1")
    with pytest.raises(DurabilityLost):
        uploads.create("u2")


def test_a_resumed_partial_is_flushed_before_it_is_written(tmp_path: Path) -> None:
    disk = RecordingDisk()
    uploads = LocalUploadStore(tmp_path, disk=disk)
    uploads.create("u1")
    path = str(tmp_path / "partials" / "u1")
    with uploads.writer("u1", 0) as writer:
        writer.write(b"left by a killed process")
    disk.calls.clear()
    with uploads.writer("u1", 24) as writer:
        assert disk.calls == [("fdatasync", path)]
        assert writer.sync() == 24  # nothing new, nothing to flush
    assert disk.calls == [("fdatasync", path)]


def test_write_back_begins_while_bytes_arrive(tmp_path: Path) -> None:
    disk = RecordingDisk()
    uploads = LocalUploadStore(tmp_path, disk=disk)
    uploads.create("u1")
    piece = bytes(1 << 20)
    with uploads.writer("u1", 0) as writer:
        for _ in range(20):
            writer.write(piece)
        writer.sync()
    begun = [what for call, what in disk.calls if call == "writeback"]
    assert begun == [f"0+{WRITEBACK_BYTES}", f"{WRITEBACK_BYTES}+{WRITEBACK_BYTES}"]


def test_a_kernel_without_the_hint_does_as_well(tmp_path: Path) -> None:
    disk = Disk()
    with (tmp_path / "pipe-like").open("wb") as file:
        os.set_blocking(file.fileno(), True)
        disk.start_writeback(-1, 0, 1)  # refused
        disk.start_writeback(file.fileno(), 0, 1)
    uploads = LocalUploadStore(tmp_path, disk=disk)
    uploads.create("u1")
    with uploads.writer("u1", 0) as writer:
        writer.write(bytes(WRITEBACK_BYTES + 1))
        assert writer.sync() == WRITEBACK_BYTES + 1


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


def test_a_volume_that_cannot_copy_inside_the_kernel(tmp_path: Path) -> None:
    class PlainDisk(Disk):
        def copy_file_range(self, *_: int) -> int:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    uploads = LocalUploadStore(tmp_path, disk=PlainDisk())
    data = DATA * 10
    for name in ("part", "all"):
        uploads.create(name)
    with uploads.writer("part", 0) as writer:
        writer.write(data)
    assert uploads.concatenate("all", ["part", "part"]) == 2 * len(data)
    assert uploads.path_of("all").read_bytes() == data * 2


def test_a_partial_that_became_a_blob_is_never_written(tmp_path: Path) -> None:
    uploads = LocalUploadStore(tmp_path)
    store = LocalBlobStore(tmp_path)
    for name in ("u1", "part"):
        uploads.create(name)
    with uploads.writer("u1", 0) as writer:
        writer.write(DATA)
        writer.sync()
    store.put_file(DIGEST, uploads.path_of("u1"))
    with uploads.writer("u1", len(DATA)) as writer:
        assert writer.write(b"") == 0  # the answer was lost, the client asks again
        assert writer.sync() == len(DATA)
        with pytest.raises(PartialSealed):
            writer.write(b"!")
        with pytest.raises(PartialSealed):
            writer.truncate(0)
    with pytest.raises(PartialSealed):
        uploads.concatenate("u1", ["part"])
    assert uploads.durable_length("u1") == len(DATA)
    uploads.discard("u1")
    assert store.verify(DIGEST).size_bytes == len(DATA)


def test_a_full_volume_keeps_what_was_acknowledged(full_soon: Path) -> None:
    uploads = LocalUploadStore(full_soon)
    uploads.create("u1")
    with uploads.writer("u1", 0) as writer:
        writer.write(DATA)
        acknowledged = writer.sync()
        with pytest.raises(NoSpace):
            writer.write(DATA * 20)
        arrived = writer.offset
        assert acknowledged < arrived <= SMALL_BYTES
        assert writer.sync() == arrived  # what fitted is as good as any other byte
    assert uploads.durable_length("u1") == arrived
    assert uploads.path_of("u1").read_bytes() == (DATA * 21)[:arrived]


def test_a_write_cut_short_by_a_limit_is_told(tmp_path: Path) -> None:
    uploads = LocalUploadStore(tmp_path)
    uploads.create("u1")
    data = bytes(SMALL_BYTES + 1)
    with file_size_limit(), uploads.writer("u1", 0) as writer:
        with pytest.raises(NoSpace):
            writer.write(data)
        assert writer.sync() == SMALL_BYTES
    with uploads.writer("u1", SMALL_BYTES) as writer:  # the room is back
        writer.write(data)
        assert writer.sync() == 2 * SMALL_BYTES + 1


def test_a_full_volume_takes_no_half_blob_and_recovers(full_soon: Path) -> None:
    store = LocalBlobStore(full_soon)
    big = bytes(2 * SMALL_BYTES)
    with pytest.raises(NoSpace):
        store.put_stream(Digest.of(big), io.BytesIO(big), len(big))
    assert list(store.digests()) == []
    store.put_stream(DIGEST, io.BytesIO(DATA), len(DATA))
    assert store.verify(DIGEST).size_bytes == len(DATA)


def test_a_full_volume_cannot_concatenate_and_keeps_the_parts(full_soon: Path) -> None:
    uploads = LocalUploadStore(full_soon)
    for name in ("part", "all"):
        uploads.create(name)
    with uploads.writer("part", 0) as writer:
        writer.write(DATA)
        writer.sync()
    with pytest.raises(NoSpace):
        uploads.concatenate("all", ["part"] * 10)
    assert uploads.path_of("part").read_bytes() == DATA
    assert uploads.concatenate("all", ["part"] * 2) == 2 * len(DATA)


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


def open_files() -> set[str]:
    return {path.name for path in Path("/proc/self/fd").iterdir()}


def test_a_writer_is_closed_at_the_end_of_its_block(tmp_path: Path) -> None:
    uploads = LocalUploadStore(tmp_path)
    uploads.create("u1")
    before = open_files()
    with uploads.writer("u1", 0) as writer:
        writer.close()
        writer.close()
    with contextlib.suppress(PartialNotFound), uploads.writer("gone", 0):
        pass
    assert open_files() <= before


def test_leftovers_of_a_killed_copy_are_removed_when_old(tmp_path: Path) -> None:
    old = tmp_path / ".scratch-old"
    young = tmp_path / ".scratch-young"
    for path in (old, young):
        path.write_bytes(b"half a copy")
    os.utime(old, (0, 0))
    LocalBlobStore(tmp_path)
    assert not old.exists()
    assert young.exists()


_WRITE_UNTIL_KILLED = """
import sys
from pathlib import Path
from storage.local_uploads import LocalUploadStore
uploads = LocalUploadStore(Path(sys.argv[1]))
uploads.create("u1")
piece = bytes(range(256)) * 300
with uploads.writer("u1", 0) as writer:
    while True:
        writer.write(piece)
        print(writer.sync(), flush=True)
        writer.write(piece)
"""


def test_a_killed_writer_loses_nothing_acknowledged(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _WRITE_UNTIL_KILLED, str(tmp_path)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY)
    assert child.stdout is not None
    with child.stdout as output:
        acknowledged = [int(output.readline()) for _ in range(20)][-1]
        child.send_signal(signal.SIGKILL)
        acknowledged = max([acknowledged, *map(int, output.read().split())])
    assert child.wait() == -signal.SIGKILL
    uploads = LocalUploadStore(tmp_path)
    length = uploads.durable_length("u1")
    assert length >= acknowledged
    piece = bytes(range(256)) * 300
    assert uploads.path_of("u1").read_bytes() == (piece * (length // len(piece) + 1))[:length]
    with uploads.writer("u1", length) as writer:
        assert writer.offset == length


def test_a_blob_is_verified_from_the_volume(tmp_path: Path, source: Path) -> None:
    store = LocalBlobStore(tmp_path / "store")
    store.put_file(DIGEST, source)
    source.chmod(0o640)
    with source.open("r+b") as file:  # the same bytes by their other name
        file.seek(100)
        file.write(b"!")
    with pytest.raises(DigestMismatch):
        store.verify(DIGEST)
