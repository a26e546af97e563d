"""Gaps in the file counters of cameras: DSC_0231, then DSC_0234, and what lies between.

Pure.  Names follow DCF (JEITA CP-3461): four free characters and a number from 0001 to 9999,
which starts again after 9999.  A gap proves nothing; it asks a question.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Final

COUNTER_MAX: Final = 9999
# A longer jump is another card or folder with a counter of its own, not files that are missing.
GAP_FILES_MAX: Final = 200
_DCF: Final = re.compile(r"([0-9A-Za-z_]{4})([0-9]{4})\.[0-9A-Za-z]{2,4}")
_SEPARATORS: Final = re.compile(r"[/\\]")


@dataclass(frozen=True, slots=True)
class Shot:
    """A file as its camera named it; ``day`` in the court's zone."""

    id: uuid.UUID
    camera_id: uuid.UUID
    day: date
    name: str
    case_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class Counted:
    """A name taken apart; the underscore of ``_DSC`` or ``DSC_`` tells of colours, not of files."""

    prefix: str
    number: int
    written: str  # the four free characters as they stand


@dataclass(frozen=True, slots=True)
class CounterGap:
    """Numbers that are missing between two files of one camera and day."""

    camera_id: uuid.UUID
    day: date
    before: Shot
    after: Shot
    first: str  # stems, as the camera would have written them
    last: str
    files: int


def counted(name: str) -> Counted | None:
    """The counter in a file's name; None when the name has none."""
    found = _DCF.fullmatch(_SEPARATORS.split(name)[-1])
    if found is None:
        return None
    number = int(found[2])
    if number == 0:
        return None
    return Counted(found[1].strip("_").upper(), number, found[1])


def gaps(shots: Iterable[Shot]) -> list[CounterGap]:
    """Gaps per camera, day and prefix, in that order."""
    runs: dict[tuple[str, date, str], dict[int, tuple[Shot, str]]] = {}
    for shot in shots:
        place = counted(shot.name)
        if place is not None:
            key = (str(shot.camera_id), shot.day, place.prefix)
            # Picture and raw file, or a film beside its still, share a number.
            runs.setdefault(key, {}).setdefault(place.number, (shot, place.written))
    return [gap for key in sorted(runs) for gap in _of_run(runs[key])]


def _of_run(files: dict[int, tuple[Shot, str]]) -> Iterator[CounterGap]:
    for before, after in pairwise(_around(sorted(files))):
        missing = _missing(before, after)
        if not 0 < missing <= GAP_FILES_MAX:
            continue
        shot, written = files[before]
        yield CounterGap(
            camera_id=shot.camera_id,
            day=shot.day,
            before=shot,
            after=files[after][0],
            first=f"{written}{_next(before):04d}",
            last=f"{written}{_next(before, missing):04d}",
            files=missing,
        )


def _around(numbers: Sequence[int]) -> list[int]:
    """The numbers in the order of the counter, which may have started again: 9998, 9999, 1."""
    widest, start = -1, 0
    for place, number in enumerate(numbers):
        hole = _missing(numbers[place - 1], number)
        if hole > widest:
            widest, start = hole, place
    return [*numbers[start:], *numbers[:start]]


def _missing(before: int, after: int) -> int:
    return (after - before - 1) % COUNTER_MAX


def _next(number: int, steps: int = 1) -> int:
    return (number - 1 + steps) % COUNTER_MAX + 1
