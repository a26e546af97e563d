"""Items for review, many at once, and people who look at them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from flask import Flask

from server.core.context import Actor, Context
from server.core.permissions import Role, TokenKind
from server.core.transactions import unit_of_work
from server.evidence.models import Evidence
from server.review import service
from server.review.commands import Decision, Review
from tests.factories.cases import Bench, believe
from tests.factories.evidence import Scene, build_scene


@dataclass
class ReviewDesk:
    """A court with one supervisor at the desk, another one, an officer, and verified items."""

    scene: Scene
    bench: Bench
    other_id: uuid.UUID
    made: int = 0
    items: list[uuid.UUID] = field(default_factory=list)

    @classmethod
    def build(cls, app: Flask, count: int = 1) -> ReviewDesk:
        """A desk with ``count`` photos, a minute apart."""
        scene, bench = build_scene(app), believe(app)
        other = bench.person(scene.court_id, Role.SUPERVISOR, name="乙虚构")
        desk = cls(scene, bench, other)
        for _ in range(count):
            desk.photo()
        return desk

    def actor(self, user_id: uuid.UUID | None = None, role: Role = Role.SUPERVISOR) -> Actor:
        """A person at the desk, the first supervisor unless named."""
        return Actor(
            token=TokenKind.ACCESS, court_id=self.scene.court_id, roles=frozenset({role}),
            user_id=user_id or self.scene.supervisor_id, address="127.0.0.1",
        )  # fmt: skip

    def photo(self, **values: Any) -> uuid.UUID:
        """One verified item more; ``values`` are columns of its row."""
        self.made += 1
        data = f"photo {self.made}".encode()
        at = self.scene.clock.now() + timedelta(minutes=self.made)
        columns = set(values) & {column.key for column in sa.inspect(Evidence).columns}
        declared = {"happened_at": values.pop("captured_at", at)}
        record = self.scene.capture(data, **declared)
        before = {item.id for item in self.scene.items()}
        self.scene.declare(record)
        if values.pop("arrived", True):
            self.scene.arrive(data)
        (new,) = [item.id for item in self.scene.items() if item.id not in before]
        columns -= {"captured_at"}
        if columns:
            with self.scene.unit() as ctx:
                item = ctx.session.get_one(Evidence, new)
                for name in columns:
                    setattr(item, name, values[name])
        self.items.append(new)
        return new

    def item(self, evidence_id: uuid.UUID) -> Evidence:
        """The row as it is now."""
        return next(one for one in self.scene.items() if one.id == evidence_id)

    def decide(
        self, evidence_id: uuid.UUID, decision: Decision = Decision.ACCEPT, *,
        by: uuid.UUID | None = None, reason_code: str | None = None, text: str | None = None,
    ) -> uuid.UUID:  # fmt: skip
        """Decide, and return the entry's id."""
        command = Review(decision=decision, reason_code=reason_code, text=text)
        with self.scene.unit(self.actor(by)) as ctx:
            return service.decide(ctx, evidence_id, command).id

    def context(self, by: uuid.UUID | None = None) -> Any:
        """A unit of work of a supervisor."""
        return self.scene.unit(self.actor(by))

    def now(self) -> datetime:
        """What the clock says."""
        return self.scene.clock.now()


__all__ = ["Context", "ReviewDesk", "unit_of_work"]
