"""ZIP files octet by octet, so that a test may write what no library would."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

REGULAR = 0o100644 << 16
SYMLINK = 0o120777 << 16
STORED, DEFLATED = 0, 8
_UNIX = 3 << 8 | 20
_DATE = (2026 - 1980) << 9 | 3 << 5 | 2


@dataclass
class Piece:
    """One member; what is None is written as it should be."""

    name: str
    data: bytes
    method: int = STORED
    attributes: int = REGULAR
    size_bytes: int | None = None
    local_name: str | None = None
    gap: bytes = b""
    extra: bytes = b""
    flags: int = 0


def piece_bytes(piece: Piece) -> tuple[bytes, bytes, int]:
    """What is stored, with its local header and its size fields; CRC."""
    packed = piece.data
    if piece.method == DEFLATED:
        engine = zlib.compressobj(6, zlib.DEFLATED, -15)
        packed = engine.compress(piece.data) + engine.flush()
    return packed, piece.name.encode(), zlib.crc32(piece.data)


def zip_bytes(pieces: Sequence[Piece], *, before: bytes = b"", after: bytes = b"") -> bytes:
    """A ZIP of the pieces in their order; `before` and `after` lie outside of it."""
    body, directory = bytearray(before), bytearray()
    for piece in pieces:
        body += piece.gap
        packed, name, crc = piece_bytes(piece)
        size = len(piece.data) if piece.size_bytes is None else piece.size_bytes
        extra, told = piece.extra, size
        if size >= 0xFFFFFFFF:
            extra, told = struct.pack("<2HQ", 1, 8, size) + extra, 0xFFFFFFFF
        flags = piece.flags | (0 if piece.name.isascii() else 1 << 11)
        common = (flags, piece.method, 0, _DATE, crc, len(packed), told)
        local = name if piece.local_name is None else piece.local_name.encode()
        offset = len(body)
        body += struct.pack("<4s5H", b"PK\3\4", 20, *common[:4])
        body += struct.pack("<3L2H", *common[4:], len(local), len(extra))
        body += local + extra + packed
        directory += struct.pack("<4s2H", b"PK\1\2", _UNIX, 20)
        directory += struct.pack("<4H3L", *common)
        directory += struct.pack("<5H2L", len(name), len(extra), 0, 0, 0, piece.attributes, offset)
        directory += name + extra
    return bytes(body + directory + _end(len(pieces), len(directory), len(body)) + after)


def _end(count: int, directory_bytes: int, at: int) -> bytes:
    few = min(count, 0xFFFF)
    tail = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, few, few, directory_bytes, at, 0)
    if count < 0xFFFF:
        return tail
    record = struct.pack(
        "<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, directory_bytes, at
    )
    return record + struct.pack("<4sLQL", b"PK\6\7", 0, at + directory_bytes, 1) + tail


def write_zip(path: Path, pieces: Sequence[Piece], **around: bytes) -> Path:
    """`zip_bytes` in a file."""
    path.write_bytes(zip_bytes(pieces, **around))
    return path
