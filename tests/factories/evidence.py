"""Records and uploads for tests of the evidence slice, put straight into the tables."""

from __future__ import annotations

import base64
import hashlib
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from flask import Flask

from server.audit import sequencer
from server.audit.chain import FieldRecord
from server.cases.models import Case
from server.core.clock import FixedClock
from server.core.context import Actor, Context, Runtime
from server.core.permissions import Role, TokenKind
from server.core.transactions import EVERY_COURT, unit_of_work
from server.evidence import service
from server.evidence.models import Evidence, Upload
from server.identity.models import Court, Device, User


@dataclass
class Scene:
    """A court with an officer, a supervisor, a device and a case."""

    app: Flask
    court_id: uuid.UUID
    officer_id: uuid.UUID
    supervisor_id: uuid.UUID
    device_id: uuid.UUID
    case_id: uuid.UUID
    seq: int = 0
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def runtime(self) -> Runtime:
        """The app's tools."""
        runtime: Runtime = self.app.extensions["tiezheng"]
        return runtime

    @property
    def clock(self) -> FixedClock:
        """The clock of the app, which tests move."""
        assert isinstance(self.runtime.clock, FixedClock)
        return self.runtime.clock

    def actor(self, role: Role = Role.SUPERVISOR) -> Actor:
        """A signed-in person of the court."""
        user = self.supervisor_id if role is Role.SUPERVISOR else self.officer_id
        return Actor(
            token=TokenKind.ACCESS, court_id=self.court_id, user_id=user,
            roles=frozenset({role}), address="127.0.0.1",
        )  # fmt: skip

    @contextmanager
    def unit(self, actor: Actor | None = None) -> Iterator[Context]:
        """A committed unit of work of that person."""
        who = actor or self.actor()
        with unit_of_work(who.court_id) as session:
            yield Context(actor=who, session=session, runtime=self.runtime, purpose="test")

    def everywhere(self) -> AbstractContextManager[Context]:
        """A unit of work of the worker."""
        return self._system()

    @contextmanager
    def _system(self) -> Iterator[Context]:
        actor = Actor(token=TokenKind.SYSTEM, court_id=self.court_id)
        with unit_of_work(EVERY_COURT) as session:
            yield Context(actor=actor, session=session, runtime=self.runtime)

    def capture(self, data: bytes, **changes: Any) -> FieldRecord:
        """A capture record of ``data``, not stored yet."""
        self.seq += 1
        now = self.runtime.clock.now()
        thing = {
            "sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "mime": "image/jpeg",
            "name_b64": base64.urlsafe_b64encode("现场.jpg".encode()).decode().rstrip("="),
        }  # fmt: skip
        values: dict[str, Any] = {
            "court_id": self.court_id, "device_id": self.device_id, "captured_by": self.device_id,
            "ep": 1, "seq": self.seq, "hid": f"{self.seq:064x}", "act": "capture.recorded",
            "payload": {"obj": [thing]}, "rx": "2026-03-02T01:00:00.000Z",
            "case_id": self.case_id, "officer_id": self.officer_id, "officer_source": "record",
            "wall": now.isoformat(), "mono_ms": 1000, "boot": "boot", "happened_at": now,
            "error_ms": None, "clock_class": "C", "zone_source": "device-offset",
            "geo_reason": "no-fix",
        }  # fmt: skip
        return FieldRecord(**(values | changes))

    def declare(self, *records: FieldRecord) -> None:
        """Store records as the sync slice would."""
        with self.unit() as ctx:
            service.declare(ctx, records)

    def arrive(self, data: bytes) -> None:
        """A finished upload of ``data`` by the device."""
        sha256 = hashlib.sha256(data).hexdigest()
        now = self.runtime.clock.now()
        with self.unit() as ctx:
            upload = Upload(
                id=ctx.new_id(), court_id=self.court_id, device_id=self.device_id,
                principal=f"device:{self.device_id}", idempotency_key=str(ctx.new_id()),
                size_bytes=len(data), sha256=sha256, metadata_text="", state="complete",
                created_at=now, expires_at=now + timedelta(days=1), completed_at=now,
            )  # fmt: skip
            ctx.session.add(upload)
            ctx.session.flush()
            service.bytes_arrived(ctx, upload, sha256, len(data))

    def items(self) -> list[Evidence]:
        """Every row of the court, detached."""
        with self.unit() as ctx:
            rows = ctx.session.query(Evidence).order_by(Evidence.id).all()
            ctx.session.expunge_all()
            return rows

    def sequence(self) -> None:
        """Move the outbox into the log."""
        with unit_of_work(EVERY_COURT) as session:
            sequencer.sequence(session, self.app.extensions["tiezheng"])


def build_scene(app: Flask, code: str = "样0101") -> Scene:
    """One court with what evidence needs."""
    runtime: Runtime = app.extensions["tiezheng"]
    now = runtime.clock.now()
    ids = [runtime.ids() for _ in range(5)]
    court_id, officer_id, supervisor_id, device_id, case_id = ids
    with unit_of_work(EVERY_COURT) as session:
        session.add(
            Court(id=court_id, name="样例法院(虚构)", court_code=code, region_code=None,
                  created_at=now)
        )  # fmt: skip
        session.flush()
        for user_id, role in ((officer_id, "officer"), (supervisor_id, "supervisor")):
            session.add(
                User(id=user_id, court_id=court_id, login=f"{code}-{role}", name="虚构",
                     post="enforcement_officer", roles=[role], password_hash="-", created_at=now)
            )  # fmt: skip
        session.add(
            Device(id=device_id, court_id=court_id, kind="phone", name="手机", enrolled_at=now)
        )
        session.add(
            Case(id=case_id, court_id=court_id, case_no=f"(2025){code}执1号", year=2025,
                 court_code=code, type_code="执", serial=1, status="enforcing", case_key="00",
                 handler_id=None, created_at=now)
        )  # fmt: skip
    return Scene(app, court_id, officer_id, supervisor_id, device_id, case_id)
