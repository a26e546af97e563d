"""What goes over the wire about checks, coverage, item lists and findings."""

from __future__ import annotations

from typing import Any, Final

from marshmallow import Schema, fields, post_load, validate

from client_sdk.protocol.ids import short_code
from server.conduct.commands import Decide, FindingFilter, RuleCommand
from server.core.paging import LIMIT_DEFAULT, LIMIT_MAX
from server.core.texts import readable, readable_line
from server.fieldlog.conduct_rules import Outcome

STATES: Final = ("open", "explained", "rectified", "upheld", "cleared")
TEXT_MAX: Final = 2_000
TOML_MAX: Final = 20_000


def _text(most: int) -> fields.String:
    return fields.String(required=True, validate=[validate.Length(1, most), readable])


class DecideBody(Schema):
    """An explanation, or the ground of a decision."""

    text = _text(TEXT_MAX)

    @post_load
    def _command(self, values: dict[str, Any], **_: object) -> Decide:
        return Decide(**values)


class RulesBody(Schema):
    """A court's own numbers and rules, as TOML; see docs/conduct-rules.md."""

    text = _text(TOML_MAX)
    reason = _text(1_000)

    @post_load
    def _command(self, values: dict[str, Any], **_: object) -> RuleCommand:
        return RuleCommand(**values)


class FindingQuery(Schema):
    """Query string of the list of findings."""

    state = fields.String(validate=validate.OneOf(STATES))
    rule = fields.String(validate=[validate.Length(1, 20), readable_line])
    outcome = fields.String(validate=validate.OneOf(["fail", "warn"]))
    case_id = fields.UUID()
    action_id = fields.UUID()
    cursor = fields.String(validate=validate.Length(1, 500))
    limit = fields.Integer(load_default=LIMIT_DEFAULT, validate=validate.Range(1, LIMIT_MAX))

    @post_load
    def _filter(self, values: dict[str, Any], **_: object) -> FindingFilter:
        return FindingFilter(**values)


class BasisOut(Schema):
    """Where a rule stands; not ``confirmed`` is practice or design."""

    law = fields.String()
    law_version = fields.String()
    article = fields.String()
    confirmed = fields.Boolean()


class RuleOut(Schema):
    """One rule in force."""

    id = fields.String()
    severity = fields.Enum(Outcome, by_value=True)
    zh = fields.String()
    en = fields.String()
    basis = fields.List(fields.Nested(BasisOut))
    types = fields.Function(lambda rule: sorted(rule.types))
    require = fields.List(fields.String())
    judge = fields.String(allow_none=True)


class RulesVersionOut(Schema):
    """One version of a court's own rules."""

    version = fields.Integer()
    text = fields.String()
    reason = fields.String()
    made_by = fields.UUID()
    made_at = fields.AwareDateTime(format="iso")


class RulebookOut(Schema):
    """What a court judges by; version 0 is the standard alone."""

    version = fields.Integer()
    rules = fields.List(fields.Nested(RuleOut))
    versions = fields.List(fields.Nested(RulesVersionOut))


class ReasonOut(Schema):
    """Why, as a code and as a sentence; ``evidence`` are items that the caller may see."""

    code = fields.String()
    values = fields.Dict(keys=fields.String(), values=fields.String())
    zh = fields.String()
    en = fields.String()
    evidence = fields.List(fields.UUID())


class CheckOut(Schema):
    """What a rule came to, why, and what it rests on."""

    rule = fields.String()
    zh = fields.String()
    en = fields.String()
    severity = fields.String()
    basis = fields.List(fields.Nested(BasisOut))
    outcome = fields.String()
    reasons = fields.List(fields.Nested(ReasonOut))
    entries = fields.List(fields.UUID())
    evidence = fields.List(fields.UUID())
    finding_id = fields.UUID(allow_none=True)


class SpanOut(Schema):
    """A stretch of an action that is not covered, and the entries that explain it."""

    kind = fields.String()
    begins_at = fields.AwareDateTime(attribute="span.begins_at", format="iso")
    ends_at = fields.AwareDateTime(attribute="span.ends_at", format="iso")
    recorders = fields.Integer(attribute="span.count")
    explained_by = fields.Function(lambda one: [str(entry.id) for entry in one.by])
    explanation = fields.Function(lambda one: [entry.data["reason"] for entry in one.by])


class InterruptionOut(Schema):
    """A recorder that stopped in between, or a file whose chain breaks off."""

    device_id = fields.UUID()
    begins_at = fields.AwareDateTime(format="iso")
    ends_at = fields.AwareDateTime(format="iso")
    code = fields.String()
    evidence = fields.List(fields.UUID())


class RecordingOut(Schema):
    """A recording of an action; without an end while it has not come."""

    evidence_id = fields.UUID()
    device_id = fields.UUID()
    media = fields.String()
    counts = fields.Boolean()
    state = fields.String()
    begins_at = fields.AwareDateTime(format="iso")
    ends_at = fields.AwareDateTime(format="iso", allow_none=True)
    error_ms = fields.Integer(allow_none=True)
    verified_at = fields.AwareDateTime(format="iso", allow_none=True)


class CoverageOut(Schema):
    """How recordings cover an action; not ``is_final`` while it runs or something is awaited."""

    begins_at = fields.AwareDateTime(format="iso")
    ends_at = fields.AwareDateTime(format="iso")
    needed = fields.Integer()
    recorders = fields.Integer()
    covered_percent = fields.String()
    error_ms = fields.Integer()
    announced = fields.Boolean(allow_none=True)
    is_final = fields.Boolean()
    stretches = fields.List(fields.Nested(SpanOut))
    interruptions = fields.List(fields.Nested(InterruptionOut))
    recordings = fields.List(fields.Nested(RecordingOut))


class PhotoOut(Schema):
    """A photo that an item names."""

    sha256 = fields.String()
    evidence_id = fields.UUID(allow_none=True)
    is_here = fields.Boolean()


class LineOut(Schema):
    """An item of the list, and what it lacks."""

    entry_id = fields.UUID()
    no = fields.Integer()
    name = fields.String()
    place = fields.String(allow_none=True)
    custodian = fields.String(allow_none=True)
    value_fen = fields.Integer(allow_none=True)
    exempt = fields.Boolean(allow_none=True)
    signed_by = fields.List(fields.String())
    photos = fields.List(fields.Nested(PhotoOut))
    missing = fields.List(fields.String())


class ItemListOut(Schema):
    """The list of items against the photos, both ways."""

    is_complete = fields.Boolean()
    lines = fields.List(fields.Nested(LineOut))
    unlisted = fields.List(fields.UUID())
    shared = fields.List(fields.String())


class JudgementOut(Schema):
    """An action judged as of now."""

    action_id = fields.UUID()
    as_of = fields.AwareDateTime(format="iso")
    rules_version = fields.Integer()
    checks = fields.List(fields.Nested(CheckOut))
    coverage = fields.Nested(CoverageOut, allow_none=True)
    items = fields.Nested(ItemListOut, allow_none=True)


class StoredCheckOut(Schema):
    """What a rule came to when the action was last judged."""

    rule = fields.String()
    outcome = fields.String()
    judged_at = fields.AwareDateTime(format="iso")


class ActionChecksOut(Schema):
    """An action and what it came to; ``is_due``: something new is to be judged."""

    action_id = fields.UUID()
    type = fields.String()
    state = fields.String()
    begins_at = fields.AwareDateTime(format="iso", allow_none=True)
    is_due = fields.Boolean()
    checks = fields.List(fields.Nested(StoredCheckOut))


class CaseChecksOut(Schema):
    """The actions of a case and what they came to."""

    actions = fields.List(fields.Nested(ActionChecksOut))


class FindingOut(Schema):
    """A rule that an action broke, and what people made of it."""

    id = fields.UUID()
    code = fields.Function(lambda finding: short_code(finding.id))
    case_id = fields.UUID()
    action_id = fields.UUID()
    rule = fields.String()
    number = fields.Integer()
    outcome = fields.String()
    reasons = fields.Function(lambda finding: _without_items(finding.reasons))
    state = fields.String()
    opened_at = fields.AwareDateTime(format="iso")
    explained_by = fields.UUID(allow_none=True)
    explained_at = fields.AwareDateTime(format="iso", allow_none=True)
    explanation = fields.String(allow_none=True)
    decided_by = fields.UUID(allow_none=True)
    decided_at = fields.AwareDateTime(format="iso", allow_none=True)
    decision = fields.String(allow_none=True)
    cleared_at = fields.AwareDateTime(format="iso", allow_none=True)


def _without_items(reasons: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Which items they rest on stands in the action's checks, for who may see them."""
    return [{"code": one["code"], "values": one["values"]} for one in reasons]
