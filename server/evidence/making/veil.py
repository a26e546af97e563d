"""A stamp in rows over every picture of a film: who it was lent to, in the pixels themselves."""

from __future__ import annotations

import base64
import zlib
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from server.evidence.making.covering import Pixels
from server.evidence.recipes import Marking

LIGHT: Final = 1
DARK: Final = 2
_SIDE_PX: Final = 1280  # the stamp is drawn for pictures of this size
_SCALE_MIN: Final = 0.4
_COVERED: Final = 100  # of 255: how much of a smaller dot is enough
_DOTS_MAX: Final = 4_000_000
_OPACITY: Final = {LIGHT: 112, DARK: 96}  # of 255
_LUMA: Final = {LIGHT: 235, DARK: 16}


class Veil:
    """Lays the stamp over pictures of one size, again and again."""

    def __init__(self, marking: Marking, width: int, height: int) -> None:
        places = _tiled(_scaled(_dots(marking), max(width, height)), width, height)
        self._alpha = _of(_OPACITY, places).astype(np.uint16)
        self._added = _of(_LUMA, places).astype(np.uint16) * self._alpha
        self._left = 255 - self._alpha

    def cover(self, luma: Pixels) -> None:
        """Blend the stamp into the brightness of a picture, in place; colours stay as they are."""
        luma[...] = ((luma * self._left + self._added) // 255).astype(np.uint8)


def _dots(marking: Marking) -> NDArray[np.uint8]:
    size = marking.width * marking.height
    if not 0 < size <= _DOTS_MAX:
        raise ValueError("a stamp of no size")
    data = zlib.decompressobj().decompress(base64.b64decode(marking.dots), size)
    return np.frombuffer(data, dtype=np.uint8).reshape(marking.height, marking.width)


def _scaled(dots: NDArray[np.uint8], side_px: int) -> NDArray[np.uint8]:
    scale = max(_SCALE_MIN, side_px / _SIDE_PX)
    if scale >= 1:
        return dots
    wide, high = (max(2, int(side * scale)) for side in dots.shape[::-1])
    # Light and dark are scaled apart: what lies between the two numbers is neither.
    parts = [
        cv2.resize((dots == one).astype(np.uint8) * 255, (wide, high), interpolation=cv2.INTER_AREA)
        for one in (LIGHT, DARK)
    ]
    light, dark = (np.asarray(part) > _COVERED for part in parts)
    made: Any = np.where(light, LIGHT, np.where(dark, DARK, 0))
    return np.asarray(made, dtype=np.uint8)


def _tiled(stamp: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """Rows of stamps, every other one shifted by half a stamp."""
    across = np.tile(stamp, (1, -(-width // stamp.shape[1]) + 1))
    rows = [
        np.roll(across, -(row % 2) * stamp.shape[1] // 2, axis=1)[:, :width]
        for row in range(-(-height // stamp.shape[0]))
    ]
    return np.concatenate(rows)[:height]


def _of(table: dict[int, int], places: NDArray[np.uint8]) -> NDArray[np.uint8]:
    by_dot = np.zeros(256, dtype=np.uint8)
    for dot, value in table.items():
        by_dot[dot] = value
    return by_dot[places]
