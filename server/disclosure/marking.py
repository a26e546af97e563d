"""Burns into a picture who looks at it and when: in process, small, two at a time.

Only WebP and JPEG of our own making are opened; an original never gets here.  The result carries
no metadata of any kind.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from PIL import Image, ImageDraw, ImageFont

from server.core.problem import Kind, Problem
from server.disclosure.report.fonts import FontError, FontStack, font_stack

SIDE_PX_MAX: Final = 1600
BYTES_MAX: Final = 64 * 2**20
MIME: Final = "image/jpeg"
_PIXELS_MAX: Final = 130_000_000
_QUALITY: Final = 82
_AT_A_TIME: Final = threading.BoundedSemaphore(2)
_WAIT_SECONDS: Final = 10.0
_ANGLE: Final = 24
_INK: Final = (255, 255, 255, 112)
_EDGE: Final = (0, 0, 0, 96)


def marked(picture: Iterable[bytes], lines: tuple[str, ...], font: str = "") -> bytes:
    """The picture as a JPEG of at most 1600 px with ``lines`` tiled over it.

    :param picture: bytes of a derivative.
    :param font: the configured font of reports; empty for the system's.
    """
    data = _bounded(picture)
    if not _AT_A_TIME.acquire(timeout=_WAIT_SECONDS):
        raise Problem(Kind.BUSY, "too many pictures are being made; try again")
    try:
        return _marked(data, lines, font)
    finally:
        _AT_A_TIME.release()


def stamp(lines: tuple[str, ...], letters_px: int, font: str = "") -> Image.Image:
    """The lines once, turned, with room around them; what is tiled over a picture."""
    return _stamp("\n".join(_printable(line, font) for line in lines), letters_px, font)


def _marked(data: bytes, lines: tuple[str, ...], font: str) -> bytes:
    with Image.open(io.BytesIO(data), formats=("WEBP", "JPEG")) as source:
        if source.width * source.height > _PIXELS_MAX:
            raise Problem(Kind.UNAVAILABLE, "the picture is too large to be marked")
        source.draft("RGB", (SIDE_PX_MAX, SIDE_PX_MAX))
        base = source.convert("RGB")
    base.thumbnail((SIDE_PX_MAX, SIDE_PX_MAX))
    clean = Image.new("RGB", base.size)
    clean.paste(base)  # what the file said beside its pixels stays behind
    veil = _veil(clean.size, lines, font)
    whole = Image.alpha_composite(clean.convert("RGBA"), veil).convert("RGB")
    out = io.BytesIO()
    whole.save(out, "JPEG", quality=_QUALITY, optimize=True)
    return out.getvalue()


def _veil(size_px: tuple[int, int], lines: tuple[str, ...], font: str) -> Image.Image:
    """A transparent layer with the lines in rows over the whole picture, small ones included."""
    letters = max(11, min(34, max(size_px) // 34))
    one = stamp(lines, letters, font)
    layer = Image.new("RGBA", size_px)
    for row, y in enumerate(range(-one.height // 2, size_px[1], one.height)):
        for x in range(-(row % 2 + 1) * one.width // 2, size_px[0], one.width):
            layer.paste(one, (x, y))
    return layer


def _stamp(text: str, letters_px: int, font: str) -> Image.Image:
    """The text once, turned, with room around it."""
    face = _face(font, letters_px)
    probe = ImageDraw.Draw(Image.new("L", (1, 1)))
    left, top, right, bottom = probe.multiline_textbbox((0, 0), text, font=face, stroke_width=1)
    room = letters_px
    flat = Image.new("RGBA", (int(right - left) + room, int(bottom - top) + room))
    ImageDraw.Draw(flat).multiline_text(
        (room / 2 - left, room / 2 - top), text, font=face, fill=_INK, stroke_width=1,
        stroke_fill=_EDGE,
    )  # fmt: skip
    return flat.rotate(_ANGLE, resample=Image.Resampling.BICUBIC, expand=True)


def _face(font: str, letters_px: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    stack = _stack(font)
    if stack is None:
        return ImageFont.load_default(letters_px)
    first = stack.faces[0]
    return ImageFont.truetype(str(first.path), letters_px, index=first.number)


def _printable(line: str, font: str) -> str:
    """What the face can draw; other characters by their code point, so that none vanishes."""
    stack = _stack(font)
    if stack is None:
        return line.encode("ascii", "backslashreplace").decode()
    return FontStack(stack.faces[:1]).printable(line)


@lru_cache(maxsize=4)
def _stack(font: str) -> FontStack | None:
    try:
        return font_stack(font)
    except FontError:
        return None


def _bounded(picture: Iterable[bytes]) -> bytes:
    data = bytearray()
    for piece in picture:
        data += piece
        if len(data) > BYTES_MAX:
            raise Problem(Kind.UNAVAILABLE, "the picture is too large to be marked")
    return bytes(data)
