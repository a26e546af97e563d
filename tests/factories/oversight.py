"""A court under oversight for tests: cases, callers, where cases stand, the detectors at work."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from flask import Flask

from server.conduct.case_models import CaseStanding
from server.core.clock import FixedClock
from server.core.context import Context, system_actor
from server.core.db import db
from server.core.transactions import unit_of_work
from server.notices.models import UserNotice
from server.oversight import watching
from tests.factories.cases import add_case
from tests.factories.identity import Caller, CourtWorld, World, runtime_of
from tests.factories.identity_rows import Person


@dataclass
class Bureau:
    """The first court and who speaks there; its clock is moved by the tests."""

    app: Flask
    clock: FixedClock
    world: World
    serials: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @classmethod
    def build(cls, app: Flask, clock: FixedClock) -> Bureau:
        """Two courts."""
        return cls(app, clock, World.build(app))

    @property
    def court(self) -> CourtWorld:
        return self.world.first

    @property
    def supervisor(self) -> Caller:
        return self.world.caller(self.court.supervisor)

    @property
    def president(self) -> Caller:
        return self.world.caller(self.court.president)

    @property
    def officer(self) -> Caller:
        return self.world.caller(self.court.officer)

    def case(self, **fields: Any) -> uuid.UUID:
        """A case of the officer's, filed on the day the test begins unless told."""
        fields.setdefault("handler_id", self.court.officer.id)
        fields.setdefault("filed_on", date(2026, 3, 2))
        return add_case(self.app, self.court.id, serial=next(self.serials), **fields)

    def idle(self, **fields: Any) -> uuid.UUID:
        """A case in which nothing has happened since August, and of which nothing else is known."""
        case = self.case(**{"filed_on": date(2025, 8, 1), **fields})
        self.stands(case)
        return case

    def stands(self, case: uuid.UUID, **columns: Any) -> None:
        """Write where a case stands."""
        usual: dict[str, Any] = {
            "status": "enforcing", "alarms": [], "key_state": "none", "key_categories": [],
            "key_suggested": [], "responsibility": "none",
        }  # fmt: skip
        with unit_of_work(self.court.id) as session:
            row = CaseStanding(case_id=case, court_id=self.court.id, **{**usual, **columns})
            session.merge(row)

    def watch(self) -> int:
        """Let the detectors look once; returns how much changed."""
        runtime = runtime_of(self.app)
        return watching.watch(Context(system_actor(), db.session(), runtime))

    def alerts(self, query: str = "standing=true", caller: Caller | None = None) -> list[Any]:
        """Alerts as a list shows them."""
        answer = (caller or self.supervisor).get(f"/oversight/alerts?{query}")
        assert answer.status_code == 200, answer.text
        found: list[Any] = answer.get_json()["items"]
        return found

    def told(self, person: Person) -> list[str]:
        """Topics of a person's notices, in their order; one that took others in counts once."""
        with unit_of_work(self.court.id, write=False) as session:
            rows = session.query(UserNotice).filter_by(user_id=person.id).order_by(UserNotice.id)
            return [row.topic for row in rows]


def late(kind: str, on: str, *, entry: str | None = None, is_late: bool = True) -> dict[str, Any]:
    """One alarm of a case, as ``case_states`` keeps it."""
    return {"kind": kind, "late": is_late, "on": on, "clock": None, "entry": entry}
