"""A receiver of webhooks on this host, and the check of Standard Webhooks as a receiver writes it.

The check shares no code with the server: it is written from the specification alone.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.server
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.support.ports import free_port

TOLERANCE_S = 300


class UnverifiedError(Exception):
    """The message is not what its sender signed."""


@dataclass(frozen=True)
class Message:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def verify(secret: str, message: Message, now_unix_s: float) -> None:
    """Steps of the specification, "Verifying signatures"; raises :class:`UnverifiedError`."""
    try:
        name = message.headers["webhook-id"]
        at = message.headers["webhook-timestamp"]
        given = message.headers["webhook-signature"].split(" ")
    except KeyError as error:
        raise UnverifiedError(f"no header {error}") from None
    if abs(now_unix_s - int(at)) > TOLERANCE_S:
        raise UnverifiedError("too old or too new")
    kind, _, text = secret.partition("_")
    if kind != "whsec":
        raise UnverifiedError("not a secret")
    mac = hmac.new(base64.b64decode(text, validate=True), digestmod=hashlib.sha256)
    for part in (name.encode(), b".", at.encode(), b".", message.body):
        mac.update(part)
    wanted = "v1," + base64.standard_b64encode(mac.digest()).decode("ascii")
    if not any(hmac.compare_digest(wanted, one) for one in given):
        raise UnverifiedError("no signature fits")


@dataclass
class Receiver:
    """What came, and how it is answered: ``answer(handler)`` writes the response itself."""

    port: int
    scheme: str = "http"
    messages: list[Message] = field(default_factory=list)
    answer: Callable[[http.server.BaseHTTPRequestHandler], None] = field(
        default_factory=lambda: status(200)
    )

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/hook"


def status(
    code: int, body: bytes = b"", **headers: str
) -> Callable[[http.server.BaseHTTPRequestHandler], None]:
    """Answer with this status; ``retry_after="7"`` becomes ``Retry-After: 7``."""

    def write(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return write


def raw(*pieces: bytes) -> Callable[[http.server.BaseHTTPRequestHandler], None]:
    """Answer with exactly these bytes, then close."""

    def write(handler: http.server.BaseHTTPRequestHandler) -> None:
        for piece in pieces:
            handler.wfile.write(piece)
        handler.close_connection = True

    return write


def dripping(stopped: threading.Event) -> Callable[[http.server.BaseHTTPRequestHandler], None]:
    """Begin a header and never end it: a byte every 20 ms until the caller hangs up."""

    def write(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        try:
            while not stopped.wait(0.02):
                handler.wfile.write(b"a")
        except OSError:
            return

    return write


@contextmanager
def receiving(tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """A running receiver on a free port of this host."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            size = int(self.headers.get("Content-Length", "0"))
            headers = {name.lower(): value for name, value in self.headers.items()}
            found.messages.append(Message(self.path, headers, self.rfile.read(size)))
            found.answer(self)

        do_GET = do_POST  # noqa: N815  the library's way of naming

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", free_port()), Handler)
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    found = Receiver(server.server_address[1], "https" if tls else "http")
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
