"""Forms and queries of the observers' room."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, post_load, validate

from server.core.texts import readable
from server.guests.kinds import OpinionKind

TEXT_CHARACTERS_MAX = 2000


class RedeemForm(Schema):
    """Consent to the rules, and the code that came by another channel."""

    code = fields.String(required=True, validate=validate.Length(1, 20))
    agree = fields.String(validate=validate.Equal("true"))


class SayForm(Schema):
    """What a guest says; a recording comes beside it as a file."""

    kind = fields.Enum(OpinionKind, by_value=True, required=True)
    entry = fields.UUID()
    text = fields.String(validate=[validate.Length(1, TEXT_CHARACTERS_MAX), readable])


class SizeForm(Schema):
    """Larger letters, or the usual ones."""

    large = fields.Boolean(required=True)


class ReplayQuery(Schema):
    """How many entries are shown: a step through time."""

    step = fields.Integer(validate=validate.Range(1, 100_000))

    @post_load
    def _step(self, data: dict[str, Any], **_: Any) -> int | None:
        return data.get("step")


class MarkQuery(Schema):
    """A number that only makes a browser ask again."""

    n = fields.Integer(validate=validate.Range(0, 10_000_000_000))
