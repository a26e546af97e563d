"""What goes over the wire about erasures."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, post_load, validate

from server.core.paging import LIMIT_DEFAULT, LIMIT_MAX
from server.core.texts import readable
from server.evidence.erasure import AskErasure, DecideErasure

STATES = ("requested", "refused", "erased")
_text: list[Any] = [validate.Length(min=1, max=1_000), readable]


class ErasureBody(Schema):
    """Body of a request: the provision, and why it applies here."""

    legal_basis = fields.String(required=True, validate=_text)
    reason = fields.String(required=True, validate=_text)

    @post_load
    def _command(self, values: dict[str, Any], **_: object) -> AskErasure:
        return AskErasure(**values)


class DecisionBody(Schema):
    """Body of a decision."""

    note = fields.String(validate=_text)

    @post_load
    def _command(self, values: dict[str, Any], **_: object) -> DecideErasure:
        return DecideErasure(**values)


class ErasureQuery(Schema):
    """Query string of the list."""

    state = fields.String(validate=validate.OneOf(STATES))
    limit = fields.Integer(
        load_default=LIMIT_DEFAULT, validate=validate.Range(min=1, max=LIMIT_MAX)
    )


class ErasureOut(Schema):
    """One erasure."""

    id = fields.UUID()
    evidence_id = fields.UUID()
    legal_basis = fields.String()
    reason = fields.String()
    requested_by = fields.UUID()
    requested_at = fields.AwareDateTime()
    state = fields.String()
    decided_by = fields.UUID(allow_none=True)
    decided_at = fields.AwareDateTime(allow_none=True)
    note = fields.String(allow_none=True)
