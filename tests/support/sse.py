"""Many readers of server-sent events on one thread, as browsers read them: raw sockets.

A reader that is dropped, or whose stream ends, comes back with its ``Last-Event-ID``.
"""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

CHUNK_BYTES: Final = 65_536
LOOK_SECONDS: Final = 0.02


@dataclass
class Reader:
    """One browser: what it received, by the id of the event and when it was complete."""

    cookie: str
    last_id: int = 0
    received: list[tuple[int, float]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    connection: socket.socket | None = None
    buffer: bytes = b""
    in_head: bool = True

    def take(self, data: bytes, now: float) -> None:
        """Bytes as they came; an event counts once its empty line is there."""
        self.buffer += data
        *whole, self.buffer = self.buffer.replace(b"\r\n", b"\n").split(b"\n\n")
        for block in whole:
            if self.in_head:
                self.in_head = False
                self.statuses.append(int(block.split(b" ", 2)[1]))
                continue
            lines = dict(line.partition(b": ")[::2] for line in block.split(b"\n"))
            if lines.get(b"event") == b"entry":
                self.last_id = int(lines[b"id"])
                self.received.append((self.last_id, now))


@dataclass
class Fleet:
    """All readers of one address."""

    host: str
    port: int
    path: str
    readers: Sequence[Reader]
    drops: int = 0
    _selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)

    def connect(self, reader: Reader) -> None:
        """Open its stream where it stands; HTTP/1.0, so that the bytes are the events."""
        connection = socket.create_connection((self.host, self.port), timeout=30)
        head = [
            f"GET {self.path} HTTP/1.0",
            f"Host: {self.host}:{self.port}",
            f"Cookie: {reader.cookie}",
            "Accept: text/event-stream",
            f"Last-Event-ID: {reader.last_id}",
        ]
        connection.sendall(("\r\n".join(head) + "\r\n\r\n").encode())
        connection.setblocking(False)
        reader.connection, reader.buffer, reader.in_head = connection, b"", True
        self._selector.register(connection, selectors.EVENT_READ, reader)

    def drop(self, reader: Reader) -> None:
        """Cut its connection, wherever in an event it is, and come back."""
        self._close(reader)
        self.drops += 1
        self.connect(reader)

    def run(self, done: Callable[[], bool], between: Callable[[], None] = lambda: None) -> None:
        """Read until ``done``; ``between`` is called between two looks."""
        while not done():
            for key, _ in self._selector.select(LOOK_SECONDS):
                self._read(key.data)
            between()

    def close(self) -> None:
        """Hang up everywhere."""
        for reader in self.readers:
            self._close(reader)
        self._selector.close()

    def _read(self, reader: Reader) -> None:
        assert reader.connection is not None
        try:
            data = reader.connection.recv(CHUNK_BYTES)
        except (BlockingIOError, ConnectionError):
            data = b""
        if data:
            reader.take(data, time.time())
            return
        self._close(reader)
        self.connect(reader)

    def _close(self, reader: Reader) -> None:
        if reader.connection is not None:
            self._selector.unregister(reader.connection)
            reader.connection.close()
            reader.connection = None
