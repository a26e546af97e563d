"""Wire forms of rules, classes, holds and disposals."""

from __future__ import annotations

from typing import Any, Final

from marshmallow import RAISE, Schema, fields, post_load, validate

from server.core.paging import LIMIT_DEFAULT, LIMIT_MAX
from server.core.texts import readable
from server.retention.categories import RULED, SETTABLE, Category
from server.retention.commands import (
    GROUNDS,
    Classify,
    Decide,
    DueFilter,
    HoldFilter,
    LiftHold,
    MakeRule,
    PlaceHold,
    Preview,
    Propose,
    ProposeLines,
)
from server.retention.periods import MONTHS_MAX, MONTHS_MIN

BATCH_MAX: Final = 200
_BY_PEOPLE: Final = list(GROUNDS)


def _reason(**options: Any) -> fields.String:
    return fields.String(validate=[validate.Length(1, 1_000), readable], **options)


def _category(allowed: tuple[Category, ...]) -> fields.Enum[Category]:
    return fields.Enum(
        Category, by_value=True, required=True, validate=validate.OneOf(list(allowed)),
        metadata={"enum": [one.value for one in allowed]},
    )  # fmt: skip


def _months(**options: Any) -> fields.Integer:
    return fields.Integer(
        strict=True, allow_none=True, validate=validate.Range(MONTHS_MIN, MONTHS_MAX),
        metadata={"description": "months of the period; null: kept for good"}, **options,
    )  # fmt: skip


def _batch(**options: Any) -> fields.List[Any]:
    return fields.List(
        fields.UUID(), required=True, validate=validate.Length(1, BATCH_MAX), **options
    )


class _Strict(Schema):
    class Meta:
        unknown = RAISE


class _PageQuery(_Strict):
    cursor = fields.String(validate=validate.Length(1, 500))
    limit = fields.Integer(load_default=LIMIT_DEFAULT, validate=validate.Range(1, LIMIT_MAX))


class RuleBody(_Strict):
    """A new version of a rule."""

    category = _category(RULED)
    months = _months(required=True)
    reason = _reason(required=True)

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> MakeRule:
        return MakeRule(**data)


class PreviewQuery(_Strict):
    """A rule to try out; without months: kept for good."""

    category = _category(RULED)
    months = fields.Integer(validate=validate.Range(MONTHS_MIN, MONTHS_MAX))

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> Preview:
        return Preview(**data)


class ClassBody(_Strict):
    """Items and their category."""

    evidence_ids = _batch()
    category = _category(SETTABLE)
    reason = _reason(required=True)

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> Classify:
        ids = tuple(dict.fromkeys(data.pop("evidence_ids")))
        return Classify(evidence_ids=ids, **data)


class HoldBody(_Strict):
    """A hold on a case or on one item."""

    case_id = fields.UUID()
    evidence_id = fields.UUID()
    ground = fields.String(load_default="person", validate=validate.OneOf(_BY_PEOPLE))
    reason = _reason(required=True)

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> PlaceHold:
        return PlaceHold(**data)


class LiftBody(_Strict):
    """Why a hold ends."""

    reason = _reason(required=True)

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> LiftHold:
        return LiftHold(**data)


class HoldQuery(_PageQuery):
    """Filters of the list of holds."""

    case_id = fields.UUID()
    lifted = fields.Boolean(load_default=False)

    @post_load
    def _filter(self, data: dict[str, Any], **_: Any) -> HoldFilter:
        return HoldFilter(**data)


class DueQuery(_PageQuery):
    """A page of what is due."""

    @post_load
    def _filter(self, data: dict[str, Any], **_: Any) -> DueFilter:
        return DueFilter(**data)


class ProposeBody(_Strict):
    """Items to propose for disposal."""

    evidence_ids = _batch()
    reason = _reason(required=True)

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> Propose:
        return Propose(evidence_ids=tuple(data["evidence_ids"]), reason=data["reason"])


class ProposeLinesBody(_Strict):
    """Lines of the log book whose period is over."""

    log_entry_ids = _batch()
    reason = _reason(required=True)

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> ProposeLines:
        return ProposeLines(log_entry_ids=tuple(data["log_entry_ids"]), reason=data["reason"])


class DecideBody(_Strict):
    """Proposals to decide on."""

    erasure_ids = _batch()
    note = _reason(allow_none=True)

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> Decide:
        return Decide(erasure_ids=tuple(data["erasure_ids"]), note=data.get("note"))


class RuleOut(_Strict):
    """A rule in force; version 0 is the software's default."""

    category = fields.Enum(Category, by_value=True)
    months = fields.Integer(allow_none=True)
    version = fields.Integer()


class RuleVersionOut(_Strict):
    """One version of a rule."""

    id = fields.UUID()
    category = fields.String()
    version = fields.Integer()
    months = fields.Integer(allow_none=True)
    reason = fields.String()
    made_by = fields.UUID()
    made_at = fields.AwareDateTime(format="iso")


class RulesOut(_Strict):
    """What is in force, and what was made."""

    rules = fields.List(fields.Nested(RuleOut))
    versions = fields.List(fields.Nested(RuleVersionOut))


class KeptOut(_Strict):
    """Until when something is kept, and why."""

    code = fields.String()
    months = fields.Integer(allow_none=True)
    until = fields.AwareDateTime(format="iso", allow_none=True)
    since = fields.AwareDateTime(format="iso", allow_none=True)
    of = fields.String(allow_none=True)


class DerivedOut(_Strict):
    """Why an item is in its category."""

    category = fields.Enum(Category, by_value=True)
    code = fields.String()
    word = fields.String(allow_none=True)
    source = fields.String(allow_none=True)


class HoldOut(_Strict):
    """A hold."""

    id = fields.UUID()
    case_id = fields.UUID(allow_none=True)
    evidence_id = fields.UUID(allow_none=True)
    ground = fields.String()
    automatic = fields.Boolean()
    cause_case_id = fields.UUID(allow_none=True)
    reason = fields.String()
    placed_by = fields.UUID(allow_none=True)
    placed_at = fields.AwareDateTime(format="iso")
    lifted_by = fields.UUID(allow_none=True)
    lifted_at = fields.AwareDateTime(format="iso", allow_none=True)
    lift_reason = fields.String(allow_none=True)


class JudgedOut(_Strict):
    """An item with category, rule, period and holds."""

    evidence_id = fields.UUID(attribute="item.id")
    case_id = fields.UUID(attribute="item.case_id", allow_none=True)
    derived = fields.Nested(DerivedOut)
    rule = fields.Nested(RuleOut)
    kept = fields.Nested(KeptOut)
    holds = fields.List(fields.Nested(HoldOut))
    is_due = fields.Boolean()
    why_not = fields.String(allow_none=True)


class JudgedLineOut(_Strict):
    """A line of the log book with category, rule and period; its words are read in the log."""

    log_entry_id = fields.UUID(attribute="item.id")
    case_id = fields.UUID(attribute="item.case_id", allow_none=True)
    mission_id = fields.UUID(attribute="item.mission_id", allow_none=True)
    happened_at = fields.AwareDateTime(attribute="item.captured_at", format="iso")
    derived = fields.Nested(DerivedOut)
    rule = fields.Nested(RuleOut)
    kept = fields.Nested(KeptOut)


class EffectOut(_Strict):
    """How one item changes."""

    evidence_id = fields.UUID(attribute="item.id")
    before = fields.Nested(KeptOut)
    after = fields.Nested(KeptOut)


class EffectsOut(_Strict):
    """What a rule would change."""

    rule = fields.Nested(RuleOut)
    looked_at = fields.Integer()
    changed = fields.Integer()
    longer = fields.Integer()
    shorter = fields.Integer()
    due_now = fields.Integer()
    is_whole = fields.Boolean()
    why = fields.Dict(keys=fields.String(), values=fields.Integer())
    sample = fields.List(fields.Nested(EffectOut))


class ClassOut(_Strict):
    """That a person put an item into a category."""

    id = fields.UUID()
    evidence_id = fields.UUID()
    category = fields.String()
    reason = fields.String()
    made_by = fields.UUID()
    made_at = fields.AwareDateTime(format="iso")


class OutcomeOut(_Strict):
    """What became of one of a batch."""

    id = fields.UUID()
    erasure_id = fields.UUID(allow_none=True)
    state = fields.String()
    problem = fields.String(allow_none=True)
    detail = fields.String(allow_none=True)
    why = fields.String(allow_none=True)
