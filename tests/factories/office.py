"""A court's office for tests of pages: cases, a mission, field work, people at their browsers."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

import sqlalchemy as sa
from flask import Flask

from server.audit.models import OutboxRow
from server.cases.models import Case
from server.core.transactions import unit_of_work
from tests.factories.cases import add_case, add_mission
from tests.factories.console import Desk, desk
from tests.factories.field import Recorder
from tests.factories.identity import World

GEO = {"lat": "38.2100000", "lon": "104.4100000", "datum": "WGS84", "src": "gnss"}


@dataclass
class Office:
    """A court with two cases, one of them with field work, and people at their browsers."""

    app: Flask
    world: World
    first: uuid.UUID
    second: uuid.UUID
    mission: uuid.UUID
    foreign: uuid.UUID

    def at(self, who: str = "supervisor", lang: str = "zh") -> Desk:
        return desk(self.app, self.world.first.people[who], lang)

    def events(self, kind: str) -> int:
        with unit_of_work(self.world.first.id, write=False) as session:
            rows = sa.select(sa.func.count()).select_from(OutboxRow).where(OutboxRow.kind == kind)
            return session.execute(rows).scalar_one()

    def case(self, case_id: uuid.UUID) -> Case:
        with unit_of_work(self.world.first.id, write=False) as session:
            found = session.get_one(Case, case_id)
            session.expunge_all()
            return found

    def item(self) -> str:
        listed = self.at().get(f"/cases/{self.first}/timeline.json").get_json()["items"]
        return str(next(one["id"] for one in listed if one["kind"] == "photo"))


def build_office(app: Flask) -> Office:
    """Two cases of one court, a foreign one, a mission, a photo and a line of the log."""
    world = World.build(app)
    court = world.first
    first = add_case(
        app, court.id, serial=11, handler_id=court.officer.id, cause="追索劳动报酬纠纷(虚构)"
    )
    second = add_case(app, court.id, serial=22, handler_id=court.second_officer.id)
    foreign = add_case(app, world.second.id, serial=33)
    mission = add_mission(app, court.id, [first], officer_ids=[court.officer.id])
    recorder = Recorder(app, court.phone)
    about = {"case": str(first), "mission": str(mission), "who": str(court.officer.id)}
    wires = [recorder.capture(b"picture", geo=GEO, **about), recorder.note(**about)]
    assert recorder.outcomes(wires) == ["accepted", "accepted"]
    return Office(app, world, first, second, mission, foreign)
