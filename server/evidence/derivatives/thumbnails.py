"""A small and a middle-sized picture of a photo, upright, as WebP."""

import io

from PIL import Image

from server.evidence.derivatives.made import Made, made, webp

THUMB_PX = 320
PREVIEW_PX = 1600
# For looking closely at what a browser can't open itself (HEIC, TIFF).
VIEW_PX = 4096
SHOWN_BY_BROWSERS = frozenset({"image/jpeg", "image/png", "image/webp", "image/avif", "image/gif"})
_VIEW_QUALITY = 85


def scaled(picture: Image.Image, max_side_px: int) -> Image.Image:
    """A copy no larger than this; small pictures stay as they are."""
    copy = picture.copy()
    copy.thumbnail((max_side_px, max_side_px), Image.Resampling.LANCZOS)
    return copy


def thumbnails(upright: Image.Image, profile: bytes = b"") -> list[Made]:
    """`thumb` and `preview` of a decoded, upright RGB picture with its colour profile."""
    return [
        webp("thumb", scaled(upright, THUMB_PX), profile=profile),
        webp("preview", scaled(upright, PREVIEW_PX), profile=profile),
    ]


def view(upright: Image.Image) -> Made:
    """`view`: the picture as a JPEG, nearly as large as it is."""
    out = io.BytesIO()
    upright.save(out, "JPEG", quality=_VIEW_QUALITY)
    return made("view", "view.jpg", "image/jpeg", out.getvalue(), size_px=upright.size)
