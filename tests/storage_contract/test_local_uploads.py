"""What only uploads as files on a volume can get wrong."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from storage._disk import Disk
from storage.errors import (
    DurabilityLost,
    NoSpace,
    PartialNotFound,
    PartialSealed,
)
from storage.local import LocalBlobStore
from storage.local_uploads import WRITEBACK_BYTES, LocalUploadStore
from tests.storage_contract.disks import (
    DATA,
    DIGEST,
    REPOSITORY,
    SMALL_BYTES,
    FailingDisk,
    RecordingDisk,
    file_size_limit,
    full_soon,
)


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


def test_the_entry_of_a_partial_is_flushed_at_once_or_when_it_is_settled(tmp_path: Path) -> None:
    disk = RecordingDisk()
    store = LocalUploadStore(tmp_path, disk=disk)
    flushed = ("fsync", str(store.path_of("one").parent))
    disk.calls.clear()
    store.create("one", durable=False)
    assert disk.calls == []
    store.settle()
    assert disk.calls == [flushed]
    store.create("two")
    assert disk.calls == [flushed, flushed]


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


def test_a_full_volume_keeps_what_was_acknowledged(tmp_path: Path) -> None:
    with full_soon(tmp_path / "small") as folder:
        uploads = LocalUploadStore(folder)
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


def test_a_full_volume_cannot_concatenate_and_keeps_the_parts(tmp_path: Path) -> None:
    with full_soon(tmp_path / "small") as folder:
        uploads = LocalUploadStore(folder)
        for name in ("part", "all"):
            uploads.create(name)
        with uploads.writer("part", 0) as writer:
            writer.write(DATA)
            writer.sync()
        with pytest.raises(NoSpace):
            uploads.concatenate("all", ["part"] * 10)
        assert uploads.path_of("part").read_bytes() == DATA
        assert uploads.concatenate("all", ["part"] * 2) == 2 * len(DATA)


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
