"""Burns recipient and time into a picture that the worker made: in process, small, one at a time.

Only WebP and JPEG of our own making are opened; an original never gets here.  The result carries
no metadata of any kind.
"""

from __future__ import annotations

import base64
import io
import threading
import zlib
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from PIL import Image, ImageDraw, ImageFont

from server.core.problem import Kind, Problem
from server.disclosure.report.fonts import FontError, FontStack, font_stack
from server.evidence.recipes import Marking

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
# A stamp for pictures of 1280 px; with these it stays far below what an order may hold.
_FILM_LETTERS_PX: Final = 32
_FILM_STAMP_PX_MAX: Final = 640
_SEEN_FROM: Final = 40
_LIGHT_FROM: Final = 127
LIGHT: Final = 1
DARK: Final = 2


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


def stamp_of(lines: tuple[str, ...], font: str = "") -> Marking:
    """The same stamp for films: drawn here, where the fonts are, and laid on in the sandbox."""
    drawn = _stamp("\n".join(_printable(line, font) for line in lines), _FILM_LETTERS_PX, font)
    drawn.thumbnail((_FILM_STAMP_PX_MAX, _FILM_STAMP_PX_MAX))
    shown = drawn.getchannel("A").point([int(value > _SEEN_FROM) for value in range(256)])
    light = drawn.getchannel("R").point([int(value > _LIGHT_FROM) for value in range(256)])
    dots = bytes(
        seen * (LIGHT if bright else DARK)
        for seen, bright in zip(shown.tobytes(), light.tobytes(), strict=True)
    )
    packed = base64.b64encode(zlib.compress(dots, 9)).decode()
    return Marking("video", drawn.width, drawn.height, packed)


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
    stamp = _stamp("\n".join(_printable(line, font) for line in lines), letters, font)
    layer = Image.new("RGBA", size_px)
    for row, y in enumerate(range(-stamp.height // 2, size_px[1], stamp.height)):
        for x in range(-(row % 2 + 1) * stamp.width // 2, size_px[0], stamp.width):
            layer.paste(stamp, (x, y))
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
