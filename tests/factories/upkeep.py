"""An installation in which every table that is kept has rows, each as the server writes it.

Rows that the factories put straight into the tables are sealed as if a service had written them:
each session of the test has a context.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import sqlalchemy as sa
from flask import Flask
from sqlalchemy import event
from sqlalchemy.orm import Session, SessionTransaction

from client_sdk.protocol.records import GENESIS
from server.clocks import service as clocks
from server.clocks.correction import Reading
from server.core.clock import unix_ms
from server.core.context import CONTEXT_OF, Context, system_actor
from server.core.transactions import EVERY_COURT, unit_of_work
from server.evidence import shipping
from server.evidence.models import Derivative, Evidence, Examination
from server.review import service as review
from server.review.commands import Decision, Review
from tests.factories.field import Recorder, issue_receipts, sequence
from tests.factories.ground import Ground
from tests.factories.identity import CourtWorld, runtime_of
from tests.factories.log import sign_log


@contextmanager
def sealed_sessions(app: Flask) -> Iterator[None]:
    """Give every session a context, as the server's own have."""

    def begun(session: Session, _transaction: SessionTransaction, _connection: object) -> None:
        if CONTEXT_OF not in session.info:
            Context(system_actor(), session, runtime_of(app))

    event.listen(Session, "after_begin", begun)
    try:
        yield
    finally:
        event.remove(Session, "after_begin", begun)


@dataclass
class Installation:
    """A server with two courts at work; ``ground`` names what they have."""

    app: Flask
    ground: Ground

    @classmethod
    def build(cls, app: Flask) -> Installation:
        """Write everything, move it into the log, sign the log."""
        with sealed_sessions(app):
            found = cls(app, Ground.build(app))
            for court in (found.ground.first, found.ground.second):
                found._work(court.world, uuid.UUID(court.ids["evidence"]))
        issue_receipts(app)
        sign_log(app)
        return found

    def _work(self, court: CourtWorld, evidence_id: uuid.UUID) -> None:
        """A contradiction, a reading of a clock, an examination, a decision."""
        recorder = Recorder(self.app, court.phone, seq=0, prev=GENESIS)
        assert recorder.outcomes([recorder.note("另一条(虚构)")]) == ["conflict"]
        with unit_of_work(EVERY_COURT) as session:
            ctx = Context(system_actor(court.id), session, runtime_of(self.app))
            wall = unix_ms(ctx.clock.now())
            reading = Reading(wall, 5_000, 20, "boot-1", 1_000, through_suspend=True)
            clocks.observe(ctx, court.camera.id, reading)
            item = session.get_one(Evidence, evidence_id)
            session.add(
                Examination(sha256=item.sha256, state="done", attempts=1, findings={"mime": "x"},
                            examined_at=ctx.clock.now())
            )  # fmt: skip
            for made in session.execute(sa.select(Derivative)).scalars():
                shipping.remember(ctx, made.sha256, made.size_bytes)
        with unit_of_work(court.id) as session:
            actor = system_actor(court.id)
            supervisor = replace(actor, user_id=court.supervisor.id)
            ctx = Context(supervisor, session, runtime_of(self.app))
            command = Review(decision=Decision.RETURN, reason_code="3", text="请重拍(虚构)")
            review.decide(ctx, evidence_id, command)
        sequence(self.app)


def sha256(data: bytes) -> str:
    """Hexadecimal digest."""
    return hashlib.sha256(data).hexdigest()
