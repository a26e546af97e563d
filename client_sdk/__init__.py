"""Tiezheng's offline client API.

Importing this package, or `client_sdk.protocol`, loads no HTTP library: the names
below are resolved when they are first used (PEP 562).
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES = {
    "FieldClient": "client_sdk.client",
}

__all__ = ["FieldClient"]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return sorted(__all__)
