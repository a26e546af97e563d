"""Writing thresholds, meetings, plans and notices of inspection: each with its event."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any

from server.audit import service as audit
from server.audit.events import EventKind
from server.audit.service import Subject
from server.cases import queries as cases
from server.core.context import Context
from server.core.permissions import Permission
from server.core.problem import Kind, Problem
from server.core.transactions import take_turns
from server.identity import queries as identity
from server.oversight import agenda, policy, queries, weeks
from server.oversight.commands import (
    CallMeeting,
    HoldMeeting,
    MakeRule,
    MinuteMeeting,
    WriteInspection,
    WritePlan,
)
from server.oversight.kinds import MeetingState
from server.oversight.models import InspectionNotice, OversightRule, WeeklyMeeting, WeeklyPlan


def make_rule(ctx: Context, command: MakeRule) -> OversightRule:
    """Append a version of the court's thresholds."""
    take_turns(ctx.session, f"oversight:{ctx.actor.court_id}")
    before = queries.thresholds(ctx.session, ctx.actor.court_id)
    row = OversightRule(
        id=ctx.new_id(), court_id=ctx.actor.court_id, version=before.version + 1,
        idle_days=command.idle_days, explain_days=command.explain_days,
        reason=command.reason,
        made_by=ctx.actor.user(), made_at=ctx.clock.now(),
    )  # fmt: skip
    ctx.session.add(row)
    facts: dict[str, Any] = {
        name: {"from": getattr(before, name), "to": getattr(row, name)}
        for name in ("idle_days", "explain_days")
    }
    facts |= {"version": row.version, "reason": row.reason}
    audit.record(ctx, EventKind.OVERSIGHT_RULED, Subject("oversight-rule", row.id), facts)
    return row


def call_meeting(ctx: Context, command: CallMeeting) -> WeeklyMeeting:
    """Call the meeting of a week; 409 when the week has one."""
    take_turns(ctx.session, f"oversight:{ctx.actor.court_id}")
    week = weeks.week_of(command.meets_on)
    there = queries.meeting_of_week(ctx, week)
    if there is not None:
        raise Problem(Kind.CONFLICT, f"the week {week} has its meeting", meeting_id=str(there.id))
    policy.require_chair(identity.user_in_court(ctx.session, ctx.actor.court_id, command.chair_id))
    row = WeeklyMeeting(
        id=ctx.new_id(), court_id=ctx.actor.court_id, week=week, meets_on=command.meets_on,
        chair_id=command.chair_id, state=MeetingState.AGENDA, called_by=ctx.actor.user(),
        called_at=ctx.clock.now(),
    )  # fmt: skip
    ctx.session.add(row)
    facts = {"week": week, "on": row.meets_on.isoformat(), "chair": str(row.chair_id)}
    audit.record(ctx, EventKind.MEETING_CALLED, Subject("meeting", row.id), facts)
    return row


def hold_meeting(ctx: Context, meeting_id: uuid.UUID, command: HoldMeeting) -> WeeklyMeeting:
    """The meeting took place: what lay on the table is kept as it was."""
    row = queries.meeting(ctx, meeting_id, to_change=True)
    policy.require_meeting_step(row, MeetingState.HELD)
    for person in command.attendee_ids:
        policy.require_worker(identity.user_in_court(ctx.session, ctx.actor.court_id, person))
    row.attendees = sorted({str(one) for one in (*command.attendee_ids, row.chair_id)})
    row.agenda = agenda.snapshot(agenda.agenda(ctx, row.week))
    row.state, row.held_at, row.version = MeetingState.HELD, ctx.clock.now(), row.version + 1
    facts = {"week": row.week, "attendees": row.attendees}
    audit.record(ctx, EventKind.MEETING_HELD, Subject("meeting", row.id), facts)
    return row


def minute_meeting(ctx: Context, meeting_id: uuid.UUID, command: MinuteMeeting) -> WeeklyMeeting:
    """Write down what was said; the meeting stays as it is from then on."""
    row = queries.meeting(ctx, meeting_id, to_change=True)
    policy.require_meeting_step(row, MeetingState.MINUTED)
    row.minutes, row.state = command.minutes, MeetingState.MINUTED
    row.minuted_by, row.minuted_at = ctx.actor.user(), ctx.clock.now()
    row.version += 1
    audit.record(ctx, EventKind.MEETING_MINUTED, Subject("meeting", row.id), {"week": row.week})
    return row


def write_plan(ctx: Context, command: WritePlan) -> WeeklyPlan:
    """Append a version of an officer's plan for a week."""
    officer_id = command.officer_id or ctx.actor.user()
    policy.require_own_plan(ctx.actor, officer_id)
    policy.require_worker(identity.user_in_court(ctx.session, ctx.actor.court_id, officer_id))
    take_turns(ctx.session, f"plan:{officer_id}")
    row = WeeklyPlan(
        id=ctx.new_id(), court_id=ctx.actor.court_id, week=_week(command.week),
        officer_id=officer_id, version=queries.plan_version(ctx, command.week, officer_id) + 1,
        progress=command.progress, steps=list(command.steps), written_by=ctx.actor.user(),
        written_at=ctx.clock.now(),
    )  # fmt: skip
    ctx.session.add(row)
    facts = {"week": row.week, "officer": str(officer_id), "version": row.version}
    audit.record(ctx, EventKind.PLAN_WRITTEN, Subject("plan", row.id), facts)
    return row


def write_inspection(ctx: Context, command: WriteInspection) -> InspectionNotice:
    """Append a notice of what an inspection of a week's work found."""
    if command.case_id is not None:
        cases.visible_case(ctx, command.case_id)
    row = InspectionNotice(
        id=ctx.new_id(), court_id=ctx.actor.court_id, week=_week(command.week),
        case_id=command.case_id, text=command.text, written_by=ctx.actor.user(),
        written_at=ctx.clock.now(),
    )  # fmt: skip
    ctx.session.add(row)
    audit.record(
        ctx, EventKind.INSPECTION_WRITTEN, Subject("inspection", row.id), {"week": row.week},
        case_id=row.case_id,
    )  # fmt: skip
    return row


def today_at(ctx: Context) -> date:
    """The day that it is at the court."""
    return weeks.local_day(ctx.clock.now(), ctx.settings.time_zone)


def leads(ctx: Context) -> bool:
    """Whether the caller runs the oversight of the court."""
    return ctx.actor.may(Permission.OVERSIGHT_RUN)


def _week(text: str) -> str:
    try:
        weeks.first_day(text)
    except ValueError as error:
        raise Problem(Kind.VALIDATION, str(error)) from None
    return text


__all__ = [
    "call_meeting", "hold_meeting", "leads", "make_rule", "minute_meeting", "today_at",
    "write_inspection", "write_plan",
]  # fmt: skip
