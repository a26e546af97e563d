"""What goes out over the wire: allow-lists of meetings, tasks, alerts, campaigns and figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields

from client_sdk.protocol.ids import short_code


def counted(table: Mapping[Any, int]) -> dict[str, int]:
    """Counts by name, as JSON has them."""
    return {str(name): count for name, count in table.items()}


def code_of(row: Any) -> str:
    """The short code of a row."""
    return short_code(row.id)


def _moment(**options: Any) -> fields.AwareDateTime:
    return fields.AwareDateTime(format="iso", **options)


class OversightRuleOut(Schema):
    """One version of the thresholds."""

    version = fields.Integer()
    idle_days = fields.Integer()
    explain_days = fields.Integer()
    reason = fields.String()
    made_by = fields.UUID()
    made_at = _moment()


class ThresholdsOut(Schema):
    """The thresholds in force."""

    version = fields.Integer()
    idle_days = fields.Integer()
    explain_days = fields.Integer()


class OversightRulesOut(Schema):
    """The thresholds in force and every version that was made."""

    in_force = fields.Nested(ThresholdsOut)
    versions = fields.List(fields.Nested(OversightRuleOut))


class MeetingOut(Schema):
    """One meeting; the minutes are read with the meeting itself."""

    id = fields.UUID()
    code = fields.Function(code_of)
    week = fields.String()
    meets_on = fields.Date()
    chair_id = fields.UUID()
    state = fields.String()
    called_at = _moment()
    held_at = _moment(allow_none=True)
    minuted_at = _moment(allow_none=True)
    version = fields.Integer()


class MeetingWholeOut(Schema):
    """One meeting with its minutes, for those who lead or were there; null for others."""

    meeting = fields.Nested(MeetingOut)
    attendees = fields.List(fields.String(), allow_none=True)
    minutes = fields.String(allow_none=True)
    agenda = fields.Raw(allow_none=True)


class PlanOut(Schema):
    """One version of a plan."""

    id = fields.UUID()
    week = fields.String()
    officer_id = fields.UUID()
    version = fields.Integer()
    progress = fields.String(allow_none=True)
    steps = fields.List(fields.String())
    written_by = fields.UUID()
    written_at = _moment()


class InspectionOut(Schema):
    """One notice of inspection."""

    id = fields.UUID()
    week = fields.String()
    case_id = fields.UUID(allow_none=True)
    text = fields.String()
    written_by = fields.UUID()
    written_at = _moment()


class TaskOut(Schema):
    """One task."""

    id = fields.UUID()
    code = fields.Function(code_of)
    meeting_id = fields.UUID(allow_none=True)
    case_id = fields.UUID(allow_none=True)
    owner_id = fields.UUID()
    text = fields.String()
    due_on = fields.Date()
    state = fields.String()
    given_by = fields.UUID()
    given_at = _moment()
    overdue_at = _moment(allow_none=True)
    done_by = fields.UUID(allow_none=True)
    done_at = _moment(allow_none=True)
    result = fields.String(allow_none=True)


class AlertOut(Schema):
    """One alert."""

    id = fields.UUID()
    code = fields.Function(code_of)
    kind = fields.String()
    case_id = fields.UUID(allow_none=True)
    task_id = fields.UUID(allow_none=True)
    owner_id = fields.UUID(allow_none=True)
    since_on = fields.Date()
    state = fields.String()
    raised_at = _moment()
    explain_by = fields.Date()
    explanation = fields.String(allow_none=True)
    explained_by = fields.UUID(allow_none=True)
    explained_at = _moment(allow_none=True)
    escalation = fields.String(allow_none=True)
    escalated_by = fields.UUID(allow_none=True)
    escalated_at = _moment(allow_none=True)
    clearance = fields.String(allow_none=True)
    cleared_by = fields.UUID(allow_none=True)
    cleared_at = _moment(allow_none=True)


class CampaignOut(Schema):
    """One campaign."""

    id = fields.UUID()
    code = fields.Function(code_of)
    name = fields.String()
    purpose = fields.String(allow_none=True)
    begins_on = fields.Date()
    ends_on = fields.Date()
    state = fields.String()
    result = fields.String(allow_none=True)
    started_at = _moment(allow_none=True)
    closed_at = _moment(allow_none=True)


class CountsOut(Schema):
    """What a campaign comes to, of what the caller may see."""

    cases = fields.Function(lambda one: counted(one.cases))
    actions = fields.Function(lambda one: counted(one.actions))
    received_fen = fields.Integer()


class CampaignCountedOut(Schema):
    """A campaign and what it comes to."""

    campaign = fields.Nested(CampaignOut)
    counts = fields.Nested(CountsOut)


class CaseLineOut(Schema):
    """A case to be spoken of."""

    id = fields.UUID()
    case_no = fields.String()
    status = fields.String()
    filed_on = fields.Date(allow_none=True)
    deadline_on = fields.Date(allow_none=True)
    alerts = fields.List(fields.String())
    key_categories = fields.Function(lambda one: [] if one.key is None else [*one.key.categories])


class OutingOut(Schema):
    """A mission of the week."""

    id = fields.UUID()
    title = fields.String()
    starts_at = _moment()


class PartOut(Schema):
    """What one officer reports on."""

    officer_id = fields.UUID(allow_none=True)
    in_hand = fields.Integer()
    suspended = fields.Integer()
    cases = fields.List(fields.Nested(CaseLineOut))
    alerts = fields.Function(lambda one: counted(one.alerts))
    plan = fields.Nested(PlanOut, allow_none=True)
    outings = fields.List(fields.Nested(OutingOut))


class AgendaFindingOut(Schema):
    """A new finding of conduct."""

    id = fields.UUID()
    case_id = fields.UUID()
    action_id = fields.UUID()
    rule = fields.String()
    outcome = fields.String()
    state = fields.String()
    opened_at = _moment()


class AgendaOut(Schema):
    """What lies on the table in a week."""

    week = fields.String()
    begins_on = fields.Date()
    ends_on = fields.Date()
    meeting = fields.Nested(MeetingOut, allow_none=True)
    parts = fields.List(fields.Nested(PartOut))
    inspections = fields.List(fields.Nested(InspectionOut))
    overdue = fields.List(fields.Nested(TaskOut))
    open_tasks = fields.Integer()
    findings = fields.List(fields.Nested(AgendaFindingOut))
    findings_new = fields.Integer()


class KeyFiguresOut(Schema):
    """Key cases of one category."""

    cases = fields.Integer()
    incomplete = fields.Integer()
    met = fields.Integer()
    missed = fields.Integer()


class DashboardOut(Schema):
    """The court's figures."""

    from_on = fields.Date(data_key="from")
    to_on = fields.Date(data_key="to")
    at = _moment()
    cases = fields.Function(lambda one: counted(one.cases))
    key_cases = fields.Dict(keys=fields.String(), values=fields.Nested(KeyFiguresOut))
    alerts = fields.Function(lambda one: {kind: counted(of) for kind, of in one.alerts.items()})
    conduct = fields.Function(lambda one: {rule: counted(of) for rule, of in one.conduct.items()})
    conduct_counted_at = fields.AwareDateTime(format="iso", attribute="conduct_at")
    findings_by_age_days = fields.Function(lambda one: counted(one.findings))
    recording_coverage = fields.Function(lambda one: counted(one.coverage))
    received_fen = fields.Integer()
    disbursed_fen = fields.Integer()
    tasks = fields.Function(lambda one: counted(one.tasks))
    campaigns = fields.Function(
        lambda one: [
            CampaignCountedOut().dump({"campaign": campaign, "counts": counts})
            for campaign, counts in one.campaigns
        ]
    )
