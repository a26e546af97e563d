"""Strict base64url (RFC 4648 §5, without padding) and hexadecimal."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

from client_sdk.protocol.errors import ProtocolError

_B64URL: Final = re.compile(r"[A-Za-z0-9_-]*")
_PADDING: Final = ("", "", "==", "=")
_LAST: Final = ("", "", frozenset("AQgw"), frozenset("AEIMQUYcgkosw048"))
_SHA256_HEX: Final = re.compile(r"[0-9a-f]{64}")


def b64url_encode(data: bytes) -> str:
    """Base64url text without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def b64url_decode(text: object, *, size_bytes: int | None = None) -> bytes:
    """Bytes of a base64url text.

    Padding, foreign characters and non-zero spare bits are refused, so that one
    value has one text. `size_bytes` demands an exact length.
    """
    if not isinstance(text, str) or not _B64URL.fullmatch(text):
        raise ProtocolError("not base64url without padding", code="base64url")
    over = len(text) % 4
    if over == 1:
        raise ProtocolError("not base64url without padding", code="base64url")
    # The last character of an incomplete group carries 4 or 2 bits that must be zero.
    if over and text[-1] not in _LAST[over]:
        raise ProtocolError("base64url with spare bits set", code="base64url")
    data = binascii.a2b_base64(text.replace("-", "+").replace("_", "/") + _PADDING[over])
    if size_bytes is not None and len(data) != size_bytes:
        raise ProtocolError(f"{size_bytes} bytes are expected", code="base64url-length")
    return data


def is_sha256_hex(text: object) -> bool:
    """Whether `text` is a 32-byte value as 64 lower-case hexadecimal digits."""
    return isinstance(text, str) and _SHA256_HEX.fullmatch(text) is not None
