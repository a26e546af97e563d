"""Calls of the HTTP API: addresses, nonces, problems, retries.

The nonce dance of DPoP (RFC 9449 §8) happens here: each answer may bring a nonce, and a
401 that demands one is answered once with a new proof.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final, Protocol
from urllib.parse import urlencode, urljoin, urlsplit

from client_sdk._clock import DeviceClock
from client_sdk._transport import Body, Request, Response, Transport
from client_sdk.errors import (
    ApiError,
    ContractError,
    FieldError,
    TransportError,
    api_error,
)

API_ROOT: Final = "/api/v1"
_NONCE_DEMANDED: Final = "use-dpop-nonce"
_AUTH_TRIES: Final = 4
_LOCAL: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_RETRY_AFTER_MAX_SECONDS: Final = 3600.0


class Authoriser(Protocol):
    """Adds who is speaking to a request."""

    def headers(self, method: str, url: str, nonce: str | None) -> dict[str, str]:
        """Headers for one request; `url` without query."""

    def renew(self, slug: str) -> bool:
        """Whether another try makes sense after a 401 with this problem."""


@dataclass(frozen=True, slots=True)
class Call:
    """One API call. `target`: path below the API root, or an address of this server."""

    method: str
    target: str
    json: Any = None
    body: Body | None = None
    query: Mapping[str, str | int | None] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Backoff:
    """Full-jitter waiting: uniform in [0, min(cap, base · 2^n)], never below Retry-After."""

    base_seconds: float = 0.5
    cap_seconds: float = 60.0
    uniform: Callable[[float, float], float] = random.uniform
    failures: int = 0

    def reset(self) -> None:
        """Something went well."""
        self.failures = 0

    def next_seconds(self, error: FieldError) -> float:
        """How long to wait after another failure."""
        ceiling = min(self.cap_seconds, self.base_seconds * 2 ** min(self.failures, 16))
        self.failures += 1
        asked = getattr(error, "retry_after_seconds", None) or 0.0
        return float(asked) + self.uniform(0.0, ceiling)


class Api:
    """Sends calls to one server."""

    def __init__(
        self,
        base_url: str,
        transport: Transport,
        clock: DeviceClock,
        *,
        allow_http: bool = False,
        public_url: str | None = None,
        attempts: int = 4,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self.base_url = check_base_url(base_url, allow_http=allow_http)
        self._public_url = (public_url or self.base_url).rstrip("/")
        self._transport = transport
        self._clock = clock
        self._attempts = attempts
        self._uniform = uniform
        self._nonce: str | None = None

    def address(self, target: str) -> str:
        """Absolute URL of a path below the API root, or of a kept address's path."""
        root = "" if target.startswith(API_ROOT + "/") else API_ROOT
        return self.base_url + root + target

    def target_of(self, location: str, relative_to: str) -> str:
        """Call target of an address that the server named.

        Only its path counts: tokens go nowhere but to this server, and a server
        behind a gateway need not know the address that its clients use.
        """
        path = urlsplit(urljoin(self.address(relative_to), location)).path
        prefix = urlsplit(self.base_url).path
        if not path.startswith(f"{prefix}{API_ROOT}/"):
            raise ContractError("the server named an address outside of its API")
        return path.removeprefix(prefix)

    def call(self, call: Call, authoriser: Authoriser | None = None) -> Response:
        """One call, tried again a few times while the trouble is transient."""
        backoff = Backoff(cap_seconds=8.0, uniform=self._uniform)
        while True:
            try:
                return self.once(call, authoriser)
            except (TransportError, ApiError) as error:
                if not error.transient or backoff.failures + 1 >= self._attempts:
                    raise
                self._clock.sleep(backoff.next_seconds(error))

    def once(self, call: Call, authoriser: Authoriser | None = None) -> Response:
        """One call; ApiError for every status from 400, apart from what renewing heals."""
        url = self.address(call.target)
        for _ in range(_AUTH_TRIES):
            response = self._exchange(call, url, authoriser)
            if response.status < HTTPStatus.BAD_REQUEST:
                return response
            error = self._problem(response)
            healable = response.status == HTTPStatus.UNAUTHORIZED and authoriser is not None
            if not healable or not self._heal(error.slug, authoriser, response):
                raise error
        raise error

    def _heal(self, slug: str, authoriser: Authoriser | None, response: Response) -> bool:
        if slug == _NONCE_DEMANDED:
            return "dpop-nonce" in response.headers
        return authoriser is not None and authoriser.renew(slug)

    def _exchange(self, call: Call, url: str, authoriser: Authoriser | None) -> Response:
        headers = dict(call.headers)
        body = call.body
        if call.json is not None:
            body = Body.of(json.dumps(call.json, ensure_ascii=False).encode())
            headers["Content-Type"] = "application/json"
        if authoriser is not None:
            headers |= authoriser.headers(call.method, self._claimed(url), self._nonce)
        query = {name: value for name, value in call.query.items() if value is not None}
        full = f"{url}?{urlencode(query)}" if query else url
        if body is None and call.method in {"POST", "PATCH", "PUT"}:
            body = Body.of(b"")
        response = self._transport.send(Request(call.method, full, headers, body))
        self._nonce = response.headers.get("dpop-nonce", self._nonce)
        return response

    def _claimed(self, url: str) -> str:
        """The address as the server knows it: what a proof is made for."""
        return self._public_url + url.removeprefix(self.base_url)

    def _problem(self, response: Response) -> ApiError:
        problem: Any = {}
        if "json" in response.headers.get("content-type", ""):
            try:
                problem = response.json()
            except ContractError:
                problem = {}
        after = retry_after_seconds(response.headers.get("retry-after"), self._clock.wall())
        return api_error(response.status, problem if isinstance(problem, dict) else {}, after)


def check_base_url(base_url: str, *, allow_http: bool) -> str:
    """The address without a trailing slash; plain HTTP only to this machine or on demand."""
    parts = urlsplit(base_url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query:
        raise FieldError(f"not a server address: {base_url!r}")
    if parts.scheme == "http" and parts.hostname not in _LOCAL and not allow_http:
        raise FieldError("plain HTTP would show passwords on the way: use https")
    return base_url.rstrip("/")


def retry_after_seconds(text: str | None, now: datetime) -> float | None:
    """Seconds of a Retry-After header (RFC 9110 §10.2.3), at most an hour."""
    if not text:
        return None
    if text.isascii() and text.isdecimal():
        seconds = float(text)
    else:
        try:
            seconds = (parsedate_to_datetime(text) - now).total_seconds()
        except (TypeError, ValueError):
            return None
    return min(max(seconds, 0.0), _RETRY_AFTER_MAX_SECONDS)
