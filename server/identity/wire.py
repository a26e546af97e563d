"""Parts that the wire schemas of this slice are made of."""

from __future__ import annotations

import unicodedata
from datetime import datetime
from typing import Any, Final

from marshmallow import RAISE, Schema, ValidationError, fields, validate

from server.core.paging import LIMIT_DEFAULT, LIMIT_MAX
from server.core.permissions import Role

_YEARS: Final = range(2000, 2100)
_DIRECTING: Final = {*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F}


def normal_login(text: str) -> str:
    """One login for all ways to type it (NFKC, without case, without blanks around)."""
    return unicodedata.normalize("NFKC", text).strip().casefold()


def plain(text: str) -> None:
    """Refuse control characters, lone surrogates and marks that turn the writing direction."""
    for character in text:
        if unicodedata.category(character) in {"Cc", "Cs"} or ord(character) in _DIRECTING:
            raise ValidationError("control characters are not accepted")
    if not text.strip():
        raise ValidationError("must not be empty")


def sensible(at: datetime) -> None:
    """Refuse years that a typing error makes."""
    if at.year not in _YEARS:
        raise ValidationError("the year lies between 2000 and 2099")


def line(characters_max: int, **options: Any) -> fields.String:
    """A text without control characters."""
    return fields.String(validate=[validate.Length(1, characters_max), plain], **options)


def secret(characters_max: int, **options: Any) -> fields.String:
    """A text that is never shown."""
    return fields.String(validate=validate.Length(1, characters_max), load_only=True, **options)


def moment(**options: Any) -> fields.AwareDateTime:
    """An RFC 3339 time of this century."""
    return fields.AwareDateTime(format="iso", validate=sensible, **options)


def shown_moment(**options: Any) -> fields.AwareDateTime:
    """A time in an answer."""
    return fields.AwareDateTime(format="iso", **options)


def role_list(**options: Any) -> fields.List[Any]:
    """At least one role."""
    known = fields.String(validate=validate.OneOf([role.value for role in Role]))
    return fields.List(known, validate=validate.Length(1, len(Role)), **options)


class Strict(Schema):
    """Unknown fields are refused."""

    class Meta:
        """For marshmallow."""

        unknown = RAISE


class PageQuery(Strict):
    """Query string of a list."""

    cursor = fields.String(validate=validate.Length(1, 500))
    limit = fields.Integer(load_default=LIMIT_DEFAULT, validate=validate.Range(1, LIMIT_MAX))
