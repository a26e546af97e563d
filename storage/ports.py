"""What the server asks of a place that keeps bytes.

Two stores and a locker, each a small Protocol.  A *blob* is finished and immutable and is named
by its SHA-256.  A *partial* is an upload under way and is named by the upload's id.  An ability
that only some backends have is a Protocol of its own.

Every call either returns after the bytes it speaks of are durable, or raises a
:class:`storage.errors.StorageError`; nothing in between is reported as success.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol, runtime_checkable

from storage.digest import Digest


@dataclass(frozen=True, slots=True)
class BlobStat:
    """What a store knows of one blob."""

    digest: Digest
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Space:
    """Room on the volume that a store writes to."""

    total_bytes: int
    free_bytes: int

    @property
    def used_ratio(self) -> float:
        """Share of the volume in use, 0.0 to 1.0."""
        return 1.0 - self.free_bytes / self.total_bytes if self.total_bytes else 1.0


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A partial that was moved out of the way; its bytes are kept."""

    upload_id: str
    reason: str
    size_bytes: int


class BlobStore(Protocol):
    """Immutable bytes under their SHA-256."""

    def put_file(self, digest: Digest, source: Path) -> BlobStat:
        """Make ``source`` (already verified against ``digest``) the blob ``digest``, durably.

        Never overwrites: a blob that is already there is re-read, and wins when it is sound; one
        that is damaged is set aside and replaced.  ``source`` is left to the caller.
        The source may be linked instead of copied; the caller must not write to it afterwards.
        """
        ...

    def put_stream(self, digest: Digest, source: BinaryIO, size_bytes: int) -> BlobStat:
        """Copy ``size_bytes`` from ``source``; raises ``DigestMismatch`` when they hash otherwise.

        Then, and when the source ends early, the store stays as it was.
        """
        ...

    def stat(self, digest: Digest) -> BlobStat | None:
        """Size of the blob, or ``None`` when this store does not hold it."""
        ...

    def read(
        self, digest: Digest, offset: int = 0, length: int | None = None, chunk_bytes: int = 262_144
    ) -> Iterator[bytes]:
        """Iterate over the bytes ``[offset, offset + length)``, cut at the end of the blob.

        Raises ``BlobNotFound`` from the call itself, before there is an iterator.
        """
        ...

    def verify(self, digest: Digest) -> BlobStat:
        """Re-read the whole blob from the store and hash it; raises ``DigestMismatch``."""
        ...

    def digests(self) -> Iterator[Digest]:
        """Every digest held, in no promised order."""
        ...

    def check(self) -> None:
        """Prove that the store can be written and read now; raises ``StorageError``."""
        ...


@runtime_checkable
class LocalPaths(Protocol):
    """Ability of a blob store: its blobs are plain local files, which parsers may open."""

    def path_of(self, digest: Digest) -> Path:
        """Path of a blob that is here; raises ``BlobNotFound``."""
        ...


@runtime_checkable
class MeasuresSpace(Protocol):
    """Ability of a store: it knows how full its volume is."""

    def space(self) -> Space:
        """Room on the volume now."""
        ...


@runtime_checkable
class SetsAside(Protocol):
    """Ability of a blob store: it can take a damaged blob out of the way."""

    def set_aside(self, digest: Digest, reason: str) -> None:
        """Move the blob to quarantine, durably, with the reason; never unlinks its bytes.

        Raises ``BlobNotFound``.
        """
        ...


@runtime_checkable
class Erases(Protocol):
    """Ability of a blob store: it can let go of bytes for good."""

    def erase(self, digest: Digest) -> bool:
        """Unlink the blob at every place, durably; false when no place held it.

        For lawful erasure alone, after nothing names the bytes any more.
        """
        ...


@runtime_checkable
class KeepsCopies(Protocol):
    """Ability of a blob store: it keeps each blob at more than one place."""

    def copies(self, digest: Digest) -> int:
        """How many places hold the blob now, by presence, not re-read."""
        ...

    def ship(self, digest: Digest) -> int:
        """Bring the blob to every place, re-read it there, and return how many hold it.

        Raises ``StoreUnavailable`` while a place does not answer: try again later.
        """
        ...

    def unshipped(self) -> Iterator[Digest]:
        """Every blob that the last place does not hold yet, in no promised order."""
        ...

    def repair(self, digest: Digest) -> int:
        """Re-read every copy, replace damaged or absent ones, return how many were replaced.

        Raises ``DigestMismatch`` when no sound copy is left, ``BlobNotFound`` when none is.
        """
        ...


class PartialWriter(Protocol):
    """The one writer of a partial, as long as its fence holds."""

    @property
    def offset(self) -> int:
        """Where the next byte goes."""
        ...

    def write(self, data: memoryview | bytes) -> int:
        """Write all of ``data`` at the offset and return its length.

        Starts write-back as it goes, so that ``sync`` is short.  After ``NoSpace`` the offset
        says how much arrived; it can still be synced.
        """
        ...

    def sync(self) -> int:
        """Make everything written durable and return the offset.

        Raises ``DurabilityLost`` when the volume reports a failed flush: pages are marked clean
        after one (ATC'20), so the caller must end the process and never retry.
        """
        ...

    def truncate(self, offset: int) -> None:
        """Drop everything from ``offset`` on, durably (tus: an unverified checksummed chunk)."""
        ...

    def close(self) -> None:
        """Release the file; without ``sync`` before it nothing is promised."""
        ...


class UploadStore(Protocol):
    """Uploads under way; an upload's offset is the durable length of its partial."""

    def create(self, upload_id: str, *, durable: bool = True) -> None:
        """Make an empty partial durably; it is no error that it exists already.

        Call it before every answer that names the upload, also when a repeated request finds it.
        One that is not ``durable`` may be gone after a crash, whatever was synced into it, until
        ``settle``.
        """
        ...

    def settle(self) -> None:
        """Make durable that every partial exists."""
        ...

    def durable_length(self, upload_id: str) -> int:
        """Sync the partial and return its length; raises ``PartialNotFound``."""
        ...

    def writer(self, upload_id: str, offset: int) -> AbstractContextManager[PartialWriter]:
        """Open the partial to write at ``offset``, which must be its length.

        Raises ``OffsetConflict`` when it is not, ``PartialNotFound`` when there is none.  Writing
        raises ``PartialSealed`` once ``put_file`` has linked the partial into a blob store.

        The caller holds the upload's lock (see :class:`Locker`).
        """
        ...

    def path_of(self, upload_id: str) -> Path:
        """Path of the partial, for hashing and for ``BlobStore.put_file``."""
        ...

    def concatenate(self, upload_id: str, parts: Sequence[str]) -> int:
        """Make the partial the parts one after another, durably; returns its length.

        What the partial held before is replaced, so that it can be repeated after a crash.
        """
        ...

    def discard(self, upload_id: str) -> None:
        """Unlink the partial of a *finished* upload (its bytes live on as a blob).

        It is no error that it is gone.
        """
        ...

    def quarantine(self, upload_id: str, reason: str) -> None:
        """Move the partial out of the way, durably, with the reason beside it; never unlinks."""
        ...

    def quarantined(self) -> Iterator[Quarantined]:
        """Everything that was moved out of the way, in no promised order."""
        ...

    def upload_ids(self) -> Iterator[str]:
        """Every partial present, in no promised order."""
        ...

    def space(self) -> Space:
        """Room on the volume now."""
        ...


class Lease(Protocol):
    """Held by the one who may write; to be given up the moment a newcomer asks."""

    @property
    def wanted(self) -> bool:
        """True as soon as a newcomer asked: stop at the next boundary, sync, release.

        Cheap enough to ask before each write (no system call); works across processes.
        """
        ...


class Locker(Protocol):
    """One writer per name among all processes of this host, with take-over."""

    def acquire(self, name: str, timeout_seconds: float = 5.0) -> AbstractContextManager[Lease]:
        """Ask the present holder to stop, wait for it, hold the lock.

        The newest wins: one who waited while a newer one asked finds ``wanted`` true from the
        start.  Raises ``LockTimeout`` when the holder did not let go in time.  A holder that died
        has let go already.
        """
        ...
