"""Pages that need stored bytes to be made: no transaction is open while those are read."""

from __future__ import annotations

import json
import uuid
import zipfile
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from server.audit.events import EventKind
from server.audit.models import Event, OutboxRow
from server.audit.quota import EXPORTS_PER_HOUR
from server.audit.service import Subject, record
from server.core.context import Context, system_actor
from server.core.db import db
from server.core.transactions import EVERY_COURT, is_writing, unit_of_work
from server.evidence.derivative_names import FACES
from server.evidence.models import Derivative, Evidence
from server.evidence.redaction_models import Redaction
from storage.digest import Digest
from tests.factories.console import Desk, desk
from tests.factories.ground import Ground
from tests.factories.ground_pages import with_pages
from tests.factories.identity import runtime_of
from tests.factories.uploads import sha256_of

FACE = {"at_ms": None, "x": 1000, "y": 1000, "w": 2000, "h": 2000}


@pytest.fixture
def ground(app: Flask) -> Ground:
    return with_pages(Ground.build(app))


@pytest.fixture
def lead(ground: Ground) -> Desk:
    return desk(ground.app, ground.first.world.people["president"])


def open_now() -> str | None:
    """What kind of transaction is open at this moment."""
    if not db.session.registry.has() or not db.session().in_transaction():
        return None
    return "write" if is_writing(db.session()) else "read"


def count(kind: EventKind) -> int:
    with unit_of_work(EVERY_COURT, write=False) as session:
        counted = [
            sa.select(sa.func.count()).select_from(table).where(table.kind == kind.value)
            for table in (Event, OutboxRow)
        ]
        return sum(session.execute(one).scalar_one() for one in counted)


def test_a_report_is_unpacked_outside_transactions(
    ground: Ground, lead: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str | None] = []

    class Watched(zipfile.ZipFile):
        def __init__(self, *given: Any, **named: Any) -> None:
            seen.append(open_now())
            super().__init__(*given, **named)

    monkeypatch.setattr(zipfile, "ZipFile", Watched)
    path = f"/exports/{ground.first.ids['report']}/custody.pdf"
    answer = lead.get(path)
    assert answer.status_code == 200
    assert answer.data.startswith(b"%PDF-1.7 ")
    assert seen == [None]
    assert count(EventKind.EXPORT_DOWNLOADED) == 1


def test_the_first_report_beyond_the_hours_limit_is_told_once(ground: Ground, lead: Desk) -> None:
    world = ground.first.world
    with unit_of_work(world.id) as session:
        ctx = Context(system_actor(world.id), session, runtime_of(ground.app))
        for _ in range(EXPORTS_PER_HOUR):
            record(ctx, EventKind.AUDIT_EXPORTED, Subject("court", world.id))
        session.flush()
        session.execute(
            sa.update(OutboxRow)
            .where(OutboxRow.kind == EventKind.AUDIT_EXPORTED.value)
            .values(actor_id=world.people["president"].id)
        )
    for _ in range(2):
        answer = lead.get(f"/exports/{ground.first.ids['report']}/custody.pdf")
        assert answer.status_code == 429
    assert count(EventKind.EXPORT_LIMITED) == 1
    assert count(EventKind.EXPORT_DOWNLOADED) == 0


def with_face(ground: Ground, evidence: str) -> None:
    """The worker has suggested a face."""
    data = json.dumps({"faces": [FACE]}).encode()
    runtime = runtime_of(ground.app)
    path = runtime.settings.data_dir / "faces"
    path.write_bytes(data)
    runtime.stores.blobs.put_file(Digest(sha256_of(data)), path)
    with unit_of_work(EVERY_COURT) as session:
        item = session.get_one(Evidence, uuid.UUID(evidence))
        session.add(
            Derivative(
                source_sha256=item.sha256, name=FACES, mime="application/json",
                sha256=sha256_of(data), size_bytes=len(data), created_at=runtime.clock.now(),
            )
        )  # fmt: skip


def test_suggested_faces_are_read_outside_a_writers_transaction(
    ground: Ground, lead: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    evidence, seen = ground.first.ids["evidence"], list[str | None]()
    with_face(ground, evidence)
    store = type(runtime_of(ground.app).stores.blobs)
    read = store.read

    def watched(self: Any, *given: Any, **named: Any) -> Any:
        seen.append(open_now())
        return read(self, *given, **named)

    monkeypatch.setattr(store, "read", watched)
    assert lead.get(f"/e/{evidence}/redact").status_code == 200
    asked = lead.post(f"/e/{evidence}/redact", {"reason": "面容(虚构)", "faces": "0"})
    assert asked.status_code == 303
    assert lead.post(f"/e/{evidence}/redact", {"reason": "无(虚构)"}).status_code == 422
    assert seen
    assert "write" not in seen
    with unit_of_work(EVERY_COURT, write=False) as session:
        newest = session.query(Redaction).order_by(Redaction.id.desc()).first()
        assert newest is not None
        assert newest.recipe["boxes"]
