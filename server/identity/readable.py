"""Secrets that people read and type: Crockford's base 32, in groups of four."""

from __future__ import annotations

from typing import Final

_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_ALIKE: Final = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})
_BITS: Final = 5
_GROUP: Final = 4


def readable(data: bytes) -> str:
    """``data`` as characters that are not mistaken for each other; whole groups of five bits."""
    number, length = int.from_bytes(data), 8 * len(data) // _BITS
    text = "".join(_ALPHABET[number >> _BITS * place & 31] for place in reversed(range(length)))
    return "-".join(text[start : start + _GROUP] for start in range(0, len(text), _GROUP))


def normal(text: str) -> str:
    """What was meant by a text that a person typed."""
    return text.upper().translate(_ALIKE)
