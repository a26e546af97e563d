"""A small and a middle-sized picture of a photo, upright, as WebP."""

from PIL import Image

from server.evidence.derivatives.made import Made, webp

THUMB_PX = 320
PREVIEW_PX = 1600


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
