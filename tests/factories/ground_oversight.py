"""What a court of the ground has of oversight: meetings, a task, alerts, campaigns."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Final

from flask import Flask

from server.core.context import Context, system_actor
from server.core.transactions import unit_of_work
from server.oversight import alerts, campaigns, service, tasks, weeks
from server.oversight.alarms import of_case
from server.oversight.commands import (
    CallMeeting,
    GiveTask,
    HoldMeeting,
    MakeCampaign,
    MakeRule,
    Say,
    TakeIn,
    WriteInspection,
    WritePlan,
)
from server.oversight.kinds import AlertKind
from server.oversight.models import OversightAlert
from server.oversight.queries import Thresholds
from tests.factories.identity import runtime_of
from tests.factories.identity_rows import CourtWorld, Person

WEEK: Final = timedelta(days=7)


@contextmanager
def acting(app: Flask, person: Person) -> Iterator[Context]:
    """A unit of work in somebody's name."""
    with unit_of_work(person.court_id) as session:
        actor = replace(
            system_actor(person.court_id), user_id=person.id, roles=frozenset(person.roles)
        )
        yield Context(actor, session, runtime_of(app))


def oversight_in(
    app: Flask, court: CourtWorld, case: uuid.UUID, action: uuid.UUID
) -> dict[str, str]:
    """Ids of everything, by the names that the requests use.

    Dates lie around today: tests of running servers have the real clock.
    """
    runtime = runtime_of(app)
    today = weeks.local_day(runtime.clock.now(), runtime.settings.time_zone)
    with acting(app, court.supervisor) as ctx:
        chair = court.supervisor.id
        held = service.call_meeting(ctx, CallMeeting(meets_on=today - WEEK, chair_id=chair))
        service.hold_meeting(ctx, held.id, HoldMeeting())
        meeting = service.call_meeting(
            ctx, CallMeeting(meets_on=today + timedelta(days=2), chair_id=chair)
        )
        seen = WriteInspection(week=f"{today - WEEK:%G-W%V}", text="清单不全(虚构)", case_id=case)
        service.write_inspection(ctx, seen)
        given = GiveTask(
            owner_id=court.officer.id, text="补录清单(虚构)", due_on=today + WEEK,
            case_id=case, meeting_id=meeting.id,
        )  # fmt: skip
        task = tasks.give(ctx, given)
        spring = MakeCampaign(
            name="春风行动(虚构)",
            begins_on=today - timedelta(days=1),
            ends_on=today + timedelta(days=90),
        )
        campaign, running = campaigns.make(ctx, spring), campaigns.make(ctx, spring)
        campaigns.start(ctx, running.id)
        campaigns.take_in(ctx, running.id, TakeIn(case_ids=(case,), action_ids=(action,)))
        usual = MakeRule(idle_days=180, explain_days=3, reason="院长办公会(虚构)")
        service.make_rule(ctx, usual)
        ids = {"held_meeting": held.id, "meeting": meeting.id, "task": task.id,
               "campaign": campaign.id, "running_campaign": running.id}  # fmt: skip
    with unit_of_work(court.id) as session:
        ctx = Context(system_actor(court.id), session, runtime_of(app))
        since, owner = today - timedelta(days=213), court.officer.id
        found = [
            of_case(AlertKind.IDLE, case, owner, since, case),
            of_case(AlertKind.DEADLINE, case, owner, since, case),
        ]
        alerts.raise_alarms(ctx, court.id, found, today, Thresholds())
        session.flush()
        keys = {row.kind: row.id for row in _alerts(ctx)}
    with acting(app, court.officer) as ctx:
        alerts.explain(ctx, keys["deadline"], Say(text="等待评估(虚构)"))
        service.write_plan(ctx, WritePlan(week="2026-W10", steps=("送达裁定(虚构)",)))
    ids |= {"alert": keys["idle"], "explained_alert": keys["deadline"], "lead": chair}
    return {name: str(one) for name, one in ids.items()}


def _alerts(ctx: Context) -> list[OversightAlert]:
    return list(ctx.session.query(OversightAlert).all())
