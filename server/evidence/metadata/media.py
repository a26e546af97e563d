"""Probing recordings with PyAV: streams, lengths, rotation, and where and when they were made.

The demuxer is chosen by the sniffed type, never by FFmpeg: its playlist formats open other
files and addresses named inside the evidence.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fractions import Fraction
from typing import BinaryIO

import av
import av.container
import av.error
import av.stream
from av.audio.stream import AudioStream
from av.video.stream import VideoStream

from server.evidence.findings import Camera, Geo, Media, Stream, Times, clean_text
from server.evidence.metadata.geo import decimal_text, geo_from_fix, geo_from_iso6709
from server.evidence.metadata.gpmf import TelemetryFix, first_fix, is_telemetry
from server.evidence.metadata.times import times_from_container, utc_text

DEMUXERS = {
    "video/mp4": "mov",
    "video/quicktime": "mov",
    "video/3gpp": "mov",
    "audio/mp4": "mov",
    "video/webm": "matroska",
    "video/x-matroska": "matroska",
    "video/x-msvideo": "avi",
    "video/mp2t": "mpegts",
    "video/mpeg": "mpeg",
    "video/x-flv": "flv",
    "video/x-ms-wmv": "asf",
    "audio/mpeg": "mp3",
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/ogg": "ogg",
    "video/ogg": "ogg",
    "audio/flac": "flac",
    "audio/aac": "aac",
    "audio/amr": "amr",
    "audio/x-aiff": "aiff",
}
_BUFFER_BYTES = 1 << 20
_MAX_STREAMS = 32
_MAX_TAGS = 64
_MAX_DURATION_MS = 366 * 24 * 3600 * 1000
_ROTATION_PACKETS = 200
_TELEMETRY_PACKETS = 60
_PACKETS_SEEN = 20_000

_LOCATION_TAGS = ("com.apple.quicktime.location.ISO6709", "location", "location-eng")
_ACCURACY_TAG = "com.apple.quicktime.location.accuracy.horizontal"
_ZONED_TAGS = ("com.apple.quicktime.creationdate",)


class MediaRefusedError(Exception):
    """A recording of a type that is not opened here."""


@dataclass(frozen=True, slots=True)
class Probe:
    """What a recording says about itself."""

    media: Media
    geo: Geo
    times: Times
    camera: Camera


@contextmanager
def open_media(source: BinaryIO, mime: str) -> Iterator[av.container.InputContainer]:
    """Open a recording of the sniffed type `mime`. MediaRefusedError, or PyAV's own errors."""
    demuxer = DEMUXERS.get(mime)
    if demuxer is None:
        raise MediaRefusedError(f"no demuxer for {mime}")
    source.seek(0)
    container = av.open(
        source,
        mode="r",
        format=demuxer,
        metadata_errors="replace",
        buffer_size=_BUFFER_BYTES,
        options={"protocol_whitelist": "", "enable_drefs": "0"},
    )
    try:
        for stream in playable(container):
            # One core per examination; the sandbox allows few threads anyway.
            stream.codec_context.thread_count = 1
        yield container
    finally:
        container.close()


def playable(container: av.container.InputContainer) -> list[VideoStream | AudioStream]:
    """The picture and sound tracks that a decoder is known for."""
    # A track of an unknown codec has no context, whatever the annotation says.
    return [
        stream
        for stream in container.streams
        if isinstance(stream, VideoStream | AudioStream)
        and getattr(stream, "codec_context", None) is not None
    ]


def probe(source: BinaryIO, mime: str) -> Probe:
    """Read the container's headers, the first picture's rotation and the first satellite fix."""
    with open_media(source, mime) as container:
        rotation = _rotation(container)
    with open_media(source, mime) as container:
        tags = _tags(container)
        fix, has_telemetry = _telemetry(container)
        media = _media(container, tags, rotation, has_telemetry=has_telemetry)
    return Probe(media, _geo(tags, fix), _times(tags, fix), _camera(tags))


def duration_ms(container: av.container.InputContainer) -> int | None:
    """The container's length, where it says one that can be true."""
    value = container.duration
    return None if value is None else _sane_ms(Fraction(value, av.time_base))


def _media(
    container: av.container.InputContainer,
    tags: Mapping[str, str],
    rotation: int,
    *,
    has_telemetry: bool,
) -> Media:
    streams = tuple(_stream(stream) for stream in list(container.streams)[:_MAX_STREAMS])
    video = next((s for s in streams if s.kind == "video" and s.codec), None)
    audio = next((s for s in streams if s.kind == "audio" and s.codec), None)
    (width, height) = (video.width, video.height) if video else (0, 0)
    if rotation % 180:
        (width, height) = (height, width)
    return Media(
        container=clean_text(container.format.name, 64),
        duration_ms=duration_ms(container),
        streams=streams,
        width=width,
        height=height,
        rotation_degrees=rotation,
        frames_per_second=video.frames_per_second if video else "",
        video_codec=video.codec if video else "",
        audio_codec=audio.codec if audio else "",
        has_telemetry=has_telemetry,
        tags=tags,
    )


def _stream(stream: av.stream.Stream) -> Stream:
    length = None
    if stream.duration is not None and stream.time_base is not None:
        length = _sane_ms(stream.duration * stream.time_base)
    context = getattr(stream, "codec_context", None)
    found = Stream(
        index=stream.index,
        kind=clean_text(stream.type, 16),
        codec=clean_text(context.name, 32) if context is not None else "",
        duration_ms=length,
        handler=clean_text(stream.metadata.get("handler_name", ""), 64),
    )
    if context is None:
        return found
    if isinstance(stream, VideoStream):
        rate = stream.average_rate
        return replace(
            found,
            width=stream.codec_context.width,
            height=stream.codec_context.height,
            frames_per_second=decimal_text(Fraction(rate), 3) if rate else "",
        )
    if isinstance(stream, AudioStream):
        return replace(
            found,
            sample_rate_hz=stream.codec_context.sample_rate or 0,
            channels=stream.codec_context.layout.nb_channels,
        )
    return found


def _sane_ms(seconds: Fraction) -> int | None:
    length = round(seconds * 1000)
    return length if 0 < length <= _MAX_DURATION_MS else None


def _rotation(container: av.container.InputContainer) -> int:
    """Degrees clockwise by which the first picture must be turned to stand upright."""
    stream = next((s for s in playable(container) if isinstance(s, VideoStream)), None)
    if stream is None:
        return 0
    # A cut or foreign stream has no picture; that is for the poster stage to report.
    with suppress(av.error.FFmpegError):
        for count, packet in enumerate(container.demux(stream)):
            for frame in packet.decode():
                return -frame.rotation % 360
            if count >= _ROTATION_PACKETS:
                break
    return 0


def _telemetry(container: av.container.InputContainer) -> tuple[TelemetryFix | None, bool]:
    """The first fix in a telemetry track, and whether there is such a track."""
    tracks = list(container.streams.data)
    if not tracks:
        return None, False
    (seen, found) = (0, False)
    with suppress(av.error.FFmpegError):
        for count, packet in enumerate(container.demux(tracks)):
            data = bytes(packet)
            if is_telemetry(data):
                (seen, found) = (seen + 1, True)
                fix = first_fix(data)
                if fix is not None:
                    return fix, True
            if seen >= _TELEMETRY_PACKETS or count >= _PACKETS_SEEN:
                break
    return None, found


def _tags(container: av.container.InputContainer) -> dict[str, str]:
    pairs = list(container.metadata.items())[:_MAX_TAGS]
    return {clean_text(key, 64): clean_text(value) for key, value in pairs}


def _first(tags: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((tags[name] for name in names if tags.get(name)), "")


def _geo(tags: Mapping[str, str], fix: TelemetryFix | None) -> Geo:
    text = _first(tags, _LOCATION_TAGS)
    if text:
        return geo_from_iso6709(text, tags.get(_ACCURACY_TAG), "container")
    if fix is None:
        return Geo(reason="no-gps-tags")
    return geo_from_fix(fix)


def _times(tags: Mapping[str, str], fix: TelemetryFix | None) -> Times:
    times = times_from_container(tags.get("creation_time", ""), _first(tags, _ZONED_TAGS))
    if fix is None or fix.utc is None:
        return times
    difference = None
    if times.captured is not None and times.captured.utc is not None:
        claimed = datetime.fromisoformat(times.captured.utc)
        difference = (claimed - fix.utc) // timedelta(milliseconds=1)
    return replace(times, gps_utc=utc_text(fix.utc), gps_difference_ms=difference)


def _camera(tags: Mapping[str, str]) -> Camera:
    return Camera(
        make=_first(tags, ("com.apple.quicktime.make", "make", "com.android.manufacturer")),
        model=_first(tags, ("com.apple.quicktime.model", "model", "com.android.model")),
        software=_first(tags, ("com.apple.quicktime.software", "firmware", "encoder")),
    )
