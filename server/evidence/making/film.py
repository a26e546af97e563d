"""The pictures of a recording made anew: upright, at most so large, covered where it is asked."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
import av.container
import numpy as np
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from server.evidence.making.covering import Pixels, cover_planes
from server.evidence.making.quality import Quality
from server.evidence.making.veil import Veil
from server.evidence.recipes import Marking, Recipe

_BASE = Fraction(1, 90_000)
_FOREVER = float("inf")
_KEY_FRAMES = 100
_LAST_MS = 40
_PLANES = 3


@dataclass(slots=True)
class _Shown:
    at_ms: float
    planes: tuple[Pixels, Pixels, Pixels]


@dataclass(slots=True)
class Film:
    """Takes decoded frames in the order they are shown and writes them.

    A frame is held back until the next one tells how long it is shown: a box covers it when it
    covers any moment of that.
    """

    out: av.container.OutputContainer
    recipe: Recipe
    quality: Quality
    origin_seconds: float
    marking: Marking | None = None
    frames: int = 0
    covered: int = 0
    ends_ms: int = 0
    size: tuple[int, int] = (0, 0)
    _track: Any = None
    _waiting: _Shown | None = None
    _last_pts: int = -1
    _veil: Veil | None = None

    def prepare(self, track: VideoStream, first: VideoFrame) -> None:
        """Add the track, as large as the first frame is when it stands upright."""
        rate = track.average_rate or Fraction(25)
        self._track = self.out.add_stream("libx264", rate=min(rate, Fraction(120)))
        self._track.pix_fmt = "yuv420p"
        self._track.codec_context.thread_count = 1
        self._track.codec_context.gop_size = _KEY_FRAMES
        self._track.codec_context.time_base = _BASE
        self._track.options = {"preset": "veryfast", "crf": str(self.quality.rate_factor)}
        self.size = _upright_size(first, self.quality.side_px)
        turned = self.recipe.turn % 180 != 0
        (self._track.width, self._track.height) = self.size[::-1] if turned else self.size

    def take(self, frame: VideoFrame) -> None:
        """One decoded frame."""
        at_ms = self._at_ms(frame)
        if self._waiting is not None:
            if at_ms <= self._waiting.at_ms:
                return
            self._write(self._waiting, at_ms)
        self._waiting = _Shown(at_ms, self._upright(frame))

    def finish(self) -> None:
        """The last frame is shown to the end."""
        if self._waiting is not None:
            self._write(self._waiting, _FOREVER)
            self._waiting = None
        if self.frames:
            self.out.mux(self._track.encode(None))

    def _at_ms(self, frame: VideoFrame) -> float:
        if frame.pts is None or frame.time_base is None:
            return self._waiting.at_ms + _LAST_MS if self._waiting is not None else 0.0
        return max(0.0, (float(frame.pts * frame.time_base) - self.origin_seconds) * 1000)

    def _upright(self, frame: VideoFrame) -> tuple[Pixels, Pixels, Pixels]:
        turns = round(frame.rotation / 90) % 4
        (width, height) = self.size if turns % 2 == 0 else (self.size[1], self.size[0])
        small = frame.reformat(
            width=width, height=height, format="yuv420p", dst_color_range="MPEG", threads=1
        )
        flat: Any = small.to_ndarray()
        luma = flat[:height]
        rest = flat[height:].reshape(2, height // 2, width // 2)
        # Frame and Pillow both count the turn against the clock, and so does numpy.
        turned = [np.ascontiguousarray(np.rot90(plane, turns)) for plane in (luma, *rest)]
        return turned[0], turned[1], turned[2]

    def _write(self, shown: _Shown, until_ms: float) -> None:
        boxes = self.recipe.boxes_at(shown.at_ms, until_ms)
        if boxes:
            cover_planes(shown.planes, boxes)
            self.covered += 1
        turns = -self.recipe.turn // 90 % 4
        planes = [np.ascontiguousarray(np.rot90(plane, turns)) for plane in shown.planes]
        (height, width) = planes[0].shape
        if self.marking is not None:
            self._veil = self._veil or Veil(self.marking, width, height)
            self._veil.cover(planes[0])
        flat = np.concatenate([plane.reshape(-1) for plane in planes])
        frame = VideoFrame.from_ndarray(
            flat.reshape(height * _PLANES // 2, width), format="yuv420p"
        )
        pts = max(self._last_pts + 1, round(shown.at_ms * _BASE.denominator / 1000))
        (frame.pts, frame.time_base, self._last_pts) = (pts, _BASE, pts)
        self.out.mux(self._track.encode(frame))
        self.frames += 1
        ends = shown.at_ms + _LAST_MS if until_ms == _FOREVER else until_ms
        self.ends_ms = round(ends)


def _upright_size(frame: VideoFrame, side_px: int) -> tuple[int, int]:
    """Of square pixels, upright, even, no larger than asked."""
    ratio = getattr(frame, "sample_aspect_ratio", None) or Fraction(1)
    ratio = ratio if Fraction(1, 4) <= ratio <= Fraction(4) else Fraction(1)
    (width, height) = (frame.width * ratio, Fraction(frame.height))
    if round(frame.rotation / 90) % 2:
        (width, height) = (height, width)
    scale = min(Fraction(1), side_px / max(width, height))
    return _even(width * scale), _even(height * scale)


def _even(side_px: Fraction) -> int:
    return max(2, int(side_px) // 2 * 2)
