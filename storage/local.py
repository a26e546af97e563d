"""Blobs as files of one local volume.

Layout below the root: ``sha256/ab/cd/<digest>`` the blobs, ``quarantine/blobs`` what was found
damaged.  A blob appears by ``link(2)``, which never overwrites, and only after its bytes are
flushed; it is reported only after the entry and every directory above it are flushed.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from storage._disk import COPY_BYTES, Disk, DurableFolders, translated, typed_errors
from storage._names import ALGORITHM, blob_parts, digest_of_name
from storage._quarantine import QuarantineFolder
from storage.digest import Digest
from storage.errors import BlobNotFound, DigestMismatch, StoreUnavailable
from storage.ports import BlobStat, Space

_READ_ONLY: Final = 0o440
_SCRATCH: Final = ".scratch-"
_SCRATCH_AGE_SECONDS: Final = 60.0
# Volumes without hard links, or a source on another volume: copy instead.
_NOT_LINKABLE: Final = frozenset(
    {errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS}
)


class LocalBlobStore:
    """Immutable files named by their SHA-256 (``BlobStore``, ``LocalPaths``, ``MeasuresSpace``)."""

    def __init__(self, root: Path, *, disk: Disk | None = None) -> None:
        self._root = root.absolute()
        self._disk = disk or Disk()
        self._folders = DurableFolders(self._disk, self._root)
        self._folders.ensure(self._root / ALGORITHM)
        self._sweep_scratch()
        self._quarantine = QuarantineFolder(
            self._root / "quarantine" / "blobs", self._disk, self._folders
        )

    def put_file(self, digest: Digest, source: Path) -> BlobStat:
        """Link ``source`` into place, or copy it where the volume cannot link."""
        with typed_errors():
            fd = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(fd, "rb") as file:
            self._disk.flush(fd)
            size_bytes = os.fstat(fd).st_size
            try:
                return self._publish(digest, source, size_bytes)
            except OSError as error:
                if error.errno not in _NOT_LINKABLE:
                    raise translated(error) from error
            return self.put_stream(digest, file, size_bytes)

    def put_stream(self, digest: Digest, source: BinaryIO, size_bytes: int) -> BlobStat:
        """Copy to a file beside the blobs, flush, compare, link into place."""
        with self._scratch() as (fd, path):
            self._fill(fd, digest, source, size_bytes)
            self._disk.flush_all(fd)
            with typed_errors():
                return self._publish(digest, path, size_bytes)

    def stat(self, digest: Digest) -> BlobStat | None:
        """Size of the blob by its file."""
        try:
            return BlobStat(digest, self._path(digest).stat().st_size)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise translated(error) from error

    def path_of(self, digest: Digest) -> Path:
        """Path of the blob's file, which nobody may write to."""
        if self.stat(digest) is None:
            raise BlobNotFound(digest.hex)
        return self._path(digest)

    def read(
        self, digest: Digest, offset: int = 0, length: int | None = None, chunk_bytes: int = 262_144
    ) -> Iterator[bytes]:
        """Iterate over a range of the blob's file."""
        stat = self.stat(digest)
        if stat is None:
            raise BlobNotFound(digest.hex)
        end = stat.size_bytes if length is None else min(stat.size_bytes, offset + length)
        return self._chunks(digest, offset, end, chunk_bytes)

    def verify(self, digest: Digest) -> BlobStat:
        """Hash the file as the volume has it, not as the page cache remembers it."""
        path = self.path_of(digest)
        with typed_errors(), path.open("rb", buffering=0) as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            actual = hashlib.file_digest(file, ALGORITHM).hexdigest()
            size_bytes = os.fstat(file.fileno()).st_size
        if actual != digest.hex:
            raise DigestMismatch(digest.hex, actual)
        return BlobStat(digest, size_bytes)

    def digests(self) -> Iterator[Digest]:
        """Walk the fan-out folders; files with other names are left alone."""
        for name in self._walk(self._root / ALGORITHM, depth=2):
            digest = digest_of_name(name)
            if digest is not None:
                yield digest

    def check(self) -> None:
        """Write, flush, read back and unlink a probe."""
        token = secrets.token_bytes(64)
        with self._scratch() as (fd, path):
            self._write_fully(fd, token, 0)
            self._disk.flush_all(fd)
            with typed_errors():
                if path.read_bytes() != token:
                    raise StoreUnavailable("the probe reads back changed")

    def space(self) -> Space:
        """Room on the volume of the root."""
        return self._disk.space(self._root)

    def set_aside(self, digest: Digest, reason: str) -> None:
        """Move the blob's file to the quarantine folder."""
        path = self._path(digest)
        if not self._quarantine.take(path, digest.hex, reason):
            raise BlobNotFound(digest.hex)
        self._disk.flush_folder(path.parent)

    def erase(self, digest: Digest) -> bool:
        """Unlink the file, and flush its folder."""
        path = self._path(digest)
        with typed_errors():
            there = path.exists()
            path.unlink(missing_ok=True)
        if there:
            self._disk.flush_folder(path.parent)
        return there

    def _path(self, digest: Digest) -> Path:
        return self._root.joinpath(*blob_parts(digest))

    def _publish(self, digest: Digest, source: Path, size_bytes: int) -> BlobStat:
        """Link a flushed file as the blob; raises a bare ``OSError`` when linking fails."""
        target = self._path(digest)
        self._folders.make(target.parent)
        try:
            self._disk.link(source, target)
        except FileExistsError:
            return self._settle_existing(digest, source, target, size_bytes)
        with contextlib.suppress(OSError):  # a courtesy against accidents, no part of the promise
            target.chmod(_READ_ONLY)
        self._settle(target)
        return BlobStat(digest, size_bytes)

    def _settle_existing(
        self, digest: Digest, source: Path, target: Path, size_bytes: int
    ) -> BlobStat:
        """The blob is there: believe it only after re-reading, else put the source in its place."""
        if not target.samefile(source):
            try:
                size_bytes = self.verify(digest).size_bytes
            except DigestMismatch as damage:
                self.set_aside(digest, str(damage))
                return self._publish(digest, source, size_bytes)
        # Whoever linked it may not have flushed the entry yet.
        self._settle(target)
        return BlobStat(digest, size_bytes)

    def _settle(self, target: Path) -> None:
        """Make the blob's entry durable, innermost first: one commit mostly carries all."""
        self._disk.flush_folder(target.parent)
        self._folders.settle(target.parent)

    def _fill(self, fd: int, digest: Digest, source: BinaryIO, size_bytes: int) -> None:
        hasher = hashlib.sha256()
        at = 0
        while at < size_bytes:
            data = source.read(min(COPY_BYTES, size_bytes - at))
            if not data:
                break
            hasher.update(data)
            self._write_fully(fd, data, at)
            at += len(data)
        if hasher.hexdigest() != digest.hex or at != size_bytes:
            raise DigestMismatch(digest.hex, f"{hasher.hexdigest()} ({at} of {size_bytes} bytes)")

    def _write_fully(self, fd: int, data: bytes, offset: int) -> None:
        view = memoryview(data)
        while view:
            done = self._disk.write_all(fd, view, offset)
            view, offset = view[done:], offset + done

    @contextmanager
    def _scratch(self) -> Iterator[tuple[int, Path]]:
        """A new file beside the blobs that is gone afterwards, unless it was linked elsewhere."""
        path = self._root / f"{_SCRATCH}{secrets.token_hex(16)}"
        with typed_errors():
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield fd, path
        finally:
            os.close(fd)
            with contextlib.suppress(OSError):
                path.unlink()

    def _sweep_scratch(self) -> None:
        """Unlink the copies that a killed process left half-made; their sources live elsewhere."""
        oldest = time.time() - _SCRATCH_AGE_SECONDS
        for path in self._root.glob(_SCRATCH + "*"):
            with contextlib.suppress(OSError), path.open("rb") as file:
                if os.fstat(file.fileno()).st_mtime < oldest:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    path.unlink()

    def _chunks(self, digest: Digest, offset: int, end: int, chunk_bytes: int) -> Iterator[bytes]:
        with typed_errors(), self._path(digest).open("rb", buffering=0) as file:
            while offset < end:
                data = os.pread(file.fileno(), min(chunk_bytes, end - offset), offset)
                if not data:
                    raise StoreUnavailable(f"blob {digest.hex} became shorter while it was read")
                offset += len(data)
                yield data

    def _walk(self, folder: Path, depth: int) -> Iterator[str]:
        with typed_errors(), os.scandir(folder) as entries:
            for entry in entries:
                if depth == 0:
                    yield entry.name
                elif len(entry.name) == len("ab") and entry.is_dir(follow_symlinks=False):
                    yield from self._walk(Path(entry.path), depth - 1)
