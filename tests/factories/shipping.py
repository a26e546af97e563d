"""A case with a phone whose bytes are kept at two places."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import Flask
from werkzeug.test import TestResponse

from server.audit.models import Event, OutboxRow
from server.core.transactions import EVERY_COURT, unit_of_work
from server.evidence.models import Blob, Evidence
from server.evidence.shipping import Shipper
from server.jobs.table import Registry
from server.jobs.worker import Worker
from storage.digest import Digest
from tests.factories.cases import add_case
from tests.factories.field import Recorder
from tests.factories.identity import World, runtime_of
from tests.factories.uploads import Sender, device_sender, sha256_of


def key_of(data: bytes) -> str:
    """Name of the object that has these bytes."""
    sha256 = sha256_of(data)
    return f"sha256/{sha256[:2]}/{sha256[2:4]}/{sha256}"


@dataclass
class Place:
    """One court's case, the phone that records and sends, and the worker that ships."""

    world: World
    case_id: uuid.UUID
    phone: Recorder
    sender: Sender

    @classmethod
    def build(cls, app: Flask) -> Place:
        """Rows for all of it."""
        world = World.build(app)
        court = world.first
        case_id = add_case(app, court.id, handler_id=court.officer.id)
        return cls(world, case_id, Recorder(app, court.phone), device_sender(world))

    @property
    def app(self) -> Flask:
        return self.world.app

    def take(self, *photos: bytes) -> None:
        """Record photos and send their bytes, through the front door."""
        self.phone.push([self.phone.capture(data, case=str(self.case_id)) for data in photos])
        for data in photos:
            self.sender.send(data)

    def work(self) -> None:
        """Do everything that is due now."""
        shipper = Shipper(runtime_of(self.app))
        Worker(self.app, Registry({}), tasks=(), beside={"shipping": shipper.turn}).drain()

    def near(self, data: bytes) -> Path:
        """Where the local copy lies."""
        return runtime_of(self.app).settings.data_dir / key_of(data)

    def spoil(self, data: bytes) -> None:
        """Turn one bit of the local copy, as a failing disk does."""
        path = self.near(data)
        path.chmod(0o640)
        path.write_bytes(bytes([data[0] ^ 1]) + data[1:])

    def item(self, data: bytes) -> Evidence:
        with unit_of_work(EVERY_COURT, write=False) as session:
            found = session.execute(
                sa.select(Evidence).where(Evidence.sha256 == sha256_of(data))
            ).scalar_one()
            session.expunge(found)
            return found

    def blob(self, data: bytes) -> Blob:
        with unit_of_work(EVERY_COURT, write=False) as session:
            found = session.get_one(Blob, sha256_of(data))
            session.expunge(found)
            return found

    def copies(self, *photos: bytes) -> list[int]:
        return [self.blob(data).copies for data in photos]

    def events(self, prefix: str = "blob.") -> Sequence[str]:
        """Kinds of events whose name begins so, sequenced or not."""
        found: list[str] = []
        with unit_of_work(EVERY_COURT, write=False) as session:
            for table in (Event, OutboxRow):
                statement = sa.select(table.kind).where(table.kind.startswith(prefix))
                found += session.execute(statement).scalars()
        return sorted(found)

    def download(self, data: bytes, **headers: str) -> TestResponse:
        """Ask for the original as the officer of the case."""
        caller = self.world.caller(self.world.first.officer)
        path = f"/evidence/{self.item(data).id}/content?purpose=%E5%A4%8D%E6%A0%B8"
        return caller.get(path, headers=headers)

    def readiness(self) -> dict[str, Any]:
        """The part of ``/readyz`` that speaks of copies; the whole must be ready."""
        answer = self.app.test_client().get("/readyz")
        assert answer.status_code == 200, answer.get_json()
        found: dict[str, Any] = answer.get_json()["parts"]["copies"]
        return found

    def verify(self, data: bytes) -> int:
        """Re-read what the store would serve; returns its size in bytes."""
        return runtime_of(self.app).stores.blobs.verify(Digest.of(data)).size_bytes
