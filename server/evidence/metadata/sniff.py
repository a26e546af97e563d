"""What a file is, from its bytes. Its name and the sender's word are only compared."""

import os
import re
from typing import BinaryIO

import filetype

from server.evidence.findings import Sniffed, clean_text

_HEAD_BYTES = 8192
_TAIL_BYTES = 66_000  # a ZIP's end record and the longest comment after it
_MAX_EXTENSION_CHARS = 16

_MARKUP = re.compile(
    # Tokens of four bytes at least: shorter ones occur by chance in compressed data.
    rb"<(?:!doctype\s+html|html|head|body|script|svg|iframe|img|table|style|title|div|math|!--)",
    re.IGNORECASE,
)
_SVG = re.compile(rb"<(?:[a-z]+:)?svg[\s>]", re.IGNORECASE)
_HTML = re.compile(rb"<(?:!doctype\s+html|html|head|body|script|iframe)", re.IGNORECASE)
_PDF_WITHIN = 1024

# Other names for the same thing, to the one used here.
_SAME = {
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "image/heif": "image/heic",
    "image/heic-sequence": "image/heic",
    "image/heif-sequence": "image/heic",
    "audio/x-wav": "audio/wav",
    "audio/wave": "audio/wav",
    "audio/vnd.wave": "audio/wav",
    "audio/x-m4a": "audio/mp4",
    "audio/m4a": "audio/mp4",
    "audio/x-aac": "audio/aac",
    "audio/aacp": "audio/aac",
    "audio/mp3": "audio/mpeg",
    "audio/x-flac": "audio/flac",
    "audio/opus": "audio/ogg",
    "video/x-m4v": "video/mp4",
    "video/x-matroska-3d": "video/x-matroska",
    "video/avi": "video/x-msvideo",
    "video/msvideo": "video/x-msvideo",
    "application/x-zip-compressed": "application/zip",
}
# Claims that say nothing.
_NO_CLAIM = frozenset({"", "application/octet-stream", "binary/octet-stream", "application/x-tus"})

_EXTENSION_TYPES = {
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "jpe": "image/jpeg",
    "png": "image/png",
    "gif": "image/gif",
    "webp": "image/webp",
    "bmp": "image/bmp",
    "tif": "image/tiff",
    "tiff": "image/tiff",
    "heic": "image/heic",
    "heif": "image/heic",
    "avif": "image/avif",
    "svg": "image/svg+xml",
    "mp4": "video/mp4",
    "m4v": "video/mp4",
    "mov": "video/quicktime",
    "3gp": "video/3gpp",
    "webm": "video/webm",
    "mkv": "video/x-matroska",
    "avi": "video/x-msvideo",
    "ts": "video/mp2t",
    "mts": "video/mp2t",
    "m4a": "audio/mp4",
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "ogg": "audio/ogg",
    "oga": "audio/ogg",
    "opus": "audio/ogg",
    "flac": "audio/flac",
    "aac": "audio/aac",
    "amr": "audio/amr",
    "pdf": "application/pdf",
    "html": "text/html",
    "htm": "text/html",
    "zip": "application/zip",
    "txt": "text/plain",
}
# One container, two names: a recorder may well call its .mp4 QuickTime, or a voice memo video.
_FAMILIES = (
    frozenset({"video/mp4", "video/quicktime", "video/3gpp", "audio/mp4"}),
    frozenset({"video/webm", "video/x-matroska", "audio/webm"}),
    frozenset({"video/ogg", "audio/ogg", "application/ogg"}),
    frozenset({"image/heic", "image/avif"}),
)
_ARCHIVES = frozenset({"zip", "gz", "bz2", "xz", "7z", "rar", "tar", "zst", "lz4", "Z"})
_UNSAFE_TYPES = frozenset(
    {"image/svg+xml", "text/html", "application/xml", "application/pdf"}
    | {"application/x-shockwave-flash", "application/xhtml+xml"},
)
_HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1"})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_AUDIO_BRANDS = frozenset({b"M4A ", b"M4B ", b"M4P "})


def sniff(source: BinaryIO, *, name: bytes, claimed_type: str) -> Sniffed:
    """Tell what an open file is. `name` is the sender's file name as bytes, never a path here."""
    head, tail, size_bytes = _ends(source)
    kind, mime, extension = _identify(head, tail, size_bytes)
    flags = _flags(head, tail, kind)
    claimed_mime = _normal(claimed_type)
    claimed_extension = _extension(name)
    agrees = _agrees(mime, claimed_mime) and _agrees(
        mime,
        _EXTENSION_TYPES.get(claimed_extension, ""),
    )
    return Sniffed(
        kind=kind,
        mime=mime,
        extension=extension,
        claimed_type=clean_text(claimed_type, 100),
        claimed_extension=claimed_extension,
        agrees=agrees,
        unsafe=mime in _UNSAFE_TYPES or bool(flags),
        flags=flags,
    )


def _ends(source: BinaryIO) -> tuple[bytes, bytes, int]:
    size_bytes = source.seek(0, os.SEEK_END)
    source.seek(max(0, size_bytes - _TAIL_BYTES))
    tail = source.read(_TAIL_BYTES)
    source.seek(0)
    return source.read(_HEAD_BYTES), tail, size_bytes


def _identify(head: bytes, tail: bytes, size_bytes: int) -> tuple[str, str, str]:
    if size_bytes == 0:
        return "empty", "application/x-empty", ""
    for check in (_iso_media, _mpeg_ts):
        found = check(head)
        if found is not None:
            return found
    guess = filetype.guess(head)
    if guess is not None:
        return _from_guess(str(guess.mime), str(guess.extension))
    return _document(head, tail) or _unknown(head)


def _from_guess(mime: str, extension: str) -> tuple[str, str, str]:
    mime = _SAME.get(mime, mime)
    family = mime.partition("/")[0]
    if extension in _ARCHIVES:
        return "archive", mime, extension
    if family in {"image", "video", "audio"} and mime not in _UNSAFE_TYPES:
        return family, mime, extension
    return "document", mime, extension


def _iso_media(head: bytes) -> tuple[str, str, str] | None:
    """ISO base media by its brands (ISO 14496-12, 4.3): phones write more than filetype knows."""
    if head[4:8] != b"ftyp":
        return None
    length = min(int.from_bytes(head[:4], "big"), 256)
    brands = [head[i : i + 4] for i in (8, *range(16, length, 4))]
    if brands[0] in _AVIF_BRANDS or (brands[0] == b"mif1" and _AVIF_BRANDS & set(brands)):
        return "image", "image/avif", "avif"
    if brands[0] in _HEIF_BRANDS:
        return "image", "image/heic", "heic"
    if brands[0] in _AUDIO_BRANDS:
        return "audio", "audio/mp4", "m4a"
    if brands[0] == b"qt  ":
        return "video", "video/quicktime", "mov"
    if brands[0].startswith((b"3gp", b"3g2")):
        return "video", "video/3gpp", "3gp"
    return "video", "video/mp4", "mp4"


def _mpeg_ts(head: bytes) -> tuple[str, str, str] | None:
    """Transport streams (body recorders) have no magic but a sync byte every 188 (or 192)."""
    for start, step in ((0, 188), (4, 192)):
        syncs = head[start::step][:8]
        if len(syncs) == 8 and set(syncs) == {0x47}:  # noqa: PLR2004 - eight in a row
            return "video", "video/mp2t", "ts"
    return None


def _document(head: bytes, tail: bytes) -> tuple[str, str, str] | None:
    text = _as_ascii(head)
    if _SVG.search(text):
        return "document", "image/svg+xml", "svg"
    if _HTML.search(text):
        return "document", "text/html", "html"
    if text.lstrip().startswith(b"<?xml"):
        return "document", "application/xml", "xml"
    if _MARKUP.match(text.lstrip()):
        return "document", "text/html", "html"
    if b"%PDF-" in head[:_PDF_WITHIN]:
        return "document", "application/pdf", "pdf"
    if b"PK\x05\x06" in tail:
        return "archive", "application/zip", "zip"
    return None


def _unknown(head: bytes) -> tuple[str, str, str]:
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        # A character may be cut at the end of the head.
        if error.start < len(head) - 3:
            return "unknown", "application/octet-stream", ""
        text = head[: error.start].decode("utf-8")
    if all(c.isprintable() or c in "\t\n\r\f\ufeff" for c in text):
        return "text", "text/plain", "txt"
    return "unknown", "application/octet-stream", ""


def _flags(head: bytes, tail: bytes, kind: str) -> tuple[str, ...]:
    """Signs that the file is also something else (a polyglot)."""
    flags = []
    if kind in {"image", "video", "audio", "unknown", "text"}:
        if _MARKUP.search(_as_ascii(head)):
            flags.append("markup-in-header")
        if b"%PDF-" in head[:_PDF_WITHIN]:
            flags.append("pdf-in-header")
        if _is_zip_tail(tail):
            flags.append("zip-at-end")
    return tuple(flags)


def _is_zip_tail(tail: bytes) -> bool:
    """An end-of-central-directory record whose comment reaches exactly to the end of the file."""
    at = tail.rfind(b"PK\x05\x06")
    return at >= 0 and at + 22 + int.from_bytes(tail[at + 20 : at + 22], "little") == len(tail)


def _as_ascii(head: bytes) -> bytes:
    """Markup hidden in UTF-16 or behind a byte-order mark, made visible."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or head[1:2] == b"\0" or head[:1] == b"\0":
        return head.replace(b"\0", b"").removeprefix(b"\xff\xfe").removeprefix(b"\xfe\xff")
    return head.removeprefix(b"\xef\xbb\xbf")


def _extension(name: bytes) -> str:
    stem, dot, extension = name.rpartition(b".")
    if not dot or not stem or len(extension) > _MAX_EXTENSION_CHARS:
        return ""
    text = extension.decode("ascii", "replace").lower()
    return text if text.isascii() and text.isalnum() else ""


def _normal(claimed_type: str) -> str:
    plain = claimed_type.partition(";")[0].strip().lower()
    plain = _SAME.get(plain, plain)
    return "" if plain in _NO_CLAIM else plain


def _agrees(mime: str, claim: str) -> bool:
    """True if nothing is claimed, the claim is right, or both name one container."""
    if not claim or claim == mime:
        return True
    return any(mime in family and claim in family for family in _FAMILIES)
