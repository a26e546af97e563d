"""Wire forms of what a case consists of: measures, talks, petitions, limits, gates."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields


def day(**options: Any) -> fields.Date:
    """A day."""
    return fields.Date(allow_none=True, **options)


def moment() -> fields.AwareDateTime:
    """A moment."""
    return fields.AwareDateTime(format="iso", allow_none=True)


def fen() -> fields.Integer:
    """An amount."""
    return fields.Integer(allow_none=True, metadata={"description": "fen"})


class Named(Schema):
    """Something with a name in both languages."""

    zh = fields.String()
    en = fields.String()


class AmountsOut(Schema):
    """Amounts of a case."""

    claimed_fen = fen()
    controlled_fen = fen()
    received_fen = fen()
    disbursed_fen = fen()
    owed_fen = fen()


class MeasureOut(Named):
    """A measure."""

    entry_id = fields.String()
    type = fields.String()
    on = day()
    until_on = day()
    renewals = fields.Integer()
    lifted_on = day()
    asset = fields.String(allow_none=True)
    controlled_fen = fen()
    in_force = fields.Boolean()


class PeriodOut(Schema):
    """Days that do not count."""

    begins_on = day()
    ends_on = day()
    reason = fields.String()


class LeadOut(Schema):
    """A lead; its source stays in its entry."""

    entry_id = fields.String(attribute="id")
    on = day()
    kind = fields.String()
    specific = fields.Boolean()
    urgent = fields.Boolean()
    verified_on = day()
    result = fields.String(allow_none=True)


class PromiseOut(Schema):
    """A promise."""

    entry_id = fields.String(attribute="id")
    on = day()
    by = fields.String()
    due_on = day()
    state = fields.String()
    amount_fen = fen()


class InstalmentOut(Schema):
    """One part of a settlement's schedule."""

    entry_id = fields.String(attribute="id")
    due_on = day()
    amount_fen = fen()
    paid_fen = fen()
    paid_on = day()


class SettlementOut(Schema):
    """A settlement."""

    entry_id = fields.String(attribute="id")
    on = day()
    state = fields.String()
    long_term = fields.Boolean()
    instalments = fields.List(fields.Nested(InstalmentOut))
    performed_on = day()


class PetitionOut(Schema):
    """A petition."""

    entry_id = fields.String(attribute="id")
    on = day()
    repeated = fields.Boolean()
    registered_on = day()
    closed_on = day()
    valid = fields.Boolean(allow_none=True)


class ObjectionOut(Schema):
    """An objection, an application for a review, a petition for supervision."""

    entry_id = fields.String(attribute="id")
    on = day()
    kind = fields.String()
    decided_on = day()
    result = fields.String(allow_none=True)


class ReliefOut(Schema):
    """Judicial relief."""

    entry_id = fields.String(attribute="id")
    on = day()
    amount_fen = fen()
    decided_on = day()
    granted = fields.Boolean(allow_none=True)


class ExplanationOut(Schema):
    """An explanation to the applicant."""

    entry_id = fields.String(attribute="id")
    on = day()
    closing = fields.String()
    accepted = fields.Boolean(allow_none=True)


class ClosedOut(Schema):
    """How a case was closed, and as which case it goes on."""

    entry_id = fields.String(attribute="id")
    on = day()
    method = fields.String()
    resumed_on = day()
    resumed_as = fields.String(allow_none=True)


class FactOut(Named):
    """A fact and the kind of entry that shows it."""

    fact = fields.String()
    kind = fields.String()


class KnownFactOut(FactOut):
    """A fact, whether it holds (null: nobody said), and the entries that show it."""

    holds = fields.Boolean(allow_none=True)
    entries = fields.List(fields.String())


class PartOut(Named):
    """Something that has to be tried."""

    done = fields.Boolean()
    entries = fields.List(fields.String())


class ExhaustionOut(FactOut):
    """One of the three exhaustions."""

    complete = fields.Boolean()
    entries = fields.List(fields.String())
    parts = fields.List(fields.Nested(PartOut))


class AlarmOut(Named):
    """Something that presses."""

    kind = fields.String()
    late = fields.Boolean()
    on = day()
    clock = fields.String(allow_none=True)
    entry_id = fields.String(allow_none=True)


class CategoryOut(Named):
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
    on = day()
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
    confirmed_on = day()
    released_on = day()
    deadline_on = day()
    responsibility = fields.String()
    versions = fields.List(fields.Nested(VersionOut))


class PublicPartyOut(Schema):
    """A party as anybody may see it."""

    role = fields.String()
    kind = fields.String()
    name = fields.String()
    masked = fields.Boolean()


class BasisOut(Schema):
    """Where something stands in the law."""

    law = fields.String()
    law_version = fields.String()
    article = fields.String()
    confirmed = fields.Boolean()


class ClockOut(Named):
    """A limit and where it stands."""

    id = fields.String()
    entry_id = fields.String(allow_none=True)
    begins_on = day()
    due_on = day()
    earliest_on = day()
    excluded_days = fields.Integer()
    remaining_days = fields.Integer(allow_none=True)
    standing = fields.String()
    certain = fields.Boolean()
    met_on = day()
    begins_at = moment()
    due_at = moment()
    met_at = moment()
    party = fields.Boolean()
    basis = fields.List(fields.Nested(BasisOut))


class GateOut(Named):
    """A gate, met or not."""

    gate = fields.String()
    met = fields.Boolean()
    missing = fields.List(fields.List(fields.Nested(FactOut)))
    entries = fields.List(fields.String())
    basis = fields.List(fields.Nested(BasisOut))


class MissingOut(Named):
    """What a gate that is not met needs: of each group one."""

    gate = fields.String()
    needs = fields.List(fields.List(fields.Nested(FactOut)))
    basis = fields.List(fields.Nested(BasisOut))
