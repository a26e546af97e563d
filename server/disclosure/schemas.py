"""Wire forms of exports."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, validate, validates_schema

from server.core.paging import LIMIT_DEFAULT, LIMIT_MAX
from server.core.texts import readable_line
from server.disclosure.commands import ExportFilter, RequestExport

WORDS_CHARACTERS_MAX = 500
ITEMS_MAX = 5_000


_words: list[Any] = [validate.Length(1, WORDS_CHARACTERS_MAX), readable_line]


class ExportBody(Schema):
    """A case, or some items of one case; to whom and why."""

    case_id = fields.UUID()
    evidence_ids = fields.List(
        fields.UUID(), validate=validate.Length(1, ITEMS_MAX),
        metadata={"description": "items of one case; instead of case_id, or within it"},
    )  # fmt: skip
    purpose = fields.String(required=True, validate=_words)
    recipient = fields.String(required=True, validate=_words)

    @validates_schema
    def _names_something(self, data: dict[str, Any], **_: Any) -> None:
        if "case_id" not in data and "evidence_ids" not in data:
            raise ValidationError("name a case or some items", "case_id")

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> RequestExport:
        items = tuple(dict.fromkeys(data.pop("evidence_ids", ())))
        return RequestExport(evidence_ids=items, **data)


class ExportQuery(Schema):
    """A page of a case's exports."""

    cursor = fields.String(validate=validate.Length(1, 500))
    limit = fields.Integer(load_default=LIMIT_DEFAULT, validate=validate.Range(1, LIMIT_MAX))

    @post_load
    def _filter(self, data: dict[str, Any], **_: Any) -> ExportFilter:
        return ExportFilter(**data)


class ExportOut(Schema):
    """An export and how far it is; ``sha256`` names the finished package."""

    id = fields.UUID()
    code = fields.String()
    case_id = fields.UUID()
    evidence_ids = fields.List(fields.UUID(), allow_none=True)
    purpose = fields.String()
    recipient = fields.String()
    requested_by = fields.UUID(allow_none=True)
    requested_at = fields.AwareDateTime(format="iso")
    state = fields.String()
    files_total = fields.Integer()
    files_done = fields.Integer()
    bytes_total = fields.Integer()
    bytes_done = fields.Integer()
    waits_for = fields.String(allow_none=True)
    problem = fields.String(allow_none=True)
    event_index = fields.Integer(allow_none=True)
    checkpoint_size = fields.Integer(allow_none=True)
    level = fields.String(allow_none=True)
    sha256 = fields.String(allow_none=True)
    size_bytes = fields.Integer(allow_none=True)
    finished_at = fields.AwareDateTime(format="iso", allow_none=True)
