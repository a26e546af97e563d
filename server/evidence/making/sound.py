"""The sound of a recording made anew: muted stretches are zeros before anything is encoded."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
import av.container
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from numpy.typing import NDArray

from server.evidence.recipes import Recipe

_RATES_HZ = frozenset({8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000})
_OTHER_HZ = 48_000
_EDGE_MS = 10  # a resampler smears a little beyond a moment
_GAP_MS = 100
_GAPS_MS_MAX = 600_000


@dataclass(slots=True)
class Sound:
    """Takes decoded frames and writes them, silence where the recipe says so."""

    out: av.container.OutputContainer
    recipe: Recipe
    bits: int
    origin_seconds: float
    samples: int = 0
    _track: Any = None
    _rate: int = 0
    _layout: str = "mono"
    _resampler: AudioResampler | None = None
    _shape: tuple[str, str, int] | None = None
    _filled_ms: float = 0.0
    _drift_ms: float = 0.0

    @property
    def ends_ms(self) -> int:
        """Length so far."""
        return self.samples * 1000 // self._rate if self._rate else 0

    def prepare(self, track: AudioStream) -> None:
        """Add the track."""
        context = track.codec_context
        rate = context.sample_rate or 0
        self._rate = rate if rate in _RATES_HZ else _OTHER_HZ
        self._layout = "stereo" if context.layout.nb_channels > 1 else "mono"
        self._track = self.out.add_stream("aac", rate=self._rate, layout=self._layout)
        self._track.codec_context.thread_count = 1
        self._track.codec_context.bit_rate = self.bits

    def take(self, frame: AudioFrame) -> None:
        """One decoded frame; a gap before it becomes silence, so that it stays in its place."""
        shape = (frame.format.name, frame.layout.name, frame.sample_rate)
        if self._resampler is None or shape != self._shape:
            self._flush()
            self._resampler = AudioResampler(format="fltp", layout=self._layout, rate=self._rate)
            self._shape = shape
        self._keep_time(frame)
        for piece in self._resampler.resample(frame):
            self._write(piece.to_ndarray())

    def finish(self) -> None:
        """What the resampler and the encoder still hold."""
        self._flush()
        if self.samples:
            self.out.mux(self._track.encode(None))

    def _flush(self) -> None:
        if self._resampler is not None:
            for piece in self._resampler.resample(None):
                self._write(piece.to_ndarray())

    def _keep_time(self, frame: AudioFrame) -> None:
        if frame.pts is None or frame.time_base is None:
            return
        said_ms = (float(frame.pts * frame.time_base) - self.origin_seconds) * 1000
        self._drift_ms = said_ms - self.samples * 1000 / self._rate
        missing_ms = min(self._drift_ms, _GAPS_MS_MAX - self._filled_ms)
        if missing_ms > _GAP_MS:
            channels = 2 if self._layout == "stereo" else 1
            for start in range(0, int(missing_ms), 1000):
                length = round(min(1000.0, missing_ms - start) * self._rate / 1000)
                self._write(np.zeros((channels, length), dtype=np.float32))
            self._filled_ms += missing_ms
            self._drift_ms -= missing_ms

    def _write(self, samples: NDArray[Any]) -> None:
        count = samples.shape[1]
        if not count:
            return
        quiet = np.array(samples, dtype=np.float32)
        for start, end in self._muted(count):
            quiet[:, start:end] = 0.0
        frame = AudioFrame.from_ndarray(quiet, format="fltp", layout=self._layout)
        (frame.pts, frame.sample_rate) = (self.samples, self._rate)
        frame.time_base = Fraction(1, self._rate)
        self.out.mux(self._track.encode(frame))
        self.samples += count

    def _muted(self, count: int) -> list[tuple[int, int]]:
        """Stretches of the next samples to silence.

        Where the original's clock and the samples written disagree, both readings are muted.
        """
        found = []
        drifts = {0.0, self._drift_ms} if abs(self._drift_ms) > _EDGE_MS else {0.0}
        for drift in drifts:
            for mute in self.recipe.mutes:
                begins = (mute.from_ms - _EDGE_MS - drift) * self._rate / 1000 - self.samples
                ends = (mute.to_ms + _EDGE_MS - drift) * self._rate / 1000 - self.samples
                (start, end) = (max(0, int(begins)), min(count, int(ends) + 1))
                if start < end:
                    found.append((start, end))
        return found
