"""Everything that is done to one file after it is safely stored, stage by stage.

A stage that fails leaves a problem and the others go on: a file whose metadata can't be read
is still evidence. Nothing here knows a database; in production it runs inside `sandbox`.
"""

import functools
import io
import os
import platform
import wave
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import BinaryIO

import av
import av.error
import pillow_heif
from PIL import Image

from server.evidence.derivatives import video
from server.evidence.derivatives.images import (
    ImageRefusedError,
    decode_upright,
    open_image,
    orientation_of,
)
from server.evidence.derivatives.made import Made
from server.evidence.derivatives.phash import perceptual_hash
from server.evidence.derivatives.thumbnails import (
    PREVIEW_PX,
    SHOWN_BY_BROWSERS,
    VIEW_PX,
    thumbnails,
    view,
)
from server.evidence.derivatives.timeqr import time_codes
from server.evidence.derivatives.waveform import NoSoundError, waveform
from server.evidence.findings import (
    Camera,
    Derivative,
    Findings,
    Geo,
    ImageInfo,
    Media,
    Problem,
    Sniffed,
    TimeQr,
    Times,
    clean_text,
)
from server.evidence.metadata.exif import Exif, read_exif
from server.evidence.metadata.geo import geo_from_exif
from server.evidence.metadata.media import MediaRefusedError, open_media, probe
from server.evidence.metadata.sniff import sniff
from server.evidence.metadata.times import times_from_exif
from server.evidence.opening import open_regular

Guard = Callable[[str], AbstractContextManager[None]]
Sink = Callable[[Derivative, bytes], None]

# A code in a large photo may be too small in the preview; beyond this a second look is too dear.
_QR_MAX_PIXELS = 50_000_000


def unguarded(_stage: str) -> AbstractContextManager[None]:
    """No guard: a stage takes as long as it takes."""
    return nullcontext()


class StageExpired(BaseException):
    """The guard of a stage has run out of patience.

    Not an Exception, for parsers swallow those.
    """


def examine(path: Path, *, name: bytes, claimed_type: str, out_dir: Path) -> Findings:
    """Examine the regular file at `path` in this process; derivatives are written to `out_dir`.

    `name` and `claimed_type` are what the sender said. NotRegularFileError for a link, a pipe
    and the like; OSError if it can't be opened. Bad content never raises.
    """
    out_dir.mkdir(parents=True, exist_ok=True)

    def write(derivative: Derivative, data: bytes) -> None:
        (out_dir / derivative.file).write_bytes(data)

    with open_regular(path) as source:
        return examine_open(source, name=name, claimed_type=claimed_type, sink=write)


def examine_open(
    source: BinaryIO,
    *,
    name: bytes,
    claimed_type: str,
    sink: Sink,
    guard: Guard = unguarded,
    skip: Mapping[str, str] | None = None,
) -> Findings:
    """Examine an open file. `guard` surrounds each stage and may raise StageExpired.

    `skip` maps stages that must not be tried (again) to the code of their problem.
    """
    work = _Work(source, name, claimed_type, sink, guard, dict(skip or {}))
    work.run("sniff", work.sniff)
    kind = work.sniffed.kind
    if kind == "image":
        _examine_image(work)
    elif kind in {"video", "audio"}:
        _examine_recording(work)
    else:
        work.geo, work.times = Geo(reason="not-media"), Times(reason="not-media")
    return work.findings()


def _examine_image(work: "_Work") -> None:
    work.run("exif", work.read_exif)
    work.run("image", work.decode)
    if work.upright is not None:
        work.run("phash", work.hash_picture)
        if work.sniffed.mime not in SHOWN_BY_BROWSERS:
            work.run("view", work.make_view)
        work.run("time-qr", work.read_picture_codes)


def _examine_recording(work: "_Work") -> None:
    work.run("probe", work.probe)
    if work.media is None:
        return
    if work.media.video_codec and work.sniffed.kind == "video":
        work.run("poster", work.make_poster)
        work.run("sprite", work.make_sprite)
        work.run("time-qr", work.read_shown_codes)
    if work.media.audio_codec:
        work.run("waveform", work.make_waveform)


def _unknown(name: bytes, claimed_type: str) -> Sniffed:
    return Sniffed(
        kind="unknown",
        mime="application/octet-stream",
        extension="",
        claimed_type=clean_text(claimed_type, 100),
        claimed_extension="",
        agrees=not name,
        unsafe=True,
    )


@dataclass(slots=True)
class _Work:
    """One examination under way: what has been found so far."""

    source: BinaryIO
    name: bytes
    claimed_type: str
    sink: Sink
    guard: Guard
    skip: dict[str, str]
    sniffed: Sniffed = field(init=False)
    camera: Camera = field(default_factory=Camera)
    geo: Geo = field(default_factory=lambda: Geo(reason="parser-failed"))
    times: Times = field(default_factory=lambda: Times(reason="parser-failed"))
    image: ImageInfo | None = None
    media: Media | None = None
    upright: Image.Image | None = None
    phash: str | None = None
    time_qr: list[TimeQr] = field(default_factory=list)
    derivatives: list[Derivative] = field(default_factory=list)
    raw_tags: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.sniffed = _unknown(self.name, self.claimed_type)

    def run(self, stage: str, action: Callable[[], None]) -> None:
        """Run one stage; whatever goes wrong becomes a problem."""
        if stage in self.skip:
            self.problem(stage, self.skip[stage], "given up after an earlier attempt")
            return
        try:
            with self.guard(stage):
                action()
        except StageExpired:
            self.problem(stage, "timeout", "took too long")
        except Exception as error:  # noqa: BLE001 - no parser is trusted to keep to its list
            (code, detail) = explain(error)
            self.problem(stage, code, detail)

    def problem(self, stage: str, code: str, detail: str) -> None:
        self.problems.append(Problem(stage, code, clean_text(detail, 200)))

    def keep(self, *products: Made) -> None:
        for product in products:
            self.sink(product.derivative, product.data)
            self.derivatives.append(product.derivative)

    def sniff(self) -> None:
        self.sniffed = sniff(self.source, name=self.name, claimed_type=self.claimed_type)

    def read_exif(self) -> None:
        exif = read_exif(self.source, self.sniffed.mime)
        if exif.error is not None:
            self.problem("exif", *exif.error)
        self.raw_tags = exif.raw()
        self.camera = _camera(exif)
        self.geo = geo_from_exif(exif)
        self.times = times_from_exif(exif)

    def decode(self) -> None:
        with open_image(self.source) as picture:
            self.image = ImageInfo(
                format=picture.format or "",
                width=picture.width,
                height=picture.height,
                orientation=orientation_of(picture),
                frames=int(getattr(picture, "n_frames", 1)),
            )
            profile = picture.info.get("icc_profile") or b""
            (self.upright, truncated) = decode_upright(picture, PREVIEW_PX)
        if truncated:
            self.problem("image", "truncated", "the picture's data ends early")
        self.keep(*thumbnails(self.upright, profile if isinstance(profile, bytes) else b""))

    def make_view(self) -> None:
        with open_image(self.source) as picture:
            (whole, _truncated) = decode_upright(picture, VIEW_PX)
        self.keep(view(whole))

    def hash_picture(self) -> None:
        if self.upright is not None:
            self.phash = perceptual_hash(self.upright)

    def read_picture_codes(self) -> None:
        texts = time_codes(self.upright) if self.upright is not None else []
        if not texts and self._worth_a_second_look():
            with open_image(self.source) as picture:
                (full, _truncated) = decode_upright(picture, max(picture.size))
            texts = time_codes(full)
        self.time_qr = [TimeQr(text) for text in dict.fromkeys(texts)]

    def _worth_a_second_look(self) -> bool:
        if self.image is None:
            return False
        (width, height) = (self.image.width, self.image.height)
        return max(width, height) > PREVIEW_PX and width * height <= _QR_MAX_PIXELS

    def probe(self) -> None:
        found = probe(self.source, self.sniffed.mime)
        (self.media, self.geo, self.times) = (found.media, found.geo, found.times)
        self.camera, self.raw_tags = found.camera, dict(found.media.tags)

    def make_poster(self) -> None:
        with open_media(self.source, self.sniffed.mime) as container:
            self.keep(*video.poster(container, self._duration_ms()))

    def make_sprite(self) -> None:
        with open_media(self.source, self.sniffed.mime) as container:
            self.keep(*video.sprite(container, self._duration_ms()))

    def read_shown_codes(self) -> None:
        with open_media(self.source, self.sniffed.mime) as container:
            self.time_qr = video.shown_time_codes(container)

    def make_waveform(self) -> None:
        with open_media(self.source, self.sniffed.mime) as container:
            self.keep(waveform(container))

    def _duration_ms(self) -> int:
        return (self.media.duration_ms if self.media else None) or 0

    def findings(self) -> Findings:
        return Findings(
            size_bytes=self.source.seek(0, os.SEEK_END),
            sniffed=self.sniffed,
            camera=self.camera,
            geo=self.geo,
            times=self.times,
            image=self.image,
            media=self.media,
            phash=self.phash,
            time_qr=tuple(self.time_qr),
            derivatives=tuple(self.derivatives),
            raw_tags=self.raw_tags,
            problems=tuple(self.problems),
            tools=tools(),
        )


def _camera(exif: Exif) -> Camera:
    return Camera(
        make=exif.text("Image Make"),
        model=exif.text("Image Model"),
        serial=exif.text("EXIF BodySerialNumber", "Image CameraSerialNumber"),
        lens=exif.text("EXIF LensModel"),
        software=exif.text("Image Software"),
    )


def explain(error: Exception) -> tuple[str, str]:
    """A stable code and a sentence for what a stage raised."""
    if isinstance(error, ImageRefusedError):
        return error.code, error.detail
    if isinstance(error, MemoryError):
        return "memory", "needs more memory than is granted"
    codes: tuple[tuple[type[Exception], str], ...] = (
        (MediaRefusedError, "unsupported"),
        (video.NoPictureError, "no-picture"),
        (NoSoundError, "no-sound"),
        (av.error.FFmpegError, "damaged"),
        (OSError, "damaged"),
        (EOFError, "damaged"),
        (SyntaxError, "damaged"),  # Pillow's word for a broken PNG
    )
    code = next((code for kind, code in codes if isinstance(error, kind)), "failed")
    return code, f"{type(error).__name__}: {error}"


@functools.cache
def tools() -> Mapping[str, str]:
    """Names and versions of what examined the file, for the custody report."""
    libraries = av.library_versions
    return {
        "python": platform.python_version(),
        "exifread": version("exifread"),
        "pillow": version("pillow"),
        "pillow-heif": version("pillow-heif"),
        "libheif": str(pillow_heif.libheif_version()),
        "pyav": av.__version__,
        "libavformat": ".".join(map(str, libraries["libavformat"])),
        "libavcodec": ".".join(map(str, libraries["libavcodec"])),
        "zxing-cpp": version("zxing-cpp"),
        "filetype": version("filetype"),
    }


def warm_up() -> None:
    """Load what the libraries load at first use, so that forked processes need no files."""
    picture = Image.new("RGB", (64, 64), "white")
    picture.paste("black", (8, 8, 40, 24))
    for file_type, mime in (("JPEG", "image/jpeg"), ("PNG", "image/png"), ("HEIF", "image/heic")):
        source = io.BytesIO()
        picture.save(source, file_type)
        examine_open(source, name=b"", claimed_type=mime, sink=lambda _derivative, _data: None)
    sound = io.BytesIO()
    with wave.open(sound, "wb") as tone:
        tone.setparams((1, 2, 8000, 800, "NONE", ""))
        tone.writeframes(bytes(1600))
    examine_open(sound, name=b"", claimed_type="audio/wav", sink=lambda _derivative, _data: None)
