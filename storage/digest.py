"""SHA-256 as a value, and a hasher that is fed while bytes stream by."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Self

_HEX = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """A SHA-256, held as 64 lower-case hexadecimal digits (FIPS 180-4)."""

    hex: str

    def __post_init__(self) -> None:
        if not _HEX.fullmatch(self.hex):
            raise ValueError("a SHA-256 is written as 64 lower-case hexadecimal digits")

    @classmethod
    def of(cls, data: bytes | memoryview) -> Self:
        """Digest of bytes in memory."""
        return cls(hashlib.sha256(data).hexdigest())

    @property
    def raw(self) -> bytes:
        """The 32 bytes."""
        return bytes.fromhex(self.hex)

    def __str__(self) -> str:
        return self.hex
