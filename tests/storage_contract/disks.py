"""Volumes that tell, that fail and that are small."""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path

from storage._disk import Disk
from storage.digest import Digest

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


@contextlib.contextmanager
def file_size_limit() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (SMALL_BYTES, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextlib.contextmanager
def full_soon(folder: Path) -> Iterator[Path]:
    """A folder that takes a megabyte: a small volume, or else a limit on the size of files."""
    folder.mkdir()
    if _mounted(folder):
        try:
            yield folder
        finally:
            subprocess.run(["umount", str(folder)], check=True)
        return
    with file_size_limit():
        yield folder


def _mounted(folder: Path) -> bool:
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SMALL_BYTES}", "tmpfs", str(folder)]
    return (
        os.geteuid() == 0
        and subprocess.run(mount, check=False, capture_output=True).returncode == 0
    )
