"""What a court of the ground has in its register: an action that was started."""

from __future__ import annotations

import uuid
from dataclasses import replace

from flask import Flask

from server.core.context import Context, system_actor
from server.core.transactions import unit_of_work
from server.register import service as register
from server.register.commands import WriteEntry
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
