"""Media for tests; see `deploy.demo.media`."""

from deploy.demo.media import (
    MAKE,
    MODEL,
    SERIAL,
    gps_photo,
    heic_photo,
    qr_photo,
    scene,
    short_audio,
    short_video,
)

__all__ = [
    "MAKE",
    "MODEL",
    "SERIAL",
    "gps_photo",
    "heic_photo",
    "qr_photo",
    "scene",
    "short_audio",
    "short_video",
]
