"""The stamp of films: drawn here, where the fonts are, and laid on in the sandbox."""

from __future__ import annotations

import base64
import zlib
from typing import Final

from server.disclosure import marking
from server.evidence.recipes import Marking

# For pictures of 1280 px; with these it stays far below what an order may hold.
_LETTERS_PX: Final = 32
_STAMP_PX_MAX: Final = 640
_SEEN_FROM: Final = 40
_LIGHT_FROM: Final = 127
LIGHT: Final = 1
DARK: Final = 2


def stamp_of(lines: tuple[str, ...], font: str = "") -> Marking:
    """The lines as dots that are light, dark, or not there."""
    drawn = marking.stamp(lines, _LETTERS_PX, font)
    drawn.thumbnail((_STAMP_PX_MAX, _STAMP_PX_MAX))
    shown = drawn.getchannel("A").point([int(value > _SEEN_FROM) for value in range(256)])
    light = drawn.getchannel("R").point([int(value > _LIGHT_FROM) for value in range(256)])
    dots = bytes(
        seen * (LIGHT if bright else DARK)
        for seen, bright in zip(shown.tobytes(), light.tobytes(), strict=True)
    )
    packed = base64.b64encode(zlib.compress(dots, 9)).decode()
    return Marking("video", drawn.width, drawn.height, packed)
