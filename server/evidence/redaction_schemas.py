"""What goes over the wire about redactions."""

from __future__ import annotations

from typing import Any, Final

from marshmallow import Schema, ValidationError, fields, post_load, validate, validates_schema

from server.core.texts import readable
from server.evidence.recipes import BOXES_MAX, MUTES_MAX, WHOLE, Box, Mute
from server.evidence.redactions import AskRedaction, Discard

_reason: list[Any] = [validate.Length(min=1, max=500), readable]
_TIME_MS_MAX: Final = 366 * 24 * 3600 * 1000


def _share(*, least: float = 0.0) -> fields.Float:
    return fields.Float(required=True, validate=validate.Range(min=least, max=1.0))


def _moment(**more: Any) -> fields.Integer:
    return fields.Integer(strict=True, validate=validate.Range(min=0, max=_TIME_MS_MAX), **more)


class BoxBody(Schema):
    """A rectangle in fractions of the picture as it is shown; times bound it in a film."""

    x = _share()
    y = _share()
    w = _share(least=0.0005)
    h = _share(least=0.0005)
    how = fields.String(load_default="fill", validate=validate.OneOf(("fill", "blur")))
    from_ms = _moment(load_default=None, allow_none=True)
    to_ms = _moment(load_default=None, allow_none=True)

    @validates_schema
    def _ordered(self, values: dict[str, Any], **_: object) -> None:
        begin, end = values.get("from_ms"), values.get("to_ms")
        if begin is not None and end is not None and begin >= end:
            raise ValidationError("ends before it begins", "to_ms")

    @post_load
    def _box(self, values: dict[str, Any], **_: object) -> Box:
        places = {name: round(values[name] * WHOLE) for name in ("x", "y", "w", "h")}
        return Box(**places, how=values["how"], from_ms=values["from_ms"], to_ms=values["to_ms"])


class MuteBody(Schema):
    """A stretch of sound to silence."""

    from_ms = _moment(required=True)
    to_ms = _moment(required=True)

    @validates_schema
    def _ordered(self, values: dict[str, Any], **_: object) -> None:
        if values["from_ms"] >= values["to_ms"]:
            raise ValidationError("ends before it begins", "to_ms")

    @post_load
    def _mute(self, values: dict[str, Any], **_: object) -> Mute:
        return Mute(**values)


class RedactionBody(Schema):
    """Body of a request: what to cover and mute, and why."""

    reason = fields.String(required=True, validate=_reason)
    boxes = fields.List(
        fields.Nested(BoxBody), load_default=list, validate=validate.Length(max=BOXES_MAX)
    )
    mutes = fields.List(
        fields.Nested(MuteBody), load_default=list, validate=validate.Length(max=MUTES_MAX)
    )
    turn = fields.Integer(strict=True, load_default=0, validate=validate.OneOf((0, 90, 180, 270)))

    @post_load
    def _command(self, values: dict[str, Any], **_: object) -> AskRedaction:
        return AskRedaction(
            reason=values["reason"], boxes=tuple(values["boxes"]),
            mutes=tuple(values["mutes"]), turn=values["turn"],
        )  # fmt: skip


class DiscardBody(Schema):
    """Body of a discarding."""

    reason = fields.String(required=True, validate=_reason)

    @post_load
    def _command(self, values: dict[str, Any], **_: object) -> Discard:
        return Discard(**values)


class EmptyBody(Schema):
    """No fields."""


class RedactionOut(Schema):
    """One redacted copy: places in its recipe are 100,000ths of the picture, times ms."""

    id = fields.UUID()
    evidence_id = fields.UUID()
    number = fields.Integer()
    kind = fields.String()
    recipe = fields.Dict()
    recipe_sha256 = fields.String()
    reason = fields.String()
    asked_by = fields.UUID()
    asked_at = fields.AwareDateTime()
    state = fields.String()
    problem = fields.String(allow_none=True)
    source_sha256 = fields.String()
    sha256 = fields.String(allow_none=True)
    size_bytes = fields.Integer(allow_none=True)
    mime = fields.String(allow_none=True)
    width = fields.Integer(allow_none=True)
    height = fields.Integer(allow_none=True)
    duration_ms = fields.Integer(allow_none=True)
    complete = fields.Boolean(allow_none=True)
    finished_at = fields.AwareDateTime(allow_none=True)
    discarded_by = fields.UUID(allow_none=True)
    discarded_at = fields.AwareDateTime(allow_none=True)
    discard_reason = fields.String(allow_none=True)


class FacesOut(Schema):
    """What became of a question for faces: ``made`` is in the derivative ``faces``."""

    state = fields.String()
