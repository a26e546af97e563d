"""Requests into a function: for tests of programs that use the SDK."""

from __future__ import annotations

from collections.abc import Callable

from client_sdk._transport import Request, Response
from client_sdk.errors import TransportError


class MockTransport:
    """Hands each request to `handler`; `online = False` behaves like no network."""

    def __init__(self, handler: Callable[[Request], Response]) -> None:
        self._handler = handler
        self.online = True
        self.requests: list[Request] = []

    def send(self, request: Request) -> Response:
        """The handler's answer."""
        if not self.online:
            raise TransportError("no network")
        self.requests.append(request)
        return self._handler(request)

    def close(self) -> None:
        """Nothing is held."""
