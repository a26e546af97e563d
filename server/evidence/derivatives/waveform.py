"""Waveform peaks of the sound in a recording: a fixed number of buckets, whatever its length."""

import json
from array import array
from collections.abc import Iterator

import av
import av.container
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler

from server.evidence.derivatives.made import Made, made

BUCKETS = 1000
_RATE_HZ = 8000
_BLOCK_SAMPLES = 80  # 10 ms
# 48 hours: longer than any battery; the array below stays under 35 MB.
_MAX_BLOCKS = 48 * 3600 * 100
_FULL_SCALE = 32768
_QUIET = _FULL_SCALE // 100
_QUIET_BLOCKS_MIN = 100
_SILENCES_MAX = 1000
_BLOCK_MS = 10


class NoSoundError(Exception):
    """The recording has no sound that can be decoded."""


def waveform(container: av.container.InputContainer) -> Made:
    """`peaks`: JSON with the loudest sample of each bucket, 0 to 1000, and the length in ms.

    `silences_ms` lists `[from, to]` of what stays below 1 % for a second or more.

    Sound that ends early (a cut file) gives the peaks of what there is. NoSoundError without any.
    """
    (blocks, complete) = _blocks(container)
    if not blocks:
        raise NoSoundError("no sound could be decoded")
    duration_ms = len(blocks) * 1000 * _BLOCK_SAMPLES // _RATE_HZ
    body = {
        "version": 1,
        "duration_ms": duration_ms,
        "buckets": BUCKETS,
        "peaks": _bucketed(blocks),
        "complete": complete,
        "silences_ms": _silences(blocks),
    }
    data = json.dumps(body, separators=(",", ":")).encode()
    detail = {"buckets": BUCKETS, "duration_ms": duration_ms, "complete": complete}
    return made("peaks", "peaks.json", "application/json", data, detail=detail)


def _blocks(container: av.container.InputContainer) -> tuple["array[int]", bool]:
    """The peak of every 10 ms, and whether the decoder came to the end without complaint."""
    peaks: array[int] = array("H")
    rest = np.zeros(0, dtype=np.int16)
    complete = True
    try:
        for samples in _samples(container):
            rest = np.concatenate((rest, samples))
            whole = len(rest) // _BLOCK_SAMPLES * _BLOCK_SAMPLES
            peaks.extend(_peaks(rest[:whole].reshape(-1, _BLOCK_SAMPLES)))
            rest = rest[whole:]
            if len(peaks) >= _MAX_BLOCKS:
                complete = False
                break
    except av.FFmpegError:
        complete = False
    if len(rest):
        peaks.extend(_peaks(rest.reshape(1, -1)))
    return peaks, complete


def _samples(
    container: av.container.InputContainer,
) -> "Iterator[np.ndarray[tuple[int], np.dtype[np.int16]]]":
    tracks = container.streams.audio
    stream = next((track for track in tracks if getattr(track, "codec_context", None)), None)
    if stream is None:
        raise NoSoundError("no sound track")
    resampler, shape = _resampler(), None
    for frame in container.decode(stream):
        found = (frame.format.name, frame.layout.name, frame.sample_rate)
        if shape not in {None, found}:
            # Some recorders change their format within a recording; a resampler takes only one.
            yield from map(_mono, resampler.resample(None))
            resampler = _resampler()
        shape = found
        yield from map(_mono, resampler.resample(frame))
    yield from map(_mono, resampler.resample(None))


def _resampler() -> AudioResampler:
    return AudioResampler(format="s16", layout="mono", rate=_RATE_HZ)


def _mono(frame: AudioFrame) -> "np.ndarray[tuple[int], np.dtype[np.int16]]":
    return frame.to_ndarray().reshape(-1).astype(np.int16, copy=False)


def _peaks(rows: "np.ndarray[tuple[int, int], np.dtype[np.int16]]") -> list[int]:
    if not rows.size:
        return []
    found: list[int] = np.abs(rows.astype(np.int32)).max(axis=1).tolist()
    return found


def _bucketed(blocks: "array[int]") -> list[int]:
    """Always BUCKETS numbers: short sounds repeat a block, long ones keep the loudest."""
    count = len(blocks)
    result = []
    for i in range(BUCKETS):
        start = i * count // BUCKETS
        end = max(start + 1, (i + 1) * count // BUCKETS)
        result.append(max(blocks[start:end]) * 1000 // _FULL_SCALE)
    return result


def _silences(blocks: "array[int]") -> list[list[int]]:
    """Where nothing is heard, as pairs of ms; at most a thousand."""
    found: list[list[int]] = []
    start = 0
    for at, peak in enumerate([*blocks, _FULL_SCALE]):
        if peak < _QUIET:
            continue
        if at - start >= _QUIET_BLOCKS_MIN:
            found.append([start * _BLOCK_MS, at * _BLOCK_MS])
        start = at + 1
    return found[:_SILENCES_MAX]
