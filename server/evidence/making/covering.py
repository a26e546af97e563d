"""Putting something over part of a picture so that what was there cannot be computed back."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from server.evidence.recipes import Box

Pixels = NDArray[np.uint8]
# A blurred place keeps at most 5 × 5 means of 32 levels each: some 125 bits, whatever its size.
# A sharp filter that can be inverted (a Gaussian, say) is never used alone.
_CELLS = 5
_CELL_PX_MIN = 8
_LEVELS_SHIFT = 3


def cover_rgb(picture: Pixels, boxes: list[Box]) -> None:
    """Cover places of an RGB picture (height, width, 3), in place."""
    height, width = picture.shape[:2]
    for box in boxes:
        left, top, right, bottom = box.pixels(width, height)
        _cover(picture[top:bottom, left:right], box.how, black=0)


def cover_planes(planes: tuple[Pixels, Pixels, Pixels], boxes: list[Box]) -> None:
    """Cover places of a picture in Y, U and V, the latter at half the size, in place."""
    height, width = planes[0].shape
    for box in boxes:
        left, top, right, bottom = box.pixels(width, height)
        _cover(planes[0][top:bottom, left:right], box.how, black=16)
        for plane in planes[1:]:
            _cover(plane[top // 2 : bottom // 2, left // 2 : right // 2], box.how, black=128)


def _cover(place: Pixels, how: str, *, black: int) -> None:
    height, width = place.shape[:2]
    if not height or not width:
        return
    if how != "blur":
        place[...] = black
        return
    cells = (_cells(width), _cells(height))
    small: Any = cv2.resize(place, cells, interpolation=cv2.INTER_AREA)
    small = (small >> _LEVELS_SHIFT) << _LEVELS_SHIFT
    smooth: Any = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    place[...] = smooth.reshape(place.shape)


def _cells(side_px: int) -> int:
    return max(1, min(_CELLS, side_px // _CELL_PX_MIN))
