"""A spoken opinion: short, one of three containers, kept like every other byte."""

from __future__ import annotations

import hashlib
import io
from typing import Final

from server.core import offload
from server.core.context import Runtime
from server.core.problem import Kind, Problem
from server.guests.commands import Voice
from storage.digest import Digest

SECONDS_MAX: Final = 120
BYTES_MAX: Final = 3 * 2**20  # two minutes of Opus with room to spare
_EBML: Final = b"\x1a\x45\xdf\xa3"
_OGG: Final = b"OggS"
_FTYP: Final = slice(4, 8)
MIMES: Final = ("audio/webm", "audio/ogg", "audio/mp4")


def keep(runtime: Runtime, data: bytes, mime: str) -> Voice:
    """Store a recording; its bytes are durable before any row names them.

    Called without a transaction: the store may be far away, and under gevent waiting for it hands
    over to others, who must not find SQLite's lock taken.
    """
    if not data or len(data) > BYTES_MAX:
        raise Problem(Kind.BODY_TOO_LARGE, f"a recording has at most {BYTES_MAX} bytes")
    if mime not in MIMES or not _is_what_it_says(data, mime):
        raise Problem(Kind.UNSUPPORTED_MEDIA_TYPE, f"a recording is one of {', '.join(MIMES)}")
    sha256 = hashlib.sha256(data).hexdigest()
    blobs = runtime.stores.blobs
    offload.blocking(blobs.put_stream, Digest(sha256), io.BytesIO(data), len(data))
    return Voice(sha256=sha256, size_bytes=len(data), mime=mime)


def _is_what_it_says(data: bytes, mime: str) -> bool:
    """A player must never be handed a document under the name of a sound."""
    if mime == "audio/webm":
        return data.startswith(_EBML)
    if mime == "audio/ogg":
        return data.startswith(_OGG)
    return data[_FTYP] == b"ftyp"
