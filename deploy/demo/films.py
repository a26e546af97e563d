"""Recordings of any length, quickly made: one picture a second, small, still.

Pictures and sound are encoded once; each file is a piece of them in a container of its own, whose
metadata make its bytes different from every other's.  Everything shown is invented (虚构).
"""

from __future__ import annotations

import functools
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from deploy.demo.media import scene

_SIZE_PX = (64, 48)
_RATE_HZ = 8_000
_AAC_FRAME = 1_024
_GOP = 600


def recording(path: Path, seconds: int, begins_at: datetime, title: str) -> Path:
    """A film (.mp4) or a sound (.m4a) that its recorder began at this time by its own clock."""
    film = path.suffix == ".mp4"
    pieces = _pictures() if film else _sounds()
    with av.open(str(path), "w", options={"movflags": "use_metadata_tags"}) as out:
        out.metadata["creation_time"] = begins_at.astimezone(UTC).isoformat()
        out.metadata["title"] = title
        if film:
            _write_pictures(out, pieces, seconds)
        else:
            _write_sounds(out, pieces, seconds)
    return path


@functools.cache
def _pictures() -> tuple[tuple[bytes, bool], ...]:
    """Encoded pictures of one group; a film repeats it."""
    codec: Any = av.CodecContext.create("libx264", "w")
    codec.width, codec.height = _SIZE_PX
    codec.pix_fmt, codec.time_base, codec.framerate = "yuv420p", Fraction(1, 1), Fraction(1, 1)
    codec.thread_count, codec.gop_size, codec.max_b_frames = 1, _GOP, 0
    codec.options = {"preset": "ultrafast", "crf": "40", "x264-params": "repeat-headers=1"}
    still = av.VideoFrame.from_image(scene(3, _SIZE_PX))  # type: ignore[no-untyped-call]
    packets: list[Any] = []
    for second in range(_GOP):
        still.pts = second
        packets += codec.encode(still)
    packets += codec.encode(None)
    return tuple((bytes(packet), packet.is_keyframe) for packet in packets)


@functools.cache
def _sounds() -> tuple[tuple[bytes, bool], ...]:
    """Encoded silence: a few packets, of which the last is repeated."""
    codec: Any = av.CodecContext.create("aac", "w")
    codec.sample_rate, codec.layout, codec.format = _RATE_HZ, "mono", "fltp"
    codec.time_base = Fraction(1, _RATE_HZ)
    packets: list[Any] = []
    for number in range(12):
        silence = np.zeros((1, _AAC_FRAME), dtype=np.float32)
        frame: Any = av.AudioFrame.from_ndarray(silence, format="fltp", layout="mono")
        frame.sample_rate, frame.pts = _RATE_HZ, number * _AAC_FRAME
        packets += codec.encode(frame)
    return tuple((bytes(packet), True) for packet in packets)


def _write_pictures(out: Any, pieces: tuple[tuple[bytes, bool], ...], seconds: int) -> None:
    stream = out.add_stream("libx264", rate=1)
    (stream.width, stream.height) = _SIZE_PX
    stream.pix_fmt = "yuv420p"
    for second in range(seconds):
        data, key = pieces[second % len(pieces)]
        _mux(out, stream, data, second, 1, Fraction(1, 1), key=key)


def _write_sounds(out: Any, pieces: tuple[tuple[bytes, bool], ...], seconds: int) -> None:
    stream = out.add_stream("aac", rate=_RATE_HZ)
    stream.layout = "mono"
    for number in range(-(-seconds * _RATE_HZ // _AAC_FRAME)):
        data, _ = pieces[min(number, len(pieces) - 1)]
        _mux(out, stream, data, number * _AAC_FRAME, _AAC_FRAME, Fraction(1, _RATE_HZ), key=True)


def _mux(
    out: Any, stream: Any, data: bytes, pts: int, length: int, base: Fraction, *, key: bool
) -> None:
    packet: Any = av.Packet(data)
    packet.stream, packet.time_base = stream, base
    packet.pts = packet.dts = pts
    packet.duration, packet.is_keyframe = length, key
    out.mux(packet)
