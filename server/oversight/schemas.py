"""Wire forms of meetings, plans, tasks, alerts, campaigns and the dashboard."""

from __future__ import annotations

from typing import Any, Final

from marshmallow import RAISE, Schema, ValidationError, fields, post_load, validate

from server.core.paging import LIMIT_DEFAULT, LIMIT_MAX
from server.core.texts import readable, readable_line
from server.oversight import weeks
from server.oversight.commands import (
    AgendaAsk,
    AlertFilter,
    CallMeeting,
    CampaignFilter,
    CloseCampaign,
    DashboardAsk,
    FinishTask,
    GiveTask,
    HoldMeeting,
    MakeCampaign,
    MakeRule,
    MinuteMeeting,
    Paged,
    Say,
    TakeIn,
    TaskFilter,
    WriteInspection,
    WritePlan,
)
from server.oversight.kinds import AlertKind, AlertState, CampaignState, TaskState

TEXT_MAX: Final = 2_000
MINUTES_MAX: Final = 20_000
BATCH_MAX: Final = 200
PEOPLE_MAX: Final = 100
STEPS_MAX: Final = 30
DAYS_MAX: Final = 730


def text(characters_max: int = TEXT_MAX, **options: Any) -> fields.String:
    """What people write, over several lines."""
    return fields.String(validate=[validate.Length(1, characters_max), readable], **options)


def line(characters_max: int = 200, **options: Any) -> fields.String:
    """What people write on one line."""
    return fields.String(validate=[validate.Length(1, characters_max), readable_line], **options)


def require_week(value: str) -> None:
    """A week by ISO 8601 that has one before it and one after it: an agenda looks at both."""
    try:
        for one in (value, weeks.before(value), weeks.after(value)):
            weeks.first_day(one)
    except ValueError as error:
        raise ValidationError(str(error)) from None


def week(**options: Any) -> fields.String:
    """A week such as ``2025-W39``."""
    return fields.String(validate=require_week, metadata={"pattern": weeks.PATTERN}, **options)


def ids(most: int = BATCH_MAX) -> fields.List[Any]:
    """Some ids."""
    return fields.List(fields.UUID(), load_default=list, validate=validate.Length(0, most))


class _Strict(Schema):
    class Meta:
        unknown = RAISE


class _PageQuery(_Strict):
    cursor = fields.String(validate=validate.Length(1, 500))
    limit = fields.Integer(load_default=LIMIT_DEFAULT, validate=validate.Range(1, LIMIT_MAX))


# ---------------------------------------------------------------- what comes in


class OversightRuleBody(_Strict):
    """Thresholds in days; ``explain_days`` are working days."""

    idle_days = fields.Integer(required=True, strict=True, validate=validate.Range(1, DAYS_MAX))
    explain_days = fields.Integer(required=True, strict=True, validate=validate.Range(1, 60))
    reason = text(required=True)

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> MakeRule:
        return MakeRule(**data)


class CallBody(_Strict):
    """A meeting to call; its week is that of the day."""

    meets_on = fields.Date(required=True)
    chair_id = fields.UUID(required=True)

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> CallMeeting:
        return CallMeeting(**data)


class HoldMeetingBody(_Strict):
    """Who was there."""

    attendee_ids = ids(PEOPLE_MAX)

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> HoldMeeting:
        return HoldMeeting(attendee_ids=tuple(data["attendee_ids"]))


class MinutesBody(_Strict):
    """The minutes."""

    minutes = text(MINUTES_MAX, required=True)

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> MinuteMeeting:
        return MinuteMeeting(**data)


class PlanBody(_Strict):
    """A plan for a week; one's own unless ``officer_id`` names somebody."""

    week = week(required=True)
    progress = text()
    steps = fields.List(line(500), required=True, validate=validate.Length(1, STEPS_MAX))
    officer_id = fields.UUID()

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> WritePlan:
        return WritePlan(**{**data, "steps": tuple(data["steps"])})


class InspectionBody(_Strict):
    """What the inspection of a week found, of one case or of all."""

    week = week(required=True)
    text = text(required=True)
    case_id = fields.UUID()

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> WriteInspection:
        return WriteInspection(**data)


class TaskBody(_Strict):
    """A task to give."""

    owner_id = fields.UUID(required=True)
    text = text(required=True)
    due_on = fields.Date(required=True)
    case_id = fields.UUID()
    meeting_id = fields.UUID()

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> GiveTask:
        return GiveTask(**data)


class DoneBody(_Strict):
    """What came of a task."""

    result = text(required=True)

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> FinishTask:
        return FinishTask(**data)


class SayBody(_Strict):
    """An explanation, or why it is accepted or not."""

    text = text(required=True)

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> Say:
        return Say(**data)


class CampaignBody(_Strict):
    """A campaign to plan."""

    name = line(required=True)
    purpose = text()
    begins_on = fields.Date(required=True)
    ends_on = fields.Date(required=True)

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> MakeCampaign:
        return MakeCampaign(**data)


class TakeInBody(_Strict):
    """Cases and actions to take in."""

    case_ids = ids()
    action_ids = ids()

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> TakeIn:
        return TakeIn(case_ids=tuple(data["case_ids"]), action_ids=tuple(data["action_ids"]))


class CloseBody(_Strict):
    """What came of a campaign."""

    result = text(required=True)

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> CloseCampaign:
        return CloseCampaign(**data)


# ---------------------------------------------------------------- what is asked


class WeekQuery(_Strict):
    """A week; the present one unless named."""

    week = week()

    @post_load
    def _ask(self, data: dict[str, Any], **_: Any) -> AgendaAsk:
        return AgendaAsk(**data)


class DashboardQuery(_Strict):
    """The period of what is summed up."""

    from_on = fields.Date(data_key="from")
    to_on = fields.Date(data_key="to")

    @post_load
    def _ask(self, data: dict[str, Any], **_: Any) -> DashboardAsk:
        return DashboardAsk(**data)


class MeetingQuery(_PageQuery):
    """A page of meetings."""

    @post_load
    def _filter(self, data: dict[str, Any], **_: Any) -> Paged:
        return Paged(**data)


class TaskQuery(_PageQuery):
    """Filters of tasks."""

    state = fields.Enum(TaskState, by_value=True)
    owner_id = fields.UUID()
    case_id = fields.UUID()
    meeting_id = fields.UUID()

    @post_load
    def _filter(self, data: dict[str, Any], **_: Any) -> TaskFilter:
        return TaskFilter(**data)


class AlertQuery(_PageQuery):
    """Filters of alerts; ``standing`` leaves out what was cleared."""

    kind = fields.Enum(AlertKind, by_value=True)
    state = fields.Enum(AlertState, by_value=True)
    standing = fields.Boolean(load_default=False)
    owner_id = fields.UUID()
    case_id = fields.UUID()

    @post_load
    def _filter(self, data: dict[str, Any], **_: Any) -> AlertFilter:
        return AlertFilter(**data)


class CampaignQuery(_PageQuery):
    """Filters of campaigns."""

    state = fields.Enum(CampaignState, by_value=True)

    @post_load
    def _filter(self, data: dict[str, Any], **_: Any) -> CampaignFilter:
        return CampaignFilter(**data)
