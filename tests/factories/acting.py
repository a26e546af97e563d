"""An action in the field for tests of conduct: written by hand, filmed by devices, judged.

``Acting`` writes entries through the register and puts evidence into the tables as sync would; the
bytes of a film are examined by name only, with the length that the test gives it.  All names are
fictional (虚构).
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from flask import Flask

from server.audit.chain import FieldRecord
from server.cases.commands import PartyCommand
from server.conduct import due
from server.conduct.judging import Judgement, judge
from server.conduct.models import Finding
from server.core.clock import FixedClock
from server.core.context import Context, system_actor
from server.core.transactions import EVERY_COURT, unit_of_work
from server.evidence import service as evidence
from server.evidence.models import Evidence, Examination, Upload
from server.fieldlog.conduct_rules import Check
from server.register import service as register
from server.register.commands import WriteEntry
from server.register.models import Action
from tests.factories.cases import DEBTOR, add_case
from tests.factories.identity import World, runtime_of
from tests.factories.identity_rows import CourtWorld, Person

JUDGE = {"name": "孙样例(虚构)", "role": "staff", "post": "enforcement_judge", "sex": "F"}
OFFICER = {"name": "李演示(虚构)", "role": "staff", "post": "enforcement_officer", "sex": "M"}
BAILIFF = {"name": "赵法警(虚构)", "role": "police", "post": "judicial_police", "sex": "F"}
VILLAGE = {"name": "村委会干部(虚构)", "role": "grassroots"}
HOUR = timedelta(hours=1)


@dataclass
class Acting:
    """One action of a court, from ``begin`` for an hour."""

    app: Flask
    court: CourtWorld
    case: uuid.UUID
    begin: datetime
    action: uuid.UUID = field(default_factory=uuid.uuid4)
    seq: int = 0
    by: Person | None = None
    mission: uuid.UUID | None = None

    @classmethod
    def build(cls, app: Flask, **changes: Any) -> Acting:
        """A court with a case against a citizen; the action begins an hour ago."""
        court = changes.pop("court", None) or World.build(app).first
        parties: list[PartyCommand] = changes.pop("parties", [DEBTOR])
        case = add_case(
            app, court.id, handler_id=court.officer.id, parties=parties,
            **changes.pop("case", {}),
        )  # fmt: skip
        clock = runtime_of(app).clock
        assert isinstance(clock, FixedClock)
        return cls(app, court, case, clock.now() - HOUR, **changes)

    @property
    def clock(self) -> FixedClock:
        """The clock of the app, which tests move."""
        clock = runtime_of(self.app).clock
        assert isinstance(clock, FixedClock)
        return clock

    @contextmanager
    def unit(self) -> Iterator[Context]:
        """A committed unit of work of the supervisor."""
        person = self.by or self.court.supervisor
        with unit_of_work(self.court.id) as session:
            actor = replace(
                system_actor(self.court.id), user_id=person.id, roles=frozenset(person.roles)
            )
            yield Context(actor, session, runtime_of(self.app))

    def write(self, kind: str, /, **data: Any) -> uuid.UUID:
        """Write an entry about the action, or about its case."""
        about = None if kind.startswith("case.") else self.action
        with self.unit() as ctx:
            command = WriteEntry(
                kind=kind, data=data, action_id=about,
                mission_id=self.mission if kind == "action.started" else None,
            )  # fmt: skip
            return register.write(ctx, self.case, command).id

    def run(self, type_: str, *, length: timedelta | None = HOUR) -> None:
        """Begin the action, and end it after a time unless it still runs."""
        self.write("action.started", type=type_, at=self.begin.isoformat())
        if length is not None:
            self.write("action.ended", at=(self.begin + length).isoformat())

    def says(self, **facts: bool) -> None:
        """Plain facts."""
        self.write("action.facts", facts=facts)

    def people(self, *people: dict[str, str], **more: Any) -> None:
        """Who is there."""
        self.write("action.people", people=list(people), **more)

    def declare(self, data: bytes, **changes: Any) -> str:
        """A record of an item whose bytes have not come; returns its digest."""
        self.seq += 1
        sha256 = hashlib.sha256(data).hexdigest()
        at = changes.pop("at", self.begin + timedelta(minutes=5))
        media = changes.pop("media", "photo")
        mime = {"photo": "image/jpeg", "video": "video/mp4", "audio": "audio/wav"}[media]
        thing = {"sha256": sha256, "size": len(data), "mime": mime, "name_b64": "YQ"}
        values: dict[str, Any] = {
            "court_id": self.court.id, "device_id": self.court.phone.id,
            "captured_by": self.court.phone.id, "ep": 9, "seq": self.seq,
            "hid": f"{self.seq:064x}", "act": "capture.recorded",
            "payload": {"obj": [thing], "media": media}, "rx": "2026-03-02T01:00:00.000Z",
            "case_id": self.case, "officer_id": None, "officer_source": "none",
            "wall": at.isoformat(), "mono_ms": 1000, "boot": "boot", "happened_at": at,
            "error_ms": 500, "clock_class": "A", "zone_source": "device-offset",
            "geo_reason": "no-fix",
        }  # fmt: skip
        record = FieldRecord(**(values | changes))
        with self.unit() as ctx:
            evidence.declare(ctx, [record])
        return sha256

    def bring(self, data: bytes, device: uuid.UUID | None = None) -> None:
        """The bytes of an item come, now."""
        sha256, now = hashlib.sha256(data).hexdigest(), self.clock.now()
        with self.unit() as ctx:
            upload = Upload(
                id=ctx.new_id(), court_id=self.court.id,
                device_id=device or self.court.phone.id, principal="device",
                idempotency_key=str(ctx.new_id()), size_bytes=len(data), sha256=sha256,
                metadata_text="", state="complete", created_at=now,
                expires_at=now + timedelta(days=1), completed_at=now,
            )  # fmt: skip
            ctx.session.add(upload)
            ctx.session.flush()
            evidence.bytes_arrived(ctx, upload, sha256, len(data))

    def photo(self, data: bytes, tag: str | None = None, **changes: Any) -> str:
        """A photo that has come, tagged if a tag is given."""
        sha256 = self.declare(data, **changes)
        self.bring(data)
        if tag is not None:
            self.write("action.tag", evidence=[sha256], tag=tag)
        return sha256

    def film(
        self, name: str, begins: timedelta = timedelta(0), length: timedelta = HOUR, **changes: Any
    ) -> uuid.UUID:
        """A recording of a camera that has come and was examined; returns the item's id."""
        data = name.encode()
        changes = {"media": "video", "captured_by": self.camera(name), **changes}
        sha256 = self.declare(data, at=self.begin + begins, **changes)
        self.bring(data)
        self.examine(sha256, length)
        with self.unit() as ctx:
            return ctx.session.query(Evidence).filter_by(sha256=sha256).one().id

    def camera(self, name: str) -> uuid.UUID:
        """Ids of cameras by their letter."""
        return {"A": self.court.phone.id, "B": self.court.dock.id}.get(
            name[:1], self.court.phone.id
        )

    def examine(self, sha256: str, length: timedelta | None) -> None:
        """What the worker finds out about a recording's bytes; ``None``: nobody can play it."""
        media = None
        if length is not None:
            millis = int(length / timedelta(milliseconds=1))
            media = {"duration_ms": millis, "video_codec": "h264"}
        with self.unit() as ctx:
            row = Examination(
                sha256=sha256, state="done", attempts=1,
                findings=json.loads(json.dumps({"media": media})), examined_at=ctx.clock.now(),
            )  # fmt: skip
            ctx.session.add(row)

    def judgement(self) -> Judgement:
        """The action judged as of now."""
        with self.unit() as ctx:
            found = judge(ctx, ctx.session.get_one(Action, self.action))
            ctx.session.expunge_all()
            return found

    def check(self, rule: str) -> Check:
        """What one rule comes to."""
        (found,) = [one for one in self.judgement().checks if one.rule.id == rule]
        return found

    def outcome(self, rule: str) -> str:
        """The outcome alone."""
        return self.check(rule).outcome.value

    def worker(self) -> int:
        """Judge what is due as the worker does; returns how many actions."""
        with unit_of_work(EVERY_COURT) as session:
            ctx = Context(system_actor(), session, runtime_of(self.app))
            return sum(due.judge_one(ctx, one) for one in due.next_due(ctx))

    def findings(self, rule: str) -> list[Finding]:
        """Findings about a rule, by number."""
        with self.unit() as ctx:
            rows = ctx.session.query(Finding).filter_by(action_id=self.action, rule=rule)
            found = rows.order_by(Finding.number).all()
            ctx.session.expunge_all()
            return found
