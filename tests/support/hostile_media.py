"""Files that hurt parsers, each a few bytes to build: for the evidence worker and for uploads."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

from PIL import Image

SVG_SCRIPT = (
    b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>x()</script></svg>'
)
HTML_PAGE = b"<!DOCTYPE html><html><body><script>alert(1)</script></body></html>"
# FFmpeg's playlist demuxer would open what is named in it.
PLAYLIST = b"#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"

_ENTRY = struct.Struct("<HHII")


def tiff_bomb(pointers: int = 6) -> bytes:
    """A TIFF whose IFD claims 65,535 entries, the first of which are GPS pointers back to itself.

    Six fit into 82 bytes; each makes a naive parser read 200,000 times.
    """
    pointer = _ENTRY.pack(0x8825, 4, 1, 8)
    return b"II*\x00" + struct.pack("<IH", 8, 0xFFFF) + pointer * pointers


def tiff_text_bomb() -> bytes:
    """A TIFF whose text fields claim 4 GB each."""
    entries = b"".join(_ENTRY.pack(0x010E + i, 2, 0xFFFFFFF0, 0) for i in range(6))
    return b"II*\x00" + struct.pack("<IH", 8, 6) + entries + bytes(4)


def jpeg_with_exif(tiff: bytes) -> bytes:
    """A tiny genuine JPEG with this as its EXIF block."""
    out = io.BytesIO()
    Image.new("RGB", (32, 32), "red").save(out, "JPEG", exif=b"Exif\x00\x00" + tiff)
    return out.getvalue()


def png_bomb(width: int = 30_000, height: int = 30_000) -> bytes:
    """A PNG of many pixels, all zero: 900 MPix in about 100 kB."""
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    packer = zlib.compressobj(9)
    row = bytes(1 + (width + 7) // 8)
    body = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    chunks = ((b"IHDR", header), (b"IDAT", body), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def jpeg_zip_polyglot() -> bytes:
    """A JPEG that every unzipper opens."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("index.html", HTML_PAGE)
    return jpeg_with_exif(b"") + out.getvalue()


def gif_html_polyglot() -> bytes:
    """A GIF with a page in its header."""
    return b"GIF89a" + b"/*" + HTML_PAGE + b"*/=1;" + bytes(64)


def zip_file() -> bytes:
    """An ordinary archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.txt", b"text")
    return out.getvalue()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
