"""Opening pictures from strangers: the header is judged before a pixel is decoded."""

import contextlib
import threading
import warnings
from collections.abc import Iterator
from typing import BinaryIO

import pillow_heif
from PIL import Image, ImageFile, UnidentifiedImageError

# 120 MPix in RGB are 360 MB: more than any field camera makes, and it fits the sandbox.
MAX_PIXELS = 120_000_000
MAX_SIDE_PX = 65_535
_ORIENTATION_TAG = 0x0112

# Formats that cameras, phones and scanners write. Others (PostScript, which starts Ghostscript;
# FITS, icons, fonts …) only widen the attack surface.
_FORMATS = ("JPEG", "PNG", "WEBP", "HEIF", "AVIF", "TIFF", "GIF", "BMP")

# EXIF orientation to the turn that sets the picture upright (CIPA DC-008, 4.6.5.1).
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# Modes that resize well as they are; a palette's indexes, for one, can't be averaged.
_RESIZABLE = frozenset({"RGB", "RGBA", "L", "LA", "CMYK", "YCbCr"})

_truncated_lock = threading.Lock()

pillow_heif.register_heif_opener()
# One core per examination. (Its decoder still starts a thread of its own.)
pillow_heif.options.DECODE_THREADS = 1


class ImageRefusedError(Exception):
    """A picture that is not decoded: `code` is `too-many-pixels` or `not-an-image`."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


def open_image(source: BinaryIO) -> Image.Image:
    """Read the header of a picture; nothing is decoded. ImageRefusedError if it may not be."""
    source.seek(0)
    try:
        with warnings.catch_warnings():
            # Pillow warns of a lower limit and of odd tags; the check below is ours.
            warnings.simplefilter("ignore")
            image = Image.open(source, formats=_FORMATS)
    except Image.DecompressionBombError as error:
        raise ImageRefusedError("too-many-pixels", str(error)) from error
    except UnidentifiedImageError as error:
        raise ImageRefusedError("not-an-image", "no picture that is decoded here") from error
    (width, height) = image.size
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE_PX:
        image.close()
        raise ImageRefusedError("too-many-pixels", f"{width}x{height}")
    return image


def orientation_of(image: Image.Image) -> int:
    """The EXIF orientation 1-8; 1 where none or nonsense is given."""
    try:
        value = image.getexif().get(_ORIENTATION_TAG, 1)
    # Pillow's own EXIF reader is as unruly as any other on hostile bytes.
    except Exception:  # noqa: BLE001
        return 1
    return value if isinstance(value, int) and value in _TURNS else 1


def decode_upright(image: Image.Image, max_side_px: int) -> tuple[Image.Image, bool]:
    """Decode about `max_side_px` large, turned upright, as RGB; true if the data ended early.

    JPEGs are decoded at a fraction of their size (draft mode). Raises what the decoder raises
    when nothing at all can be decoded.
    """
    orientation = orientation_of(image)
    image.draft("RGB", (max_side_px, max_side_px))
    truncated = False
    try:
        image.load()
    except OSError:
        with _tolerant():
            image.load()
        truncated = True
    small = image if image.mode in _RESIZABLE else _flattened(image)
    small.thumbnail((max_side_px, max_side_px), Image.Resampling.LANCZOS, reducing_gap=2.0)
    if orientation in _TURNS:
        small = small.transpose(_TURNS[orientation])
    return _flattened(small), truncated


@contextlib.contextmanager
def _tolerant() -> Iterator[None]:
    """Let Pillow fill the missing rest of a cut file with grey. Its switch is global."""
    with _truncated_lock:
        before = ImageFile.LOAD_TRUNCATED_IMAGES
        ImageFile.LOAD_TRUNCATED_IMAGES = True
        try:
            yield
        finally:
            ImageFile.LOAD_TRUNCATED_IMAGES = before


def _flattened(image: Image.Image) -> Image.Image:
    """RGB on white: transparency would be black in one viewer and white in another."""
    if image.mode == "RGB":
        return image
    if image.mode.startswith(("I", "F")):
        # 16-bit grey: scale, for convert() would clip nearly all of it to white.
        return image.point(lambda value: value / 256).convert("L").convert("RGB")
    if "A" in image.getbands() or "transparency" in image.info:
        layer = image.convert("RGBA")
        ground = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(ground, layer).convert("RGB")
    return image.convert("RGB")
