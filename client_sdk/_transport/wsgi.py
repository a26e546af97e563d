"""Requests straight into a WSGI application (PEP 3333), without a socket."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, TypeAlias
from urllib.parse import unquote_to_bytes, urlsplit

from client_sdk._transport import Request, Response
from client_sdk.errors import TransportError

WsgiApp: TypeAlias = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
_PORTS: Final = {"http": 80, "https": 443}


class WsgiTransport:
    """Calls `app` for each request, as a server of the requested address would."""

    def __init__(self, app: WsgiApp, *, remote_address: str = "127.0.0.1") -> None:
        self._app = app
        self._remote_address = remote_address

    def send(self, request: Request) -> Response:
        """The application's answer."""
        started: list[Any] = []

        def start_response(status: str, headers: list[Any], exc_info: Any = None) -> Any:
            if exc_info is not None and started:
                raise exc_info[1].with_traceback(exc_info[2])
            started[:] = [status, headers]
            return written.append

        written: list[bytes] = []
        chunks = self._app(self._environ(request), start_response)
        try:
            body = b"".join(chunks)
        finally:
            close = getattr(chunks, "close", None)
            if close is not None:
                close()
        if not started:
            raise TransportError("the application gave no answer")
        status, headers = started
        found: dict[str, str] = {}
        for name, value in headers:
            key = name.lower()
            found[key] = f"{found[key]}, {value}" if key in found else value
        return Response(int(status.split(" ", 1)[0]), found, b"".join(written) + body)

    def close(self) -> None:
        """Nothing is held."""

    def _environ(self, request: Request) -> dict[str, Any]:
        parts = urlsplit(request.url)
        stream = _IterInput(request.body.chunks() if request.body else ())
        environ: dict[str, Any] = {
            "REQUEST_METHOD": request.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(parts.path or "/").decode("latin-1"),
            "QUERY_STRING": parts.query,
            "SERVER_NAME": parts.hostname or "localhost",
            "SERVER_PORT": str(parts.port or _PORTS.get(parts.scheme, 80)),
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": self._remote_address,
            "HTTP_HOST": parts.netloc,
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": parts.scheme,
            "wsgi.input": io.BufferedReader(stream),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": False,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            "wsgi.input_terminated": True,
        }
        if request.body is not None:
            environ["CONTENT_LENGTH"] = str(request.body.size_bytes)
        for name, value in request.headers.items():
            key = name.upper().replace("-", "_")
            environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
        return environ


class _IterInput(io.RawIOBase):
    """Reads pieces of bytes as a file."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks: Iterator[bytes] = iter(chunks)
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            try:
                self._rest = next(self._chunks)
            except StopIteration:
                return 0
        taken = self._rest[: len(buffer)]
        buffer[: len(taken)] = taken
        self._rest = self._rest[len(taken) :]
        return len(taken)
