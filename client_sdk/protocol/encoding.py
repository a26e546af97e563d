"""Strict base64url (RFC 4648 §5, without padding) and hexadecimal."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

from client_sdk.protocol.errors import ProtocolError

_B64URL: Final = re.compile(r"[A-Za-z0-9_-]*")
_SHA256_HEX: Final = re.compile(r"[0-9a-f]{64}")


def b64url_encode(data: bytes) -> str:
    """Base64url text without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def b64url_decode(text: object, *, size_bytes: int | None = None) -> bytes:
    """Bytes of a base64url text.

    Padding, foreign characters and non-zero spare bits are refused, so that one
    value has one text. `size_bytes` demands an exact length.
    """
    if not isinstance(text, str) or not _B64URL.fullmatch(text) or len(text) % 4 == 1:
        raise ProtocolError("not base64url without padding", code="base64url")
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError) as error:
        raise ProtocolError("not base64url without padding", code="base64url") from error
    if len(text) % 4 and b64url_encode(data) != text:
        raise ProtocolError("base64url with spare bits set", code="base64url")
    if size_bytes is not None and len(data) != size_bytes:
        raise ProtocolError(f"{size_bytes} bytes are expected", code="base64url-length")
    return data


def is_sha256_hex(text: object) -> bool:
    """Whether `text` is a 32-byte value as 64 lower-case hexadecimal digits."""
    return isinstance(text, str) and _SHA256_HEX.fullmatch(text) is not None
