"""A redacted copy of a photo: pixels of the upright picture and nothing else of the file."""

from __future__ import annotations

import io
from contextlib import suppress
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageCms

from server.evidence.derivatives.images import decode_upright, open_image
from server.evidence.making.covering import cover_rgb
from server.evidence.recipes import Recipe
from server.evidence.sandbox.products import Product

_QUALITY = 90
_TURNS = {
    90: Image.Transpose.ROTATE_270,  # Pillow turns against the clock
    180: Image.Transpose.ROTATE_180,
    270: Image.Transpose.ROTATE_90,
}


def upright(source: BinaryIO) -> tuple[Image.Image, bool]:
    """The whole picture as it is shown, in sRGB; false if its data ended early."""
    with open_image(source) as picture:
        profile = picture.info.get("icc_profile")
        (found, truncated) = decode_upright(picture, max(picture.size))
    return _in_srgb(found, profile), not truncated


def redact_picture(source: BinaryIO, recipe: Recipe, output: BinaryIO) -> Product:
    """Write the covered picture as JPEG.

    EXIF, XMP, IPTC, thumbnails, maker notes, further pictures and the colour profile stay behind:
    the file is made from an array of pixels.
    """
    picture, complete = upright(source)
    pixels = np.array(picture, dtype=np.uint8)
    cover_rgb(pixels, list(recipe.boxes))
    made = Image.fromarray(pixels)
    if recipe.turn in _TURNS:
        made = made.transpose(_TURNS[recipe.turn])
    made.save(output, "JPEG", quality=_QUALITY)
    return Product(
        mime="image/jpeg", width=made.width, height=made.height, frames=1,
        covered=int(bool(recipe.boxes)), complete=complete,
    )  # fmt: skip


def _in_srgb(picture: Image.Image, profile: object) -> Image.Image:
    """The same colours without needing the camera's profile, which may name the camera."""
    if not isinstance(profile, bytes) or not profile:
        return picture
    # A broken profile is no reason to have no picture.
    with suppress(ImageCms.PyCMSError, OSError, ValueError, TypeError):
        given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        found = ImageCms.profileToProfile(picture, given, ImageCms.createProfile("sRGB"))
        if isinstance(found, Image.Image):
            return found
    return picture
