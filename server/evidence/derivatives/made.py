"""A derivative and its bytes on the way to whoever stores them."""

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass

from PIL import Image

from server.evidence.findings import Derivative, Scalar

WEBP = "image/webp"
_WEBP_QUALITY = 80
# Cameras' own profiles are below this; a larger one would outweigh the picture.
_MAX_PROFILE_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Made:
    """A derivative with its bytes."""

    derivative: Derivative
    data: bytes


def made(
    name: str,
    file: str,
    mime: str,
    data: bytes,
    *,
    size_px: tuple[int, int] = (0, 0),
    detail: Mapping[str, Scalar] | None = None,
) -> Made:
    """Describe bytes as the derivative `name`, to be stored as `file`."""
    return Made(
        Derivative(
            name=name,
            mime=mime,
            size_bytes=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
            file=file,
            width=size_px[0],
            height=size_px[1],
            detail=dict(detail or {}),
        ),
        data,
    )


def webp(
    name: str,
    picture: Image.Image,
    *,
    profile: bytes = b"",
    detail: Mapping[str, Scalar] | None = None,
) -> Made:
    """Encode an RGB picture; no metadata of the original is carried over but its colours."""
    out = io.BytesIO()
    kept = profile if len(profile) <= _MAX_PROFILE_BYTES else b""
    picture.save(out, "WEBP", quality=_WEBP_QUALITY, method=4, icc_profile=kept, exif=b"")
    return made(
        name,
        f"{name}.webp",
        WEBP,
        out.getvalue(),
        size_px=picture.size,
        detail=detail,
    )
