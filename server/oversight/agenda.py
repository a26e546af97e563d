"""The agenda of a weekly meeting, made from the data; officers see their own part of it."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import sqlalchemy as sa

from server.cases.models import Case, Mission, MissionOfficer
from server.cases.states import CaseStatus, MissionState
from server.cases.visibility import sees_case
from server.conduct.models import Finding
from server.core.context import Context
from server.identity.models import User
from server.oversight import keycases, queries, weeks
from server.oversight.dashboard import OPEN_FINDINGS
from server.oversight.keycases import KeyCase
from server.oversight.kinds import OPEN_ALERTS, OPEN_TASKS, TaskState
from server.oversight.models import (
    InspectionNotice,
    OversightAlert,
    OversightTask,
    WeeklyMeeting,
    WeeklyPlan,
)

CASES_SHOWN: Final = 10  # of each officer
ROWS_SHOWN: Final = 50  # of each other list
_NOBODY: Final = uuid.UUID(int=0)
_IN_HAND: Final = Case.status != CaseStatus.CLOSED


@dataclass(frozen=True, slots=True)
class CaseLine:
    """A case that is to be spoken of.

    :param alerts: kinds of the alerts that stand for it.
    """

    id: uuid.UUID
    case_no: str
    status: str
    filed_on: date | None
    deadline_on: date | None
    alerts: tuple[str, ...]
    key: KeyCase | None


@dataclass(frozen=True, slots=True)
class Outing:
    """A mission of the week."""

    id: uuid.UUID
    title: str
    starts_at: datetime


@dataclass(frozen=True, slots=True)
class Part:
    """What one officer reports on; ``officer_id`` is none for cases without a handler.

    :param cases: those that need talking about first, at most ``CASES_SHOWN``.
    :param alerts: how many stand, by kind.
    """

    officer_id: uuid.UUID | None
    name: str
    in_hand: int
    suspended: int
    cases: tuple[CaseLine, ...]
    alerts: Mapping[str, int]
    plan: WeeklyPlan | None
    outings: tuple[Outing, ...]


@dataclass(frozen=True, slots=True)
class Agenda:
    """What lies on the table in a week."""

    week: str
    begins_on: date
    ends_on: date
    meeting: WeeklyMeeting | None
    parts: tuple[Part, ...]
    inspections: Sequence[InspectionNotice]
    overdue: Sequence[OversightTask]
    open_tasks: int
    findings: Sequence[Finding]
    findings_new: int
    case_nos: Mapping[uuid.UUID, str]
    names: Mapping[uuid.UUID, str]


def agenda(ctx: Context, week: str | None = None) -> Agenda:
    """Make the agenda of a week, of what the caller may see; of this week unless one is named."""
    today = weeks.local_day(ctx.clock.now(), ctx.settings.time_zone)
    week = week or weeks.week_of(today)
    before = weeks.before(week)
    names = _names(ctx)
    overdue, open_tasks = _tasks(ctx)
    findings, findings_new = _findings(ctx, before)
    inspections = queries.inspections_of(ctx, before)
    concerned = [one.case_id for one in overdue]
    concerned += [one.case_id for one in findings]
    concerned += [one.case_id for one in inspections]
    return Agenda(
        week, weeks.first_day(week), weeks.last_day(week), queries.meeting_of_week(ctx, week),
        parts=tuple(_parts(ctx, week, names)), inspections=inspections, overdue=overdue,
        open_tasks=open_tasks, findings=findings, findings_new=findings_new,
        case_nos=numbers(ctx, concerned), names=names,
    )  # fmt: skip


def snapshot(given: Agenda) -> dict[str, Any]:
    """What lay on the table, as ids and counts: the rows themselves stay in their tables."""
    return {
        "parts": [
            {
                "officer": None if part.officer_id is None else str(part.officer_id),
                "in_hand": part.in_hand,
                "suspended": part.suspended,
                "cases": [str(one.id) for one in part.cases],
                "alerts": dict(part.alerts),
                "plan": None if part.plan is None else str(part.plan.id),
            }
            for part in given.parts
        ],
        "inspections": [str(one.id) for one in given.inspections],
        "overdue_tasks": [str(one.id) for one in given.overdue],
        "findings": [str(one.id) for one in given.findings],
        "findings_new": given.findings_new,
    }


def numbers(ctx: Context, ids: Iterable[uuid.UUID | None]) -> dict[uuid.UUID, str]:
    """Numbers of those cases that the caller may see."""
    wanted = {one for one in ids if one is not None}
    statement = sa.select(Case.id, Case.case_no).where(Case.id.in_(wanted), sees_case(ctx.actor))
    return {row.id: row.case_no for row in ctx.session.execute(statement)} if wanted else {}


def _names(ctx: Context) -> dict[uuid.UUID, str]:
    statement = sa.select(User.id, User.name).where(User.court_id == ctx.actor.court_id)
    return {row.id: row.name for row in ctx.session.execute(statement)}


def _parts(ctx: Context, week: str, names: Mapping[uuid.UUID, str]) -> list[Part]:
    counts = _in_hand(ctx)
    standing = _standing(ctx)
    lines = _lines(ctx)
    plans = {plan.officer_id: plan for plan in queries.plans_of(ctx, week)}
    outings = _outings(ctx, week)
    people: list[uuid.UUID | None] = sorted(
        {*counts, *plans, *outings} - {None},
        key=lambda one: (names.get(one or _NOBODY, ""), str(one)),
    )
    return [
        Part(
            one, names.get(one, "") if one else "", *counts.get(one, (0, 0)),
            cases=tuple(lines.get(one, ())), alerts=standing.get(one, {}),
            plan=plans.get(one) if one else None, outings=tuple(outings.get(one, ())),
        )
        for one in (*people, *([None] if None in counts else []))
    ]  # fmt: skip


def _mine(ctx: Context) -> list[sa.ColumnElement[bool]]:
    """Leaders see every part; others the one that they report on themselves."""
    rules = [Case.court_id == ctx.actor.court_id, _IN_HAND]
    return rules if ctx.actor.sees_whole_court else [*rules, Case.handler_id == ctx.actor.user()]


def _in_hand(ctx: Context) -> dict[uuid.UUID | None, tuple[int, int]]:
    suspended = sa.func.sum(sa.case((Case.status == CaseStatus.SUSPENDED, 1), else_=0))
    statement = (
        sa.select(Case.handler_id, sa.func.count(), suspended)
        .where(*_mine(ctx))
        .group_by(Case.handler_id)
    )
    return {who: (count, int(paused)) for who, count, paused in ctx.session.execute(statement)}


def _standing(ctx: Context) -> dict[uuid.UUID | None, dict[str, int]]:
    statement = (
        sa.select(Case.handler_id, OversightAlert.kind, sa.func.count())
        .join(Case, Case.id == OversightAlert.case_id)
        .where(
            OversightAlert.court_id == ctx.actor.court_id,
            OversightAlert.state.in_(OPEN_ALERTS),
            *_mine(ctx),
        )
        .group_by(Case.handler_id, OversightAlert.kind)
    )
    found: dict[uuid.UUID | None, dict[str, int]] = defaultdict(dict)
    for who, kind, count in ctx.session.execute(statement):
        found[who][kind] = count
    return found


def _lines(ctx: Context) -> dict[uuid.UUID | None, list[CaseLine]]:
    """Of each officer the cases with the most alerts, key cases before others, the oldest first."""
    keys = keycases.key_cases(ctx.session, ctx.actor.court_id)
    alerts = (
        sa.select(OversightAlert.case_id, sa.func.count().label("n"))
        .where(
            OversightAlert.court_id == ctx.actor.court_id,
            OversightAlert.state.in_(OPEN_ALERTS),
            OversightAlert.case_id.is_not(None),
        )
        .group_by(OversightAlert.case_id)
        .subquery()
    )
    count = sa.func.coalesce(alerts.c.n, 0)
    order = (
        sa.case((Case.id.in_(list(keys)), 0), else_=1), count.desc(), Case.filed_on, Case.id,
    )  # fmt: skip
    place = sa.func.row_number().over(partition_by=Case.handler_id, order_by=order).label("place")
    ranked = (
        sa.select(
            Case.id, Case.handler_id, Case.case_no, Case.status, Case.filed_on, Case.deadline_on,
            count.label("n"), place,
        )
        .outerjoin(alerts, alerts.c.case_id == Case.id)
        .where(*_mine(ctx))
        .subquery()
    )  # fmt: skip
    statement = sa.select(ranked).where(ranked.c.place <= CASES_SHOWN).order_by(ranked.c.place)
    rows = ctx.session.execute(statement).all()
    kinds = _kinds(ctx, [row.id for row in rows if row.n])
    found: dict[uuid.UUID | None, list[CaseLine]] = defaultdict(list)
    for row in rows:
        line = CaseLine(
            row.id, row.case_no, row.status, row.filed_on, row.deadline_on,
            tuple(kinds.get(row.id, ())), keys.get(row.id),
        )  # fmt: skip
        found[row.handler_id].append(line)
    return found


def _kinds(ctx: Context, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[str]]:
    statement = (
        sa.select(OversightAlert.case_id, OversightAlert.kind)
        .where(OversightAlert.case_id.in_(ids), OversightAlert.state.in_(OPEN_ALERTS))
        .distinct()
        .order_by(OversightAlert.kind)
    )
    found: dict[uuid.UUID, list[str]] = defaultdict(list)
    for case_id, kind in ctx.session.execute(statement) if ids else ():
        if case_id is not None:
            found[case_id].append(kind)
    return found


def _outings(ctx: Context, week: str) -> dict[uuid.UUID | None, list[Outing]]:
    zone = ctx.settings.time_zone
    rules = [
        Mission.court_id == ctx.actor.court_id,
        Mission.state != MissionState.CANCELLED,
        Mission.starts_at >= weeks.begin_of(weeks.first_day(week), zone),
        Mission.starts_at < weeks.begin_of(weeks.first_day(weeks.after(week)), zone),
    ]
    if not ctx.actor.sees_whole_court:
        rules.append(MissionOfficer.user_id == ctx.actor.user())
    statement = (
        sa.select(MissionOfficer.user_id, Mission.id, Mission.title, Mission.starts_at)
        .join(MissionOfficer, MissionOfficer.mission_id == Mission.id)
        .where(*rules)
        .order_by(Mission.starts_at, Mission.id)
    )
    found: dict[uuid.UUID | None, list[Outing]] = defaultdict(list)
    for row in ctx.session.execute(statement):
        found[row.user_id].append(Outing(row.id, row.title, row.starts_at))
    return found


def _tasks(ctx: Context) -> tuple[Sequence[OversightTask], int]:
    seen = queries.sees_task(ctx.actor)
    late = (
        sa.select(OversightTask)
        .where(seen, OversightTask.state == TaskState.OVERDUE)
        .order_by(OversightTask.due_on, OversightTask.id)
        .limit(ROWS_SHOWN)
    )
    open_ = sa.select(sa.func.count()).where(seen, OversightTask.state.in_(OPEN_TASKS))
    return ctx.session.execute(late).scalars().all(), ctx.session.execute(open_).scalar_one()


def _findings(ctx: Context, since_week: str) -> tuple[Sequence[Finding], int]:
    """Findings since the beginning of the week before, which nobody has decided on."""
    since = weeks.begin_of(weeks.first_day(since_week), ctx.settings.time_zone)
    rules = [
        Finding.court_id == ctx.actor.court_id,
        Finding.state.in_(OPEN_FINDINGS),
        Finding.opened_at >= since,
    ]
    if not ctx.actor.sees_whole_court:
        rules.append(Finding.case_id.in_(sa.select(Case.id).where(*_mine(ctx))))
    shown = sa.select(Finding).where(*rules).order_by(Finding.id.desc()).limit(ROWS_SHOWN)
    count = sa.select(sa.func.count()).select_from(Finding).where(*rules)
    return ctx.session.execute(shown).scalars().all(), ctx.session.execute(count).scalar_one()
