"""An installation in which every table that is kept has rows, each as the server writes it.

Rows that the factories put straight into the tables are sealed as if a service had written them:
each session of the test has a context.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from io import BytesIO

import sqlalchemy as sa
from flask import Flask
from sqlalchemy import event
from sqlalchemy.orm import Session, SessionTransaction

from client_sdk import FieldClient
from client_sdk._epochs import KeyLife
from client_sdk._link import Options
from client_sdk._transport.wsgi import WsgiTransport
from client_sdk.protocol.keys import Algorithm, PrivateKey
from client_sdk.protocol.records import GENESIS
from client_sdk.protocol.timestamps import build_query, token_time
from client_sdk.protocol.tlog.cosignatures import cosign
from client_sdk.protocol.tlog.notes import parse_note
from server.audit.models import (
    CheckpointRow,
    CosignatureRow,
    LogTile,
    TileMirror,
    TimestampRow,
)
from server.clocks import service as clocks
from server.clocks.correction import Reading
from server.conduct import service as conduct
from server.conduct.commands import RuleCommand
from server.core.clock import unix_ms
from server.core.context import CONTEXT_OF, Context, system_actor
from server.core.transactions import EVERY_COURT, unit_of_work
from server.evidence import shipping
from server.evidence.models import Derivative, Evidence, Examination
from server.identity import service_devices
from server.identity.commands import OfferEnrolment
from server.live import rules as live_rules
from server.live.commands import SetRules
from server.review import markers, reversal, second_look
from server.review import service as review
from server.review.commands import (
    AddMarker,
    Decision,
    Outcome,
    Reverse,
    Review,
    SecondLook,
    SetGoal,
)
from storage.digest import Digest
from tests.factories.field import Recorder, issue_receipts, sequence
from tests.factories.ground import Ground
from tests.factories.guests import observed
from tests.factories.identity import CourtWorld, runtime_of
from tests.factories.log import sign_log, write_events
from tests.support.tsa import new_authority


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
            found._devices()
            observed(app, found.ground.first.world)
        issue_receipts(app)
        found._sign(sign_log(app))
        write_events(app, found.ground.first.world.id, 1)  # waits for the log
        return found

    def _devices(self) -> None:
        """A device that changes its key and records the head of another."""
        with ExitStack() as stack:
            shown, seen = (self._device(stack, name) for name in ("shown", "seen"))
            shown.log("第一条(虚构)")
            shown.log("第二条(虚构)")
            shown.sync(receipts_wait_seconds=0)
            seen.attest(shown.head().text)
            seen.sync(receipts_wait_seconds=0)
        sequence(self.app)

    def _device(self, stack: ExitStack, name: str) -> FieldClient:
        runtime = runtime_of(self.app)
        with unit_of_work(EVERY_COURT) as session:
            ctx = Context(system_actor(self.ground.first.world.id), session, runtime)
            code = service_devices.offer(ctx, OfferEnrolment(kind="phone", name=name)).code
        client = FieldClient(
            "http://localhost", store=runtime.settings.data_dir.parent / f"device-{name}",
            transport=WsgiTransport(self.app), secrets=None,
            options=Options(ballast_bytes=0, key_life=KeyLife(records=1)),
        )  # fmt: skip
        stack.enter_context(client)
        client.enrol(code, name=name)
        return client

    def _sign(self, size: int) -> None:
        """What witnesses and authorities add to a checkpoint, and a tile that was mirrored."""
        runtime = runtime_of(self.app)
        now = runtime.clock.now()
        with unit_of_work(EVERY_COURT) as session:
            body = parse_note(session.get_one(CheckpointRow, size).note).text
            key = PrivateKey.generate(Algorithm.ED25519)
            line = cosign(body, "witness.example", key, int(now.timestamp())).to_line()
            session.add(
                CosignatureRow(size=size, name="witness.example", line=line, cosigned_at=now)
            )
            authority = new_authority(runtime.settings.data_dir.parent / "tsa")
            token = authority.reply(build_query(body.encode()).data)
            settings = replace(
                runtime.settings, tsa_urls="http://tsa.example",
                tsa_roots=str(authority.folder / "root.pem"),
            )  # fmt: skip
            self.app.extensions["tiezheng"] = replace(runtime, settings=settings)
            at = token_time(token, body.encode())
            session.add(TimestampRow(size=size, authority="tsa.example", token=token, gen_time=at))
            tile = session.get_one(LogTile, (0, 0))
            digest = sha256(tile.data).hexdigest()
            runtime.stores.blobs.put_stream(Digest(digest), BytesIO(tile.data), len(tile.data))
            session.add(TileMirror(level=0, index=0, sha256=digest, size_bytes=len(tile.data)))

    def _second_look(self, court: CourtWorld, evidence_id: uuid.UUID) -> None:
        """A marker, a reversal, an acceptance that was drawn and looked at again."""
        for who in (court.supervisor, court.people["president"]):
            with unit_of_work(court.id) as session:
                actor = replace(system_actor(court.id), user_id=who.id)
                ctx = Context(actor, session, runtime_of(self.app))
                if who is court.supervisor:
                    place = {"from_ms": 0, "to_ms": 9, "region": (0, 0, 10, 10)}
                    markers.add(ctx, evidence_id, AddMarker(text="门牌(虚构)", **place))  # type: ignore[arg-type]
                    reversal.reverse(ctx, evidence_id, Reverse(reason="再看(虚构)"))
                    review.decide(ctx, evidence_id, Review(decision=Decision.ACCEPT))
                    second_look.set_goal(ctx, SetGoal(per_week=1))
                else:
                    drawn = second_look.draw(ctx)
                    session.flush()
                    for sample, _ in second_look.samples_of(ctx, drawn):
                        look = SecondLook(outcome=Outcome.AGREE, text="无异议(虚构)")
                        second_look.decide(ctx, sample.id, look)
        sequence(self.app)

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
            live_rules.set_rules(ctx, SetRules(version=0, reason="试行(虚构)"))
            conduct.rule(ctx, RuleCommand(text="[config]\nstaff_min = 3", reason="试行(虚构)"))
        sequence(self.app)
        self._second_look(court, evidence_id)
