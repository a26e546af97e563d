"""What a court of the ground has in its register: an action that was started, with a finding."""

from __future__ import annotations

import uuid
from dataclasses import replace

from flask import Flask

from server.conduct import due
from server.conduct.models import Finding
from server.core.context import Context, system_actor
from server.core.transactions import unit_of_work
from server.register import service as register
from server.register.commands import WriteEntry
from server.register.models import Action
from tests.factories.identity import runtime_of
from tests.factories.identity_rows import CourtWorld


def action_in(app: Flask, court: CourtWorld, case: uuid.UUID, mission: uuid.UUID) -> str:
    """An on-site investigation of the mission, begun by the supervisor."""
    with unit_of_work(court.id) as session:
        actor = replace(
            system_actor(court.id),
            user_id=court.supervisor.id,
            roles=frozenset(court.supervisor.roles),
        )
        ctx = Context(actor, session, runtime_of(app))
        begun = WriteEntry(
            kind="action.started", data={"type": "on_site_investigation"}, mission_id=mission
        )
        return str(register.write(ctx, case, begun).action_id)


def finding_in(app: Flask, court: CourtWorld, action: str) -> str:
    """That one officer alone took part, which the second officer has explained."""
    alone = {"name": "孙样例(虚构)", "role": "staff", "post": "enforcement_judge"}
    with unit_of_work(court.id) as session:
        actor = replace(
            system_actor(court.id),
            user_id=court.supervisor.id,
            roles=frozenset(court.supervisor.roles),
        )
        ctx = Context(actor, session, runtime_of(app))
        case = session.get_one(Action, uuid.UUID(action)).case_id
        told = WriteEntry(
            kind="action.people", data={"people": [alone]}, action_id=uuid.UUID(action)
        )
        register.write(ctx, case, told)
    with unit_of_work(court.id) as session:
        ctx = Context(system_actor(court.id), session, runtime_of(app))
        due.judge_one(ctx, uuid.UUID(action))
        session.flush()
        found = session.query(Finding).filter_by(action_id=uuid.UUID(action), rule="CC02").one()
        found.state, found.explanation = "explained", "另一人被临时抽调(虚构)"
        found.explained_by, found.explained_at = court.second_officer.id, ctx.clock.now()
        return str(found.id)
