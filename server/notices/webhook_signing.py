"""Signatures of Standard Webhooks 1.0: HMAC-SHA256 over id, time and body; pure.

Source: standard-webhooks/standard-webhooks, ``spec/standard-webhooks.md``.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable
from typing import Final

PREFIX: Final = "whsec_"
SECRET_BYTES: Final = 32


def secret_text(secret: bytes) -> str:
    """A secret as its receiver configures it."""
    return PREFIX + base64.b64encode(secret).decode()


def headers_of(
    message_id: str, at_unix_s: int, body: bytes, secrets: Iterable[bytes]
) -> dict[str, str]:
    """The three headers; each secret in force signs, so that a receiver may rotate at leisure."""
    signatures = " ".join(f"v1,{_signature(one, message_id, at_unix_s, body)}" for one in secrets)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(at_unix_s),
        "webhook-signature": signatures,
    }


def _signature(secret: bytes, message_id: str, at_unix_s: int, body: bytes) -> str:
    signed = f"{message_id}.{at_unix_s}.".encode() + body
    return base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()
