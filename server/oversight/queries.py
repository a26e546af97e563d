"""Reading meetings, plans, tasks, alerts and campaigns: of one court, what the caller may see.

Leaders see all of their court.  Others see the tasks and alerts that they answer for; of a meeting
they see the minutes when they attended it.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.cases.visibility import visible_case_ids
from server.core.context import Actor, Context
from server.core.paging import Page, decode_id, page_of
from server.core.problem import not_found
from server.oversight.commands import AlertFilter, CampaignFilter, Paged, TaskFilter
from server.oversight.kinds import OPEN_ALERTS
from server.oversight.models import (
    Campaign,
    CampaignAction,
    CampaignCase,
    InspectionNotice,
    OversightAlert,
    OversightRule,
    OversightTask,
    WeeklyMeeting,
    WeeklyPlan,
)

IDLE_DAYS: Final = 180
EXPLAIN_DAYS: Final = 3
_T = TypeVar("_T", WeeklyMeeting, OversightTask, OversightAlert, Campaign)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The court's thresholds in force; version 0 is the default of the software.

    ``explain_days`` are working days.
    """

    idle_days: int = IDLE_DAYS
    explain_days: int = EXPLAIN_DAYS
    version: int = 0


def thresholds(session: Session, court_id: uuid.UUID) -> Thresholds:
    """The newest version of a court's thresholds, or the software's."""
    statement = (
        sa.select(OversightRule)
        .where(OversightRule.court_id == court_id)
        .order_by(OversightRule.version.desc())
        .limit(1)
    )
    row = session.execute(statement).scalar_one_or_none()
    if row is None:
        return Thresholds()
    return Thresholds(row.idle_days, row.explain_days, row.version)


def rule_versions(ctx: Context) -> Sequence[OversightRule]:
    """Every version that the court made, the newest first."""
    statement = sa.select(OversightRule).where(OversightRule.court_id == ctx.actor.court_id)
    return ctx.session.execute(statement.order_by(OversightRule.version.desc())).scalars().all()


# ---------------------------------------------------------------- meetings and plans


def list_meetings(ctx: Context, wanted: Paged) -> Page[WeeklyMeeting]:
    """Meetings of the court, the latest called first."""
    return _page(ctx, WeeklyMeeting, [WeeklyMeeting.court_id == ctx.actor.court_id], wanted)


def meeting(ctx: Context, meeting_id: uuid.UUID, *, to_change: bool = False) -> WeeklyMeeting:
    """A meeting of the court; 404 otherwise."""
    rules = [WeeklyMeeting.id == meeting_id, WeeklyMeeting.court_id == ctx.actor.court_id]
    return _one(ctx, WeeklyMeeting, rules, to_change=to_change)


def meeting_of_week(ctx: Context, week: str) -> WeeklyMeeting | None:
    """The court's meeting of a week."""
    statement = sa.select(WeeklyMeeting).where(
        WeeklyMeeting.court_id == ctx.actor.court_id, WeeklyMeeting.week == week
    )
    return ctx.session.execute(statement).scalar_one_or_none()


def sees_minutes(actor: Actor, one: WeeklyMeeting) -> bool:
    """Leaders, and who was there: minutes speak of everybody's cases."""
    return actor.sees_whole_court or str(actor.user_id) in (one.attendees or [])


def plans_of(ctx: Context, week: str) -> list[WeeklyPlan]:
    """The newest version of each plan of a week that the caller may see."""
    rules = [WeeklyPlan.court_id == ctx.actor.court_id, WeeklyPlan.week == week]
    if not ctx.actor.sees_whole_court:
        rules.append(WeeklyPlan.officer_id == ctx.actor.user())
    statement = sa.select(WeeklyPlan).where(*rules).order_by(WeeklyPlan.version)
    newest = {row.officer_id: row for row in ctx.session.execute(statement).scalars()}
    return list(newest.values())


def plan_version(ctx: Context, week: str, officer_id: uuid.UUID) -> int:
    """Number of the newest version of a plan; 0 when there is none."""
    statement = sa.select(sa.func.max(WeeklyPlan.version)).where(
        WeeklyPlan.court_id == ctx.actor.court_id,
        WeeklyPlan.week == week,
        WeeklyPlan.officer_id == officer_id,
    )
    return ctx.session.execute(statement).scalar() or 0


def inspections_of(ctx: Context, week: str) -> Sequence[InspectionNotice]:
    """Notices of a week's inspection: general ones, and those of visible cases."""
    rules = [InspectionNotice.court_id == ctx.actor.court_id, InspectionNotice.week == week]
    if not ctx.actor.sees_whole_court:
        seen = InspectionNotice.case_id.in_(visible_case_ids(ctx.actor))
        rules.append(sa.or_(InspectionNotice.case_id.is_(None), seen))
    statement = sa.select(InspectionNotice).where(*rules).order_by(InspectionNotice.id)
    return ctx.session.execute(statement).scalars().all()


# ---------------------------------------------------------------- tasks and alerts


def sees_task(actor: Actor) -> sa.ColumnElement[bool]:
    """Rule: the caller may see the task."""
    return _sees(actor, OversightTask)


def sees_alert(actor: Actor) -> sa.ColumnElement[bool]:
    """Rule: the caller may see the alert."""
    return _sees(actor, OversightAlert)


def list_tasks(ctx: Context, wanted: TaskFilter) -> Page[OversightTask]:
    """Visible tasks, the newest first."""
    wishes: dict[Any, Any] = {
        OversightTask.state: wanted.state,
        OversightTask.owner_id: wanted.owner_id,
        OversightTask.case_id: wanted.case_id,
        OversightTask.meeting_id: wanted.meeting_id,
    }
    return _page(ctx, OversightTask, [sees_task(ctx.actor), *_equal(wishes)], wanted)


def task(ctx: Context, task_id: uuid.UUID, *, to_change: bool = False) -> OversightTask:
    """A visible task; 404 otherwise."""
    rules = [OversightTask.id == task_id, sees_task(ctx.actor)]
    return _one(ctx, OversightTask, rules, to_change=to_change)


def list_alerts(ctx: Context, wanted: AlertFilter) -> Page[OversightAlert]:
    """Visible alerts, the newest first."""
    wishes: dict[Any, Any] = {
        OversightAlert.kind: wanted.kind,
        OversightAlert.state: wanted.state,
        OversightAlert.owner_id: wanted.owner_id,
        OversightAlert.case_id: wanted.case_id,
    }
    rules = [sees_alert(ctx.actor), *_equal(wishes)]
    if wanted.standing:
        rules.append(OversightAlert.state.in_(OPEN_ALERTS))
    return _page(ctx, OversightAlert, rules, wanted)


def alert(ctx: Context, alert_id: uuid.UUID, *, to_change: bool = False) -> OversightAlert:
    """A visible alert; 404 otherwise."""
    rules = [OversightAlert.id == alert_id, sees_alert(ctx.actor)]
    return _one(ctx, OversightAlert, rules, to_change=to_change)


# ---------------------------------------------------------------- campaigns


def list_campaigns(ctx: Context, wanted: CampaignFilter) -> Page[Campaign]:
    """Campaigns of the court, the newest first."""
    rules = [Campaign.court_id == ctx.actor.court_id, *_equal({Campaign.state: wanted.state})]
    return _page(ctx, Campaign, rules, wanted)


def campaign(ctx: Context, campaign_id: uuid.UUID, *, to_change: bool = False) -> Campaign:
    """A campaign of the court; 404 otherwise."""
    rules = [Campaign.id == campaign_id, Campaign.court_id == ctx.actor.court_id]
    return _one(ctx, Campaign, rules, to_change=to_change)


def cases_taken_in(session: Session, campaign_id: uuid.UUID) -> set[uuid.UUID]:
    """Ids of a campaign's cases."""
    statement = sa.select(CampaignCase.case_id).where(CampaignCase.campaign_id == campaign_id)
    return set(session.execute(statement).scalars())


def actions_taken_in(session: Session, campaign_id: uuid.UUID) -> set[uuid.UUID]:
    """Ids of a campaign's actions."""
    statement = sa.select(CampaignAction.action_id).where(CampaignAction.campaign_id == campaign_id)
    return set(session.execute(statement).scalars())


def _sees(actor: Actor, model: type[OversightTask | OversightAlert]) -> sa.ColumnElement[bool]:
    of_court = model.court_id == actor.court_id
    if actor.sees_whole_court:
        return of_court
    return sa.and_(of_court, model.owner_id == actor.user_id)


def _equal(wishes: dict[Any, Any]) -> list[sa.ColumnElement[bool]]:
    return [column == value for column, value in wishes.items() if value is not None]


def _page(
    ctx: Context, model: type[_T], rules: list[sa.ColumnElement[bool]], wanted: Paged
) -> Page[_T]:
    if wanted.cursor:
        rules = [*rules, model.id < decode_id(wanted.cursor)]
    statement = sa.select(model).where(*rules).order_by(model.id.desc()).limit(wanted.limit + 1)
    rows = ctx.session.execute(statement).scalars().all()
    return page_of(rows, wanted.limit, lambda row: (str(row.id),))


def _one(
    ctx: Context, model: type[_T], rules: list[sa.ColumnElement[bool]], *, to_change: bool
) -> _T:
    statement = sa.select(model).where(*rules)
    if to_change:
        statement = statement.with_for_update()
    found = ctx.session.execute(statement).scalar_one_or_none()
    if found is None:
        raise not_found()
    return found
