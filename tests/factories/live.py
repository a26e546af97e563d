"""A mission under way: a recorder writes, the log's reader takes it in, the desk decides."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from flask import Flask

from server.audit import queries as log
from server.cases import missions
from server.cases import queries as cases
from server.cases.commands import Change, PartyCommand
from server.cases.states import MissionState
from server.core.clock import FixedClock
from server.core.context import Actor, Context, system_actor
from server.core.permissions import TokenKind
from server.core.transactions import EVERY_COURT, unit_of_work
from server.live import feed, projection, rules, service
from server.live.commands import Decide, Decision, SetRules
from server.live.feed import ObserverEntry, ObserverState
from server.live.models import LiveEntry
from server.live.redaction import ReleaseRules
from tests.factories.cases import DEBTOR, add_case, add_mission
from tests.factories.field import Recorder, Wire, sequence
from tests.factories.identity import World, add_device, runtime_of
from tests.factories.identity_rows import CourtWorld, Person


@dataclass
class Outing:
    """One mission of the first court with a phone; everything through the real services."""

    app: Flask
    court: CourtWorld
    case: uuid.UUID
    mission: uuid.UUID
    recorder: Recorder
    read_until: int = field(default=-1)

    @classmethod
    def build(
        cls,
        app: Flask,
        *,
        parties: tuple[PartyCommand, ...] = (DEBTOR,),
        world: World | None = None,
        serial: int = 11,
        **mission: Any,
    ) -> Outing:
        """A planned mission of the officer with a phone: the court's own, or another's later."""
        court = (world or World.build(app)).first
        phone = court.phone if world is None else add_device(app, court.id)
        case = add_case(app, court.id, serial=serial, handler_id=court.officer.id, parties=parties)
        mission_id = add_mission(
            app, court.id, [case], officer_ids=[court.officer.id], device_ids=[phone.id],
            **mission,
        )  # fmt: skip
        return cls(app, court, case, mission_id, Recorder(app, phone))

    def become(self, state: MissionState) -> None:
        """Start, end or cancel it, as the supervisor."""
        with self.unit(self.court.supervisor) as ctx:
            mission = cases.visible_mission(ctx, self.mission, to_change=True)
            missions.change(ctx, mission, Change({"state": state}))

    def start(self) -> None:
        self.become(MissionState.STARTED)

    def note(self, text: str = "到达现场(虚构)", **changes: Any) -> None:
        """The officer writes a line, and it arrives."""
        self.push(self.recorder.note(text, **self.named(changes)))

    def capture(self, data: bytes = b"a photo", **changes: Any) -> None:
        """The officer takes a photo, and its record arrives."""
        self.push(self.recorder.capture(data, **self.named(changes)))

    def named(self, changes: dict[str, Any]) -> dict[str, Any]:
        usual = {"mission": str(self.mission), "case": str(self.case)}
        return {**usual, "who": str(self.court.officer.id), **changes}

    def push(self, *wires: Wire) -> None:
        assert set(self.recorder.outcomes(wires)) == {"accepted"}

    def read(self) -> None:
        """Sequence what waits and let the live reader read it, as the worker does."""
        sequence(self.app)
        with self.system() as ctx:
            newest = log.log_state(ctx.session).next_index - 1
            while self.read_until < newest:
                self.read_until = projection.project(ctx, self.read_until)

    def pass_time(self, **delta: float) -> None:
        clock = runtime_of(self.app).clock
        assert isinstance(clock, FixedClock)
        clock.advance(timedelta(**delta))

    def release_due(self) -> int:
        with self.system() as ctx:
            return service.release_due(ctx)

    def decide(
        self, row: LiveEntry, decision: Decision, by: Person | None = None, **how: Any
    ) -> LiveEntry:
        """A decision of the supervisor, unless it is somebody else's."""
        with self.unit(by or self.court.supervisor) as ctx:
            found = service.decide(ctx, row.id, Decide(decision=decision, **how))
            ctx.session.flush()
            ctx.session.refresh(found)
            ctx.session.expunge(found)
            return found

    def set_rules(self, **changes: Any) -> None:
        with self.unit(self.court.supervisor) as ctx:
            now = rules.in_force(ctx.session, self.court.id)
            wanted: ReleaseRules = replace(now, **changes)
            rules.set_rules(ctx, SetRules(version=now.version, reason="虚构", rules=wanted))

    def rows(self) -> list[LiveEntry]:
        """Every entry of the desk by its turn, detached."""
        statement = (
            sa.select(LiveEntry)
            .where(LiveEntry.mission_id == self.mission)
            .order_by(LiveEntry.turn)
        )
        with unit_of_work(EVERY_COURT, write=False) as session:
            found = list(session.execute(statement).scalars())
            session.expunge_all()
        return found

    def seen(self, after: int = 0, limit: int = 500) -> list[ObserverEntry]:
        """What observers get beyond a position."""
        with unit_of_work(EVERY_COURT, write=False) as session:
            return feed.observer_entries(session, self.mission, after, limit)

    def state(self) -> ObserverState:
        with unit_of_work(EVERY_COURT, write=False) as session:
            return feed.observer_state(session, self.mission)

    def unit(self, person: Person) -> _Unit:
        """A unit of work of a person."""
        actor = Actor(
            TokenKind.ACCESS, person.court_id, user_id=person.id, roles=frozenset(person.roles)
        )
        return _Unit(self.app, actor, person.court_id)

    def system(self) -> _Unit:
        """A unit of work of the worker."""
        return _Unit(self.app, system_actor(), EVERY_COURT)


class _Unit:
    def __init__(self, app: Flask, actor: Actor, court: uuid.UUID | str) -> None:
        self._open: Callable[..., Any] = lambda: Context(
            actor, self._work.__enter__(), runtime_of(app)
        )
        self._work = unit_of_work(court)

    def __enter__(self) -> Context:
        found: Context = self._open()
        return found

    def __exit__(self, *error: object) -> None:
        self._work.__exit__(*error)  # type: ignore[arg-type]
