"""Tasks: given, done, or found to be overdue; their owners are told."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Final

import sqlalchemy as sa

from server.audit import service as audit
from server.audit.events import EventKind
from server.audit.service import Subject
from server.cases import queries as cases
from server.core.context import Context
from server.core.permissions import Role
from server.identity import queries as identity
from server.notices import queries as people
from server.notices import service as notices
from server.notices.topics import Topic
from server.oversight import policy, queries, weeks
from server.oversight.commands import FinishTask, GiveTask
from server.oversight.kinds import TaskState
from server.oversight.models import OversightTask

LEADS: Final = (Role.SUPERVISOR, Role.PRESIDENT)
TURN_MAX: Final = 500


def give(ctx: Context, command: GiveTask) -> OversightTask:
    """Give somebody of the court a task, in a meeting or outside one."""
    policy.require_worker(identity.user_in_court(ctx.session, ctx.actor.court_id, command.owner_id))
    policy.require_due(command.due_on, weeks.local_day(ctx.clock.now(), ctx.settings.time_zone))
    if command.case_id is not None:
        cases.visible_case(ctx, command.case_id)
    if command.meeting_id is not None:
        policy.require_task_open(queries.meeting(ctx, command.meeting_id, to_change=True))
    row = OversightTask(
        id=ctx.new_id(), court_id=ctx.actor.court_id, meeting_id=command.meeting_id,
        case_id=command.case_id, owner_id=command.owner_id, text=command.text,
        due_on=command.due_on, state=TaskState.OPEN, given_by=ctx.actor.user(),
        given_at=ctx.clock.now(),
    )  # fmt: skip
    ctx.session.add(row)
    facts = {"owner": str(row.owner_id), "due": row.due_on.isoformat(),
             "meeting": None if row.meeting_id is None else str(row.meeting_id)}  # fmt: skip
    about = Subject("task", row.id)
    audit.record(ctx, EventKind.TASK_GIVEN, about, facts, case_id=row.case_id)
    notices.tell(ctx, [row.owner_id], Topic.TASK, about, link_of(row.id))
    return row


def finish(ctx: Context, task_id: uuid.UUID, command: FinishTask) -> OversightTask:
    """The task is done; a late one stays known as late by ``overdue_at``."""
    row = queries.task(ctx, task_id, to_change=True)
    policy.require_finishable(row)
    row.state, row.result = TaskState.DONE, command.result
    row.done_by, row.done_at = ctx.actor.user(), ctx.clock.now()
    row.version += 1
    about = Subject("task", row.id)
    facts = {"late": row.overdue_at is not None}
    audit.record(ctx, EventKind.TASK_DONE, about, facts, case_id=row.case_id)
    if row.given_by != row.done_by:
        notices.tell(ctx, [row.given_by], Topic.TASK, about, link_of(row.id))
    return row


def mark_overdue(ctx: Context, court_id: uuid.UUID, today: date) -> int:
    """Mark a court's tasks whose day has passed; owner and giver are told.  For the worker."""
    statement = (
        sa.select(OversightTask)
        .where(
            OversightTask.court_id == court_id,
            OversightTask.state == TaskState.OPEN,
            OversightTask.due_on < today,
        )
        .order_by(OversightTask.due_on, OversightTask.id)
        .limit(TURN_MAX)
        .with_for_update(skip_locked=True)
    )
    late = ctx.session.execute(statement).scalars().all()
    for row in late:
        row.state, row.overdue_at = TaskState.OVERDUE, ctx.clock.now()
        row.version += 1
        _tell_overdue(ctx, row)
    return len(late)


def link_of(task_id: uuid.UUID) -> str:
    """Page of a task."""
    return f"/oversight/tasks/{task_id}"


def _tell_overdue(ctx: Context, row: OversightTask) -> None:
    about = Subject("task", row.id)
    audit.record(
        ctx, EventKind.TASK_OVERDUE, about, {"due": row.due_on.isoformat()},
        case_id=row.case_id, court_id=row.court_id,
    )  # fmt: skip
    named = people.active_people(ctx.session, row.court_id, {row.owner_id, row.given_by})
    whom = named or people.people_with(ctx.session, row.court_id, *LEADS)
    notices.tell(
        ctx, whom, Topic.TASK_OVERDUE, about, link_of(row.id), court_id=row.court_id
    )  # fmt: skip
