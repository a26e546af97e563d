"""What a person decided to cover or mute; the sandbox carries it out.

Places are fractions of the picture as it is shown, upright, in 100,000ths; times are milliseconds
from the beginning.  Nothing here knows a database or a web framework: the sandbox imports it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from server.evidence.codec import dump, load

WHOLE: Final = 100_000
BOXES_MAX: Final = 100
MUTES_MAX: Final = 100
FORMAT_VERSION: Final = 1
REDACT: Final = "redact"
PREVIEW: Final = "preview"
FACES: Final = "faces"
MARK: Final = "mark"


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle to cover: ``how`` is ``fill`` or ``blur``.

    Its times bound it in a film; without them it covers from the beginning, or to the end.
    """

    x: int
    y: int
    w: int
    h: int
    how: str
    from_ms: int | None = None
    to_ms: int | None = None

    def touches(self, start_ms: float, end_ms: float) -> bool:
        """Whether it covers any moment of a frame that is shown for this long."""
        begins = self.from_ms is None or end_ms > self.from_ms
        return begins and (self.to_ms is None or start_ms < self.to_ms)

    def pixels(self, width: int, height: int) -> tuple[int, int, int, int]:
        """Left, top, right, bottom in a picture of this size, rounded outwards to even pixels."""
        left, top = self.x * width // WHOLE, self.y * height // WHOLE
        right = -(-(self.x + self.w) * width // WHOLE)
        bottom = -(-(self.y + self.h) * height // WHOLE)
        return (
            max(0, left - left % 2),
            max(0, top - top % 2),
            min(width, right + right % 2),
            min(height, bottom + bottom % 2),
        )


@dataclass(frozen=True, slots=True)
class Mute:
    """A stretch of sound to silence."""

    from_ms: int
    to_ms: int


@dataclass(frozen=True, slots=True)
class Recipe:
    """What to make of an original: ``kind`` is ``photo``, ``video`` or ``audio``.

    ``turn`` are degrees clockwise, a multiple of 90, by which the result is turned afterwards.
    """

    what: str
    kind: str
    boxes: tuple[Box, ...] = ()
    mutes: tuple[Mute, ...] = ()
    turn: int = 0
    v: int = FORMAT_VERSION

    def value(self) -> dict[str, Any]:
        """As JSON of strings, whole numbers and nulls."""
        found = dump(self)
        if not isinstance(found, dict):  # a dataclass always is
            raise TypeError(type(found).__name__)
        return found

    def to_json(self) -> str:
        """One line for the sandbox."""
        return json.dumps(self.value(), separators=(",", ":"))

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> Recipe:
        """The inverse of :meth:`value`; CodecError when it is not one."""
        return load(cls, dict(value))

    def boxes_at(self, start_ms: float, end_ms: float) -> list[Box]:
        """Boxes that cover a frame shown from here to there."""
        return [box for box in self.boxes if box.touches(start_ms, end_ms)]


@dataclass(frozen=True, slots=True)
class Marking:
    """A film made anew with a stamp in rows over every picture, at most 1280 px.

    The stamp was drawn outside, where the fonts are: ``dots`` are its pixels by rows, a byte each
    (0 nothing, 1 light, 2 dark), packed by zlib and written in base64.
    """

    kind: str
    width: int
    height: int
    dots: str
    what: str = MARK

    def to_json(self) -> str:
        """One line for the sandbox."""
        return json.dumps(dump(self), separators=(",", ":"))

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> Marking:
        """What :meth:`to_json` wrote; CodecError when it is not one."""
        return load(cls, dict(value))
