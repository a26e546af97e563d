"""Uploads under way as files of one local volume.

Layout below the root: ``partials/<upload id>`` and ``quarantine/uploads``.  The length of a
partial, once flushed, is the offset that the server acknowledges.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from storage._disk import Disk, DurableFolders, translated, typed_errors
from storage._names import checked_upload_id, is_upload_id
from storage._quarantine import QuarantineFolder
from storage.errors import DurabilityLost, OffsetConflict, PartialNotFound, PartialSealed
from storage.ports import Quarantined, Space

# Measured: write-back begun this often leaves the last flush a few milliseconds of work.
WRITEBACK_BYTES: Final = 8 << 20


class LocalPartialWriter:
    """Writes one partial at a known offset; the caller holds the upload's lock."""

    def __init__(self, disk: Disk, fd: int, offset: int, *, sealed: bool = False) -> None:
        self._disk = disk
        self._fd = fd
        self._offset = offset
        self._durable = offset
        self._writeback = offset
        self._sealed = sealed
        self._broken = False

    @property
    def offset(self) -> int:
        """Where the next byte goes."""
        return self._offset

    def write(self, data: memoryview | bytes) -> int:
        """Write all of ``data``; every 8 MiB the kernel is asked to begin write-back."""
        view = memoryview(data).cast("B")
        size_bytes = len(view)
        if size_bytes:
            self._refuse_sealed()
        while view:
            done = self._disk.write_all(self._fd, view, self._offset)
            self._offset += done
            view = view[done:]
        pending = self._offset - self._writeback
        if pending >= WRITEBACK_BYTES:
            self._disk.start_writeback(self._fd, self._writeback, pending)
            self._writeback = self._offset
        return size_bytes

    def sync(self) -> int:
        """Flush; after a failed flush the writer refuses for good."""
        if self._broken:
            raise DurabilityLost("an earlier flush of this partial failed")
        if self._offset != self._durable:
            self._flush()
        return self._offset

    def truncate(self, offset: int) -> None:
        """Cut the partial to ``offset``, which lies at or before the present one."""
        if not 0 <= offset <= self._offset:
            raise OffsetConflict(offset, self._offset)
        self._refuse_sealed()
        with typed_errors():
            os.ftruncate(self._fd, offset)
        self._offset = offset
        self._writeback = min(self._writeback, offset)
        self._flush(everything=True)

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _refuse_sealed(self) -> None:
        if self._sealed:
            raise PartialSealed("the partial is a blob already")

    def _flush(self, *, everything: bool = False) -> None:
        try:
            (self._disk.flush_all if everything else self._disk.flush)(self._fd)
        except DurabilityLost:
            self._broken = True
            # What was not flushed may be gone although it still reads back from memory.  Cut it
            # off, so that the next process does not count it; it was never acknowledged.
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, min(self._durable, self._offset))
            raise
        self._durable = self._writeback = self._offset


class LocalUploadStore:
    """Partials as plain files (``UploadStore``)."""

    def __init__(self, root: Path, *, disk: Disk | None = None) -> None:
        self._disk = disk or Disk()
        root = root.absolute()
        self._folder = root / "partials"
        folders = DurableFolders(self._disk, root)
        folders.ensure(self._folder)
        self._quarantine = QuarantineFolder(root / "quarantine" / "uploads", self._disk, folders)

    def create(self, upload_id: str, *, durable: bool = True) -> None:
        """Make the file and flush its entry; a file that is there keeps its bytes."""
        path = self.path_of(upload_id)
        with typed_errors():
            flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            os.close(os.open(path, flags, 0o640))
        if durable:
            self.settle()

    def settle(self) -> None:
        """Flush the entries of the folder."""
        self._disk.flush_folder(self._folder)

    def durable_length(self, upload_id: str) -> int:
        """Flush what a dead or former writer left, and return the length."""
        fd = self._open(upload_id, os.O_RDONLY)
        try:
            # The length first: bytes that arrive while we flush are not in the promise.
            length = os.fstat(fd).st_size
            self._disk.flush(fd)
            return length
        finally:
            os.close(fd)

    @contextmanager
    def writer(self, upload_id: str, offset: int) -> Iterator[LocalPartialWriter]:
        """Open the file to write at ``offset``, which must be its length."""
        with contextlib.ExitStack() as files:
            sealed = self._sealed(upload_id)
            fd = self._open(upload_id, os.O_RDONLY if sealed else os.O_RDWR)
            writer = LocalPartialWriter(self._disk, fd, offset, sealed=sealed)
            files.callback(writer.close)
            length = os.fstat(fd).st_size
            if length != offset:
                raise OffsetConflict(offset, length)
            if length:
                self._disk.flush(fd)  # what a killed predecessor left is durable from here on
            yield writer

    def path_of(self, upload_id: str) -> Path:
        """Path of the partial's file, whether it exists or not."""
        return self._folder / checked_upload_id(upload_id)

    def concatenate(self, upload_id: str, parts: Sequence[str]) -> int:
        """Copy the parts inside the kernel where it can; the parts stay as they are."""
        if upload_id in parts:
            raise OffsetConflict(0, self.durable_length(upload_id))
        with contextlib.ExitStack() as files:
            if self._sealed(upload_id):
                raise PartialSealed("the partial is a blob already")
            target = self._held(files, upload_id, os.O_RDWR)
            sources = [self._held(files, part, os.O_RDONLY) for part in parts]
            with typed_errors():
                os.ftruncate(target, 0)
            length = 0
            for source in sources:
                length += self._disk.copy_range(source, target, length)
            self._disk.flush_all(target)
            return length

    def discard(self, upload_id: str) -> None:
        """Unlink the file.  Not flushed: a discarded partial that comes back is discarded again."""
        with typed_errors():
            self.path_of(upload_id).unlink(missing_ok=True)

    def quarantine(self, upload_id: str, reason: str) -> None:
        """Move the file to the quarantine folder; raises ``PartialNotFound``."""
        if not self._quarantine.take(self.path_of(upload_id), upload_id, reason):
            raise PartialNotFound(upload_id)
        self._disk.flush_folder(self._folder)

    def quarantined(self) -> Iterator[Quarantined]:
        """The quarantined partials."""
        return self._quarantine.entries()

    def upload_ids(self) -> Iterator[str]:
        """Names of the files that can be partials."""
        with typed_errors():
            names = [path.name for path in self._folder.iterdir()]
        return (name for name in names if is_upload_id(name))

    def space(self) -> Space:
        """Room on the volume of the partials."""
        return self._disk.space(self._folder)

    def _sealed(self, upload_id: str) -> bool:
        """Whether the file has a second name, which only a blob store gives it."""
        try:
            return self.path_of(upload_id).lstat().st_nlink > 1
        except FileNotFoundError:
            raise PartialNotFound(upload_id) from None
        except OSError as error:
            raise translated(error) from error

    def _open(self, upload_id: str, flags: int) -> int:
        try:
            return os.open(self.path_of(upload_id), flags | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            raise PartialNotFound(upload_id) from None
        except OSError as error:
            raise translated(error) from error

    def _held(self, files: contextlib.ExitStack, upload_id: str, flags: int) -> int:
        fd = self._open(upload_id, flags)
        files.callback(os.close, fd)
        return fd
