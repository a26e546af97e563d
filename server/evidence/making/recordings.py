"""A recording made anew: every frame decoded, covered where it is asked, and encoded again.

Nothing is copied from the original but decoded pixels and samples, so no tag, telemetry, subtitle,
chapter, attachment or undecoded frame comes along.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

import av
import av.container
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from server.evidence.derivatives.images import MAX_PIXELS
from server.evidence.derivatives.video import decoded
from server.evidence.making.film import Film
from server.evidence.making.output import mp4_into
from server.evidence.making.quality import Quality
from server.evidence.making.sound import Sound
from server.evidence.metadata.media import open_media, playable
from server.evidence.recipes import Marking, Recipe
from server.evidence.sandbox.products import Product


class NothingToMakeError(Exception):
    """The recording has neither a picture nor a sound that can be decoded."""


def remake(
    source: BinaryIO,
    mime: str,
    recipe: Recipe,
    output: BinaryIO,
    quality: Quality,
    marking: Marking | None = None,
) -> Product:
    """Write the recording as H.264 and AAC in MP4, covered and muted as ``recipe`` says.

    With ``marking`` its stamp lies over every picture; a sound alone cannot carry one.

    What cannot be decoded is left out; ``complete`` says whether the decoder came to the end.
    NothingToMakeError when nothing could be.
    """
    first = _first_picture(source, mime, recipe)
    with open_media(source, mime) as incoming:
        pictures, sounds = _tracks(incoming, recipe)
        chosen = [track for track in (pictures, sounds) if track is not None]
        if not chosen:
            raise NothingToMakeError("no track that can be decoded")
        origin = _origin(chosen)
        with mp4_into(output) as outgoing:
            film = (
                Film(outgoing, recipe, quality, origin, marking) if pictures is not None else None
            )
            sound = Sound(outgoing, recipe, quality.sound_bits, origin) if sounds else None
            # Both tracks must be known before the first packet is written.
            if film is not None and pictures is not None and first is not None:
                film.prepare(pictures, first)
            if sound is not None and sounds is not None:
                sound.prepare(sounds)
            complete = _pass_through(incoming, chosen, film, sound)
            for part in (film, sound):
                if part is not None:
                    part.finish()
    return _product(film, sound, complete=complete)


def _first_picture(source: BinaryIO, mime: str, recipe: Recipe) -> VideoFrame | None:
    """The size of everything follows from the first frame that can be decoded."""
    if recipe.kind == "audio":
        return None
    with open_media(source, mime) as incoming:
        pictures, _sounds = _tracks(incoming, recipe)
        for frame in [] if pictures is None else decoded(incoming, pictures):
            return frame
    raise NothingToMakeError("no picture could be decoded")


def _pass_through(
    incoming: av.container.InputContainer,
    chosen: list[VideoStream | AudioStream],
    film: Film | None,
    sound: Sound | None,
) -> bool:
    complete = True
    packets: Iterator[Any] = incoming.demux(*chosen)
    while True:
        try:
            packet = next(packets)
        except StopIteration:
            return complete
        except av.FFmpegError:
            return False
        try:
            frames = packet.decode()
        except av.FFmpegError:
            complete = False
            continue
        for frame in frames:
            if film is not None and isinstance(frame, VideoFrame):
                film.take(frame)
            elif sound is not None and isinstance(frame, AudioFrame):
                sound.take(frame)


def _tracks(
    incoming: av.container.InputContainer, recipe: Recipe
) -> tuple[VideoStream | None, AudioStream | None]:
    tracks = playable(incoming)
    sounds = next((track for track in tracks if isinstance(track, AudioStream)), None)
    if recipe.kind == "audio":
        return None, sounds
    pictures = next((track for track in tracks if isinstance(track, VideoStream)), None)
    if pictures is None:
        raise NothingToMakeError("no picture track")
    size = pictures.codec_context.width * pictures.codec_context.height
    if size > MAX_PIXELS:
        raise NothingToMakeError(f"{size} pixels in a frame are too many")
    return pictures, sounds


def _origin(chosen: list[VideoStream | AudioStream]) -> float:
    """Seconds at which a player's clock shows zero: the earliest beginning of what is played."""
    begins = [
        float(track.start_time * track.time_base)
        for track in chosen
        if track.start_time is not None and track.time_base is not None
    ]
    return min(begins, default=0.0)


def _product(film: Film | None, sound: Sound | None, *, complete: bool) -> Product:
    frames = film.frames if film is not None else 0
    if not frames and not (sound is not None and sound.samples):
        raise NothingToMakeError("nothing could be decoded")
    lengths = [film.ends_ms if film is not None else 0, sound.ends_ms if sound is not None else 0]
    return Product(
        mime="audio/mp4" if film is None else "video/mp4",
        width=film.size[0] if film is not None else 0,
        height=film.size[1] if film is not None else 0,
        duration_ms=max(lengths),
        frames=frames,
        covered=film.covered if film is not None else 0,
        complete=complete,
    )
