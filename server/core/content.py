"""Serving stored bytes: ranges (RFC 9110 §14), digests (RFC 9530), never run by a browser."""

from __future__ import annotations

import base64
import re
from urllib.parse import quote

from flask import Response, request

from server.core.problem import Kind, Problem
from storage.digest import Digest
from storage.ports import BlobStore

_INLINE_SAFE = re.compile(r"(image/(jpeg|png|webp|avif|heic|heif)|video/[\w.+-]+|audio/[\w.+-]+)")
_RANGE = re.compile(r"bytes=([0-9]*)-([0-9]*)")
_DIGITS_MAX = 18
_CHUNK_BYTES = 262_144


def content_response(store: BlobStore, digest: Digest, mime: str, name: bytes | None) -> Response:
    """The whole blob or one range of it, streamed from the store."""
    known = store.stat(digest)
    if known is None:
        raise Problem(Kind.UNAVAILABLE, "the store does not hold these bytes now")
    size_bytes = known.size_bytes
    etag = f'"{digest}"'
    headers = {
        "ETag": etag,
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-store",
        "Content-Disposition": f"attachment; filename*=UTF-8''{_file_name(name, digest)}",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Repr-Digest": f"sha-256=:{base64.b64encode(digest.raw).decode()}:",
    }
    if request.headers.get("If-None-Match") == etag:
        return Response(status=304, headers=headers)
    wanted = _range(size_bytes, etag)
    first, length = wanted or (0, size_bytes)
    if wanted:
        headers["Content-Range"] = f"bytes {first}-{first + length - 1}/{size_bytes}"
    headers["Content-Length"] = str(length)
    return Response(
        store.read(digest, first, length, _CHUNK_BYTES),
        status=206 if wanted else 200,
        headers=headers,
        mimetype=mime if _INLINE_SAFE.fullmatch(mime) else "application/octet-stream",
        direct_passthrough=True,
    )


def _range(size_bytes: int, etag: str) -> tuple[int, int] | None:
    """First byte and length of the asked range; ``None`` for everything.

    Several ranges at once, other units, a range for another version and what is no range are
    answered whole, as RFC 9110 §14.2 lets a server do.
    """
    given = request.headers.get("Range")
    if given is None or request.headers.get("If-Range", etag) != etag:
        return None
    match = _RANGE.fullmatch(given.strip())
    if match is None or match.groups() == ("", ""):
        return None
    first_text, last_text = match.groups()
    if not first_text:
        length = min(_place(last_text), size_bytes)
        first = size_bytes - length
    else:
        first = _place(first_text)
        last = min(_place(last_text), size_bytes - 1) if last_text else size_bytes - 1
        if last_text and _place(last_text) < first:
            return None
        length = last - first + 1
    if length <= 0 or first >= size_bytes:
        raise Problem(
            Kind.RANGE_NOT_SATISFIABLE, headers={"Content-Range": f"bytes */{size_bytes}"}
        )
    return first, length


def _place(digits: str) -> int:
    """A place within the bytes; one that no file reaches for more digits than that."""
    shorter = digits.lstrip("0") or "0"
    return int(shorter) if len(shorter) <= _DIGITS_MAX else 10**_DIGITS_MAX


def _file_name(name: bytes | None, digest: Digest) -> str:
    text = (name or b"").decode("utf-8", "replace").replace("\\", "/").rsplit("/", 1)[-1]
    kept = "".join(character for character in text if character.isprintable())
    return quote(kept or f"{digest.hex[:16]}", safe="")
