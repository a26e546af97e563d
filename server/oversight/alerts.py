"""Alerts: raised by the detectors, explained by who answers, cleared or escalated."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable
from datetime import date
from typing import Final

import sqlalchemy as sa

from server.audit import service as audit
from server.audit.events import EventKind
from server.audit.service import Subject
from server.cases.calendar import national
from server.core.context import Context
from server.core.permissions import Role
from server.notices import queries as people
from server.notices import service as notices
from server.notices.topics import Topic
from server.oversight import policy, queries
from server.oversight.alarms import Alarm
from server.oversight.commands import Say
from server.oversight.kinds import AlertState
from server.oversight.models import OversightAlert
from server.oversight.queries import Thresholds

LEADS: Final = (Role.SUPERVISOR, Role.PRESIDENT)
LINK: Final = "/oversight/alerts"


def explain(ctx: Context, alert_id: uuid.UUID, command: Say) -> OversightAlert:
    """Say why it is so and what will be done; an escalated alert stays escalated."""
    row = queries.alert(ctx, alert_id, to_change=True)
    policy.require_explainable(row)
    row.explanation = command.text
    row.explained_by, row.explained_at = ctx.actor.user(), ctx.clock.now()
    if row.state == AlertState.RAISED:
        row.state = AlertState.EXPLAINED
    row.version += 1
    _note(ctx, EventKind.ALERT_EXPLAINED, row)
    leaders = people.people_with(ctx.session, row.court_id, *LEADS)
    _tell(ctx, row, Topic.ALERT, set(leaders) - {ctx.actor.user()})
    return row


def clear(ctx: Context, alert_id: uuid.UUID, command: Say) -> OversightAlert:
    """A leader accepts the explanation."""
    row = queries.alert(ctx, alert_id, to_change=True)
    policy.require_clearable(ctx.actor, row)
    row.clearance = command.text
    _clear(ctx, row)
    return row


def escalate(ctx: Context, alert_id: uuid.UUID, command: Say) -> OversightAlert:
    """A leader does not accept it: the president is told."""
    row = queries.alert(ctx, alert_id, to_change=True)
    policy.require_escalatable(row)
    row.escalation = command.text
    _escalate(ctx, row)
    return row


# ---------------------------------------------------------------- for the worker


def raise_alarms(
    ctx: Context,
    court_id: uuid.UUID,
    alarms: Collection[Alarm],
    today: date,
    rules: Thresholds,
) -> int:
    """Raise them, or raise them again after they were cleared; who answers for it is told.

    What stands already is left alone.
    """
    wanted = {alarm.key: alarm for alarm in alarms}
    statement = sa.select(OversightAlert).where(
        OversightAlert.court_id == court_id, OversightAlert.key.in_(list(wanted))
    )
    known = {row.key: row for row in ctx.session.execute(statement.with_for_update()).scalars()}
    explain_by = national().add_working_days(today, rules.explain_days)
    raised = 0
    for key, alarm in wanted.items():
        row = known.get(key)
        if row is not None and row.state != AlertState.CLEARED:
            continue
        if row is None:
            row = _row_of(ctx, court_id, alarm)
            ctx.session.add(row)
        else:
            row.version += 1
        row.owner_id, row.state = alarm.owner_id, AlertState.RAISED
        row.raised_at, row.explain_by = ctx.clock.now(), explain_by
        _note(ctx, EventKind.ALERT_RAISED, row)
        _tell(ctx, row, Topic.ALERT, _answerable(ctx, row))
        raised += 1
    return raised


def clear_gone(ctx: Context, alert_ids: Iterable[uuid.UUID]) -> int:
    """What is not so any more is cleared by itself."""
    rows = _standing(ctx, alert_ids)
    for row in rows:
        _clear(ctx, row)
    return len(rows)


def escalate_unexplained(ctx: Context, alert_ids: Iterable[uuid.UUID]) -> int:
    """What nobody explained in time goes to the president."""
    rows = [row for row in _standing(ctx, alert_ids) if row.state == AlertState.RAISED]
    for row in rows:
        _escalate(ctx, row)
    return len(rows)


def _standing(ctx: Context, alert_ids: Iterable[uuid.UUID]) -> list[OversightAlert]:
    statement = (
        sa.select(OversightAlert)
        .where(OversightAlert.id.in_(list(alert_ids)), OversightAlert.state != AlertState.CLEARED)
        .order_by(OversightAlert.id)
        .with_for_update(skip_locked=True)
    )
    return list(ctx.session.execute(statement).scalars())


def _clear(ctx: Context, row: OversightAlert) -> None:
    row.state = AlertState.CLEARED
    row.cleared_by, row.cleared_at = ctx.actor.user_id, ctx.clock.now()
    row.version += 1
    _note(ctx, EventKind.ALERT_CLEARED, row)


def _escalate(ctx: Context, row: OversightAlert) -> None:
    row.state = AlertState.ESCALATED
    row.escalated_by, row.escalated_at = ctx.actor.user_id, ctx.clock.now()
    row.version += 1
    _note(ctx, EventKind.ALERT_ESCALATED, row)
    presidents = people.people_with(ctx.session, row.court_id, Role.PRESIDENT)
    owner = set() if row.owner_id is None else {row.owner_id}
    _tell(ctx, row, Topic.ALERT_ESCALATED, {*presidents, *owner} - {ctx.actor.user_id})


def _answerable(ctx: Context, row: OversightAlert) -> Collection[uuid.UUID]:
    """Who answers for it; everybody who leads when that is nobody any more."""
    owner = set() if row.owner_id is None else {row.owner_id}
    active = people.active_people(ctx.session, row.court_id, owner)
    return active or people.people_with(ctx.session, row.court_id, *LEADS)


def _row_of(ctx: Context, court_id: uuid.UUID, alarm: Alarm) -> OversightAlert:
    return OversightAlert(
        id=ctx.new_id(), court_id=court_id, kind=alarm.kind, key=alarm.key, case_id=alarm.case_id,
        task_id=alarm.task_id, since_on=alarm.since_on, version=1,
    )  # fmt: skip


def _note(ctx: Context, kind: EventKind, row: OversightAlert) -> None:
    facts = {"kind": row.kind, "since": row.since_on.isoformat(),
             "by_itself": ctx.actor.user_id is None}  # fmt: skip
    audit.record(
        ctx, kind, Subject("alert", row.id), facts, case_id=row.case_id, court_id=row.court_id
    )


def _tell(
    ctx: Context, row: OversightAlert, topic: Topic, whom: Collection[uuid.UUID | None]
) -> None:
    named = {one for one in whom if one is not None}
    link = f"{LINK}/{row.id}"
    notices.tell(ctx, named, topic, Subject("alert", row.id), link, court_id=row.court_id)
