"""The few system calls that durability hangs on, with typed errors.

Everything that a store does to its volume goes through a :class:`Disk`, so that a test can make
one call fail.  All calls release the interpreter lock while they block.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from storage.errors import DurabilityLost, NoSpace, StorageError, StoreUnavailable
from storage.ports import Space

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_SYNC_FILE_RANGE_WRITE: Final = 2  # linux/fs.h: start write-back of dirty pages, do not wait
_NOT_COPYABLE: Final = frozenset(
    {errno.EXDEV, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL, errno.EPERM}
)

COPY_BYTES: Final = 1 << 20


def translated(error: OSError) -> StorageError:
    """The typed error for a failed call that is not a flush."""
    what = error.strerror or str(error)
    if error.errno in _FULL:
        return NoSpace(what)
    return StoreUnavailable(what)


@contextmanager
def typed_errors() -> Iterator[None]:
    """Turn an ``OSError`` of the block into ``NoSpace`` or ``StoreUnavailable``."""
    try:
        yield
    except OSError as error:
        raise translated(error) from error


def _load_sync_file_range() -> Callable[[int, int, int, int], int] | None:
    """``sync_file_range(2)`` of the C library, or ``None`` where there is none."""
    try:
        function = ctypes.CDLL(None, use_errno=True).sync_file_range
    except (OSError, AttributeError):
        return None
    function.argtypes = [ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint]
    function.restype = ctypes.c_int

    def call(fd: int, offset: int, size_bytes: int, flags: int) -> int:
        return int(function(fd, offset, size_bytes, flags))

    return call


class Disk:
    """One volume as the kernel offers it."""

    def __init__(self) -> None:
        self._sync_file_range = _load_sync_file_range()

    def fsync(self, fd: int) -> None:
        """``fsync(2)``."""
        os.fsync(fd)

    def fdatasync(self, fd: int) -> None:
        """``fdatasync(2)``: data and the length, not the times."""
        os.fdatasync(fd)

    def pwrite(self, fd: int, data: memoryview, offset: int) -> int:
        """``pwrite(2)``: may write less than asked."""
        return os.pwrite(fd, data, offset)

    def link(self, source: Path, target: Path) -> None:
        """``link(2)``: fails when the target exists."""
        os.link(source, target)

    def copy_file_range(self, source: int, target: int, at: int, offset: int, /) -> int:
        """``copy_file_range(2)``: copy up to 64 MiB inside the kernel."""
        return os.copy_file_range(source, target, 64 * COPY_BYTES, at, offset)

    def start_writeback(self, fd: int, offset: int, size_bytes: int) -> None:
        """Start writing dirty pages out; only a hint, the flush that follows is what counts."""
        if self._sync_file_range is None:
            return
        if self._sync_file_range(fd, offset, size_bytes, _SYNC_FILE_RANGE_WRITE) != 0:
            self._sync_file_range = None  # not known to this kernel or filesystem

    def flush(self, fd: int) -> None:
        """Make data and length of an open file durable.

        Any failure is ``DurabilityLost``, a late ENOSPC too: whatever its cause, the kernel may
        have marked the lost pages clean, so that a second flush would falsely succeed.
        """
        try:
            self.fdatasync(fd)
        except OSError as error:
            raise DurabilityLost(error.strerror or str(error)) from error

    def flush_all(self, fd: int) -> None:
        """As ``flush``, with all of the inode's metadata; also for directories."""
        try:
            self.fsync(fd)
        except OSError as error:
            raise DurabilityLost(error.strerror or str(error)) from error

    def flush_folder(self, folder: Path) -> None:
        """Make the entries of a directory durable."""
        with typed_errors():
            fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self.flush_all(fd)
        finally:
            os.close(fd)

    def write_all(self, fd: int, data: memoryview, offset: int) -> int:
        """Write at ``offset`` until all is written or a call fails; returns the bytes written.

        A full volume ends a write short: the caller learns of it by the next call's error.
        """
        done = 0
        while done < len(data):
            try:
                step = self.pwrite(fd, data[done:], offset + done)
            except OSError as error:
                if done:
                    return done
                raise translated(error) from error
            if step == 0:
                raise StoreUnavailable("the volume accepts no bytes")
            done += step
        return done

    def copy_range(self, source: int, target: int, offset: int) -> int:
        """Copy all of ``source`` to ``offset`` of ``target``; returns the bytes copied."""
        copied = 0
        in_kernel = True
        while True:
            step = 0
            if in_kernel:
                try:
                    step = self.copy_file_range(source, target, copied, offset + copied)
                except OSError as error:
                    if error.errno not in _NOT_COPYABLE:
                        raise translated(error) from error
                    in_kernel = False
            if not in_kernel:
                step = self._copy_step(source, target, copied, offset + copied)
            if step == 0:
                return copied
            copied += step

    def _copy_step(self, source: int, target: int, at: int, offset: int) -> int:
        with typed_errors():
            data = os.pread(source, COPY_BYTES, at)
        return self.write_all(target, memoryview(data), offset) if data else 0

    def space(self, folder: Path) -> Space:
        """Room on the volume of ``folder`` for an unprivileged writer."""
        with typed_errors():
            stat = os.statvfs(folder)
        return Space(stat.f_blocks * stat.f_frsize, stat.f_bavail * stat.f_frsize)


class DurableFolders:
    """Makes directories at and below ``root`` whose entries are known to be durable.

    That a directory exists does not say that its maker has flushed the parent yet; so each
    process flushes the parent of every directory once before it relies on it.
    """

    def __init__(self, disk: Disk, root: Path) -> None:
        self._disk = disk
        # What stands above the root already was not made by this product.
        self._known = {path for path in root.parents if path.is_dir()}

    def ensure(self, folder: Path) -> None:
        """Make ``folder`` and what is missing above it; durable on return."""
        self.make(folder)
        self.settle(folder)

    def make(self, folder: Path) -> None:
        """Make ``folder`` and what is missing above it; durable only after ``settle``.

        Apart, so that what is put into it meanwhile goes out in the same commit of the volume.
        """
        if folder in self._known:
            return
        self.make(folder.parent)
        with typed_errors(), contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o750)

    def settle(self, folder: Path) -> None:
        """Flush the entry of ``folder`` and of every folder above it that is ours."""
        if folder in self._known:
            return
        self._disk.flush_folder(folder.parent)
        self.settle(folder.parent)
        self._known.add(folder)
