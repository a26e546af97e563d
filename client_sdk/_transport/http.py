"""Requests over HTTP, by httpx."""

from __future__ import annotations

import ssl
from typing import Final

import httpx

from client_sdk._transport import MAX_ANSWER_BYTES, Request, Response
from client_sdk.errors import ContractError, TransportError

USER_AGENT: Final = "tiezheng-sdk/1"
_TIMEOUT: Final = httpx.Timeout(60.0, connect=15.0)


class HttpTransport:
    """Keeps connections alive; follows no redirect, since those would leak tokens."""

    def __init__(
        self, *, verify: ssl.SSLContext | bool = True, timeout: httpx.Timeout = _TIMEOUT
    ) -> None:
        self._client = httpx.Client(
            verify=verify,
            timeout=timeout,
            follow_redirects=False,
            headers={"User-Agent": USER_AGENT, "Accept": "application/json"},
        )

    def send(self, request: Request) -> Response:
        """One exchange; a body is streamed with its length declared."""
        headers = dict(request.headers)
        content = None
        if request.body is not None:
            headers["Content-Length"] = str(request.body.size_bytes)
            content = iter(request.body.chunks())
        try:
            with self._client.stream(
                request.method, request.url, headers=headers, content=content
            ) as answer:
                body = bytearray()
                for data in answer.iter_bytes():
                    body += data
                    if len(body) > MAX_ANSWER_BYTES:
                        raise ContractError("the answer is larger than any of the contract")
                found = {name.lower(): value for name, value in answer.headers.items()}
                return Response(answer.status_code, found, bytes(body))
        except httpx.HTTPError as error:
            raise TransportError(str(error) or type(error).__name__) from error
        except httpx.InvalidURL as error:
            raise TransportError(f"not a usable address: {error}") from error

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
