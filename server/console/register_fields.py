"""The fields of an entry as a form has them, and back: texts of controls, and checked data.  Pure.

Money is written in yuan and kept in fen; a moment is written as it is where the court is and kept
with its offset; what nobody answered is left out, which is not the same as no.  A control is named
``f_`` and the field; of a fact ``f_`` field ``_`` fact; of a person ``p`` row ``_`` member.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any, Final
from zoneinfo import ZoneInfo

from client_sdk.protocol.entries import EntryKind, Field, kinds
from client_sdk.protocol.errors import PayloadError
from client_sdk.protocol.times import parse_rfc3339

PEOPLE_ROWS: Final = 24
PERSON: Final = ("name", "id", "role", "post", "sex")
YES: Final = "yes"
NO: Final = "no"
LISTS: Final = frozenset({"digests", "choices"})
FEN_DIGITS: Final = 2
_LINES: Final = frozenset({"line", "day", "id", "choice"})
Texts = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a form came to: the data, and what is wrong by field, as the end of a word's key."""

    data: dict[str, Any]
    wrong: dict[str, str]


class _WrongError(Exception):
    """A text that does not make a value."""


def control(field: Field) -> str:
    """Name of a field's control."""
    return f"f_{field.name}"


def controls() -> dict[str, bool]:
    """Every control that some kind's form has, and whether it holds several values."""
    found: dict[str, bool] = {}
    for kind in kinds().values():
        for field in kind.fields.values():
            if field.type == "people":
                found |= {f"p{row}_{name}": False for row in range(PEOPLE_ROWS) for name in PERSON}
            elif field.type == "facts":
                found |= {f"{control(field)}_{name}": False for name in field.options}
            else:
                found[control(field)] = field.type in LISTS
    return found


def read(kind: EntryKind, texts: Texts, zone: ZoneInfo) -> Reading:
    """Data of a form; every field is tried, so that all that is wrong is said at once."""
    data: dict[str, Any] = {}
    wrong: dict[str, str] = {}
    for field in kind.fields.values():
        try:
            value = _READERS.get(field.type, _line)(field, texts, zone)
            if value is not None:
                data[field.name] = _checked(kind, field, value)
            elif field.required:
                wrong[field.name] = "missing"
        except (_WrongError, PayloadError):
            wrong[field.name] = field.type
    return Reading(data, wrong)


def texts_of(kind: EntryKind, data: Mapping[str, Any], zone: ZoneInfo) -> dict[str, Any]:
    """The controls of a form that shows this data."""
    found: dict[str, Any] = {}
    for field in kind.fields.values():
        value = data.get(field.name)
        if value is not None:
            found |= _shown(field, value, zone)
    return found


def _shown(field: Field, value: Any, zone: ZoneInfo) -> dict[str, Any]:
    name = control(field)
    if field.type == "people":
        rows = enumerate(value[:PEOPLE_ROWS])
        return {f"p{row}_{member}": text for row, one in rows for member, text in one.items()}
    if field.type == "facts":
        return {f"{name}_{fact}": YES if holds else NO for fact, holds in value.items()}
    if field.type == "flag":
        return {name: YES if value else NO}
    if field.type == "fen":
        return {name: yuan(value)}
    if field.type == "instant":
        return {name: f"{parse_rfc3339(value).astimezone(zone):%Y-%m-%dT%H:%M:%S}"}
    return {name: list(value) if field.type in LISTS else str(value)}


def yuan(fen: int) -> str:
    """An amount as people write it into a form."""
    return f"{Decimal(fen).scaleb(-FEN_DIGITS):.2f}"


def rows_of(texts: Texts) -> int:
    """How many rows of people are filled in, counted to the last one."""
    filled = [row for row in range(PEOPLE_ROWS) if any(texts.get(f"p{row}_{m}") for m in PERSON)]
    return max(filled) + 1 if filled else 0


def _checked(kind: EntryKind, field: Field, value: Any) -> Any:
    """The protocol's own check of this one field."""
    alone = dataclasses.replace(kind, fields=MappingProxyType({field.name: field}))
    return alone.check({field.name: value})[field.name]


def _line(field: Field, texts: Texts, _zone: ZoneInfo) -> str | None:
    text: str | None = texts.get(control(field))
    if text is None or not text.strip():
        return None
    return text.strip() if field.type in _LINES else text


def _flag(field: Field, texts: Texts, zone: ZoneInfo) -> bool | None:
    return _answer(_line(field, texts, zone))


def _answer(text: str | None) -> bool | None:
    if text not in {None, YES, NO}:
        raise _WrongError
    return None if text is None else text == YES


def _count(field: Field, texts: Texts, zone: ZoneInfo) -> int | None:
    text = _line(field, texts, zone)
    if text is None:
        return None
    if not (text.strip().isascii() and text.strip().isdecimal()):
        raise _WrongError
    return int(text)


def _fen(field: Field, texts: Texts, zone: ZoneInfo) -> int | None:
    text = _line(field, texts, zone)
    if text is None:
        return None
    try:
        fen = Decimal(text.strip().replace(",", "")).scaleb(FEN_DIGITS)
    except InvalidOperation:
        raise _WrongError from None
    if not fen.is_finite() or fen != fen.to_integral_value():
        raise _WrongError
    return int(fen)


def _instant(field: Field, texts: Texts, zone: ZoneInfo) -> str | None:
    text = _line(field, texts, zone)
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        raise _WrongError from None
    return (at if at.tzinfo else at.replace(tzinfo=zone)).isoformat(timespec="seconds")


def _list(field: Field, texts: Texts, _zone: ZoneInfo) -> list[str] | None:
    return list(texts.get(control(field)) or ()) or None


def _facts(field: Field, texts: Texts, _zone: ZoneInfo) -> dict[str, bool] | None:
    answers = {one: _answer(texts.get(f"{control(field)}_{one}")) for one in field.options}
    return {one: holds for one, holds in answers.items() if holds is not None} or None


def _people(_field: Field, texts: Texts, _zone: ZoneInfo) -> list[dict[str, str]] | None:
    rows = [
        {name: text.strip() for name in PERSON if (text := texts.get(f"p{row}_{name}"))}
        for row in range(PEOPLE_ROWS)
    ]
    return [row for row in rows if row] or None


_READERS: Final[Mapping[str, Callable[[Field, Texts, ZoneInfo], Any]]] = MappingProxyType(
    {
        "flag": _flag, "count": _count, "fen": _fen, "instant": _instant, "digests": _list,
        "choices": _list, "facts": _facts, "people": _people,
    }
)  # fmt: skip
