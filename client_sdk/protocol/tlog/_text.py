"""Line-level parts that the text formats share: strict base64, decimals, lines."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

from client_sdk.protocol.tlog.merkle import MAX_SIZE

_DECIMAL: Final = re.compile(r"0|[1-9][0-9]{0,18}")
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f]")


def b64_encode(data: bytes) -> str:
    """Standard base64 with padding (RFC 4648 §4)."""
    return base64.b64encode(data).decode("ascii")


def b64_decode(text: str) -> bytes | None:
    """Bytes of canonical standard base64; None for any other text.

    Missing padding, foreign characters and set spare bits are refused by writing it again.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if b64_encode(data) == text else None


def decimal(text: str) -> int | None:
    """Number of 0 … 2**63 - 1 in ASCII without leading zeros; None for any other text."""
    if not _DECIMAL.fullmatch(text):
        return None
    value = int(text)
    return value if value <= MAX_SIZE else None


def has_control(text: str) -> bool:
    """Whether there is an ASCII control character other than newline."""
    return _CONTROL.search(text) is not None


def is_unicode(text: str) -> bool:
    """Whether `text` can be written as UTF-8 (no lone surrogates)."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
