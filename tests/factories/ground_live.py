"""A mission of the ground that was under way, and an entry of its release desk."""

from __future__ import annotations

import threading
import uuid

from flask import Flask

from server.cases import missions
from server.cases.commands import Change
from server.cases.models import Mission
from server.cases.states import MissionState
from server.core.context import Context, system_actor
from server.core.transactions import EVERY_COURT, unit_of_work
from server.live import projection
from server.live.models import LiveEntry
from tests.factories.cases import add_mission
from tests.factories.identity import CourtWorld, runtime_of


def live_of(app: Flask, court: CourtWorld, case: uuid.UUID) -> tuple[str, str]:
    """A mission that started and ended; its end is an entry of the release desk."""
    people = (court.officer.id, court.police.id)
    mission_id = add_mission(app, court.id, [case], officer_ids=people)
    for state in (MissionState.STARTED, MissionState.ENDED):
        with unit_of_work(court.id) as session:
            ctx = Context(system_actor(court.id), session, runtime_of(app))
            mission = session.get_one(Mission, mission_id)
            missions.change(ctx, mission, Change({"state": state}))
    with unit_of_work(EVERY_COURT) as session:
        projection.take_in(Context(system_actor(), session, runtime_of(app)), mission_id)
    with unit_of_work(court.id, write=False) as session:
        (entry,) = session.query(LiveEntry.id).filter(LiveEntry.mission_id == mission_id).one()
    return str(mission_id), str(entry)


def streams_over() -> None:
    """Whoever waits for streams still has the old file, and would close the new one's journal."""
    for thread in threading.enumerate():
        if thread.name == "live-waiter":
            thread.join(10)
