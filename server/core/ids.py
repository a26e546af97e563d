"""Ids: UUIDv7 for what is stored, random text for requests."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

from client_sdk.protocol.ids import IdSource, short_code
from server.core.clock import Clock, SystemClock, unix_ms


def id_source(clock: Clock, randbytes: Callable[[int], bytes]) -> IdSource:
    """Time-ordered ids from the injected clock and randomness."""
    if isinstance(clock, SystemClock):  # the same, without making a moment for each id
        return IdSource(lambda: time.time_ns() // 1_000_000, randbytes)
    return IdSource(lambda: unix_ms(clock.now()), randbytes)


def request_id() -> str:
    """Id of one request, for logs and problem reports."""
    return secrets.token_hex(8)


__all__ = ["IdSource", "id_source", "request_id", "short_code"]
