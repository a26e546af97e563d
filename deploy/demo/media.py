"""Media as field devices write them, drawn by this code: for the demonstration and the tests.

Everything shown is invented (虚构). Equal arguments give equal bytes on one machine; other
codec versions may give others. The folder of `path` must exist.
"""

import io
import math
import random
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pillow_heif
import segno
from PIL import Image, ImageDraw, TiffImagePlugin

MAKE = "Tiezheng"
MODEL = "Field Camera 1"
SERIAL = "TZ-000001"

_PHOTO_PX = (1280, 960)
_VIDEO_PX = (320, 240)
_FRAMES_PER_SECOND = 10
_SAMPLE_RATE_HZ = 16_000
_ACCURACY_M = 4.5
_DAY = datetime(2025, 9, 30, 9, 0, tzinfo=UTC)

# EXIF and TIFF tag numbers (CIPA DC-008).
_MAKE, _MODEL, _ORIENTATION, _SOFTWARE, _DATE = 0x010F, 0x0110, 0x0112, 0x0131, 0x0132
_EXIF_IFD, _GPS_IFD = 0x8769, 0x8825
_DATE_ORIGINAL, _OFFSET_ORIGINAL, _SUBSEC_ORIGINAL = 0x9003, 0x9011, 0x9291
_BODY_SERIAL = 0xA431

Ratio = TiffImagePlugin.IFDRational


def gps_photo(
    path: Path,
    lat: float | None,
    lon: float | None,
    when: datetime,
    *,
    seed: int = 0,
    size_px: tuple[int, int] = _PHOTO_PX,
    with_zone: bool = True,
    orientation: int = 1,
) -> Path:
    """A JPEG with EXIF: camera, time of capture and, unless `lat` is None, a GPS position.

    `when` must have a zone: the local time is written, its offset only `with_zone`, the GPS time
    in UTC. Degrees are WGS-84, south and west negative, with an error of 4.5 m.
    """
    exif = _exif(lat, lon, when, with_zone=with_zone)
    exif[_ORIENTATION] = orientation
    scene(seed, size_px).save(path, "JPEG", quality=88, exif=exif.tobytes())
    return path


def heic_photo(
    path: Path,
    lat: float | None = None,
    lon: float | None = None,
    when: datetime = _DAY,
    *,
    seed: int = 0,
    size_px: tuple[int, int] = (640, 480),
) -> Path:
    """A HEIC with the same EXIF as `gps_photo`."""
    pillow_heif.register_heif_opener()
    exif = _exif(lat, lon, when, with_zone=True)
    scene(seed, size_px).save(path, "HEIF", quality=60, exif=exif.tobytes())
    return path


def qr_photo(
    path: Path,
    text: str,
    *,
    seed: int = 0,
    when: datetime = _DAY,
    size_px: tuple[int, int] = _PHOTO_PX,
    module_px: int = 6,
    turn_degrees: float = 4.0,
) -> Path:
    """A JPEG of a screen that shows `text` as QR code, a little askew."""
    photo = scene(seed, size_px)
    _paste_code(photo, text, module_px, turn_degrees)
    exif = _exif(None, None, when, with_zone=False)
    photo.save(path, "JPEG", quality=85, exif=exif.tobytes())
    return path


def short_video(
    path: Path,
    seconds: float = 2.0,
    *,
    seed: int = 0,
    when: datetime = _DAY,
    size_px: tuple[int, int] = _VIDEO_PX,
    with_sound: bool = True,
    code: str = "",
    rotation_degrees: int = 0,
) -> Path:
    """An H.264 recording with AAC sound (MP4 or MOV by the suffix of `path`).

    The picture holds a clock hand that turns once in `seconds`. `code` is shown as QR code all
    along. `rotation_degrees` is written as display matrix, against the clock.
    """
    with av.open(str(path), "w", options=_container_options()) as out:
        out.metadata["creation_time"] = _iso(when)
        picture: Any = out.add_stream("libx264", rate=_FRAMES_PER_SECOND)
        (picture.width, picture.height) = size_px
        picture.pix_fmt = "yuv420p"
        picture.codec_context.thread_count = 1
        picture.codec_context.gop_size = _FRAMES_PER_SECOND * 2
        picture.options = {"preset": "veryfast", "crf": "28"}
        if rotation_degrees:
            picture.set_display_rotation(rotation_degrees)
        sound = _sound_stream(out, "aac") if with_sound else None
        still = scene(seed, size_px)
        if code:
            _paste_code(still, code, max(2, size_px[1] // 80), 0.0)
        total = max(1, round(seconds * _FRAMES_PER_SECOND))
        for i in range(total):
            frame = av.VideoFrame.from_image(_with_hand(still, i / total))  # type: ignore[no-untyped-call]
            frame.pts = i
            frame.time_base = Fraction(1, _FRAMES_PER_SECOND)
            out.mux(picture.encode(frame))
        out.mux(picture.encode(None))
        if sound is not None:
            _write_sound(out, sound, seconds, seed)
    return path


def short_audio(
    path: Path,
    seconds: float = 2.0,
    *,
    seed: int = 0,
    when: datetime = _DAY,
) -> Path:
    """A sound recording: AAC for .m4a, Opus for .ogg, MP3 for .mp3, PCM for .wav.

    The first half is a quiet tone, the second a loud one.
    """
    codec = {".m4a": "aac", ".ogg": "libopus", ".mp3": "libmp3lame", ".wav": "pcm_s16le"}
    with av.open(str(path), "w", options=_container_options()) as out:
        out.metadata["creation_time"] = _iso(when)
        stream = _sound_stream(out, codec[path.suffix.lower()])
        _write_sound(out, stream, seconds, seed)
    return path


def scene(seed: int, size_px: tuple[int, int]) -> Image.Image:
    """A street as children draw it, another for each seed: structured enough to tell apart."""
    chance = random.Random(seed)
    (width, height) = size_px
    picture = Image.new("RGB", size_px, (150 + chance.randrange(80), 190, 235))
    pen = ImageDraw.Draw(picture)
    horizon = height * chance.randrange(50, 75) // 100
    pen.rectangle((0, horizon, width, height), fill=(110, 105 + chance.randrange(40), 95))
    for _ in range(chance.randrange(4, 8)):
        left = chance.randrange(width * 9 // 10)
        wall = width * chance.randrange(8, 22) // 100
        top = horizon - height * chance.randrange(10, 45) // 100
        colour = tuple(chance.randrange(60, 220) for _ in range(3))
        pen.rectangle((left, top, left + wall, horizon), fill=colour)
        for step in range(3):
            y = top + (horizon - top) * (step * 2 + 1) // 7
            pen.rectangle((left + wall // 5, y, left + wall // 2, y + height // 40), fill="white")
    return picture


def _exif(
    lat: float | None,
    lon: float | None,
    when: datetime,
    *,
    with_zone: bool,
) -> Image.Exif:
    exif = Image.Exif()
    exif[_MAKE], exif[_MODEL], exif[_SOFTWARE] = MAKE, MODEL, "demo"
    local = when.strftime("%Y:%m:%d %H:%M:%S")
    exif[_DATE] = local
    inner = exif.get_ifd(_EXIF_IFD)
    inner[_DATE_ORIGINAL] = local
    inner[_SUBSEC_ORIGINAL] = f"{when.microsecond // 1000:03d}"
    inner[_BODY_SERIAL] = SERIAL
    if with_zone:
        zone = when.strftime("%z")
        inner[_OFFSET_ORIGINAL] = f"{zone[:3]}:{zone[3:5]}"
    if lat is not None and lon is not None:
        exif.get_ifd(_GPS_IFD).update(_gps(lat, lon, when))
    return exif


def _gps(lat: float, lon: float, when: datetime) -> dict[int, Any]:
    utc = when.astimezone(UTC)
    return {
        0: bytes((2, 3, 0, 0)),
        1: "S" if lat < 0 else "N",
        2: _sexagesimal(lat),
        3: "W" if lon < 0 else "E",
        4: _sexagesimal(lon),
        5: b"\x00",
        6: Ratio(215, 10),
        7: (Ratio(utc.hour, 1), Ratio(utc.minute, 1), Ratio(utc.second, 1)),
        18: "WGS-84",
        29: utc.strftime("%Y:%m:%d"),
        31: Ratio(round(_ACCURACY_M * 100), 100),
    }


def _sexagesimal(degrees: float) -> tuple[Ratio, Ratio, Ratio]:
    """Degrees, minutes and seconds to a ten-thousandth: 3 mm."""
    units = round(abs(degrees) * 3600 * 10_000)
    (whole, rest) = divmod(units, 3600 * 10_000)
    (minutes, seconds) = divmod(rest, 60 * 10_000)
    return Ratio(whole, 1), Ratio(minutes, 1), Ratio(seconds, 10_000)


def _paste_code(photo: Image.Image, text: str, module_px: int, turn_degrees: float) -> None:
    out = io.BytesIO()
    segno.make_qr(text, error="m").save(out, kind="png", scale=module_px, border=4)
    with Image.open(out) as opened:
        code = opened.convert("RGB")
    turned = code.rotate(turn_degrees, expand=True, fillcolor="white")
    place = ((photo.width - turned.width) // 2, (photo.height - turned.height) // 2)
    photo.paste(turned, place)


def _with_hand(still: Image.Image, turn: float) -> Image.Image:
    picture = still.copy()
    pen = ImageDraw.Draw(picture)
    (x, y, reach) = (still.width // 8, still.height // 6, still.height // 8)
    angle = turn * 2 * math.pi
    tip = (x + reach * math.sin(angle), y - reach * math.cos(angle))
    pen.ellipse((x - reach, y - reach, x + reach, y + reach), fill="white")
    pen.line((x, y, *tip), fill="black", width=max(2, reach // 8))
    return picture


def _sound_stream(out: "av.container.OutputContainer", codec: str) -> Any:
    rate = 48_000 if codec == "libopus" else _SAMPLE_RATE_HZ
    stream: Any = out.add_stream(codec, rate=rate, layout="mono")
    stream.codec_context.thread_count = 1
    return stream


def _write_sound(
    out: "av.container.OutputContainer", stream: Any, seconds: float, seed: int
) -> None:
    rate = stream.codec_context.sample_rate
    moments = np.arange(round(seconds * rate)) / rate
    loudness = np.where(moments < seconds / 2, 0.1, 0.8)
    tone = np.sin(2 * np.pi * (300 + 20 * (seed % 10)) * moments) * loudness
    samples = (tone * 32_767).astype(np.int16)
    for start in range(0, len(samples), 1024):
        block = samples[start : start + 1024].reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(block, format="s16", layout="mono")
        (frame.pts, frame.sample_rate, frame.time_base) = (start, rate, Fraction(1, rate))
        out.mux(stream.encode(frame))
    out.mux(stream.encode(None))


def _container_options() -> dict[str, str]:
    """No encoder names and no random numbers in the file."""
    return {"fflags": "+bitexact"}


def _iso(when: datetime) -> str:
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000000Z")
