"""Recordings that run: each 4 MiB chunk is durable and bound by roots before the end is known.

A folder below `recordings/` holds a recording's description, its full chunks and the bytes after
the last one. Who finds a folder at a start finds an interrupted recording: its chunks become a
`capture.recovered`, whose roots the `media.progress` records of the chain prove.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from client_sdk._durable import make_directory, store_errors, sync_directory, write_file
from client_sdk._vault import Vault
from client_sdk.errors import StoreCorruptError
from client_sdk.protocol.payloads import Media
from client_sdk.protocol.streams import CHUNK_BYTES, Chunker, StreamMark

_META: Final = "meta"
_TAIL: Final = "after-"


@dataclass(frozen=True, slots=True)
class Described:
    """What a recording is, as it was opened."""

    id: UUID
    ep: int
    name: bytes
    mime: str
    media: Media
    subject: dict[str, Any]  # members of its media.open payload


class RecordingFolder:
    """One recording on the disk."""

    def __init__(self, path: Path, vault: Vault) -> None:
        self.path = path
        self._vault = vault

    def describe(self, described: Described) -> None:
        """Make the folder; durable when it returns."""
        body = {
            "id": str(described.id), "ep": described.ep, "name_hex": described.name.hex(),
            "mime": described.mime, "media": described.media.value, "subject": described.subject,
        }  # fmt: skip
        with store_errors("beginning a recording"):
            make_directory(self.path)
            self._write(_META, json.dumps(body, ensure_ascii=False).encode())

    def described(self) -> Described:
        """Its description; StoreCorruptError when it is damaged or was never complete."""
        try:
            body = json.loads(self._read(_META))
            return Described(
                UUID(body["id"]), int(body["ep"]), bytes.fromhex(body["name_hex"]),
                str(body["mime"]), Media(body["media"]), dict(body["subject"]),
            )  # fmt: skip
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StoreCorruptError("a recording without its description") from error

    def put_chunk(self, number: int, data: bytes) -> None:
        """Keep a full chunk, durably; what was kept of its beginning is out of date then."""
        self._write(f"{number:08}", data)
        (self.path / f"{_TAIL}{number - 1:08}").unlink(missing_ok=True)

    def put_tail(self, after: int, data: bytes) -> None:
        """Keep what came after chunk `after`."""
        self._write(f"{_TAIL}{after:08}", data)

    def pieces(self) -> Iterator[bytes]:
        """Bytes from the beginning to the first gap, or to the end."""
        number = 1
        while (self.path / f"{number:08}").exists():
            yield self._read(f"{number:08}")
            number += 1
        tail = f"{_TAIL}{number - 1:08}"
        if (self.path / tail).exists():
            yield self._read(tail)

    @property
    def begun(self) -> bool:
        """Whether its description is there; without it there is no byte of it either."""
        return (self.path / _META).exists()

    def strays(self) -> list[Path]:
        """What lies behind a gap: its place is not provable."""
        names = sorted(path.name for path in self.path.iterdir())
        chunks = [name for name in names if name.isdecimal()]
        whole = sum(int(name) == at for at, name in enumerate(chunks, start=1))
        tails = [name for name in names if name.startswith(_TAIL)]
        behind = [name for name in tails if int(name.removeprefix(_TAIL)) > whole]
        return [self.path / name for name in (*chunks[whole:], *behind)]

    def mark(self, stream: UUID) -> StreamMark:
        """How far it provably goes."""
        chunker = Chunker()
        for piece in self.pieces():
            chunker.feed(piece)
        size, root = chunker.size_bytes, chunker.finish()
        return StreamMark(stream, chunker.tree.chunks, size, root)

    def remove(self) -> None:
        """Forget it: its bytes are captured, or there are none."""
        with store_errors("tidying up"):
            shutil.rmtree(self.path)
            sync_directory(self.path.parent)

    def _write(self, name: str, data: bytes) -> None:
        context = f"recording:{self.path.name}:{name}"
        with store_errors("writing a recording"):
            write_file(self.path / name, self._vault.seal(data, context))

    def _read(self, name: str) -> bytes:
        context = f"recording:{self.path.name}:{name}"
        return self._vault.open((self.path / name).read_bytes(), context)


class RecordingFiles:
    """All recordings of a store."""

    def __init__(self, root: Path, vault: Vault) -> None:
        self._root = root / "recordings"
        self._vault = vault
        with store_errors("preparing the store"):
            make_directory(self._root)

    def folder(self, stream: UUID) -> RecordingFolder:
        """The folder of a recording."""
        return RecordingFolder(self._root / str(stream), self._vault)

    def left(self) -> list[RecordingFolder]:
        """Recordings that were not closed, or not tidied up."""
        return [RecordingFolder(path, self._vault) for path in sorted(self._root.iterdir())]


class RunningRecording:
    """Takes bytes as they come: chunks to the disk, roots to whoever listens.

    `on_progress` gets a mark whenever `every_ms` passed and there is a new full chunk.
    """

    def __init__(
        self,
        folder: RecordingFolder,
        stream: UUID,
        mono_ms: Callable[[], int],
        every_ms: int,
        on_progress: Callable[[StreamMark], None],
    ) -> None:
        self._folder = folder
        self._stream = stream
        self._mono_ms = mono_ms
        self._every_ms = every_ms
        self._on_progress = on_progress
        self._chunker = Chunker()
        self._buffer = bytearray()
        self._told_ms = mono_ms()
        self._told_chunks = 0

    @property
    def size_bytes(self) -> int:
        """Bytes taken so far."""
        return self._chunker.size_bytes

    def write(self, data: bytes) -> None:
        """Take bytes; full chunks are durable when it returns."""
        self._buffer += data
        while len(self._buffer) >= CHUNK_BYTES:
            chunk = bytes(self._buffer[:CHUNK_BYTES])
            del self._buffer[:CHUNK_BYTES]
            self._chunker.feed(chunk)
            self._folder.put_chunk(self._chunker.tree.chunks, chunk)
        if self._mono_ms() - self._told_ms >= self._every_ms:
            self._tell()

    def _tell(self) -> None:
        tree = self._chunker.tree
        self._folder.put_tail(tree.chunks, bytes(self._buffer))
        self._told_ms = self._mono_ms()
        if tree.chunks > self._told_chunks:
            self._told_chunks = tree.chunks
            mark = StreamMark(self._stream, tree.chunks, self._chunker.full_bytes, tree.root())
            self._on_progress(mark)

    def finish(self) -> StreamMark:
        """Keep the last bytes; the mark over everything."""
        self._folder.put_tail(self._chunker.tree.chunks, bytes(self._buffer))
        self._chunker.feed(bytes(self._buffer))
        self._buffer.clear()
        size, root = self._chunker.size_bytes, self._chunker.finish()
        return StreamMark(self._stream, self._chunker.tree.chunks, size, root)
