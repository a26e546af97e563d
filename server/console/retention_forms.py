"""Forms of retention: rules, classes, holds, proposals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from marshmallow import Schema, ValidationError, fields, post_load, validate, validates_schema

from server.console.admin_forms import line
from server.core.texts import readable
from server.retention.categories import RULED, SETTABLE, Category
from server.retention.commands import (
    GROUNDS,
    Decide,
    DueFilter,
    HoldFilter,
    LiftHold,
    MakeRule,
    Preview,
    Propose,
    ProposeLines,
)
from server.retention.periods import MONTHS_MAX, MONTHS_MIN

REASON_MAX: Final = 1_000
BATCH_MAX: Final = 200
_CURSOR: Final = validate.Length(1, 500)


def _reason(**options: Any) -> fields.String:
    return fields.String(validate=[validate.Length(1, REASON_MAX), readable], **options)


def _category(allowed: tuple[Category, ...]) -> fields.Enum[Category]:
    return fields.Enum(
        Category, by_value=True, required=True, validate=validate.OneOf(list(allowed))
    )


def _batch() -> fields.List[Any]:
    return fields.List(fields.UUID(), required=True, validate=validate.Length(1, BATCH_MAX))


class _Period(Schema):
    category = _category(RULED)
    months = fields.Integer(validate=validate.Range(MONTHS_MIN, MONTHS_MAX))
    forever = fields.Boolean(load_default=False)

    @validates_schema(skip_on_field_errors=True)
    def _one_of_both(self, data: dict[str, Any], **_: Any) -> None:
        if data["forever"] == ("months" in data):
            raise ValidationError("give months, or tick that it is kept for good", "months")


class PreviewForm(_Period):
    """A rule to try out."""

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> Preview:
        return Preview(category=data["category"], months=data.get("months"))


class RuleForm(_Period):
    """A rule to make."""

    reason = _reason(required=True)

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> MakeRule:
        return MakeRule(category=data["category"], months=data.get("months"), reason=data["reason"])


class ClassForm(Schema):
    """The category of one item."""

    category = _category(SETTABLE)
    reason = _reason(required=True)


@dataclass(frozen=True, slots=True)
class HoldAsk:
    """A hold as typed: ``target`` is a case's number, or the short code of a case or an item."""

    target: str
    ground: str
    reason: str


class HoldForm(Schema):
    """A hold to place."""

    target = line(64, required=True)
    ground = fields.String(load_default="person", validate=validate.OneOf(GROUNDS))
    reason = _reason(required=True)

    @post_load
    def _ask(self, data: dict[str, Any], **_: Any) -> HoldAsk:
        return HoldAsk(**data)


class LiftForm(Schema):
    """A hold to lift."""

    reason = _reason(required=True)

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> LiftHold:
        return LiftHold(**data)


class HoldListQuery(Schema):
    """Which holds are listed."""

    lifted = fields.Boolean(load_default=False)
    target = line(64)
    cursor = fields.String(validate=_CURSOR)

    @post_load
    def _filter(self, data: dict[str, Any], **_: Any) -> tuple[HoldFilter, str]:
        typed = data.pop("target", "")
        return HoldFilter(**data), typed


class DueListQuery(Schema):
    """A page of what is due."""

    cursor = fields.String(validate=_CURSOR)

    @post_load
    def _filter(self, data: dict[str, Any], **_: Any) -> DueFilter:
        return DueFilter(**data)


class ProposeForm(Schema):
    """Ticked items."""

    evidence_ids = _batch()
    reason = _reason(required=True)

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> Propose:
        return Propose(evidence_ids=tuple(data["evidence_ids"]), reason=data["reason"])


class ProposeLinesForm(Schema):
    """Ticked lines of the log book."""

    log_entry_ids = _batch()
    reason = _reason(required=True)

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> ProposeLines:
        return ProposeLines(log_entry_ids=tuple(data["log_entry_ids"]), reason=data["reason"])


class DecideForm(Schema):
    """Ticked proposals, and which button was pressed."""

    erasure_ids = _batch()
    note = _reason()
    verb = fields.String(required=True, validate=validate.OneOf(["approve", "refuse"]))

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> tuple[str, Decide]:
        return data["verb"], Decide(erasure_ids=tuple(data["erasure_ids"]), note=data.get("note"))


__all__ = [
    "ClassForm", "DecideForm", "DueListQuery", "HoldAsk", "HoldForm", "HoldListQuery",
    "LiftForm", "PreviewForm", "ProposeForm", "ProposeLinesForm", "RuleForm",
]  # fmt: skip
