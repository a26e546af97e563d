r"""Recordings that are bound while they run.

Every full 4 MiB chunk is hashed; `media.progress` states the RFC 6962 root over those hashes (the
leaf is SHA256(0x00 ‖ SHA256(chunk))), `media.close` the root over all chunks, the last one short.
A recording without `media.close` was interrupted: what the last progress covers is provable.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Self
from uuid import UUID

from client_sdk.protocol._members import Members, without_none
from client_sdk.protocol.jcs import INT_LIMIT

CHUNK_BYTES: Final = 4 * 1024 * 1024
PROGRESS_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class StreamMark:
    """Member `stream`: how far a recording was at a record.

    :param id: names the recording.
    :param chunks: how many chunks the root covers; 0 and no root when it opens.
    :param size_bytes: how many bytes these chunks have.
    """

    id: UUID
    chunks: int = 0
    size_bytes: int = 0
    root: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Members of `stream`."""
        return {
            "id": str(self.id),
            **without_none(chunks=self.chunks, size=self.size_bytes, root=self.root),
        }

    @classmethod
    def from_value(cls, value: object) -> Self:
        """Checked `stream`."""
        members = Members(value, "stream")
        mark = cls(
            id=members.id("id"),
            chunks=members.count("chunks"),
            size_bytes=members.count("size", limit=INT_LIMIT),
            root=members.optional("root", members.digest),
        )
        members.done()
        return mark


class ChunkTree:
    """RFC 6962 root over chunk hashes, in memory that grows with the logarithm of their number."""

    def __init__(self) -> None:
        self.chunks = 0
        self._peaks: list[tuple[int, bytes]] = []  # (leaves, hash), the largest first

    def add(self, chunk_hash: bytes) -> None:
        """Append the SHA-256 of the next chunk."""
        size, node = 1, hashlib.sha256(b"\0" + chunk_hash).digest()
        while self._peaks and self._peaks[-1][0] == size:
            _, left = self._peaks.pop()
            size, node = 2 * size, _node(left, node)
        self._peaks.append((size, node))
        self.chunks += 1

    def root(self) -> str:
        """Root over what was added, hex; of nothing it is SHA-256 of the empty text (§2.1)."""
        if not self._peaks:
            return hashlib.sha256().hexdigest()
        node = self._peaks[-1][1]
        for _, left in reversed(self._peaks[:-1]):
            node = _node(left, node)
        return node.hex()


class Chunker:
    """Cuts bytes into chunks and keeps the roots; `feed` them, then `finish`.

    `marks` are numbers of chunks after which the root is to be remembered in `roots`.
    """

    def __init__(self, marks: Iterable[int] = (), chunk_bytes: int = CHUNK_BYTES) -> None:
        self.tree = ChunkTree()
        self.size_bytes = 0
        self.roots: dict[int, str] = {}
        self._marks = set(marks)
        self._chunk_bytes = chunk_bytes
        self._open = hashlib.sha256()
        self._filled = 0

    def feed(self, data: bytes) -> int:
        """Take bytes; the number of chunks that became full."""
        view, before = memoryview(data), self.tree.chunks
        self.size_bytes += len(view)
        while view:
            part = view[: self._chunk_bytes - self._filled]
            self._open.update(part)
            self._filled += len(part)
            view = view[len(part) :]
            if self._filled == self._chunk_bytes:
                self._cut()
        return self.tree.chunks - before

    @property
    def full_bytes(self) -> int:
        """Length of the full chunks."""
        return self.size_bytes - self._filled

    def finish(self) -> str:
        """Root over all bytes, the last chunk short."""
        if self._filled:
            self._cut()
        return self.tree.root()

    def _cut(self) -> None:
        self.tree.add(self._open.digest())
        if self.tree.chunks in self._marks:
            self.roots[self.tree.chunks] = self.tree.root()
        self._open, self._filled = hashlib.sha256(), 0


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()
