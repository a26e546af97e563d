"""What a text that people write has to be before it is kept: validators of wire schemas."""

from __future__ import annotations

from typing import Final

from marshmallow import ValidationError

_LAYOUT: Final = "\r\n\t"


def readable(text: str) -> None:
    """Refuse a blank text and control characters, but for line ends and tabs."""
    _not_blank(text)
    if any(not (one.isprintable() or one in _LAYOUT) for one in text):
        raise ValidationError("control characters are not accepted")


def readable_line(text: str) -> None:
    """Refuse a blank text, and anything that does not stay on its line."""
    _not_blank(text)
    if not text.isprintable():
        raise ValidationError("a line without control characters")


def _not_blank(text: str) -> None:
    if not text.strip():
        raise ValidationError("must not be empty")
