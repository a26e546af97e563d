"""Where the bytes of a request come from.

Behind gunicorn they are read straight from the connection into one reused buffer: its own reader
copies every byte several times and cannot stop while it waits (08, findings 1 and 2).  That is a
private seam, so it is taken only when everything looks as in the version it was written for;
otherwise, and for chunked bodies, TLS and other servers, ``wsgi.input`` is read.
"""

from __future__ import annotations

import contextlib
import io
import os
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, Protocol

from server.core import offload

POLL_SECONDS: Final = 0.04
_TIMEVAL: Final = struct.Struct("@ll")
_RECEIVE_TIMEOUT: Final = (socket.SOL_SOCKET, socket.SO_RCVTIMEO)
_WATCH_SECONDS: Final = 0.02
_PIECE_BYTES: Final = 65_536
_LINGER_BYTES_MAX: Final = 64 << 20
_LINGER_SECONDS: Final = 2.0


class SenderGone(Exception):
    """The connection ended before the body did."""


class ByteSource(Protocol):
    """The body of one request."""

    @property
    def length(self) -> int | None:
        """Bytes declared by Content-Length; ``None`` for a chunked body."""
        ...

    def read_into(self, view: memoryview) -> int | None:
        """Put what has come into ``view`` and return how much.

        0: nothing came for a moment, ask again; ``None``: the body is complete.  Raises
        :class:`SenderGone`.
        """
        ...

    def open(self, give_up: Callable[[], bool]) -> contextlib.AbstractContextManager[None]:
        """Read inside this block.

        A source that cannot but block while it waits asks ``give_up`` meanwhile and ends with
        ``SenderGone`` when it says so; the others return 0 and leave that to the caller.
        """
        ...

    def linger(self) -> None:
        """Throw away what still comes, for a moment, so that the sender reads the answer.

        A connection whose body did not end meanwhile serves no further request.
        """
        ...


def open_source(environ: Mapping[str, Any]) -> ByteSource:
    """The best source that this request's server allows."""
    length = _content_length(environ)
    if length:
        straight = _straight(environ, length)
        if straight is not None:
            return straight
    return WsgiSource(environ, length)


class SocketSource:
    """Reads gunicorn's connection itself, after what gunicorn has read already."""

    def __init__(self, connection: socket.socket, body: Any, length: int) -> None:
        self._connection = connection
        self._body = body
        self._reader = body.reader
        self._length = length
        self._buffered = memoryview(_take_buffered(body))
        # MSG_WAITALL fills the buffer in one call and still returns at the receive timeout.
        self._flags = 0 if offload.cooperative() else socket.MSG_WAITALL

    @property
    def length(self) -> int | None:
        """The declared length."""
        return self._length

    def read_into(self, view: memoryview) -> int | None:
        """Bytes from gunicorn's buffer first, then from the connection."""
        if self._buffered:
            size = min(len(view), len(self._buffered))
            view[:size] = self._buffered[:size]
            self._buffered = self._buffered[size:]
            return size
        left = self._reader.length
        if left == 0:
            return None
        try:
            got = self._connection.recv_into(view, min(left, len(view)), self._flags)
        except (BlockingIOError, TimeoutError):
            return 0
        except OSError as error:
            raise SenderGone from error
        if got == 0:
            raise SenderGone
        self._reader.length -= got
        return got

    @contextmanager
    def open(self, give_up: Callable[[], bool]) -> Iterator[None]:  # noqa: ARG002  it never blocks
        """Give every receive a short timeout; the connection is handed back as it was."""
        with self._timeout(POLL_SECONDS):
            yield

    def linger(self) -> None:
        """Read on for two seconds at most, then let gunicorn close the connection."""
        if self._reader.length + len(self._buffered) == 0:
            return
        deadline = time.monotonic() + _LINGER_SECONDS
        room = _LINGER_BYTES_MAX
        view = memoryview(bytearray(_PIECE_BYTES))
        with contextlib.suppress(SenderGone, OSError), self._timeout(POLL_SECONDS):
            while room > 0 and time.monotonic() < deadline:
                got = self.read_into(view)
                if got is None:
                    return
                room -= got
        self._body.failed = True

    @contextmanager
    def _timeout(self, seconds: float) -> Iterator[None]:
        connection, cooperative = self._connection, offload.cooperative()
        before = connection.gettimeout()
        kernels = connection.getsockopt(*_RECEIVE_TIMEOUT, _TIMEVAL.size)
        if cooperative:
            connection.settimeout(seconds)
        else:
            # On a blocking connection the kernel's own timeout costs no extra call per read.
            connection.settimeout(None)
            wanted = _TIMEVAL.pack(int(seconds), int(seconds % 1 * 1e6))
            connection.setsockopt(*_RECEIVE_TIMEOUT, wanted)
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                connection.setsockopt(*_RECEIVE_TIMEOUT, kernels)
                connection.settimeout(before)


class WsgiSource:
    """Reads ``wsgi.input``, which blocks; a watcher wakes it by shutting the connection."""

    def __init__(self, environ: Mapping[str, Any], length: int | None) -> None:
        self._input = environ["wsgi.input"]
        self._connection = environ.get("gunicorn.socket")
        self._chunked = length is None and bool(environ.get("wsgi.input_terminated"))
        self._length = length if length is not None or self._chunked else 0
        self._left = self._length
        self._rest = memoryview(b"")
        self._gone = False
        self._over = self._length == 0

    @property
    def length(self) -> int | None:
        """The declared length; a body without one that is not chunked is empty."""
        return self._length

    def read_into(self, view: memoryview) -> int | None:
        """One blocking read of up to 64 KiB."""
        if not self._rest:
            if self._gone:
                raise SenderGone
            self._rest = memoryview(self._read())
            if not self._rest:
                if self._left or self._gone:
                    raise SenderGone
                self._over = True
                return None
        size = min(len(view), len(self._rest))
        view[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size

    @contextmanager
    def open(self, give_up: Callable[[], bool]) -> Iterator[None]:
        """Watch beside the reader; without a connection to shut there is nothing to watch."""
        connection = self._connection
        if not isinstance(connection, socket.socket):
            yield
            return
        over = threading.Event()
        arguments = (connection, give_up, over)
        watcher = threading.Thread(target=self._watch, args=arguments, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            over.set()
            watcher.join()

    def linger(self) -> None:
        """Read on for two seconds at most; a server other than gunicorn sees to the rest."""
        if self._over:
            return
        deadline = time.monotonic() + _LINGER_SECONDS
        view = memoryview(bytearray(_PIECE_BYTES))
        room = _LINGER_BYTES_MAX
        with contextlib.suppress(SenderGone), self.open(lambda: time.monotonic() > deadline):
            while room > 0 and time.monotonic() < deadline:
                got = self.read_into(view)
                if got is None:
                    return
                room -= got
        if hasattr(self._input, "failed"):
            self._input.failed = True

    def _read(self) -> bytes:
        size = _PIECE_BYTES if self._left is None else min(_PIECE_BYTES, self._left)
        if size == 0:
            return b""
        try:
            data = bytes(self._input.read(size))
        except Exception:  # noqa: BLE001  every server has its own error for a sender that is gone
            self._gone = True
            return _salvaged(self._input)
        if self._left is not None:
            self._left -= len(data)
        return data

    @staticmethod
    def _watch(
        connection: socket.socket, give_up: Callable[[], bool], over: threading.Event
    ) -> None:
        while not over.wait(_WATCH_SECONDS):
            if give_up():
                # A second socket object: shutting a TLS one would end its encryption first.
                with (
                    contextlib.suppress(OSError),
                    socket.socket(fileno=os.dup(connection.fileno())) as raw,
                ):
                    raw.shutdown(socket.SHUT_RD)
                return


def _straight(environ: Mapping[str, Any], length: int) -> SocketSource | None:
    """The straight source, when gunicorn's insides are as they are known to be."""
    connection, body = environ.get("gunicorn.socket"), environ.get("wsgi.input")
    if not isinstance(connection, socket.socket) or isinstance(connection, ssl.SSLSocket):
        return None
    try:
        reader = body.reader  # type: ignore[union-attr]
        known = (
            type(body).__module__ == "gunicorn.http.body"
            and type(reader).__name__ == "LengthReader"
            and reader.unreader.sock is connection
            and isinstance(body.buf, io.BytesIO)  # type: ignore[union-attr]
            and isinstance(reader.unreader.buf, io.BytesIO)
            and callable(reader.unreader.unread)
            and body.buf.tell() + reader.length == length  # type: ignore[union-attr]
            and not hasattr(connection, "do_handshake")
        )
    except (AttributeError, TypeError):
        return None
    return SocketSource(connection, body, length) if known else None


def _take_buffered(body: Any) -> bytes:
    """Bytes of this body that gunicorn holds already; what follows the body is put back."""
    reader = body.reader
    held: bytes = body.buf.getvalue()
    body.buf = io.BytesIO()
    ahead: bytes = reader.unreader.buf.getvalue()
    reader.unreader.buf = io.BytesIO()
    mine, next_request = ahead[: reader.length], ahead[reader.length :]
    if next_request:
        reader.unreader.unread(next_request)
    reader.length -= len(mine)
    return held + mine


def _salvaged(body: Any) -> bytes:
    """What gunicorn had read of a chunked body when its connection broke."""
    held = b""
    for owner in (body, getattr(body, "reader", None)):
        buffer = getattr(owner, "buf", None)
        if isinstance(buffer, io.BytesIO):
            held += buffer.getvalue()
            owner.buf = io.BytesIO()  # type: ignore[union-attr]
    return held


def _content_length(environ: Mapping[str, Any]) -> int | None:
    text = environ.get("CONTENT_LENGTH") or ""
    return int(text) if text.isascii() and text.isdigit() else None
