"""Unsafe requests come from our own pages or from programs, never from another site (07, 20).

Browsers put ``Origin`` on every request that is not GET or HEAD, and ``Sec-Fetch-Site`` beside
it; a program sends neither.  A request that is only as good as its cookie needs one of them.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from flask import Flask, request

from server.core.problem import Kind, Problem
from server.settings import Settings

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN_SITES: Final = frozenset({"same-origin", "none"})
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


def guard_origins(app: Flask, settings: Settings) -> None:
    """Refuse what another site lets a browser send; pages of named origins may upload."""
    ours = origin_of(settings.public_url)
    uploads = {
        origin_of(one.strip()) for one in settings.upload_cors_origins.split(",") if one.strip()
    }

    @app.before_request
    def _judge() -> None:
        if request.method in _SAFE:
            return
        site = request.headers.get("Sec-Fetch-Site")
        origin = request.headers.get("Origin")
        if site is not None and site not in _OWN_SITES and "Authorization" not in request.headers:
            raise _foreign()
        # A page that sends no referrer sends a null origin with its forms; the browser's own word
        # on where they come from stands beside it.
        if origin is None or (origin == "null" and site in _OWN_SITES):
            return
        given = origin_of(origin)
        if given != ours and not (given in uploads and "Authorization" in request.headers):
            raise _foreign()


def require_own_page() -> None:
    """What only a cookie vouches for has to come from a page of ours, provably."""
    if request.method in _SAFE:
        return
    if "Origin" not in request.headers and "Sec-Fetch-Site" not in request.headers:
        raise _foreign()


def origin_of(address: str) -> tuple[str, str, int | None]:
    """Scheme, host and port (RFC 6454 §4); ``null`` and nonsense equal nothing of ours."""
    parts = urlsplit(address)
    try:
        port = parts.port
    except ValueError:
        port = -1
    host = (parts.hostname or "").lower()
    return parts.scheme.lower(), host, port or _DEFAULT_PORTS.get(parts.scheme.lower())


def _foreign() -> Problem:
    return Problem(Kind.FOREIGN_ORIGIN, "open this page on the server's own address and try again")
