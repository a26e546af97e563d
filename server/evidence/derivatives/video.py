"""Pictures from a recording: a poster, a sprite sheet for scrubbing, and time codes shown to it.

`seek` lands on the keyframe before the wanted time, so frames are decoded forward from there; in
transport streams, which have no index, it may land behind it. Every function here expects a
container that was just opened: the start is where it stands, not somewhere to seek to.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import av
import av.container
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image

from server.evidence.derivatives.images import MAX_PIXELS
from server.evidence.derivatives.made import Made, made, webp
from server.evidence.derivatives.thumbnails import THUMB_PX, scaled
from server.evidence.derivatives.timeqr import time_codes
from server.evidence.findings import Scalar, TimeQr

POSTER_PX = 1280
TILE_PX = (160, 90)
COLUMNS = 5
TILES = 25
# Longer recordings get a tile every two seconds, up to this many, ten in a row.
TILES_MAX = 100
_TILE_EVERY_MS = 2_000
_COLUMNS_MAX = 10
_POSTER_AT_MS = 1000
_FORWARD_FRAMES = 600
_NEAR_START_MS = 2000
_STEPS_BACK_MS = (0, 5_000, 30_000)
# Below this many decoded pixels a recording is read once through, frame by frame; above, only
# keyframes are decoded. About ten seconds of one core.
_EXACT_PIXELS = 2_000_000_000
_QR_SPAN_MS = 10_000
_QR_STEP_MS = 500


class NoPictureError(Exception):
    """No picture could be decoded."""


@dataclass(frozen=True, slots=True)
class Shot:
    """One decoded frame, upright, and its time from the start of the recording."""

    picture: Image.Image
    at_ms: int


def poster(container: av.container.InputContainer, duration_ms: int | None) -> list[Made]:
    """`poster` and `thumb`: the frame at 1 s, or at a tenth of a shorter recording."""
    at_ms = min(_POSTER_AT_MS, (duration_ms or 0) // 10)
    shot = frame_at(container, at_ms)
    return [
        webp("poster", scaled(shot.picture, POSTER_PX), detail={"at_ms": shot.at_ms}),
        webp("thumb", scaled(shot.picture, THUMB_PX), detail={"at_ms": shot.at_ms}),
    ]


def sprite(container: av.container.InputContainer, duration_ms: int) -> list[Made]:
    """`sprite`: 25 to 100 tiles at equal distances, and `sprite-index`: what each one shows.

    The index is JSON with the measures of the sheet and `times_ms`, one for each tile.
    """
    count = min(TILES_MAX, max(TILES, duration_ms // _TILE_EVERY_MS))
    columns = COLUMNS if count == TILES else _COLUMNS_MAX
    sheet = Image.new("RGB", (TILE_PX[0] * columns, TILE_PX[1] * -(-count // columns)))
    times: list[int] = []
    for shot in shots_along(container, duration_ms, count):
        tile = scaled(shot.picture, TILE_PX[0])
        tile.thumbnail(TILE_PX)
        (column, row) = (len(times) % columns, len(times) // columns)
        left = column * TILE_PX[0] + (TILE_PX[0] - tile.width) // 2
        top = row * TILE_PX[1] + (TILE_PX[1] - tile.height) // 2
        sheet.paste(tile, (left, top))
        times.append(shot.at_ms)
    if not times:
        raise NoPictureError("no picture for a tile")
    detail: dict[str, Scalar] = {
        "columns": columns,
        "tile_width": TILE_PX[0],
        "tile_height": TILE_PX[1],
        "tiles": len(times),
        "times_ms": ",".join(map(str, times)),
    }
    rows = -(-count // columns)
    index = {**detail, "version": 1, "rows": rows, "duration_ms": duration_ms, "times_ms": times}
    data = json.dumps(index, separators=(",", ":")).encode()
    return [
        webp("sprite", sheet, detail=detail),
        made("sprite-index", "sprite-index.json", "application/json", data),
    ]


def shots_along(
    container: av.container.InputContainer, duration_ms: int, count: int
) -> Iterator[Shot]:
    """Frames at so many equal distances, upright; keyframes only where decoding all is dear."""
    stream = _picture_stream(container)
    wanted = [duration_ms * i // count for i in range(count)]
    shots = _once_through if _is_short(stream, duration_ms) else _keyframes
    yield from shots(container, stream, wanted)


def shown_time_codes(container: av.container.InputContainer) -> list[TimeQr]:
    """Time codes seen in the first ten seconds, looked for twice a second, each text once."""
    stream = _picture_stream(container)
    found: dict[str, int] = {}
    for shot in _once_through(container, stream, list(range(0, _QR_SPAN_MS, _QR_STEP_MS))):
        for text in time_codes(shot.picture):
            found.setdefault(text, shot.at_ms)
    return [TimeQr(text, at_ms) for text, at_ms in found.items()]


def frame_at(container: av.container.InputContainer, at_ms: int) -> Shot:
    """The first frame at or after this time; the last one before it if the recording ends."""
    stream = _picture_stream(container)
    last: VideoFrame | None = None
    for count, frame in enumerate(_frames_before(container, stream, at_ms)):
        last = frame
        if _at_ms(frame, stream) >= at_ms or count >= _FORWARD_FRAMES:
            break
    if last is None:
        raise NoPictureError("no picture could be decoded")
    return _shot(last, stream)


def _frames_before(
    container: av.container.InputContainer,
    stream: VideoStream,
    at_ms: int,
) -> Iterator[VideoFrame]:
    """Frames from a keyframe at or before this time, as far as one can be found."""
    if at_ms <= _NEAR_START_MS:
        yield from decoded(container, stream)
        return
    for back_ms in _STEPS_BACK_MS:
        _seek(container, stream, max(0, at_ms - back_ms))
        frames = decoded(container, stream)
        first = next(frames, None)
        if first is not None and (_at_ms(first, stream) <= at_ms or back_ms == _STEPS_BACK_MS[-1]):
            yield first
            yield from frames
            return


def _once_through(
    container: av.container.InputContainer,
    stream: VideoStream,
    wanted_ms: list[int],
) -> Iterator[Shot]:
    """Decode from the start; one shot for each wanted time that the recording reaches."""
    pending = list(wanted_ms)
    for frame in decoded(container, stream):
        at_ms = _at_ms(frame, stream)
        if not pending:
            return
        if at_ms < pending[0]:
            continue
        shot = _shot(frame, stream)
        while pending and at_ms >= pending[0]:
            pending.pop(0)
            yield shot


def _keyframes(
    container: av.container.InputContainer,
    stream: VideoStream,
    wanted_ms: list[int],
) -> Iterator[Shot]:
    """The keyframe at or before each wanted time."""
    stream.codec_context.skip_frame = "NONKEY"
    for at_ms in wanted_ms:
        _seek(container, stream, at_ms)
        frame = next(decoded(container, stream), None)
        if frame is not None:
            yield _shot(frame, stream)


def decoded(
    container: av.container.InputContainer,
    stream: VideoStream,
) -> Iterator[VideoFrame]:
    """Decoded frames until the end, or until the data is no longer decodable (a cut file)."""
    try:
        for packet in container.demux(stream):
            try:
                yield from packet.decode()
            except av.InvalidDataError:
                continue
    except av.FFmpegError:
        return


def _picture_stream(container: av.container.InputContainer) -> VideoStream:
    tracks = container.streams.video
    stream = next((track for track in tracks if getattr(track, "codec_context", None)), None)
    if stream is None:
        raise NoPictureError("no picture track")
    context = stream.codec_context
    if context.width * context.height > MAX_PIXELS:
        raise NoPictureError(f"{context.width}x{context.height} is too large")
    return stream


def _is_short(stream: VideoStream, duration_ms: int) -> bool:
    rate = stream.average_rate or Fraction(30)
    frames = max(Fraction(stream.frames), duration_ms * rate / 1000)
    pixels = stream.codec_context.width * stream.codec_context.height
    return frames * pixels <= _EXACT_PIXELS


def _seek(container: av.container.InputContainer, stream: VideoStream, at_ms: int) -> None:
    base = stream.time_base
    if base is None:
        return
    offset = (stream.start_time or 0) + int(Fraction(at_ms, 1000) / base)
    # Streams that can't seek (a pipe-like recording) are read on from where they are.
    try:
        container.seek(offset, stream=stream, backward=True, any_frame=False)
    except av.FFmpegError:
        return


def _at_ms(frame: VideoFrame, stream: VideoStream) -> int:
    if frame.pts is None or frame.time_base is None:
        return 0
    return max(0, int((frame.pts - (stream.start_time or 0)) * frame.time_base * 1000))


def _shot(frame: VideoFrame, stream: VideoStream) -> Shot:
    rgb = frame.reformat(format="rgb24", threads=1)
    picture: Image.Image = rgb.to_image()  # type: ignore[no-untyped-call]
    if frame.rotation % 360:
        # The frame's rotation counts against the clock, as Pillow's does.
        picture = picture.rotate(frame.rotation, expand=True)
    return Shot(picture, _at_ms(frame, stream))
