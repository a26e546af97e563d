"""Cookies that say who a browser belongs to: three kinds, one manner (RFC 6265bis §4.1.3).

Where browsers keep secure cookies (HTTPS, and this very machine) the name carries ``__Host-``:
no other host and no other path can then plant one.  Over plain HTTP elsewhere, which only a test
network should be, the cookie goes without; ``doctor`` says so.
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Final
from urllib.parse import urlsplit

from flask import Response, request

from server.settings import Settings

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_VALUE_CHARACTERS_MAX: Final = 400


class Kind(Enum):
    """Whom a cookie speaks for."""

    STAFF = "tz-session"
    GUEST = "tz-guest"
    SHARE = "tz-share"


def is_secure(settings: Settings) -> bool:
    """Whether browsers keep and send a ``Secure`` cookie under the public address."""
    parts = urlsplit(settings.public_url)
    return parts.scheme == "https" or parts.hostname in _LOOPBACK


def cookie_name(settings: Settings, kind: Kind) -> str:
    """The name under which the cookie travels."""
    return f"__Host-{kind.value}" if is_secure(settings) else kind.value


def read_cookie(settings: Settings, kind: Kind) -> str | None:
    """The secret that the browser sent, unless there is none or it cannot be one of ours."""
    value = request.cookies.get(cookie_name(settings, kind))
    if not value or len(value) > _VALUE_CHARACTERS_MAX or not value.isascii():
        return None
    return value


def set_cookie(
    response: Response, settings: Settings, kind: Kind, value: str, expires_at: datetime
) -> None:
    """Give a browser its secret: no script reads it, no other site sends it along with a form."""
    response.set_cookie(
        cookie_name(settings, kind),
        value,
        expires=expires_at,
        path="/",
        secure=is_secure(settings),
        httponly=True,
        samesite="Lax",
    )


def clear_cookie(response: Response, settings: Settings, kind: Kind) -> None:
    """Take it back."""
    response.delete_cookie(
        cookie_name(settings, kind),
        path="/",
        secure=is_secure(settings),
        httponly=True,
        samesite="Lax",
    )
