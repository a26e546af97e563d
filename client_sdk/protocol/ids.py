"""Identifiers: UUIDv7 (RFC 9562 §5.7) and a short code that is read over radio."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final
from uuid import UUID

from client_sdk.protocol.errors import ProtocolError

RANDOM_BYTES: Final = 10
_RANDOM_BITS: Final = 74
_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MS_LIMIT: Final = 1 << 48


def _compose(now_ms: int, random_bits: int) -> UUID:
    if not 0 <= now_ms < _MS_LIMIT:
        raise ProtocolError("a time outside of UUIDv7", code="uuid-time")
    high, low = random_bits >> 62, random_bits & ((1 << 62) - 1)
    return UUID(int=now_ms << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low)


def uuid7(now_ms: int, random_bytes: bytes) -> UUID:
    """UUIDv7 of Unix milliseconds and 10 random bytes (74 bits are used)."""
    if len(random_bytes) != RANDOM_BYTES:
        raise ProtocolError(f"{RANDOM_BYTES} random bytes are needed", code="uuid-random")
    return _compose(now_ms, int.from_bytes(random_bytes) >> (8 * RANDOM_BYTES - _RANDOM_BITS))


class IdSource:
    """UUIDv7s that grow, also within a millisecond and when the clock steps back.

    `clock` gives Unix milliseconds, `randbytes(n)` gives n random bytes. Within a
    millisecond the random part is a counter with random steps (RFC 9562 §6.2,
    method 2). Safe for threads.
    """

    def __init__(self, clock: Callable[[], int], randbytes: Callable[[int], bytes]) -> None:
        self._clock = clock
        self._randbytes = randbytes
        self._lock = threading.Lock()
        self._last_ms = -1
        self._last_bits = 0

    def __call__(self) -> UUID:
        """The next id."""
        with self._lock:
            now_ms = self._clock()
            if now_ms > self._last_ms:
                self._restart(now_ms)
            else:
                step = int.from_bytes(self._randbytes(4)) + 1
                self._last_bits += step
                if self._last_bits >> _RANDOM_BITS:
                    self._restart(self._last_ms + 1)
            return _compose(self._last_ms, self._last_bits)

    def _restart(self, now_ms: int) -> None:
        self._last_ms = now_ms
        # The top bit starts at zero, so that the counter has room.
        self._last_bits = int.from_bytes(self._randbytes(RANDOM_BYTES)) >> (
            8 * RANDOM_BYTES - _RANDOM_BITS + 1
        )


def short_code(identifier: UUID) -> str:
    """Eight Crockford base-32 characters of the id's random end, as `7F3K-29QX`."""
    bits = identifier.int & ((1 << 40) - 1)
    text = "".join(_CROCKFORD[bits >> shift & 31] for shift in range(35, -5, -5))
    return f"{text[:4]}-{text[4:]}"
