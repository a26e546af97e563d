"""Second factor: time-based one-time codes (RFC 6238), each good once (§5.2)."""

from __future__ import annotations

import base64
import hmac
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Final

import pyotp

from server.core.clock import unix_ms
from server.core.keyring import KeyRing

STEP_SECONDS: Final = 30
DIGITS: Final = 6
_SECRET_BYTES: Final = 20
_STEPS_AROUND: Final = (0, -1, 1)


def new_secret(randbytes: Callable[[int], bytes]) -> str:
    """160 random bits in base 32 (RFC 4226 §4, R6)."""
    return base64.b32encode(randbytes(_SECRET_BYTES)).decode("ascii")


def uri(secret: str, login: str, issuer: str) -> str:
    """``otpauth:`` address, for the QR code of an authenticator app."""
    return pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name=issuer)


def seal(keyring: KeyRing, user_id: uuid.UUID, secret: str) -> str:
    """The secret as it is stored: encrypted, bound to its owner."""
    return keyring.seal(secret.encode("ascii"), f"totp:{user_id}")


def unseal(keyring: KeyRing, user_id: uuid.UUID, sealed: str) -> str:
    """Reverse of :func:`seal`."""
    return keyring.unseal(sealed, f"totp:{user_id}").decode("ascii")


def matching_step(secret: str, code: str, now: datetime, last_step: int | None) -> int | None:
    """The step whose code this is: now or a neighbour, and later than the last one used."""
    if len(code) != DIGITS or not (code.isascii() and code.isdecimal()):
        return None
    present = unix_ms(now) // 1000 // STEP_SECONDS
    generator = pyotp.TOTP(secret)
    matching = None
    for step in (present + around for around in _STEPS_AROUND):
        same = hmac.compare_digest(generator.generate_otp(step), code)
        if same and (last_step is None or step > last_step):
            matching = step
    return matching
