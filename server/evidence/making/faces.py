"""Where OpenCV's Haar model sees faces: suggestions for a person, never a decision.

The model ships inside the wheel.  It misses faces (from the side, small, masked) and sees some
where there are none.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, BinaryIO

import cv2
import cv2.data
import numpy as np
from PIL import Image

from server.evidence.derivatives.thumbnails import scaled
from server.evidence.derivatives.video import shots_along
from server.evidence.making.pictures import upright
from server.evidence.metadata.media import open_media
from server.evidence.recipes import WHOLE, Recipe
from server.evidence.sandbox.products import Product

MODEL = "haarcascade_frontalface_default.xml"
FACES_MAX = 60
_SIDE_PX = 1600
_FRAMES = 25
_STEP = 1.1
_NEIGHBOURS = 5
_SMALLEST_PX = 24
_MARGIN = 0.15


class NoModelError(Exception):
    """This installation of OpenCV ships no face model."""


def suggest(source: BinaryIO, mime: str, recipe: Recipe, duration_ms: int) -> Product:
    """Boxes as JSON in ``text``: fractions in 100,000ths, and in a film the time they were seen."""
    model = _model()
    if recipe.kind == "photo":
        picture, complete = upright(source)
        found = [{**box, "at_ms": None} for box in _faces(model, picture)]
    else:
        complete, found = True, []
        with open_media(source, mime) as container:
            for shot in shots_along(container, duration_ms, _FRAMES):
                found += [{**box, "at_ms": shot.at_ms} for box in _faces(model, shot.picture)]
    body = {"version": 1, "model": MODEL, "opencv": cv2.__version__, "faces": found[:FACES_MAX]}
    return Product(text=json.dumps(body, separators=(",", ":")), complete=complete)


def _model() -> Any:
    path = Path(cv2.data.haarcascades) / MODEL
    if not path.is_file() or not hasattr(cv2, "CascadeClassifier"):
        raise NoModelError(MODEL)
    model = cv2.CascadeClassifier(str(path))
    if model.empty():
        raise NoModelError(MODEL)
    return model


def _faces(model: Any, picture: Image.Image) -> list[dict[str, int]]:
    small = scaled(picture, _SIDE_PX).convert("L")
    grey = cv2.equalizeHist(np.asarray(small))
    seen = model.detectMultiScale(
        grey, scaleFactor=_STEP, minNeighbors=_NEIGHBOURS, minSize=(_SMALLEST_PX, _SMALLEST_PX)
    )
    return [_box(tuple(map(int, one)), small.size) for one in seen]


def _box(seen: tuple[int, ...], size: tuple[int, int]) -> dict[str, int]:
    """A little larger than what was seen, as hair and chin belong to a face."""
    (x, y, w, h), (width, height) = seen, size
    left, top = max(0.0, x - w * _MARGIN), max(0.0, y - h * _MARGIN)
    right = min(float(width), x + w * (1 + _MARGIN))
    bottom = min(float(height), y + h * (1 + _MARGIN))
    return {
        "x": int(left * WHOLE / width),
        "y": int(top * WHOLE / height),
        "w": int((right - left) * WHOLE / width),
        "h": int((bottom - top) * WHOLE / height),
    }
