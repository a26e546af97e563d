"""Wire forms of decisions on evidence."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, post_load, validate

from server.core.paging import LIMIT_DEFAULT, LIMIT_MAX
from server.core.texts import readable
from server.review.commands import Decision, EntryFilter, Review
from server.review.reasons import REASONS

TEXT_CHARACTERS_MAX = 2000


class ReviewBody(Schema):
    """A decision on an item."""

    decision = fields.Enum(Decision, by_value=True, required=True)
    reason_code = fields.String(
        validate=validate.OneOf(list(REASONS)), allow_none=True,
        metadata={"description": "for a return: a code of GET /review-reasons"},
    )  # fmt: skip
    text = fields.String(
        validate=[validate.Length(1, TEXT_CHARACTERS_MAX), readable], allow_none=True
    )

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> Review:
        return Review(**data)


class EntryQuery(Schema):
    """A page of an item's decisions."""

    cursor = fields.String(validate=validate.Length(1, 500))
    limit = fields.Integer(load_default=LIMIT_DEFAULT, validate=validate.Range(1, LIMIT_MAX))

    @post_load
    def _filter(self, data: dict[str, Any], **_: Any) -> EntryFilter:
        return EntryFilter(**data)


class ReviewEntryOut(Schema):
    """One decision, query or comment."""

    id = fields.UUID()
    evidence_id = fields.UUID()
    decision = fields.String()
    reason_code = fields.String(allow_none=True)
    text = fields.String(allow_none=True)
    author_id = fields.UUID()
    created_at = fields.AwareDateTime(format="iso")


class ReasonOut(Schema):
    """A reason for a return."""

    code = fields.String()
    name = fields.String()
    zh = fields.String()
    en = fields.String()
    needs_text = fields.Boolean()
