"""Free loopback ports for servers that a test starts."""

from __future__ import annotations

import random
import socket

_LOW, _HIGH = 20_000, 32_000
_ATTEMPTS_MAX = 500
_taken: set[int] = set()
_random = random.SystemRandom()


def free_port() -> int:
    """Return a loopback TCP port that nothing listens on, never the same one twice.

    The range lies below the one from which the system draws the ports of outgoing connections
    (32768 and up on Linux), so that none of those takes the port before the server does.
    """
    for _ in range(_ATTEMPTS_MAX):
        port = _random.randrange(_LOW, _HIGH)
        if port in _taken or not _can_bind(port):
            continue
        _taken.add(port)
        return port
    raise RuntimeError(f"no free loopback port after {_ATTEMPTS_MAX} attempts")


def _can_bind(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
