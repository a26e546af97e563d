"""What a worker says of the file that it made."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Product:
    """What was made: its type and measures, lengths of time in ms.

    ``complete`` is false when the original could not be read to its end.  ``problem`` is a stable
    code when nothing was made.  ``covered`` counts the frames that something was put over.
    ``text`` is a result that is no file.
    """

    mime: str = ""
    width: int = 0
    height: int = 0
    duration_ms: int = 0
    frames: int = 0
    covered: int = 0
    complete: bool = True
    problem: str = ""
    detail: str = ""
    text: str = ""
