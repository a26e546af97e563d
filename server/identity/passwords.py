"""Passwords: argon2id (RFC 9106 §4, second choice), off the event loop, few at a time."""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from server.core.offload import blocking
from server.identity.readable import readable

_AT_ONCE: Final = 2  # 64 MiB each
_TEMPORARY_BYTES: Final = 10

_hasher = PasswordHasher()
_turn = threading.BoundedSemaphore(_AT_ONCE)


def hash_password(password: str) -> str:
    """Salted hash with its parameters."""
    with _turn:
        return blocking(_hasher.hash, _normal(password))


def verify_password(stored: str | None, password: str) -> bool:
    """Whether ``password`` is the one of ``stored``; the same work when there is none."""
    with _turn:
        matches = blocking(_matches, stored or _nobody(), _normal(password))
    return matches and stored is not None


def temporary_password(randbytes: Callable[[int], bytes]) -> str:
    """Sixteen readable characters (80 bits) in groups of four."""
    return readable(randbytes(_TEMPORARY_BYTES))


def _matches(stored: str, password: str) -> bool:
    try:
        return _hasher.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


@lru_cache(maxsize=1)
def _nobody() -> str:
    """A hash for logins that do not exist, made with the same parameters."""
    return _hasher.hash("the password of nobody")


def _normal(password: str) -> str:
    # The same password from two input methods is the same (RFC 8265 §4.1: NFC).
    return unicodedata.normalize("NFC", password)
