"""How requests reach the server: over HTTP, into a WSGI app, or into a function."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, Self

from client_sdk.errors import ContractError

MAX_ANSWER_BYTES: Final = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Body:
    """A request body of known length that can be made again for a retry."""

    size_bytes: int
    chunks: Callable[[], Iterable[bytes]]

    @classmethod
    def of(cls, data: bytes) -> Self:
        """A body in memory."""
        return cls(len(data), lambda: (data,))

    def read(self) -> bytes:
        """All of it."""
        return b"".join(self.chunks())


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request; `url` is absolute."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Body | None = None


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP answer; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""

    def json(self) -> Any:  # JSON value
        """The JSON body; ContractError when it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise ContractError(f"HTTP {self.status} without a JSON body") from error


class Transport(Protocol):
    """Sends one request. TransportError when no complete answer came."""

    def send(self, request: Request) -> Response:
        """The server's answer, whatever its status."""

    def close(self) -> None:
        """Free connections."""
