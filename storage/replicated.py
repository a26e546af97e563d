"""Two copies of every blob: one here at once, one far away as soon as it answers.

``near`` is the local spool, where a blob must be before its upload is acknowledged.  ``far`` is
brought up to date by ``ship``, which the worker calls and repeats until it succeeds; while ``far``
does not answer, uploads go on.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from storage.digest import Digest
from storage.errors import BlobNotFound, DigestMismatch, StorageError, StoreUnavailable
from storage.ports import (
    BlobStat,
    BlobStore,
    Erases,
    LocalPaths,
    MeasuresSpace,
    SetsAside,
    Space,
)


class _ChunkReader(io.RawIOBase):
    """An iterator of chunks as a readable file."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # narrower is enough
        if not self._rest:
            self._rest = next(self._chunks, b"")
        step = min(len(buffer), len(self._rest))
        buffer[:step] = self._rest[:step]
        self._rest = self._rest[step:]
        return step


class ReplicatedBlobStore:
    """Writes near, reads near or far (``BlobStore``, ``LocalPaths``, ``KeepsCopies``, …)."""

    def __init__(self, near: BlobStore, far: BlobStore) -> None:
        self._near = near
        self._far = far

    def put_file(self, digest: Digest, source: Path) -> BlobStat:
        """Into the near store; shipping comes later."""
        return self._near.put_file(digest, source)

    def put_stream(self, digest: Digest, source: BinaryIO, size_bytes: int) -> BlobStat:
        """Into the near store; shipping comes later."""
        return self._near.put_stream(digest, source, size_bytes)

    def stat(self, digest: Digest) -> BlobStat | None:
        """Near if it is there, else far."""
        return self._near.stat(digest) or self._far.stat(digest)

    def read(
        self, digest: Digest, offset: int = 0, length: int | None = None, chunk_bytes: int = 262_144
    ) -> Iterator[bytes]:
        """Read near; go on from the far copy when the near one is absent or stops answering."""
        if self._near.stat(digest) is None:
            return self._far.read(digest, offset, length, chunk_bytes)
        return self._read_near_then_far(digest, offset, length, chunk_bytes)

    def verify(self, digest: Digest) -> BlobStat:
        """Re-read the copy that ``read`` would serve; ``repair`` looks at all."""
        store = self._near if self._near.stat(digest) is not None else self._far
        return store.verify(digest)

    def digests(self) -> Iterator[Digest]:
        """What is near, then what is only far."""
        yield from self._near.digests()
        for digest in self._far.digests():
            if self._near.stat(digest) is None:
                yield digest

    def check(self) -> None:
        """Only the near store decides whether uploads can be taken."""
        self._near.check()

    def check_far(self) -> None:
        """Prove that the far store can be written and read now."""
        self._far.check()

    def path_of(self, digest: Digest) -> Path:
        """Path of the near file; fetches the blob first when it is only far."""
        if not isinstance(self._near, LocalPaths):
            raise StoreUnavailable("the near store keeps no files")
        if self._near.stat(digest) is None:
            self._copy(digest, self._far, self._near)
        return self._near.path_of(digest)

    def space(self) -> Space:
        """Room for uploads."""
        if not isinstance(self._near, MeasuresSpace):
            raise StoreUnavailable("the near store does not measure its room")
        return self._near.space()

    def set_aside(self, digest: Digest, reason: str) -> None:
        """Move the copy that ``read`` would serve out of the way."""
        store = self._near if self._near.stat(digest) is not None else self._far
        _set_aside(store, digest, reason)

    def erase(self, digest: Digest) -> bool:
        """Far first: a copy that stays must be the one that is known."""
        found = [_erase(store, digest) for store in (self._far, self._near)]
        return any(found)

    def copies(self, digest: Digest) -> int:
        """0, 1 or 2, by presence."""
        return sum(store.stat(digest) is not None for store in (self._near, self._far))

    def ship(self, digest: Digest) -> int:
        """Copy to the far store, which reads it back; returns the number of copies."""
        if self._near.stat(digest) is None:
            self._far.verify(digest)
            return 1
        self._copy(digest, self._near, self._far)
        return 2

    def unshipped(self) -> Iterator[Digest]:
        """Near blobs that the far store does not hold; asks it once for each."""
        return (digest for digest in self._near.digests() if self._far.stat(digest) is None)

    def repair(self, digest: Digest) -> int:
        """Replace what is damaged or absent from the sound copy."""
        sound: list[BlobStore] = []
        unsound: list[BlobStore] = []
        damage: DigestMismatch | None = None
        for store in (self._near, self._far):
            try:
                store.verify(digest)
                sound.append(store)
            except BlobNotFound:
                unsound.append(store)
            except DigestMismatch as error:
                damage = error
                unsound.append(store)
        if not sound:
            raise damage or BlobNotFound(digest.hex)
        for store in unsound:
            self._copy(digest, sound[0], store)  # a damaged blob there is set aside by the put
        return len(unsound)

    def _copy(self, digest: Digest, source: BlobStore, target: BlobStore) -> None:
        """Hashed on the way, so that damage is never spread."""
        stat = source.stat(digest)
        if stat is None:
            raise BlobNotFound(digest.hex)
        reader = io.BufferedReader(_ChunkReader(source.read(digest)))
        target.put_stream(digest, reader, stat.size_bytes)

    def _read_near_then_far(
        self, digest: Digest, offset: int, length: int | None, chunk_bytes: int
    ) -> Iterator[bytes]:
        done = 0
        try:
            for chunk in self._near.read(digest, offset, length, chunk_bytes):
                done += len(chunk)
                yield chunk
        except StorageError:
            rest = None if length is None else length - done
            yield from self._far.read(digest, offset + done, rest, chunk_bytes)


def _set_aside(store: BlobStore, digest: Digest, reason: str) -> None:
    if not isinstance(store, SetsAside):
        raise StoreUnavailable("this store cannot set blobs aside")
    store.set_aside(digest, reason)


def _erase(store: BlobStore, digest: Digest) -> bool:
    if not isinstance(store, Erases):
        raise StoreUnavailable("this store cannot erase blobs")
    return store.erase(digest)
