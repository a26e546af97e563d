"""Wire forms of where a case stands."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, post_load, validate

from client_sdk.protocol.entries import kinds
from server.cases.closing_rules import Closing
from server.cases.states import CaseStatus
from server.conduct.case_views import GatesAsked, StandingFilter
from server.core.paging import LIMIT_DEFAULT, LIMIT_MAX

_CATEGORIES = sorted(kinds()["key.confirmed"].fields["categories"].options)


def _day(**options: Any) -> fields.Date:
    return fields.Date(allow_none=True, **options)


def _time() -> fields.AwareDateTime:
    return fields.AwareDateTime(format="iso", allow_none=True)


def _fen() -> fields.Integer:
    return fields.Integer(allow_none=True, metadata={"description": "fen"})


class _Named(Schema):
    zh = fields.String()
    en = fields.String()


class GatesQuery(Schema):
    """Which closing is to be tried, and on which day."""

    closing = fields.String(required=True, validate=validate.OneOf([one.value for one in Closing]))
    on = fields.Date()

    @post_load
    def _asked(self, values: dict[str, Any], **_: object) -> GatesAsked:
        return GatesAsked(**values)


class StandingQuery(Schema):
    """Filters of the list of where cases stand."""

    status = fields.String(validate=validate.OneOf([one.value for one in CaseStatus]))
    overdue = fields.Boolean()
    key_state = fields.String(
        validate=validate.OneOf(["none", "suggested", "confirmed", "released"])
    )
    key_category = fields.String(validate=validate.OneOf(_CATEGORIES))
    due_before = fields.Date()
    idle_since = fields.Date()
    cursor = fields.String(validate=validate.Length(1, 500))
    limit = fields.Integer(load_default=LIMIT_DEFAULT, validate=validate.Range(1, LIMIT_MAX))

    @post_load
    def _filter(self, values: dict[str, Any], **_: object) -> StandingFilter:
        return StandingFilter(**values)


class AmountsOut(Schema):
    """Amounts of a case."""

    claimed_fen = _fen()
    controlled_fen = _fen()
    received_fen = _fen()
    disbursed_fen = _fen()
    owed_fen = _fen()


class MeasureOut(_Named):
    """A measure."""

    entry_id = fields.String()
    type = fields.String()
    on = _day()
    until_on = _day()
    renewals = fields.Integer()
    lifted_on = _day()
    asset = fields.String(allow_none=True)
    controlled_fen = _fen()
    in_force = fields.Boolean()


class PeriodOut(Schema):
    """Days that do not count."""

    begins_on = _day()
    ends_on = _day()
    reason = fields.String()


class LeadOut(Schema):
    """A lead; its source stays in its entry."""

    entry_id = fields.String(attribute="id")
    on = _day()
    kind = fields.String()
    specific = fields.Boolean()
    urgent = fields.Boolean()
    verified_on = _day()
    result = fields.String(allow_none=True)


class PromiseOut(Schema):
    """A promise."""

    entry_id = fields.String(attribute="id")
    on = _day()
    by = fields.String()
    due_on = _day()
    state = fields.String()
    amount_fen = _fen()


class InstalmentOut(Schema):
    """One part of a settlement's schedule."""

    entry_id = fields.String(attribute="id")
    due_on = _day()
    amount_fen = _fen()
    paid_fen = _fen()
    paid_on = _day()


class SettlementOut(Schema):
    """A settlement."""

    entry_id = fields.String(attribute="id")
    on = _day()
    state = fields.String()
    long_term = fields.Boolean()
    instalments = fields.List(fields.Nested(InstalmentOut))
    performed_on = _day()


class PetitionOut(Schema):
    """A petition."""

    entry_id = fields.String(attribute="id")
    on = _day()
    repeated = fields.Boolean()
    registered_on = _day()
    closed_on = _day()
    valid = fields.Boolean(allow_none=True)


class ObjectionOut(Schema):
    """An objection, an application for a review, a petition for supervision."""

    entry_id = fields.String(attribute="id")
    on = _day()
    kind = fields.String()
    decided_on = _day()
    result = fields.String(allow_none=True)


class ReliefOut(Schema):
    """Judicial relief."""

    entry_id = fields.String(attribute="id")
    on = _day()
    amount_fen = _fen()
    decided_on = _day()
    granted = fields.Boolean(allow_none=True)


class ExplanationOut(Schema):
    """An explanation to the applicant."""

    entry_id = fields.String(attribute="id")
    on = _day()
    closing = fields.String()
    accepted = fields.Boolean(allow_none=True)


class ClosedOut(Schema):
    """How a case was closed, and as which case it goes on."""

    entry_id = fields.String(attribute="id")
    on = _day()
    method = fields.String()
    resumed_on = _day()
    resumed_as = fields.String(allow_none=True)


class FactOut(_Named):
    """A fact and the kind of entry that shows it."""

    fact = fields.String()
    kind = fields.String()


class KnownFactOut(FactOut):
    """A fact, whether it holds (null: nobody said), and the entries that show it."""

    holds = fields.Boolean(allow_none=True)
    entries = fields.List(fields.String())


class PartOut(_Named):
    """Something that has to be tried."""

    done = fields.Boolean()
    entries = fields.List(fields.String())


class ExhaustionOut(FactOut):
    """One of the three exhaustions."""

    complete = fields.Boolean()
    entries = fields.List(fields.String())
    parts = fields.List(fields.Nested(PartOut))


class AlarmOut(_Named):
    """Something that presses."""

    kind = fields.String()
    late = fields.Boolean()
    on = _day()
    clock = fields.String(allow_none=True)
    entry_id = fields.String(allow_none=True)


class CategoryOut(_Named):
    """A category of key cases."""

    category = fields.String()


class SuggestionOut(CategoryOut):
    """A category that the records suggest, and why."""

    reason = fields.String()
    says = fields.String(allow_none=True)
    entries = fields.List(fields.String())


class VersionOut(Schema):
    """One version of 五定一包."""

    entry_id = fields.String()
    on = _day()
    by = fields.UUID(allow_none=True)
    handler = fields.UUID(allow_none=True)
    supervising_leader = fields.UUID(allow_none=True)
    measures = fields.String(allow_none=True)
    deadline_on = fields.String(allow_none=True)
    target = fields.String(allow_none=True)
    package_leader = fields.UUID(allow_none=True)
    missing = fields.List(fields.String())


class KeyOut(Schema):
    """Whether it is a key case, and who answers for it."""

    state = fields.String()
    categories = fields.List(fields.Nested(CategoryOut))
    suggested = fields.List(fields.Nested(SuggestionOut))
    confirmed_on = _day()
    released_on = _day()
    deadline_on = _day()
    responsibility = fields.String()
    versions = fields.List(fields.Nested(VersionOut))


class PublicPartyOut(Schema):
    """A party as anybody may see it."""

    role = fields.String()
    kind = fields.String()
    name = fields.String()
    masked = fields.Boolean()


class StateOut(Schema):
    """Where a case stands."""

    case_id = fields.UUID()
    on = _day()
    status = fields.String()
    deadline_on = _day()
    extended_to = _day()
    next_due_on = _day()
    next_renewal_on = _day()
    last_activity_on = _day()
    amounts = fields.Nested(AmountsOut)
    measures = fields.List(fields.Nested(MeasureOut))
    periods = fields.List(fields.Nested(PeriodOut))
    leads = fields.List(fields.Nested(LeadOut))
    persuasions = fields.Integer()
    promises = fields.List(fields.Nested(PromiseOut))
    settlements = fields.List(fields.Nested(SettlementOut))
    petitions = fields.List(fields.Nested(PetitionOut))
    objections = fields.List(fields.Nested(ObjectionOut))
    reliefs = fields.List(fields.Nested(ReliefOut))
    explanations = fields.List(fields.Nested(ExplanationOut))
    exhaustions = fields.List(fields.Nested(ExhaustionOut))
    closed = fields.Nested(ClosedOut, allow_none=True)
    resumes = fields.UUID(allow_none=True)
    public_parties = fields.List(fields.Nested(PublicPartyOut))
    key = fields.Nested(KeyOut)
    alarms = fields.List(fields.Nested(AlarmOut))


class BasisOut(Schema):
    """Where something stands in the law."""

    law = fields.String()
    law_version = fields.String()
    article = fields.String()
    confirmed = fields.Boolean()


class ClockOut(_Named):
    """A limit and where it stands."""

    id = fields.String()
    entry_id = fields.String(allow_none=True)
    begins_on = _day()
    due_on = _day()
    earliest_on = _day()
    excluded_days = fields.Integer()
    remaining_days = fields.Integer(allow_none=True)
    standing = fields.String()
    certain = fields.Boolean()
    met_on = _day()
    begins_at = _time()
    due_at = _time()
    met_at = _time()
    party = fields.Boolean()
    basis = fields.List(fields.Nested(BasisOut))


class ClocksOut(Schema):
    """Every limit that began in a case, the most pressing first."""

    on = _day()
    clocks = fields.List(fields.Nested(ClockOut))


class GateOut(_Named):
    """A gate, met or not."""

    gate = fields.String()
    met = fields.Boolean()
    missing = fields.List(fields.List(fields.Nested(FactOut)))
    entries = fields.List(fields.String())
    basis = fields.List(fields.Nested(BasisOut))


class MissingOut(_Named):
    """What a gate that is not met needs: of each group one."""

    gate = fields.String()
    needs = fields.List(fields.List(fields.Nested(FactOut)))
    basis = fields.List(fields.Nested(BasisOut))


class GatesOut(Schema):
    """Every gate of a way of closing; ``offered`` when cases of this type are closed so at all."""

    closing = fields.String()
    on = _day()
    offered = fields.Boolean()
    open = fields.Boolean()
    gates = fields.List(fields.Nested(GateOut))
    missing = fields.List(fields.Nested(MissingOut))
    facts = fields.List(fields.Nested(KnownFactOut))


class StandingOut(Schema):
    """The row that is kept of a case."""

    case_id = fields.UUID()
    status = fields.String()
    closing = fields.String(allow_none=True)
    closed_on = _day()
    claimed_fen = _fen()
    controlled_fen = _fen()
    received_fen = _fen()
    disbursed_fen = _fen()
    deadline_on = _day()
    deadline_standing = fields.String(allow_none=True)
    extended_to = _day()
    next_due_on = _day()
    next_renewal_on = _day()
    overdue = fields.Integer()
    due_soon = fields.Integer()
    last_activity_on = _day()
    settlement = fields.String(allow_none=True)
    broken_promises = fields.Integer()
    open_petitions = fields.Integer()
    alarms = fields.Raw()
    key_state = fields.String()
    key_categories = fields.List(fields.String())
    key_suggested = fields.List(fields.String())
    responsibility = fields.String()
    key_deadline_on = _day()
    computed_on = _day()
