"""Files of the sample cases: recordings of the stated length, and small photos."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from deploy.demo.films import recording
from deploy.demo.media import gps_photo, qr_photo

__all__ = ["photo", "recording", "time_code_photo"]

_PHOTO_PX = (320, 240)
_CODE_PX = (640, 480)


def photo(path: Path, at: datetime, seed: int) -> Path:
    """A photo with the camera's own time."""
    return gps_photo(path, None, None, at, seed=seed, size_px=_PHOTO_PX)


def time_code_photo(path: Path, code: str, at: datetime, seed: int) -> Path:
    """A photo of the server's time code, with the camera's own time."""
    return qr_photo(path, code, when=at, seed=seed, size_px=_CODE_PX, module_px=5)
