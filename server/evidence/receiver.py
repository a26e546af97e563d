"""The one writer of an upload: bytes from the connection into the partial, hashed on the way.

The caller holds the upload's lock.  Without a checksum every received byte stays, however the
connection ends; with one an interrupted or wrong chunk is cut off again (tus, "Checksum").
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from server.core import offload
from server.core.observe import UPLOADED
from server.core.problem import Kind, Problem
from server.core.stopping import stopping
from server.evidence.byte_source import ByteSource, SenderGone
from server.evidence.running_digest import DigestCache, Follower, RunningDigest
from server.evidence.tus import Checksum
from storage.errors import NoSpace
from storage.ports import Lease, PartialWriter, UploadStore

BUFFER_BYTES: Final = 262_144
# Measured: from here on a second core hashes faster than the one that receives (08).
FOLLOW_FROM_BYTES: Final = 32 << 20
_SPARE_BUFFERS: Final = 8


class End(Enum):
    """Why receiving ended."""

    COMPLETE = "complete"
    GONE = "gone"
    STALLED = "stalled"
    TAKEN_OVER = "taken over"
    STOPPING = "stopping"
    EXCEEDED = "exceeded"


@dataclass(frozen=True, slots=True)
class Target:
    """Where a body goes.

    ``offset`` is the partial's length, ``end`` the most it may become; the first ``skip`` bytes
    of the body are there already.  With ``finishes`` the caller stores the whole durably when
    ``end`` is reached, so it is not synced before.
    """

    upload_id: str
    offset: int
    end: int
    checksum: Checksum | None = None
    skip: int = 0
    finishes: bool = False


@dataclass(frozen=True, slots=True)
class Received:
    """Where the partial stands and why receiving ended.

    ``offset`` is durable, unless a newcomer took over (that one makes it so) or the caller
    finishes.
    """

    offset: int
    end: End


class Receiver:
    """Receives the bodies of one process.

    :param stall_seconds: a sender that is silent for this long is let go.
    """

    def __init__(self, uploads: UploadStore, digests: DigestCache, stall_seconds: float) -> None:
        self._uploads = uploads
        self._digests = digests
        self._stall_seconds = stall_seconds
        self._spare: deque[bytearray] = deque(maxlen=_SPARE_BUFFERS)

    def receive(self, source: ByteSource, target: Target, lease: Lease) -> Received:
        """Write the body of one request.

        Raises ``checksum-mismatch`` after the chunk was cut off, ``OffsetConflict`` and the
        stores' other errors.
        """
        digest = self._digests.take(target.upload_id, target.offset)
        try:
            with ExitStack() as stack:
                opening = self._uploads.writer(target.upload_id, target.offset)
                writer = offload.blocking(stack.enter_context, opening)
                return self._fill(source, target, lease, writer, digest)
        finally:
            self._digests.put(target.upload_id, digest)

    def _fill(
        self,
        source: ByteSource,
        target: Target,
        lease: Lease,
        writer: PartialWriter,
        digest: RunningDigest,
    ) -> Received:
        if target.checksum is not None:
            return self._fill_checked(source, target, lease, writer, target.checksum)
        follower = self._follower(source, target, digest)
        put = _putter(writer, digest.feed) if follower is None else _leader(writer, follower)
        try:
            end = self._pump(source, target, lease, put)
        except NoSpace:
            offload.blocking(writer.sync)
            raise
        finally:
            if follower is not None:
                follower.stop()
        at_the_end = target.finishes and end is End.COMPLETE and writer.offset == target.end
        if end is not End.TAKEN_OVER and not at_the_end:
            offload.blocking(writer.sync)
        UPLOADED.inc(writer.offset - target.offset)
        return Received(writer.offset, end)

    def _fill_checked(
        self,
        source: ByteSource,
        target: Target,
        lease: Lease,
        writer: PartialWriter,
        checksum: Checksum,
    ) -> Received:
        chunk = hashlib.new(checksum.algorithm, usedforsecurity=False)
        right = False
        end = End.GONE
        try:
            end = self._pump(source, target, lease, _putter(writer, chunk.update), chunk.update)
            right = end is End.COMPLETE and hmac.compare_digest(chunk.digest(), checksum.digest)
        finally:
            if not right:
                offload.blocking(writer.truncate, target.offset)
        if right:
            offload.blocking(writer.sync)
            UPLOADED.inc(writer.offset - target.offset)
        elif end is End.COMPLETE:
            raise Problem(Kind.CHECKSUM_MISMATCH, "the chunk was dropped; send it again")
        return Received(writer.offset, end)

    def _follower(
        self, source: ByteSource, target: Target, digest: RunningDigest
    ) -> Follower | None:
        behind = digest.offset < target.offset
        if not behind and (source.length or 0) < FOLLOW_FROM_BYTES:
            return None
        return Follower(digest, self._uploads.path_of(target.upload_id))

    def _pump(
        self,
        source: ByteSource,
        target: Target,
        lease: Lease,
        put: Callable[[memoryview], None],
        skipped: Callable[[memoryview], Any] = len,
    ) -> End:
        watch = _Watch(lease, self._stall_seconds)
        buffer = self._spare.pop() if self._spare else bytearray(BUFFER_BYTES)
        view = memoryview(buffer)
        skip, room = target.skip, target.end - target.offset
        try:
            with source.open(lambda: watch.reason() is not None):
                while (reason := watch.reason()) is None:
                    got = source.read_into(view)
                    if got is None:
                        return End.COMPLETE
                    if got == 0:
                        continue
                    watch.progress()
                    known = min(skip, got)
                    if known:
                        skipped(view[:known])
                        skip -= known
                    fresh = view[known : min(got, known + room)]
                    if fresh:
                        put(fresh)
                        room -= len(fresh)
                    if known + len(fresh) < got:
                        return End.EXCEEDED
                return reason
        except SenderGone:
            return watch.reason() or End.GONE
        finally:
            self._spare.append(buffer)


class _Watch:
    """Says when a receiver has to let go."""

    def __init__(self, lease: Lease, stall_seconds: float) -> None:
        self._lease = lease
        self._stall_seconds = stall_seconds
        self._last = time.monotonic()

    def progress(self) -> None:
        """Bytes came."""
        self._last = time.monotonic()

    def reason(self) -> End | None:
        """Why to stop now, if at all."""
        if self._lease.wanted:
            return End.TAKEN_OVER
        if stopping():
            return End.STOPPING
        if time.monotonic() - self._last > self._stall_seconds:
            return End.STALLED
        return None


def _putter(
    writer: PartialWriter, note: Callable[[memoryview], Any]
) -> Callable[[memoryview], None]:
    """Write, then note what was written, also when a full disk ended the write half-way."""

    def write(data: memoryview) -> None:
        before = writer.offset
        try:
            writer.write(data)
        finally:
            note(data[: writer.offset - before])

    return lambda data: offload.blocking(write, data)


def _leader(writer: PartialWriter, follower: Follower) -> Callable[[memoryview], None]:
    """Write, and let the follower know; it is spoken to by the receiving greenlet only."""
    follower.advance(writer.offset)

    def put(data: memoryview) -> None:
        offload.blocking(writer.write, data)
        follower.advance(writer.offset)

    return put
