"""One POST to a webhook: pinned to the address that was judged, bounded in time, never redirected.

The name is resolved once, by us; each of its addresses must be good; the connection goes to one
of them, while TLS still proves the name.  So a name that answers differently the second time
(rebinding) gains nothing.  Nothing of the answer but its status is read.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import httpcore

from server.notices.webhook_places import PlaceRefusedError, Places, checked

CONNECT_SECONDS: Final = 5.0
WHOLE_SECONDS: Final = 15.0
AGENT: Final = "tiezheng-webhooks"
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}

Resolve = Callable[[str, int], Sequence[str]]
_SocketOption = (
    tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]
)


class CallError(Exception):
    """No status came; ``code`` says why and is shown to the administrator."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Answer:
    """A receiver's answer: its status, and when it wants to be asked again, in seconds."""

    status: int
    retry_after_s: int | None = None


def system_resolve(host: str, port: int) -> Sequence[str]:
    """Addresses of a name, as the host's resolver says; raises ``OSError``."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


@dataclass(frozen=True, slots=True)
class Caller:
    """Calls receivers within the places that the settings allow."""

    places: Places
    resolve: Resolve = system_resolve
    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context)
    whole_seconds: float = WHOLE_SECONDS

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send ``body``; raises :class:`CallError` when no status came in time."""
        try:
            self.places.require_url(url)
            return self._posted(url, headers, body)
        except PlaceRefusedError as error:
            raise CallError(error.code) from None
        except httpcore.TimeoutException:
            raise CallError("timeout") from None
        except httpcore.ConnectError as error:
            is_tls = isinstance(error.__context__, ssl.SSLError)
            raise CallError("tls" if is_tls else "connect") from None
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError):
            raise CallError("broken-off") from None

    def _posted(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        parts = urlsplit(url)
        sent = [
            ("Host", parts.netloc), ("User-Agent", AGENT), ("Accept", "*/*"),
            ("Connection", "close"), ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))), *headers.items(),
        ]  # fmt: skip
        door = _Door(self, time.monotonic() + self.whole_seconds, plain=parts.scheme == "http")
        usual = {"connect": CONNECT_SECONDS, "read": self.whole_seconds,
                 "write": self.whole_seconds, "pool": CONNECT_SECONDS}  # fmt: skip
        with (
            httpcore.ConnectionPool(
                ssl_context=self.tls, network_backend=door, max_keepalive_connections=0
            ) as pool,
            pool.stream(
                "POST", url, headers=sent, content=body, extensions={"timeout": usual}
            ) as answer,
        ):
            return Answer(answer.status, _retry_after(answer.headers))


class _Door(httpcore.NetworkBackend):
    """Opens connections to judged addresses alone, all before one deadline."""

    def __init__(self, caller: Caller, deadline: float, *, plain: bool) -> None:
        self._caller = caller
        self._deadline = deadline
        self._plain = plain
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[_SocketOption] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first of the name's addresses that answers."""
        addresses = checked(self._addresses(host, port), self._caller.places, plain=self._plain)
        for place, address in enumerate(addresses):
            within = _remaining(self._deadline, timeout)
            try:
                stream = self._inner.connect_tcp(
                    address, port, within, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if place == len(addresses) - 1:
                    raise
            else:
                return _Timed(stream, self._deadline)
        raise httpcore.ConnectError

    def _addresses(self, host: str, port: int) -> Sequence[str]:
        try:
            return self._caller.resolve(host.strip("[]"), port)
        except (OSError, UnicodeError):
            raise PlaceRefusedError("unknown-name") from None


class _Timed(httpcore.NetworkStream):
    """A connection whose every wait ends at the same moment: dripping bytes buys no time."""

    def __init__(self, inner: httpcore.NetworkStream, deadline: float) -> None:
        self._inner = inner
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _remaining(self._deadline, timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, _remaining(self._deadline, timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        within = _remaining(self._deadline, timeout)
        return _Timed(self._inner.start_tls(ssl_context, server_hostname, within), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def _remaining(deadline: float, timeout: float | None) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout
    return left if timeout is None else min(left, timeout)


def _retry_after(headers: Iterable[tuple[bytes, bytes]]) -> int | None:
    for name, value in headers:
        if name.lower() == b"retry-after" and value.isdigit() and len(value) <= 6:  # noqa: PLR2004
            return int(value)
    return None
