"""A case with records and originals in the log, and the worker that exports it (虚构)."""

from __future__ import annotations

import uuid
import zipfile
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from client_sdk.protocol.dossier import ENTRIES, EntryLine, parse_entry
from server.audit.events import EventKind
from server.audit.models import Event
from server.audit.service import Subject, record
from server.commands.exporting import exporting
from server.core.clock import FixedClock
from server.core.context import Context, system_actor
from server.core.transactions import EVERY_COURT, unit_of_work
from server.disclosure.models import Export
from server.evidence.models import Evidence
from server.jobs.table import EXPORT, Registry
from server.jobs.worker import Worker
from storage.digest import Digest
from tests.factories.cases import add_case, add_mission
from tests.factories.field import Recorder, sequence
from tests.factories.identity import Caller, FieldDevice, World, runtime_of
from tests.factories.log import sign_log
from tests.factories.uploads import Sender, sha256_of

ASKED = {"purpose": "移送上级法院(虚构)", "recipient": "样例中级法院(虚构)"}


@dataclass
class Bureau:
    """The first court with one case whose phone has recorded things."""

    app: Flask
    world: World
    case_id: uuid.UUID
    mission_id: uuid.UUID
    recorder: Recorder
    photos: list[bytes] = field(default_factory=list)

    @classmethod
    def build(cls, app: Flask, photos: int = 2) -> Bureau:
        """Court, case, enrolled phone, ``photos`` photos and one note, all in the log."""
        world = World.build(app)
        court = world.first
        enrol(app, court.phone)
        case_id = add_case(app, court.id, handler_id=court.officer.id)
        mission_id = add_mission(
            app, court.id, [case_id], officer_ids=[court.officer.id, court.police.id],
            device_ids=[court.phone.id],
        )  # fmt: skip
        bureau = cls(app, world, case_id, mission_id, Recorder(app, court.phone))
        bureau.note("到达现场(虚构)")
        for number in range(photos):
            bureau.photo(f"photo {number}".encode())
        sequence(app)
        return bureau

    @property
    def clock(self) -> FixedClock:
        """The app's clock."""
        clock = runtime_of(self.app).clock
        assert isinstance(clock, FixedClock)
        return clock

    @property
    def folder(self) -> Path:
        """Data folder of the app."""
        return runtime_of(self.app).settings.data_dir

    def person(self, role: str = "supervisor") -> Caller:
        """Somebody of the court, signed in on its phone."""
        return self.world.caller(self.world.first.people[role])

    # what happens in the field

    def push(self, *wires: dict[str, str]) -> None:
        """Records that the server has to accept."""
        assert self.recorder.outcomes(wires) == ["accepted"] * len(wires)

    def note(self, text: str, case_id: uuid.UUID | None = None) -> None:
        """A line of the log, of the case unless told."""
        self.push(self.recorder.note(text, **self._about(case_id or self.case_id)))

    def photo(self, data: bytes, case_id: uuid.UUID | None = None, *, sent: bool = True) -> None:
        """A photo of the case unless told; its bytes follow unless told."""
        self.clock.advance(timedelta(seconds=30))
        self.push(self.recorder.capture(data, **self._about(case_id or self.case_id)))
        if sent:
            self.send(data)
        self.photos.append(data)

    def send(self, data: bytes) -> None:
        """Upload bytes."""
        court = self.world.first
        Sender(self.app, court, caller=self.world.device_caller(court.phone)).send(data)

    def item(self, data: bytes) -> uuid.UUID:
        """Id of the item with these bytes."""
        with unit_of_work(self.world.first.id, write=False) as session:
            row = session.query(Evidence.id).filter(Evidence.sha256 == sha256_of(data))
            return uuid.UUID(str(row.one()[0]))

    def _about(self, case_id: uuid.UUID) -> dict[str, Any]:
        officer = self.world.first.officer.id
        return {"case": str(case_id), "mission": str(self.mission_id), "who": str(officer)}

    # exports

    def ask(self, role: str = "supervisor", **body: Any) -> TestResponse:
        """Ask for an export of the case, unless the body says otherwise."""
        whole = {"case_id": str(self.case_id), **ASKED, **body}
        sent = {name: value for name, value in whole.items() if value is not ...}
        return self.person(role).post("/exports", json=sent)

    def asked(self, **body: Any) -> str:
        """An export that was taken; its id."""
        answer = self.ask(**body)
        assert answer.status_code == 202, answer.get_json()
        return str(answer.get_json()["id"])

    def work(self) -> None:
        """Let a worker do what is due now."""
        runtime = runtime_of(self.app)
        Worker(self.app, Registry({EXPORT: exporting(runtime)}), tasks=()).drain()

    def soon(self, seconds: float = 3) -> None:
        """Let a moment pass, then work again."""
        self.clock.advance(timedelta(seconds=seconds))
        self.work()

    def export(self, **body: Any) -> dict[str, Any]:
        """A finished export."""
        export_id = self.asked(**body)
        self.work()
        sign_log(self.app)
        self.soon()
        shown = self.shown(export_id)
        assert shown["state"] == "done", shown
        return shown

    def shown(self, export_id: str) -> dict[str, Any]:
        """The export as the API shows it."""
        answer = self.person().get(f"/exports/{export_id}")
        assert answer.status_code == 200, answer.get_json()
        found: dict[str, Any] = answer.get_json()
        return found

    def row(self, export_id: str) -> Export:
        """The export's row, detached."""
        with unit_of_work(EVERY_COURT, write=False) as session:
            found = session.get_one(Export, uuid.UUID(export_id))
            session.expunge(found)
            return found

    def package(self, shown: dict[str, Any], folder: Path) -> Path:
        """The finished package as a file."""
        path = folder / f"{shown['id']}.zip"
        blobs = runtime_of(self.app).stores.blobs
        with path.open("wb") as file:
            file.writelines(blobs.read(Digest(shown["sha256"])))
        return path


def enrol(app: Flask, device: FieldDevice) -> None:
    """The event that the device's enrolment would have left."""
    with unit_of_work(device.court_id) as session:
        ctx = Context(system_actor(device.court_id), session, runtime_of(app))
        facts = {
            "kind": device.kind, "name": "手机", "own_name": "手机", "model": None,
            "serial": None, "alg": device.key.alg.value, "jwk": device.key.public.to_jwk(),
            "ep": 1, "holder": None, "code": str(ctx.new_id()),
        }  # fmt: skip
        record(ctx, EventKind.DEVICE_ENROLLED, Subject("device", device.id), facts)


def entries_of(package: Path) -> list[EntryLine]:
    """Entries of a package, in order."""
    with zipfile.ZipFile(package) as archive:
        (name,) = [one for one in archive.namelist() if one.endswith(ENTRIES)]
        return [parse_entry(line) for line in archive.read(name).splitlines()]


def kinds_of(app: Flask) -> list[str]:
    """Kinds of the log's entries, in order."""
    sequence(app)
    with unit_of_work(EVERY_COURT, write=False) as session:
        return [kind for (kind,) in session.query(Event.kind).order_by(Event.log_index)]
