"""The president's figures: counted when asked, of one court; persons are not compared here."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.cases.models import Case
from server.conduct.models import Finding
from server.core.context import Context
from server.oversight import campaigns, keycases, money, queries, tallies, weeks
from server.oversight.campaigns import Counts
from server.oversight.commands import CampaignFilter, DashboardAsk
from server.oversight.keycases import KeyFigures
from server.oversight.kinds import OPEN_ALERTS, CampaignState, TaskState
from server.oversight.models import Campaign, OversightAlert, OversightTask

COVERAGE_RULE: Final = "CC20"
# What people may still have to answer, and from which day of its age on it counts to a group.
OPEN_FINDINGS: Final = ("open", "explained")
AGES_DAYS: Final = (0, 7, 30, 90)
CAMPAIGNS_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Dashboard:
    """Everything on the dashboard.

    :param alerts: standing ones, by kind and then by state.
    :param conduct: by rule and then by outcome, of every action judged by ``conduct_at``.
    :param findings: not yet decided, by the lowest number of days of their age's group.
    """

    from_on: date
    to_on: date
    at: datetime
    cases: Mapping[str, int]
    key_cases: Mapping[str, KeyFigures]
    alerts: Mapping[str, Mapping[str, int]]
    conduct: Mapping[str, Mapping[str, int]]
    conduct_at: datetime
    findings: Mapping[int, int]
    received_fen: int
    disbursed_fen: int
    tasks: Mapping[str, int]
    campaigns: tuple[tuple[Campaign, Counts], ...]

    @property
    def coverage(self) -> Mapping[str, int]:
        """Outcomes of the rule about continuous recording."""
        return self.conduct.get(COVERAGE_RULE, {})

    def standing(self, kind: str) -> int:
        """Alerts of a kind that stand."""
        return sum(self.alerts.get(kind, {}).values())


def dashboard(ctx: Context, ask: DashboardAsk) -> Dashboard:
    """Count the court's figures; money is of the period, everything else of now."""
    session, court = ctx.session, ctx.actor.court_id
    now = ctx.clock.now()
    today = weeks.local_day(now, ctx.settings.time_zone)
    from_on, to_on = ask.from_on or today.replace(month=1, day=1), ask.to_on or today
    received, disbursed = money.sums(session, court, from_on, to_on)
    running = queries.list_campaigns(
        ctx, CampaignFilter(state=CampaignState.RUNNING, limit=CAMPAIGNS_SHOWN)
    ).items
    counted = campaigns.counts(ctx, running)
    conduct = tallies.tally(session, ctx.clock, court)
    return Dashboard(
        from_on, to_on, now,
        cases=_by(session, Case.status, Case.court_id == court),
        key_cases=keycases.figures(session, court),
        alerts=_by_two(
            session, OversightAlert.kind, OversightAlert.state,
            OversightAlert.court_id == court, OversightAlert.state.in_(OPEN_ALERTS),
        ),
        conduct=conduct.counts, conduct_at=conduct.at,
        findings=_findings(session, court, now),
        received_fen=received, disbursed_fen=disbursed,
        tasks=_tasks(session, court, weeks.begin_of(from_on, ctx.settings.time_zone)),
        campaigns=tuple((one, counted[one.id]) for one in running),
    )  # fmt: skip


def _findings(session: Session, court: uuid.UUID, now: datetime) -> dict[int, int]:
    """Counted in the database by age, so that a court with many findings costs no more."""
    bounds = [now - timedelta(days=days) for days in AGES_DAYS]
    age = sa.case(
        *(
            (Finding.opened_at <= at, days)
            for days, at in reversed(list(zip(AGES_DAYS, bounds, strict=True)))
        ),
        else_=0,
    )
    found = _by(session, age, Finding.court_id == court, Finding.state.in_(OPEN_FINDINGS))
    return {days: found.get(days, 0) for days in AGES_DAYS}


def _tasks(session: Session, court: uuid.UUID, since: datetime) -> dict[str, int]:
    """Open and overdue ones, and those that were done since then."""
    of_court = OversightTask.court_id == court
    recent = sa.or_(OversightTask.state != TaskState.DONE, OversightTask.done_at >= since)
    return _by(session, OversightTask.state, of_court, recent)


def _by(session: Session, column: Any, *rules: sa.ColumnElement[bool]) -> dict[Any, int]:
    statement = sa.select(column, sa.func.count()).where(*rules).group_by(column)
    return {value: count for value, count in session.execute(statement)}  # noqa: C416  rows


def _by_two(
    session: Session, first: Any, second: Any, *rules: sa.ColumnElement[bool]
) -> dict[str, dict[str, int]]:
    statement = sa.select(first, second, sa.func.count()).where(*rules).group_by(first, second)
    found: dict[str, dict[str, int]] = {}
    for one, other, count in session.execute(statement):
        found.setdefault(one, {})[other] = count
    return found
