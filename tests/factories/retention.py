"""Retention for tests: a guard that forbids nothing, for tests of other slices; items of the past.

Tests that speak of retention itself keep the guard that the app injects.
"""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from flask import Flask
from werkzeug.test import TestResponse

from server.core.clock import FixedClock
from server.core.context import Context
from server.core.transactions import unit_of_work
from server.evidence.erasure_guard import GUARD
from server.evidence.models import Evidence
from tests.factories.cases import add_case, add_mission, close_case
from tests.factories.field import Recorder, sequence
from tests.factories.identity import Caller, CourtWorld, World, runtime_of
from tests.factories.uploads import sha256_of


class NoRules:
    """Everything may be erased at once."""

    def take_turn(self, ctx: Context) -> None:
        """Nobody is waited for."""

    def require_erasable(self, ctx: Context, items: Sequence[Evidence]) -> None:
        """Nothing is forbidden."""


def without_rules(app: Flask) -> None:
    """Let the application erase what it is asked to, as if every period were over."""
    runtime_of(app).injected[GUARD] = NoRules()


@dataclass
class Archive:
    """The first court's evidence over the years: real captures, a clock that is moved."""

    app: Flask
    clock: FixedClock
    world: World
    recorder: Recorder
    serial: int = 40
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @classmethod
    def build(cls, app: Flask, clock: FixedClock) -> Archive:
        """Two courts, and a phone of the first."""
        world = World.build(app)
        return cls(app, clock, world, Recorder(app, world.first.phone))

    @property
    def court(self) -> CourtWorld:
        """The court whose archive it is."""
        return self.world.first

    @property
    def supervisor(self) -> Caller:
        return self.world.caller(self.court.supervisor)

    @property
    def president(self) -> Caller:
        return self.world.caller(self.court.president)

    def case(self, **fields: Any) -> uuid.UUID:
        """An open case."""
        self.serial += 1
        handler = self.court.officer.id
        return add_case(self.app, self.court.id, serial=self.serial, handler_id=handler, **fields)

    def item(
        self,
        case: uuid.UUID | None,
        *,
        note: str | None = "到达现场(虚构)",
        title: str = "走访(虚构)",
        of_mission_alone: bool = False,
    ) -> uuid.UUID:
        """A photo of the case with its bytes, taken on a mission of its own when there is a note.

        :param of_mission_alone: the record names the mission and not the case.
        """
        cases = [case] if case is not None else []
        mission = add_mission(
            self.app, self.court.id, cases, officer_ids=[self.court.officer.id],
            device_ids=[self.court.phone.id], title=title,
        ) if cases and note is not None else None  # fmt: skip
        data = f"photo {next(self.numbers)} of {self.court.code}".encode()
        named = {
            "who": str(self.court.officer.id),
            "case": None if case is None or of_mission_alone else str(case),
            "mission": None if mission is None else str(mission),
        }
        wires = [self.recorder.capture(data, **named)]
        if note is not None:
            wires.append(self.recorder.note(note, **named))
        assert set(self.recorder.outcomes(wires)) == {"accepted"}
        self.recorder.bring(data)
        sequence(self.app)
        with unit_of_work(self.court.id) as session:
            statement = sa.select(Evidence.id).where(Evidence.sha256 == sha256_of(data))
            return session.execute(statement).scalar_one()

    def close(self, case: uuid.UUID) -> None:
        """The case is closed now."""
        close_case(self.app, self.court.id, case)
        sequence(self.app)

    def years(self, years: float) -> None:
        """Time goes by."""
        self.clock.advance(timedelta(days=365.25 * years))

    def old(self, count: int = 1, **changes: Any) -> list[uuid.UUID]:
        """Items of one case, closed six years ago."""
        case = self.case()
        found = [self.item(case, **changes) for _ in range(count)]
        self.close(case)
        self.years(6)
        return found

    def propose(self, *items: uuid.UUID, by: Caller | None = None) -> list[dict[str, Any]]:
        """Outcomes of a proposal."""
        body = {"evidence_ids": [str(one) for one in items], "reason": "期满(虚构)"}
        return _items((by or self.supervisor).post("/retention/disposals", json=body))

    def decide(
        self, outcomes: Sequence[Mapping[str, Any]], verb: str = "approve", by: Caller | None = None
    ) -> list[dict[str, Any]]:
        """Outcomes of a decision on what was proposed."""
        ids = [one["erasure_id"] for one in outcomes if one["erasure_id"]]
        answer = (by or self.president).post(
            f"/retention/disposals/{verb}", json={"erasure_ids": ids}
        )
        return _items(answer)

    def judged(self, item: uuid.UUID) -> dict[str, Any]:
        """What the server says about an item."""
        answer = self.supervisor.get(f"/retention/evidence/{item}")
        assert answer.status_code == 200, answer.get_json()
        found: dict[str, Any] = answer.get_json()
        return found

    def due(self) -> list[str]:
        """Ids of what is due."""
        return [one["evidence_id"] for one in _items(self.supervisor.get("/retention/due"))]

    def hold(self, by: Caller | None = None, **target: uuid.UUID) -> str:
        """Place a hold; its id."""
        body = {name: str(one) for name, one in target.items()} | {"reason": "信访(虚构)"}
        answer = (by or self.supervisor).post("/retention/holds", json=body)
        assert answer.status_code == 201, answer.get_json()
        return str(answer.get_json()["id"])

    def state(self, item: uuid.UUID) -> str:
        """State of the item's row."""
        with unit_of_work(self.court.id, write=False) as session:
            return session.get_one(Evidence, item).state


def _items(answer: TestResponse) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.get_json()
    found: list[dict[str, Any]] = answer.get_json()["items"]
    return found
