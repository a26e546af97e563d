"""Weekly supervision: the agenda that is printed, plans, notices of inspection, meetings."""

from __future__ import annotations

import uuid
from datetime import timedelta

from flask import Blueprint, Response, url_for

from server.console.court_names import people
from server.console.oversight import case_called, leaders, rule_names, workers
from server.console.oversight_forms import InspectionAsk, InspectionForm, PlanForm
from server.console.pages import page, render, see
from server.core.context import Context
from server.core.permissions import Permission
from server.oversight import agenda, queries, service, weeks
from server.oversight import schemas as wire
from server.oversight.agenda import numbers
from server.oversight.commands import (
    AgendaAsk,
    CallMeeting,
    HoldMeeting,
    MinuteMeeting,
    Paged,
    TaskFilter,
    WriteInspection,
    WritePlan,
)

blueprint = Blueprint("console_oversight_meetings", __name__, url_prefix="/oversight")
_TASKS_SHOWN = 200


@blueprint.get("/agenda")
@page(Permission.OVERSIGHT_VIEW, query=wire.WeekQuery)
def show_agenda(ctx: Context, query: AgendaAsk) -> Response:
    """The agenda of a week, made from the data; printed as it stands."""
    found = agenda.agenda(ctx, query.week)
    mine = next((one for one in found.parts if one.officer_id == ctx.actor.user_id), None)
    return render(
        ctx, "oversight/agenda.html", agenda=found, before=weeks.before(found.week),
        after=weeks.after(found.week), my_plan=mine.plan if mine else None,
        leaders=leaders(ctx), my_id=ctx.actor.user_id, rule_names=rule_names(ctx),
        meets_on=max(service.today_at(ctx), found.begins_on),
    )  # fmt: skip


@blueprint.post("/plans")
@page(Permission.OVERSIGHT_VIEW, form=PlanForm)
def write_plan(ctx: Context, form: WritePlan) -> Response:
    """Write one's own plan for a week."""
    service.write_plan(ctx, form)
    return _back(form.week, "oversight.said_planned")


@blueprint.post("/inspections")
@page(Permission.OVERSIGHT_RUN, form=InspectionForm)
def write_inspection(ctx: Context, form: InspectionAsk) -> Response:
    """Write what the inspection of a week found."""
    found = WriteInspection(week=form.week, text=form.text, case_id=case_called(ctx, form.case))
    service.write_inspection(ctx, found)
    return _back(weeks.after(form.week), "oversight.said_inspected")


@blueprint.get("/meetings")
@page(Permission.OVERSIGHT_VIEW, query=wire.MeetingQuery)
def list_meetings(ctx: Context, query: Paged) -> Response:
    """Meetings of the court."""
    found = queries.list_meetings(ctx, query)
    return render(ctx, "oversight/meetings.html", page=found, names=people(ctx))


@blueprint.post("/meetings")
@page(Permission.OVERSIGHT_RUN, form=wire.CallBody)
def call_meeting(ctx: Context, form: CallMeeting) -> Response:
    """Call the meeting of a week."""
    made = service.call_meeting(ctx, form)
    return _to(made.id, "oversight.said_called")


@blueprint.get("/meetings/<uuid:meeting_id>")
@page(Permission.OVERSIGHT_VIEW)
def show_meeting(ctx: Context, meeting_id: uuid.UUID) -> Response:
    """A meeting: who was there, what was said, which tasks were given."""
    row = queries.meeting(ctx, meeting_id)
    tasks = queries.list_tasks(ctx, TaskFilter(meeting_id=row.id, limit=_TASKS_SHOWN)).items
    return render(
        ctx, "oversight/meeting.html", meeting=row, tasks=tasks, names=people(ctx),
        case_nos=numbers(ctx, [one.case_id for one in tasks]), workers=workers(ctx),
        sees=queries.sees_minutes(ctx.actor, row),
        due_on=service.today_at(ctx) + timedelta(days=7),
    )  # fmt: skip


@blueprint.post("/meetings/<uuid:meeting_id>/hold")
@page(Permission.OVERSIGHT_RUN, form=wire.HoldMeetingBody)
def hold_meeting(ctx: Context, meeting_id: uuid.UUID, form: HoldMeeting) -> Response:
    """The meeting took place."""
    service.hold_meeting(ctx, meeting_id, form)
    return _to(meeting_id, "oversight.said_held")


@blueprint.post("/meetings/<uuid:meeting_id>/minutes")
@page(Permission.OVERSIGHT_RUN, form=wire.MinutesBody)
def minute_meeting(ctx: Context, meeting_id: uuid.UUID, form: MinuteMeeting) -> Response:
    """Write the minutes."""
    service.minute_meeting(ctx, meeting_id, form)
    return _to(meeting_id, "oversight.said_minuted")


def _back(week: str, said: str) -> Response:
    return see(url_for("console_oversight_meetings.show_agenda", week=week), said=said)


def _to(meeting_id: uuid.UUID, said: str) -> Response:
    place = url_for("console_oversight_meetings.show_meeting", meeting_id=meeting_id)
    return see(place, said=said)
