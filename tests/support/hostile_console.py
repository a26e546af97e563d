"""Fifty files that would run in a browser, if one let them: for the console's pages.

Each payload tries everything a script could do to be noticed: a global, a dialog, a request.
"""

from __future__ import annotations

import base64
import gzip
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.support.hostile_media import gif_html_polyglot, jpeg_zip_polyglot

CANARY: Final = "ran-in-the-console"
SCRIPT: Final = (
    f"window.__{CANARY.replace('-', '_')}=1;document.title='{CANARY}';console.error('{CANARY}');"
    f"fetch('/{CANARY}');alert('{CANARY}')"
)
MARKUP: Final = f'"><img src=x onerror="{SCRIPT}"><script>{SCRIPT}</script>'
HTML: Final = f"<!DOCTYPE html><html><body onload={SCRIPT!r}><script>{SCRIPT}</script></html>"
_SVG: Final = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
_SVGS: Final = {
    "script": f"{_SVG}><script>{SCRIPT}</script></svg>",
    "cdata": f"{_SVG}><script><![CDATA[{SCRIPT}]]></script></svg>",
    "onload": f'{_SVG} onload="{SCRIPT}"/>',
    "foreign": f'{_SVG}><foreignObject><body onload="{SCRIPT}" '
    'xmlns="http://www.w3.org/1999/xhtml"/></foreignObject></svg>',
    "animate": f'{_SVG}><animate onbegin="{SCRIPT}" attributeName="x" dur="1s"/></svg>',
    "link": f'{_SVG}><a xlink:href="javascript:{SCRIPT}"><text y="20">x</text></a></svg>',
    "use": f"{_SVG}><use xlink:href=\"data:image/svg+xml,<svg id='x' onload='{SCRIPT}'/>#x\"/>"
    "</svg>",
    "entity": f'<!DOCTYPE svg [<!ENTITY s "{SCRIPT}">]>{_SVG}><script>&s;</script></svg>',
    "image": f'{_SVG}><image href="x" onerror="{SCRIPT}"/></svg>',
    "set": f'{_SVG}><set attributeName="onmouseover" to="{SCRIPT}"/></svg>',
}
_NAMES: Final = (
    MARKUP.encode(),
    b"</title><script>alert(1)</script>.jpg",
    b"{{7*7}}{% raw %}.jpg",
    "\u202egpj.exe".encode(),
    "\u2066safe\u2069\u202elmth.svg".encode(),
    b"\x00\x01\x1b[31mred.jpg",
    b"\xff\xfe\xc3\x28.jpg",
    b"../../../../etc/passwd",
    b"javascript:alert(1)//.jpg",
    b"a\r\nContent-Type: text/html\r\n\r\n<script>alert(1)</script>.jpg",
)
_TAGS: Final = {0x010E: "description", 0x013B: "artist", 0x8298: "copyright", 0x010F: "make",
                0x0131: "software"}  # fmt: skip


@dataclass(frozen=True)
class Hostile:
    """A file as its device declares it."""

    label: str
    data: bytes
    mime: str = "image/jpeg"
    media: str = "photo"
    name: bytes = b"photo.jpg"


def files() -> list[Hostile]:
    """The fifty."""
    found = [*_svgs(), *_pages(), *_polyglots(), *_named(), *_tagged()]
    assert len(found) == len({one.label for one in found}) == 50
    assert len({one.data for one in found}) == len(found)
    return found


def _svgs() -> Iterator[Hostile]:
    for label, text in _SVGS.items():
        yield Hostile(f"svg-{label}", text.encode(), "image/svg+xml", name=b"plan.svg")
    yield Hostile("svg-as-jpeg", f"{_SVGS['script']} ".encode())
    packed = gzip.compress(_SVGS["script"].encode(), mtime=0)
    yield Hostile("svgz", packed, "image/svg+xml", name=b"plan.svgz")


def _pages() -> Iterator[Hostile]:
    kinds = (
        ("html", "text/html", "document"), ("jpeg", "image/jpeg", "photo"),
        ("png", "image/png", "photo"), ("webp", "image/webp", "photo"),
        ("mp4", "video/mp4", "video"), ("webm", "video/webm", "video"),
        ("mp3", "audio/mpeg", "audio"), ("pdf", "application/pdf", "document"),
        ("text", "text/plain", "document"), ("xhtml", "application/xhtml+xml", "document"),
        ("xml", "application/xml", "document"), ("js", "text/javascript", "document"),
    )  # fmt: skip
    for label, mime, media in kinds:
        data = f"{HTML}<!-- {label} -->".encode()
        yield Hostile(f"page-as-{label}", data, mime, media, f"page.{label}".encode())


def _polyglots() -> Iterator[Hostile]:
    tail = HTML.encode()
    yield Hostile("gif-js", b"GIF89a=1;/*" + tail + b"*/" + SCRIPT.encode(), "image/gif")
    yield Hostile("gif-html", gif_html_polyglot() + SCRIPT.encode(), "image/gif")
    yield Hostile("jpeg-zip", jpeg_zip_polyglot())
    yield Hostile("jpeg-html", _jpeg(1) + tail)
    yield Hostile("png-text", _png(), "image/png", name=b"x.png")
    yield Hostile("bmp-js", b"BM/*" + bytes(50) + b"*/=1;" + SCRIPT.encode(), "image/bmp")
    yield Hostile("webp-html", b"RIFF\x00\x10\x00\x00WEBP" + tail, "image/webp")
    yield Hostile("mp4-html", b"\x00\x00\x00\x18ftypisom" + bytes(12) + tail, "video/mp4", "video")
    yield Hostile("wav-html", b"RIFF\x24\x08\x00\x00WAVE" + tail, "audio/wav", "audio")
    yield Hostile("pdf-js", _pdf(), "application/pdf", "document", b"x.pdf")
    yield Hostile("data-uri", base64.b64encode(tail), "text/html", "document", b"data:text/html")


def _named() -> Iterator[Hostile]:
    for number, name in enumerate(_NAMES):
        yield Hostile(f"name-{number}", _jpeg(10 + number), name=name)


def _tagged() -> Iterator[Hostile]:
    for tag, label in _TAGS.items():
        exif = Image.Exif()
        exif[tag] = MARKUP
        out = io.BytesIO()
        Image.new("RGB", (40, 30), (tag % 255, 9, 9)).save(out, "JPEG", exif=exif)
        yield Hostile(f"exif-{label}", out.getvalue())


def _jpeg(number: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (30 + number, 20), (number, 99, 0)).save(out, "JPEG")
    return out.getvalue()


def _png() -> bytes:
    out, info = io.BytesIO(), PngInfo()
    info.add_text("Comment", MARKUP)
    Image.new("RGB", (30, 20), "green").save(out, "PNG", pnginfo=info)
    return out.getvalue()


def _pdf() -> bytes:
    body = f"1 0 obj<</Type/Catalog/OpenAction<</S/JavaScript/JS(app.alert('{CANARY}'))>>>>endobj"
    return b"%PDF-1.7\n" + body.encode() + b"\ntrailer<</Root 1 0 R>>\n%%EOF\n" + HTML.encode()


__all__ = ["CANARY", "HTML", "MARKUP", "SCRIPT", "Hostile", "files"]
