"""Filters and forms of the evidence page."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any, Final

from marshmallow import Schema, ValidationError, fields, post_load, validate, validates_schema

from server.core.texts import readable, readable_line

_LINE: Final[list[Any]] = [validate.Length(1, 500), readable_line]


@dataclass(frozen=True, slots=True)
class Rebinding:
    """Where an item belongs, as people write it: a case number, a person."""

    reason: str
    case_no: str | None = None
    officer_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class ReportWanted:
    """A custody report: why, and for whom."""

    purpose: str
    recipient: str


class FindQuery(Schema):
    """What is looked for: a short code, an id, a case number."""

    q = fields.String(load_default="", validate=validate.Length(0, 80))


class RebindForm(Schema):
    """Bind an item to the right case or officer."""

    reason = fields.String(required=True, validate=[validate.Length(1, 500), readable])
    case_no = fields.String(validate=_LINE)
    officer_id = fields.UUID()

    @validates_schema
    def _something(self, data: dict[str, Any], **_: Any) -> None:
        if not data.keys() & {"case_no", "officer_id"}:
            raise ValidationError("name a case or an officer", "case_no")

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> Rebinding:
        return Rebinding(**data)


class ReportForm(Schema):
    """Ask for a custody report."""

    purpose = fields.String(required=True, validate=_LINE)
    recipient = fields.String(required=True, validate=_LINE)

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> ReportWanted:
        return ReportWanted(**data)
