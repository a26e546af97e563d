"""Both stores without a volume: honest fakes for tests and the simulator.

They keep the same promises and raise the same errors as the local stores.  What was written and
not synced is really lost by :meth:`MemoryUploadStore.crash`, and ``capacity_bytes`` really runs
out.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from storage._names import checked_upload_id
from storage.digest import Digest
from storage.errors import (
    BlobNotFound,
    DigestMismatch,
    NoSpace,
    OffsetConflict,
    PartialNotFound,
)
from storage.ports import BlobStat, Quarantined, Space

_UNLIMITED_BYTES = 1 << 40


class MemoryBlobStore:
    """Blobs in a dictionary (``BlobStore``, ``SetsAside``, ``MeasuresSpace``)."""

    def __init__(self, *, capacity_bytes: int = _UNLIMITED_BYTES) -> None:
        self._lock = threading.RLock()
        self._blobs: dict[Digest, bytes] = {}
        self._aside: list[tuple[Digest, bytes, str]] = []
        self._capacity_bytes = capacity_bytes

    def put_file(self, digest: Digest, source: Path) -> BlobStat:
        """Copy the file; as the caller has verified it, it is not hashed."""
        return self._publish(digest, source.read_bytes())

    def erase(self, digest: Digest) -> bool:
        """Forget the bytes."""
        with self._lock:
            return self._blobs.pop(digest, None) is not None

    def put_stream(self, digest: Digest, source: BinaryIO, size_bytes: int) -> BlobStat:
        """Read, compare, keep."""
        data = bytearray()
        while len(data) < size_bytes:
            step = source.read(size_bytes - len(data))
            if not step:
                break
            data += step
        actual = Digest.of(bytes(data))
        if actual != digest or len(data) != size_bytes:
            raise DigestMismatch(digest.hex, f"{actual.hex} ({len(data)} of {size_bytes} bytes)")
        return self._publish(digest, bytes(data))

    def stat(self, digest: Digest) -> BlobStat | None:
        """Size of the blob."""
        data = self._blobs.get(digest)
        return None if data is None else BlobStat(digest, len(data))

    def read(
        self, digest: Digest, offset: int = 0, length: int | None = None, chunk_bytes: int = 262_144
    ) -> Iterator[bytes]:
        """Slices of the bytes."""
        data = self._bytes(digest)
        end = len(data) if length is None else min(len(data), offset + length)
        return (data[at : min(at + chunk_bytes, end)] for at in range(offset, end, chunk_bytes))

    def verify(self, digest: Digest) -> BlobStat:
        """Hash the bytes."""
        data = self._bytes(digest)
        actual = Digest.of(data)
        if actual != digest:
            raise DigestMismatch(digest.hex, actual.hex)
        return BlobStat(digest, len(data))

    def digests(self) -> Iterator[Digest]:
        """A snapshot of the keys."""
        return iter(list(self._blobs))

    def check(self) -> None:
        """Memory answers, or is full."""
        if not self.space().free_bytes:
            raise NoSpace("the capacity is used up")

    def space(self) -> Space:
        """The capacity, and what is left of it."""
        used = sum(map(len, list(self._blobs.values())))
        return Space(self._capacity_bytes, max(self._capacity_bytes - used, 0))

    def set_aside(self, digest: Digest, reason: str) -> None:
        """Move the bytes to a list."""
        with self._lock:
            data = self._bytes(digest)
            self._aside.append((digest, data, reason))
            del self._blobs[digest]

    def damage(self, digest: Digest, data: bytes) -> None:
        """Replace the bytes behind the store's back, as a failing medium does."""
        self._bytes(digest)
        self._blobs[digest] = data

    def _bytes(self, digest: Digest) -> bytes:
        try:
            return self._blobs[digest]
        except KeyError:
            raise BlobNotFound(digest.hex) from None

    def _publish(self, digest: Digest, data: bytes) -> BlobStat:
        with self._lock:
            if digest in self._blobs:
                try:
                    return self.verify(digest)
                except DigestMismatch as damage:
                    self.set_aside(digest, str(damage))
            if len(data) > self.space().free_bytes:
                raise NoSpace("the capacity is used up")
            self._blobs[digest] = data
            return BlobStat(digest, len(data))


@dataclass(slots=True)
class _Partial:
    data: bytearray = field(default_factory=bytearray)
    durable: bytes = b""


class MemoryPartialWriter:
    """Writes one partial; ``sync`` copies it to what survives a crash."""

    def __init__(self, partial: _Partial, room_bytes: int) -> None:
        self._partial = partial
        self._room_bytes = room_bytes

    @property
    def offset(self) -> int:
        """Where the next byte goes."""
        return len(self._partial.data)

    def write(self, data: memoryview | bytes) -> int:
        """Append what fits; raises ``NoSpace`` when not all does."""
        view = memoryview(data).cast("B")
        fits = min(len(view), self._room_bytes)
        self._partial.data += view[:fits]
        self._room_bytes -= fits
        if fits < len(view):
            raise NoSpace("the capacity is used up")
        return fits

    def sync(self) -> int:
        """From here on the bytes survive a crash."""
        self._partial.durable = bytes(self._partial.data)
        return self.offset

    def truncate(self, offset: int) -> None:
        """Cut, durably."""
        if not 0 <= offset <= self.offset:
            raise OffsetConflict(offset, self.offset)
        self._room_bytes += self.offset - offset
        del self._partial.data[offset:]
        self.sync()

    def close(self) -> None:
        """Nothing to release."""


class MemoryUploadStore:
    """Partials in a dictionary (``UploadStore``); ``path_of`` writes a copy to a private folder."""

    def __init__(self, *, capacity_bytes: int = _UNLIMITED_BYTES) -> None:
        self._partials: dict[str, _Partial] = {}
        self._quarantined: list[Quarantined] = []
        self._capacity_bytes = capacity_bytes
        self._folder = Path(tempfile.mkdtemp(prefix="partials-"))
        weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)

    def create(self, upload_id: str, *, durable: bool = True) -> None:  # noqa: ARG002  the port's
        """An empty partial, unless there is one."""
        self._partials.setdefault(checked_upload_id(upload_id), _Partial())

    def settle(self) -> None:
        """Nothing outlives the process anyway."""

    def durable_length(self, upload_id: str) -> int:
        """Sync and measure."""
        return self._writer(upload_id).sync()

    @contextmanager
    def writer(self, upload_id: str, offset: int) -> Iterator[MemoryPartialWriter]:
        """Write at ``offset``, which must be the length."""
        writer = self._writer(upload_id)
        if writer.offset != offset:
            raise OffsetConflict(offset, writer.offset)
        yield writer

    def path_of(self, upload_id: str) -> Path:
        """A file with the bytes of now."""
        path = self._folder / checked_upload_id(upload_id)
        if upload_id in self._partials:
            path.write_bytes(self._partials[upload_id].data)
        return path

    def concatenate(self, upload_id: str, parts: Sequence[str]) -> int:
        """Replace the partial by the parts."""
        if upload_id in parts:
            raise OffsetConflict(0, self.durable_length(upload_id))
        sources = [bytes(self._partial(part).data) for part in parts]
        writer = self._writer(upload_id)
        writer.truncate(0)
        for data in sources:
            writer.write(data)
        return writer.sync()

    def discard(self, upload_id: str) -> None:
        """Forget the partial."""
        self._partials.pop(checked_upload_id(upload_id), None)
        self.path_of(upload_id).unlink(missing_ok=True)

    def quarantine(self, upload_id: str, reason: str) -> None:
        """Move the partial to a list."""
        size_bytes = len(self._partial(upload_id).data)
        self._quarantined.append(Quarantined(upload_id, reason, size_bytes))
        del self._partials[upload_id]

    def quarantined(self) -> Iterator[Quarantined]:
        """A snapshot of the list."""
        return iter(list(self._quarantined))

    def upload_ids(self) -> Iterator[str]:
        """A snapshot of the keys."""
        return iter(list(self._partials))

    def space(self) -> Space:
        """The capacity, and what is left of it."""
        used = sum(len(partial.data) for partial in list(self._partials.values()))
        return Space(self._capacity_bytes, max(self._capacity_bytes - used, 0))

    def crash(self) -> None:
        """Lose what was not synced, as a power cut does."""
        for partial in self._partials.values():
            partial.data = bytearray(partial.durable)

    def _partial(self, upload_id: str) -> _Partial:
        try:
            return self._partials[checked_upload_id(upload_id)]
        except KeyError:
            raise PartialNotFound(upload_id) from None

    def _writer(self, upload_id: str) -> MemoryPartialWriter:
        return MemoryPartialWriter(self._partial(upload_id), self.space().free_bytes)
