"""Routes of oversight: dashboard, weekly meetings, plans, tasks, alerts, campaigns."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Blueprint

from server.core.context import Context
from server.core.endpoint import endpoint
from server.core.paging import Page
from server.core.permissions import Permission
from server.oversight import agenda, alerts, campaigns, dashboard, queries, service, tasks, views
from server.oversight import schemas as wire
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
from server.oversight.models import (
    Campaign,
    InspectionNotice,
    OversightAlert,
    OversightRule,
    OversightTask,
    WeeklyMeeting,
    WeeklyPlan,
)

blueprint = Blueprint("oversight", __name__)
_VIEW, _RUN = Permission.OVERSIGHT_VIEW, Permission.OVERSIGHT_RUN


@blueprint.get("/oversight/dashboard")
@endpoint(_RUN, query=wire.DashboardQuery, dump=views.DashboardOut)
def get_dashboard(ctx: Context, query: DashboardAsk) -> dashboard.Dashboard:
    """The court's figures: cases, alerts, conduct, money, tasks, campaigns; no persons."""
    return dashboard.dashboard(ctx, query)


@blueprint.get("/oversight/rules")
@endpoint(_VIEW, dump=views.OversightRulesOut)
def list_oversight_rules(ctx: Context) -> dict[str, Any]:
    """The court's thresholds in force, and every version that was made."""
    in_force = queries.thresholds(ctx.session, ctx.actor.court_id)
    return {"in_force": in_force, "versions": queries.rule_versions(ctx)}


@blueprint.post("/oversight/rules")
@endpoint(_RUN, load=wire.OversightRuleBody, dump=views.OversightRuleOut, status=201)
def make_oversight_rule(ctx: Context, command: MakeRule) -> OversightRule:
    """Rule from when on a case counts as idle, and how long an alert may go unexplained."""
    return service.make_rule(ctx, command)


# ---------------------------------------------------------------- weekly supervision


@blueprint.get("/oversight/agenda")
@endpoint(_VIEW, query=wire.WeekQuery, dump=views.AgendaOut)
def get_agenda(ctx: Context, query: AgendaAsk) -> agenda.Agenda:
    """The agenda of a week, made from the data; officers see their own part."""
    return agenda.agenda(ctx, query.week)


@blueprint.get("/oversight/meetings")
@endpoint(_VIEW, query=wire.MeetingQuery, dump=views.MeetingOut)
def list_meetings(ctx: Context, query: Paged) -> Page[WeeklyMeeting]:
    """List weekly meetings, the latest called first."""
    return queries.list_meetings(ctx, query)


@blueprint.post("/oversight/meetings")
@endpoint(_RUN, load=wire.CallBody, dump=views.MeetingOut, status=201)
def call_meeting(ctx: Context, command: CallMeeting) -> WeeklyMeeting:
    """Call the meeting of a week."""
    return service.call_meeting(ctx, command)


@blueprint.get("/oversight/meetings/<uuid:meeting_id>")
@endpoint(_VIEW, dump=views.MeetingWholeOut)
def get_meeting(ctx: Context, meeting_id: uuid.UUID) -> dict[str, Any]:
    """Read a meeting, with its minutes if you lead or were there."""
    row = queries.meeting(ctx, meeting_id)
    sees = queries.sees_minutes(ctx.actor, row)
    return {
        "meeting": row,
        "attendees": row.attendees if sees else None,
        "minutes": row.minutes if sees else None,
        "agenda": row.agenda if ctx.actor.sees_whole_court else None,
    }


@blueprint.post("/oversight/meetings/<uuid:meeting_id>/hold")
@endpoint(_RUN, load=wire.HoldMeetingBody, dump=views.MeetingOut)
def hold_meeting(ctx: Context, meeting_id: uuid.UUID, command: HoldMeeting) -> WeeklyMeeting:
    """The meeting took place: keep the agenda as it was, and who was there."""
    return service.hold_meeting(ctx, meeting_id, command)


@blueprint.post("/oversight/meetings/<uuid:meeting_id>/minutes")
@endpoint(_RUN, load=wire.MinutesBody, dump=views.MeetingOut)
def minute_meeting(ctx: Context, meeting_id: uuid.UUID, command: MinuteMeeting) -> WeeklyMeeting:
    """Write the minutes of a meeting that was held."""
    return service.minute_meeting(ctx, meeting_id, command)


@blueprint.post("/oversight/plans")
@endpoint(_VIEW, load=wire.PlanBody, dump=views.PlanOut, status=201)
def write_plan(ctx: Context, command: WritePlan) -> WeeklyPlan:
    """Write what was done and what is planned for a week; what was written before stays."""
    return service.write_plan(ctx, command)


@blueprint.post("/oversight/inspections")
@endpoint(_RUN, load=wire.InspectionBody, dump=views.InspectionOut, status=201)
def write_inspection(ctx: Context, command: WriteInspection) -> InspectionNotice:
    """Write what the inspection of a week's work found."""
    return service.write_inspection(ctx, command)


@blueprint.get("/oversight/tasks")
@endpoint(_VIEW, query=wire.TaskQuery, dump=views.TaskOut)
def list_tasks(ctx: Context, query: TaskFilter) -> Page[OversightTask]:
    """List tasks that are yours or about cases you may see, the newest first."""
    return queries.list_tasks(ctx, query)


@blueprint.post("/oversight/tasks")
@endpoint(_RUN, load=wire.TaskBody, dump=views.TaskOut, status=201)
def give_task(ctx: Context, command: GiveTask) -> OversightTask:
    """Give somebody a task with a day by which it is done."""
    return tasks.give(ctx, command)


@blueprint.get("/oversight/tasks/<uuid:task_id>")
@endpoint(_VIEW, dump=views.TaskOut)
def get_task(ctx: Context, task_id: uuid.UUID) -> OversightTask:
    """Read a task."""
    return queries.task(ctx, task_id)


@blueprint.post("/oversight/tasks/<uuid:task_id>/done")
@endpoint(_VIEW, load=wire.DoneBody, dump=views.TaskOut)
def finish_task(ctx: Context, task_id: uuid.UUID, command: FinishTask) -> OversightTask:
    """Say that a task is done, and what came of it."""
    return tasks.finish(ctx, task_id, command)


# ---------------------------------------------------------------- alerts


@blueprint.get("/oversight/alerts")
@endpoint(_VIEW, query=wire.AlertQuery, dump=views.AlertOut)
def list_alerts(ctx: Context, query: AlertFilter) -> Page[OversightAlert]:
    """List alerts of what lies idle or is late, the newest first."""
    return queries.list_alerts(ctx, query)


@blueprint.get("/oversight/alerts/<uuid:alert_id>")
@endpoint(_VIEW, dump=views.AlertOut)
def get_alert(ctx: Context, alert_id: uuid.UUID) -> OversightAlert:
    """Read an alert."""
    return queries.alert(ctx, alert_id)


@blueprint.post("/oversight/alerts/<uuid:alert_id>/explain")
@endpoint(_VIEW, load=wire.SayBody, dump=views.AlertOut)
def explain_alert(ctx: Context, alert_id: uuid.UUID, command: Say) -> OversightAlert:
    """Explain an alert that you answer for."""
    return alerts.explain(ctx, alert_id, command)


@blueprint.post("/oversight/alerts/<uuid:alert_id>/clear")
@endpoint(_RUN, load=wire.SayBody, dump=views.AlertOut)
def clear_alert(ctx: Context, alert_id: uuid.UUID, command: Say) -> OversightAlert:
    """Accept somebody else's explanation of an alert."""
    return alerts.clear(ctx, alert_id, command)


@blueprint.post("/oversight/alerts/<uuid:alert_id>/escalate")
@endpoint(_RUN, load=wire.SayBody, dump=views.AlertOut)
def escalate_alert(ctx: Context, alert_id: uuid.UUID, command: Say) -> OversightAlert:
    """Take an alert to the president."""
    return alerts.escalate(ctx, alert_id, command)


# ---------------------------------------------------------------- campaigns


@blueprint.get("/oversight/campaigns")
@endpoint(_VIEW, query=wire.CampaignQuery, dump=views.CampaignOut)
def list_campaigns(ctx: Context, query: CampaignFilter) -> Page[Campaign]:
    """List campaigns, the newest first."""
    return queries.list_campaigns(ctx, query)


@blueprint.post("/oversight/campaigns")
@endpoint(_RUN, load=wire.CampaignBody, dump=views.CampaignOut, status=201)
def make_campaign(ctx: Context, command: MakeCampaign) -> Campaign:
    """Plan a campaign."""
    return campaigns.make(ctx, command)


@blueprint.get("/oversight/campaigns/<uuid:campaign_id>")
@endpoint(_VIEW, dump=views.CampaignCountedOut)
def get_campaign(ctx: Context, campaign_id: uuid.UUID) -> dict[str, Any]:
    """Read a campaign and what it comes to, of what you may see."""
    row = queries.campaign(ctx, campaign_id)
    return {"campaign": row, "counts": campaigns.counts(ctx, [row])[row.id]}


@blueprint.post("/oversight/campaigns/<uuid:campaign_id>/items")
@endpoint(_RUN, load=wire.TakeInBody, dump=views.CampaignOut)
def take_in(ctx: Context, campaign_id: uuid.UUID, command: TakeIn) -> Campaign:
    """Take cases and actions into a campaign."""
    return campaigns.take_in(ctx, campaign_id, command)


@blueprint.post("/oversight/campaigns/<uuid:campaign_id>/start")
@endpoint(_RUN, dump=views.CampaignOut)
def start_campaign(ctx: Context, campaign_id: uuid.UUID) -> Campaign:
    """Start a planned campaign."""
    return campaigns.start(ctx, campaign_id)


@blueprint.post("/oversight/campaigns/<uuid:campaign_id>/close")
@endpoint(_RUN, load=wire.CloseBody, dump=views.CampaignOut)
def close_campaign(ctx: Context, campaign_id: uuid.UUID, command: CloseCampaign) -> Campaign:
    """Close a running campaign with what came of it."""
    return campaigns.close(ctx, campaign_id, command)
