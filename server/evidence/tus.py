"""tus 1.0.0 as text: what the headers of a request say, and nothing else.

Source: tus resumable upload protocol 1.0.0, core and the extensions creation,
creation-with-upload, creation-defer-length, checksum, expiration, termination, concatenation.
``Upload-Tag`` is taken from the proposal merged for the next version (tus protocol, #163).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import Final
from urllib.parse import urlsplit

from server.core.problem import Kind, Problem

VERSION: Final = "1.0.0"
EXTENSIONS: Final = (
    "creation",
    "creation-with-upload",
    "creation-defer-length",
    "checksum",
    "expiration",
    "termination",
    "concatenation",
)
CHECKSUM_BYTES: Final = {"sha1": 20, "sha256": 32}
OFFSET_TYPE: Final = "application/offset+octet-stream"
PARTS_MAX: Final = 1_000

_LENGTH = re.compile(r"[0-9]{1,18}")
_METADATA_KEY = re.compile(r"[!-+\--~]{1,255}")  # printable ASCII without space and comma
_SHA256 = re.compile(rb"[0-9A-Fa-f]{64}")
_MIME = re.compile(rb"[!-~][ -~]{0,254}")
_KEY = re.compile(r"[!-~]{1,200}")


@dataclass(frozen=True, slots=True)
class Checksum:
    """``Upload-Checksum``: what the bytes of one chunk must hash to."""

    algorithm: str
    digest: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Creation:
    """What a creating POST declares.

    ``size_bytes`` is ``None`` while the length is deferred, and for a final upload.  ``concat`` is
    ``None``, ``"partial"`` or ``"final"``; ``parts`` are the upload ids of a final upload.
    """

    size_bytes: int | None
    metadata_text: str
    sha256: str | None
    filename: bytes | None
    filetype: str | None
    concat: str | None = None
    parts: tuple[str, ...] = ()
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Chunk:
    """What a PATCH declares: where it goes, its checksum, a length deferred until now."""

    offset: int
    checksum: Checksum | None
    size_bytes: int | None


def require_version(headers: Mapping[str, str]) -> None:
    """412 with the version spoken here, unless the client speaks it too."""
    if headers.get("Tus-Resumable") != VERSION:
        raise Problem(
            Kind.TUS_VERSION, "send Tus-Resumable: 1.0.0", headers={"Tus-Version": VERSION}
        )


def parse_creation(headers: Mapping[str, str], size_bytes_max: int) -> Creation:
    """Headers of a POST; raises :class:`Problem` for anything that is not well-formed."""
    metadata_text = headers.get("Upload-Metadata", "")
    metadata = parse_metadata(metadata_text)
    concat, parts = _concat(headers.get("Upload-Concat"))
    return Creation(
        size_bytes=_declared_size(headers, concat, size_bytes_max),
        metadata_text=metadata_text,
        sha256=_declared_sha256(metadata),
        filename=metadata.get("filename", metadata.get("name")),
        filetype=_filetype(metadata),
        concat=concat,
        parts=parts,
        key=_key(headers),
    )


def parse_chunk(headers: Mapping[str, str], size_bytes_max: int) -> Chunk:
    """Headers of a PATCH."""
    require_offset_type(headers)
    offset = headers.get("Upload-Offset", "")
    if not _LENGTH.fullmatch(offset):
        raise Problem(Kind.MALFORMED_REQUEST, "Upload-Offset is a whole number, 0 or more")
    length = headers.get("Upload-Length")
    size_bytes = None if length is None else parse_length(length, size_bytes_max)
    return Chunk(int(offset), parse_checksum(headers), size_bytes)


def require_offset_type(headers: Mapping[str, str]) -> None:
    """415 unless the body is declared as bytes of an upload."""
    if headers.get("Content-Type", "").strip().lower() != OFFSET_TYPE:
        raise Problem(Kind.UNSUPPORTED_MEDIA_TYPE, f"send Content-Type: {OFFSET_TYPE}")


def parse_length(text: str, size_bytes_max: int) -> int:
    """``Upload-Length`` in bytes."""
    if not _LENGTH.fullmatch(text):
        raise Problem(Kind.MALFORMED_REQUEST, "Upload-Length is a whole number, 0 or more")
    if int(text) > size_bytes_max:
        raise Problem(
            Kind.UPLOAD_TOO_LARGE, f"at most {size_bytes_max} bytes", limit_bytes=size_bytes_max
        )
    return int(text)


def parse_metadata(text: str) -> dict[str, bytes]:
    """``Upload-Metadata``: comma-separated pairs of key and Base64 value, which may be empty."""
    found: dict[str, bytes] = {}
    if not text.strip():
        return found
    for pair in text.split(","):
        key, _, value = pair.strip(" ").partition(" ")
        if not _METADATA_KEY.fullmatch(key):
            raise Problem(Kind.UPLOAD_METADATA_INVALID, "a key is ASCII without space and comma")
        if key in found:
            raise Problem(Kind.UPLOAD_METADATA_INVALID, f"the key {key} is given twice")
        found[key] = _base64(value.strip(" "), Kind.UPLOAD_METADATA_INVALID, key)
    return found


def parse_checksum(headers: Mapping[str, str]) -> Checksum | None:
    """``Upload-Checksum``: an algorithm and a Base64 digest."""
    text = headers.get("Upload-Checksum")
    if text is None:
        return None
    algorithm, _, value = text.strip(" ").partition(" ")
    if algorithm not in CHECKSUM_BYTES:
        raise Problem(Kind.CHECKSUM_UNSUPPORTED)
    digest = _base64(value.strip(" "), Kind.MALFORMED_REQUEST, "Upload-Checksum")
    if len(digest) != CHECKSUM_BYTES[algorithm]:
        raise Problem(
            Kind.MALFORMED_REQUEST, f"a {algorithm} has {CHECKSUM_BYTES[algorithm]} bytes"
        )
    return Checksum(algorithm, digest)


def part_id(address: str) -> str:
    """Last segment of the address of a partial upload, which may be absolute or relative."""
    try:
        path = urlsplit(address).path
    except ValueError:
        raise Problem(Kind.CONCAT_INVALID, "a part's address cannot be read") from None
    return path.rstrip("/").rpartition("/")[2]


def http_date(at: datetime) -> str:
    """``Upload-Expires``: IMF-fixdate (RFC 9110 §5.6.7)."""
    return format_datetime(at.replace(microsecond=0), usegmt=True)


def _declared_size(headers: Mapping[str, str], concat: str | None, limit: int) -> int | None:
    length, deferred = headers.get("Upload-Length"), headers.get("Upload-Defer-Length")
    if concat == "final":
        if length is not None or deferred is not None:
            raise Problem(Kind.CONCAT_INVALID, "a final upload declares no length")
        return None
    if (length is None) == (deferred is None):
        raise Problem(Kind.LENGTH_REQUIRED, "send Upload-Length or Upload-Defer-Length: 1")
    if length is not None:
        return parse_length(length, limit)
    if deferred != "1":
        raise Problem(Kind.LENGTH_REQUIRED, "Upload-Defer-Length can only be 1")
    return None


def _concat(text: str | None) -> tuple[str | None, tuple[str, ...]]:
    if text is None:
        return None, ()
    kind, _, addresses = text.strip(" ").partition(";")
    if kind == "partial" and not addresses:
        return "partial", ()
    parts = tuple(part_id(address) for address in addresses.split())
    if kind != "final" or not 1 <= len(parts) <= PARTS_MAX:
        raise Problem(Kind.CONCAT_INVALID, f"partial, or final; with 1 to {PARTS_MAX} addresses")
    return "final", parts


def _declared_sha256(metadata: Mapping[str, bytes]) -> str | None:
    value = metadata.get("sha256")
    if value is None:
        return None
    if not _SHA256.fullmatch(value):
        raise Problem(Kind.UPLOAD_METADATA_INVALID, "sha256 is 64 hexadecimal digits")
    return value.decode().lower()


def _filetype(metadata: Mapping[str, bytes]) -> str | None:
    """What the client thinks the bytes are; a hint, so a strange one is no reason to refuse."""
    value = metadata.get("filetype", metadata.get("type", b""))
    return value.decode() if _MIME.fullmatch(value) else None


def _key(headers: Mapping[str, str]) -> str | None:
    for name in ("Idempotency-Key", "Upload-Tag"):
        text = headers.get(name)
        if text is not None:
            key = text.strip('" ')
            if not _KEY.fullmatch(key):
                raise Problem(Kind.MALFORMED_REQUEST, f"{name} has 1 to 200 visible characters")
            return key
    return None


def _base64(text: str, kind: Kind, what: str) -> bytes:
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        raise Problem(kind, f"{what}: the value is not Base64") from None
