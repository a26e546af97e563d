"""Wire forms of where a case stands."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, post_load, validate

from client_sdk.protocol.entries import kinds
from server.cases.closing_rules import Closing
from server.cases.states import CaseStatus
from server.conduct.case_part_schemas import (
    AlarmOut,
    AmountsOut,
    ClockOut,
    ClosedOut,
    ExhaustionOut,
    ExplanationOut,
    GateOut,
    KeyOut,
    KnownFactOut,
    LeadOut,
    MeasureOut,
    MissingOut,
    ObjectionOut,
    PeriodOut,
    PetitionOut,
    PromiseOut,
    PublicPartyOut,
    ReliefOut,
    SettlementOut,
    day,
    fen,
)
from server.conduct.case_views import GatesAsked, StandingFilter
from server.core.paging import LIMIT_DEFAULT, LIMIT_MAX

_CATEGORIES = sorted(kinds()["key.confirmed"].fields["categories"].options)


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


class StateOut(Schema):
    """Where a case stands."""

    case_id = fields.UUID()
    on = day()
    status = fields.String()
    deadline_on = day()
    extended_to = day()
    next_due_on = day()
    next_renewal_on = day()
    last_activity_on = day()
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


class ClocksOut(Schema):
    """Every limit that began in a case, the most pressing first."""

    on = day()
    clocks = fields.List(fields.Nested(ClockOut))


class GatesOut(Schema):
    """Every gate of a way of closing; ``offered`` when cases of this type are closed so at all."""

    closing = fields.String()
    on = day()
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
    closed_on = day()
    claimed_fen = fen()
    controlled_fen = fen()
    received_fen = fen()
    disbursed_fen = fen()
    deadline_on = day()
    deadline_standing = fields.String(allow_none=True)
    extended_to = day()
    next_due_on = day()
    next_renewal_on = day()
    overdue = fields.Integer()
    due_soon = fields.Integer()
    last_activity_on = day()
    settlement = fields.String(allow_none=True)
    broken_promises = fields.Integer()
    open_petitions = fields.Integer()
    alarms = fields.Raw()
    key_state = fields.String()
    key_categories = fields.List(fields.String())
    key_suggested = fields.List(fields.String())
    responsibility = fields.String()
    key_deadline_on = day()
    computed_on = day()
