"""Tiezheng's offline client API.

Importing this package, or `client_sdk.protocol`, loads no HTTP library: the names
below are resolved when they are first used (PEP 562).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from client_sdk._link import Options
    from client_sdk._transport.http import HttpTransport
    from client_sdk._transport.mock import MockTransport
    from client_sdk._transport.wsgi import WsgiTransport
    from client_sdk.client import FieldClient
    from client_sdk.errors import FieldError
    from client_sdk.models import Captured, OutboxItem, SyncReport

_HOMES = {
    "Captured": "client_sdk.models",
    "FieldClient": "client_sdk.client",
    "FieldError": "client_sdk.errors",
    "HttpTransport": "client_sdk._transport.http",
    "MockTransport": "client_sdk._transport.mock",
    "Options": "client_sdk._link",
    "OutboxItem": "client_sdk.models",
    "SyncReport": "client_sdk.models",
    "WsgiTransport": "client_sdk._transport.wsgi",
}

__all__ = [
    "Captured",
    "FieldClient",
    "FieldError",
    "HttpTransport",
    "MockTransport",
    "Options",
    "OutboxItem",
    "SyncReport",
    "WsgiTransport",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return sorted(__all__)
