"""Who looked at a photo, written into the very pixels that they get.

The copy is made for one answer and kept nowhere; metadata does not travel with it.
"""

from __future__ import annotations

import io
from typing import Final

from PIL import Image, ImageDraw, ImageFont

MIME: Final = "image/jpeg"
_QUALITY: Final = 85
_SIDE_MAX: Final = 1600
_LETTERS_A_WIDTH: Final = 28  # size of the letters, by the picture's width
_SIZE_MIN: Final = 12


def marked(data: bytes, text: str) -> bytes:
    """A JPEG of the picture with the text all over it.

    :param data: a redacted derivative that this server made.
    """
    with Image.open(io.BytesIO(data)) as source:
        picture = source.convert("RGB")
    picture.thumbnail((_SIDE_MAX, _SIDE_MAX))
    layer = Image.new("RGBA", picture.size, (0, 0, 0, 0))
    _tile(ImageDraw.Draw(layer), picture.size, text)
    made = Image.alpha_composite(picture.convert("RGBA"), layer).convert("RGB")
    made.info.clear()  # comments and profiles would travel from the source
    out = io.BytesIO()
    made.save(out, "JPEG", quality=_QUALITY)
    return out.getvalue()


def _tile(draw: ImageDraw.ImageDraw, size: tuple[int, int], text: str) -> None:
    letters = max(_SIZE_MIN, size[0] // _LETTERS_A_WIDTH)
    font = ImageFont.load_default(letters)
    wide, high = int(draw.textlength(text, font)) + 2 * letters, 5 * letters
    for row, top in enumerate(range(letters, size[1], high)):
        for left in range(-(row % 2) * wide // 2, size[0], wide):
            draw.text((left + 1, top + 1), text, (0, 0, 0, 90), font)
            draw.text((left, top), text, (255, 255, 255, 110), font)
