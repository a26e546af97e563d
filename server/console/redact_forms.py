"""The form of a redaction: rows of boxes and of muted stretches, as people write numbers.

Places are percent of the picture, times seconds.  The rows have names of their own, so that the
form works without scripts; a row without any number is none.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from marshmallow import Schema, ValidationError, fields, post_load, validate

from server.core.texts import readable
from server.evidence.recipes import WHOLE, Box, Mute
from server.evidence.redactions import AskRedaction, Discard

BOX_ROWS: Final = 24
MUTE_ROWS: Final = 12
_PERCENT: Final = WHOLE // 100
_MS: Final = 1000
_PLACES: Final = ("x", "y", "w", "h")
_HOURS_MAX: Final = 24 * 366
_reason: list[Any] = [validate.Length(min=1, max=500), readable]


def _percent() -> fields.Decimal:
    return fields.Decimal(places=3, validate=validate.Range(min=Decimal(0), max=Decimal(100)))


def _seconds() -> fields.Decimal:
    limits = validate.Range(min=Decimal(0), max=Decimal(3600 * _HOURS_MAX))
    return fields.Decimal(places=3, validate=limits)


def _box_fields(row: int) -> dict[str, Any]:
    return {
        **{f"box{row}_{name}": _percent() for name in _PLACES},
        f"box{row}_how": fields.String(validate=validate.OneOf(("fill", "blur"))),
        f"box{row}_from": _seconds(),
        f"box{row}_to": _seconds(),
    }


class _Redact(Schema):
    reason = fields.String(required=True, validate=_reason)
    turn = fields.Integer(load_default=0, validate=validate.OneOf((0, 90, 180, 270)))
    faces = fields.List(fields.Integer(validate=validate.Range(min=0, max=1000)))

    @post_load
    def _command(self, values: dict[str, Any], **_: object) -> tuple[AskRedaction, list[int]]:
        boxes = [_box(values, row) for row in range(BOX_ROWS)]
        mutes = [_mute(values, row) for row in range(MUTE_ROWS)]
        command = AskRedaction(
            reason=values["reason"], turn=values["turn"],
            boxes=tuple(box for box in boxes if box is not None),
            mutes=tuple(mute for mute in mutes if mute is not None),
        )  # fmt: skip
        return command, values.get("faces", [])


# Its many fields are made, not written.
RedactForm: type[Schema] = type(
    "RedactForm",
    (_Redact,),
    {
        **{name: one for row in range(BOX_ROWS) for name, one in _box_fields(row).items()},
        **{f"mute{row}_{end}": _seconds() for row in range(MUTE_ROWS) for end in ("from", "to")},
        "__doc__": "A request for a redacted copy.",
    },
)


class DiscardForm(Schema):
    """Why a copy shall not be shown any more."""

    reason = fields.String(required=True, validate=_reason)

    @post_load
    def _command(self, values: dict[str, Any], **_: object) -> Discard:
        return Discard(**values)


def _box(values: dict[str, Any], row: int) -> Box | None:
    places = {name: values.get(f"box{row}_{name}") for name in _PLACES}
    if all(one is None for one in places.values()):
        return None
    missing = [f"box{row}_{name}" for name, one in places.items() if one is None]
    if missing or not places["w"] or not places["h"]:
        raise _wrong(missing[0] if missing else f"box{row}_w", "a box needs all four numbers")
    whole = {name: int(one * _PERCENT) for name, one in places.items() if one is not None}
    begin, end = _times(values, f"box{row}")
    how = values.get(f"box{row}_how", "fill")
    return Box(**whole, how=how, from_ms=begin, to_ms=end)


def _mute(values: dict[str, Any], row: int) -> Mute | None:
    begin, end = _times(values, f"mute{row}")
    if begin is None and end is None:
        return None
    if begin is None or end is None:
        raise _wrong(f"mute{row}_from", "a muted stretch needs both ends")
    return Mute(begin, end)


def _times(values: dict[str, Any], row: str) -> tuple[int | None, int | None]:
    found = [values.get(f"{row}_{end}") for end in ("from", "to")]
    begin, end = (None if one is None else int(one * _MS) for one in found)
    if begin is not None and end is not None and begin >= end:
        raise _wrong(f"{row}_to", "ends before it begins")
    return begin, end


def _wrong(name: str, why: str) -> ValidationError:
    return ValidationError({name: [why]})
