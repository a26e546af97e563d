"""The sample courts at work: their cases are played day by day, through the API or offline.

Cameras and recorders without a key are read at the court's dock; each photographs the server's time
code on the day it is used, which is how the server learns how far its clock is off.  A phone signs
for itself.  The server's clock is moved to the moment of each step.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from flask import Flask

from client_sdk import FieldClient
from client_sdk._link import Options
from client_sdk._transport.wsgi import WsgiTransport
from client_sdk.protocol.entries import field_kinds
from client_sdk.protocol.keys import Algorithm
from client_sdk.protocol.payloads import Datum, Geo, GeoSource, NoGeo
from server.cases import service as case_service
from server.cases.commands import AddCase, PartyCommand
from server.cases.parties import DETAILS, PartyKind, PartyRole
from server.clocks import service as clocks
from server.clocks.correction import Reading
from server.commands.demo_seed import ROLES
from server.commands.worker import examining
from server.conduct.due import Judger
from server.core.clock import FixedClock, unix_ms
from server.core.context import Context, system_actor
from server.core.permissions import Role
from server.core.transactions import EVERY_COURT, unit_of_work
from server.evidence.sandbox import Limits, Sandbox
from server.identity import service_devices
from server.identity.commands import OfferEnrolment
from server.identity.models import Court, Device, User
from server.jobs.table import EXAMINE, Registry
from server.jobs.worker import Worker
from tests.factories import samples_files as files
from tests.factories.identity import Caller, FieldDevice, Person, access_token, runtime_of
from tests.factories.identity_rows import PASSWORD, device_row, person_row
from tests.factories.samples_data import as_of
from tests.factories.samples_device import DeviceClock
from tests.factories.samples_entries import ADDED, CHINA, Row, Staff, Step, of_action, of_case

BACK: Final = timedelta(minutes=30)  # from the end of an action to the dock
_SIGNS: Final = frozenset({"phone"})
_DOCKED: Final = {"digital_camera": "camera", "video_camera": "camera"}


@dataclass
class SampleCourt:
    """One court: its people by the sample's ids, a phone for the API, devices and a dock."""

    id: uuid.UUID
    staff: dict[str, Staff] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    devices: dict[str, uuid.UUID] = field(default_factory=dict)
    clients: dict[str, FieldClient] = field(default_factory=dict)
    api_phone: FieldDevice | None = None

    def caller(self, app: Flask, person: Person) -> Caller:
        """The person at the API."""
        assert self.api_phone is not None
        return Caller(app, access_token(app, person, self.api_phone), self.api_phone.key)


@dataclass
class SampleWorld:
    """Plays the sample; ``offline`` says whether officers write entries on their devices."""

    app: Flask
    clock: FixedClock
    sample: Row
    folder: Path
    offline: bool
    stack: contextlib.ExitStack
    added: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: ADDED)
    courts: dict[str, SampleCourt] = field(default_factory=dict)
    cases: dict[str, uuid.UUID] = field(default_factory=dict)
    actions: dict[str, str] = field(default_factory=dict)
    _keys: dict[tuple[str, str], str] = field(default_factory=dict)
    _photos: int = 0

    def play(self) -> None:
        """Everything in the order of time; on the day of the sample the worker looks at it."""
        sandbox = self.stack.enter_context(contextlib.closing(Sandbox(Limits(), bubblewrap=False)))
        judging = {"judging": Judger(runtime_of(self.app)).turn}
        handlers = Registry({EXAMINE: examining(sandbox)})
        worker = Worker(self.app, handlers, beside=judging)
        self._found()
        for at, step in sorted(self._steps(), key=lambda one: one[0]):
            self._wait_until(at)
            step()
        for day in (as_of(self.sample) - timedelta(days=1), as_of(self.sample)):
            self._wait_until(day)
            worker.drain()

    def _wait_until(self, at: datetime) -> None:
        self.clock.advance(max(at - self.clock.now(), timedelta(0)))

    # -- what there is from the beginning

    def _found(self) -> None:
        for row in self.sample["courts"]:
            court = self._court(row)
            for device in self._of(row["id"], "devices"):
                self._device(court, device)
            self._client(court, "dock", "dock", timedelta(0))

    def _court(self, row: Row) -> SampleCourt:
        runtime = runtime_of(self.app)
        court = SampleCourt(runtime.ids())
        with unit_of_work(EVERY_COURT) as session:
            session.add(
                Court(id=court.id, name=row["name"], court_code=row["court_code"],
                      region_code=row["region_code"], created_at=runtime.clock.now())
            )  # fmt: skip
            session.flush()
            for one in self._of(row["id"], "staff"):
                if (role := ROLES.get(one["role"])) is None:
                    continue
                person = person_row(session, runtime, court.id, one["id"].lower(), role)
                user = session.get_one(User, person.id)
                user.name, user.post = one["name"], one["role"]
                court.people[one["id"]] = person
                court.staff[one["id"]] = Staff(str(person.id), one["name"], one["role"], one["sex"])
            court.api_phone = device_row(session, runtime, court.id, "phone", Algorithm.ES256)
        self.courts[row["id"]] = court
        return court

    def _device(self, court: SampleCourt, row: Row) -> None:
        ahead = timedelta(seconds=row["clock_offset_s"])
        if row["kind"] in _SIGNS:
            client = self._client(court, row["id"], "phone", ahead)
            court.devices[row["id"]] = client.identity.device_id
            return
        runtime = runtime_of(self.app)
        with unit_of_work(EVERY_COURT) as session:
            kind = str(_DOCKED.get(row["kind"], row["kind"]))
            device = device_row(session, runtime, court.id, kind, None)
            session.get_one(Device, device.id).name = row["model"]
            court.devices[row["id"]] = device.id

    def _client(self, court: SampleCourt, name: str, kind: str, ahead: timedelta) -> FieldClient:
        with unit_of_work(EVERY_COURT) as session:
            ctx = Context(system_actor(court.id), session, runtime_of(self.app))
            code = service_devices.offer(ctx, OfferEnrolment(kind=kind, name=name)).code
        client = FieldClient(
            "http://localhost", store=self.folder / f"{court.id}-{name}",
            transport=WsgiTransport(self.app), clock=DeviceClock(self.clock, ahead), secrets=None,
            options=Options(ballast_bytes=0),
        )  # fmt: skip
        self.stack.enter_context(client)
        client.enrol(code, name=name)
        court.clients[name] = client
        return client

    def _of(self, court: str, table: str) -> list[Row]:
        return [row for row in self.sample[table] if row["court_id"] == court]

    # -- the steps

    def _steps(self) -> Iterator[tuple[datetime, Callable[[], None]]]:
        presidents = frozenset(
            one["id"] for one in self.sample["staff"] if one["role"] == "court_president"
        )
        for case in self.sample["cases"]:
            filed = datetime.combine(
                date.fromisoformat(case["filed_on"]), datetime.min.time(), CHINA
            )
            yield filed + timedelta(hours=5), _later(self._file, case)
            for step in of_case(case, presidents):
                yield step.at, _later(self._write, case, step)
            for action in case["field_actions"]:
                yield from self._of_action(case, action)

    def _of_action(self, case: Row, action: Row) -> Iterator[tuple[datetime, Callable[[], None]]]:
        court = self.courts.get(case["court_id"])
        staff = {} if court is None else court.staff
        steps = of_action(case, action, staff, self.added)
        yield steps[0].at - timedelta(seconds=60), _later(self._go_out, case, action)
        for step in steps:
            yield step.at, _later(self._note, case, action, step)
        for item in action["evidence"]:
            if self._signs(item):
                at = datetime.fromisoformat(item["captured_at"])
                yield at, _later(self._capture, case, action, item)
        yield steps[-1].at + BACK, _later(self._come_back, case, action)

    def _file(self, case: Row) -> None:
        court = self.courts[case["court_id"]]
        with unit_of_work(court.id) as session:
            ctx = Context(system_actor(court.id), session, runtime_of(self.app))
            deadline = case["deadline_on"]
            command = AddCase(
                case_no=case["case_no"], cause=case["cause"], claim_fen=case["claim_fen"],
                filed_on=date.fromisoformat(case["filed_on"]),
                deadline_on=date.fromisoformat(deadline) if deadline else None,
                handler_id=court.people[case["handler_id"]].id,
                officer_ids=tuple(one.id for key, one in court.people.items()
                                  if key != case["handler_id"]),
                parties=tuple(_party(one) for one in case["parties"]),
            )  # fmt: skip
            self.cases[case["id"]] = case_service.add(ctx, command).id

    def _write(self, case: Row, step: Step) -> None:
        """An entry about the case; talks are had in the field and may be written offline."""
        court = self.courts[case["court_id"]]
        handler = court.people[case["handler_id"]]
        if self.offline and step.kind in field_kinds():
            client = self._phone(court)
            self._sign_in(client, handler)
            client.actions.write(step.kind, step.data, case=self.cases[case["id"]])
            client.sync(receipts_wait_seconds=0)
            return
        data = dict(step.data)
        if step.refers is not None:
            data[step.refers[0]] = self._keys[case["id"], step.refers[1]]
        answer = self.post(case, {"kind": step.kind, "data": data})
        if step.key is not None:
            self._keys[case["id"], step.key] = answer["id"]

    def post(self, case: Row, body: Row) -> dict[str, Any]:
        """Write an entry through the API as the case's handler, or as the president."""
        court = self.courts[case["court_id"]]
        writer = court.people[case["handler_id"]]
        if body["data"].get("fact") == "president_approved":
            writer = next(one for one in court.people.values() if Role.PRESIDENT in one.roles)
        caller = court.caller(self.app, writer)
        answer = caller.post(f"/cases/{self.cases[case['id']]}/entries", json=dict(body))
        found: dict[str, Any] = answer.get_json()
        assert answer.status_code == 201, (case["id"], body, found)
        return found

    # -- an action

    def _go_out(self, case: Row, action: Row) -> None:
        """Every camera that is taken along photographs the time code first."""
        court = self.courts[case["court_id"]]
        if self.offline:
            self._sign_in(self._phone(court), court.people[action["officer_ids"][0]])
        for key in sorted({one["device_id"] for one in action["evidence"]}):
            row = next(one for one in self.sample["devices"] if one["id"] == key)
            if row["kind"] in _SIGNS:
                continue
            if row["kind"] == "audio_recorder":
                self._compare(court, row)
                continue
            code = self.app.test_client().get("/api/v1/time-qr").get_json()["text"]
            self._photos += 1
            name = f"{action['id']}-{key}-time.jpg"
            at = DeviceClock(self.clock, _ahead(row)).wall()
            path = files.time_code_photo(self.folder / name, code, at, self._photos)
            self._dock(case, action, key, path, None)

    def _compare(self, court: SampleCourt, row: Row) -> None:
        """A recorder of sound shows its clock to a person beside the server's."""
        device_ms = unix_ms(self.clock.now() + _ahead(row))
        offset_ms = -int(_ahead(row).total_seconds() * 1000)
        with unit_of_work(court.id) as session:
            ctx = Context(system_actor(court.id), session, runtime_of(self.app))
            reading = Reading(device_ms, offset_ms, 1_000, source="people")
            clocks.observe(ctx, court.devices[row["id"]], reading, court_id=court.id)

    def _note(self, case: Row, action: Row, step: Step) -> None:
        known = self.actions.get(action["id"])
        if not self.offline:
            body = {"kind": step.kind, "data": dict(step.data)}
            answer = self.post(case, body | ({"action_id": known} if known else {}))
            self.actions[action["id"]] = answer["action_id"]
            return
        client = self._phone(self.courts[case["court_id"]])
        where: dict[str, Any] = {"action": known} if known else {"case": self.cases[case["id"]]}
        done = client.actions.write(step.kind, step.data, **where)
        self.actions[action["id"]] = str(done.action)

    def _capture(self, case: Row, action: Row, item: Row) -> None:
        """A phone seals what it records itself."""
        court = self.courts[case["court_id"]]
        client = court.clients[item["device_id"]]
        path = self._made(item, client._clock.wall())
        done = client.capture(path, case=self.cases[case["id"]], geo=_geo(item))
        self._tag(case, action, item, str(done.sha256))

    def _come_back(self, case: Row, action: Row) -> None:
        """The cards are read at the dock, and phones find a network."""
        court = self.courts[case["court_id"]]
        for item in action["evidence"]:
            if not self._signs(item):
                row = next(one for one in self.sample["devices"] if one["id"] == item["device_id"])
                begun = datetime.fromisoformat(item["captured_at"]) + _ahead(row)
                path = self._made(item, begun)
                sha256 = self._dock(case, action, item["device_id"], path, _geo(item))
                self._tag(case, action, item, sha256)
        for client in court.clients.values():
            report = client.sync(receipts_wait_seconds=0)
            assert report.paused is None, report
            assert not report.problems, report

    def _tag(self, case: Row, action: Row, item: Row, sha256: str) -> None:
        if item.get("tag"):
            data = {"evidence": [sha256], "tag": item["tag"]}
            self._note(case, action, Step(self.clock.now(), "action.tag", data))

    def _dock(
        self, case: Row, action: Row, device: str, path: Path, geo: Geo | NoGeo | None
    ) -> str:
        court = self.courts[case["court_id"]]
        client = court.clients["dock"]
        officer = court.people[action["officer_ids"][0]]
        done = client.capture(
            path, case=self.cases[case["id"]], who=officer.id, captured_by=court.devices[device],
            geo=geo or NoGeo("not-recorded"), place=path.name,
            match={"by": "told", "file_time": self.clock.now().isoformat()},
        )  # fmt: skip
        return str(done.sha256)

    def _made(self, item: Row, begun: datetime) -> Path:
        kind = {"video": ".mp4", "audio": ".m4a", "photo": ".jpg"}[item["kind"]]
        path = self.folder / f"{item['id']}{kind}"
        if item["kind"] == "photo":
            self._photos += 1
            return files.photo(path, begun.astimezone(CHINA), self._photos)
        return files.recording(path, item["duration_s"], begun, item["id"])

    def _signs(self, item: Row) -> bool:
        kinds = {one["id"]: one["kind"] for one in self.sample["devices"]}
        return kinds[item["device_id"]] in _SIGNS

    def _phone(self, court: SampleCourt) -> FieldClient:
        """The court's own phone, else one that the test adds; see ``with_phones``."""
        return next(one for name, one in court.clients.items() if name != "dock")

    def _sign_in(self, client: FieldClient, person: Person) -> None:
        if client.officer_id != person.id:
            client.sign_in(person.login, PASSWORD)


def _ahead(row: Row) -> timedelta:
    return timedelta(seconds=row["clock_offset_s"])


def _geo(item: Row) -> Geo | NoGeo:
    at = item.get("geo")
    if at is None:
        return NoGeo("no-hardware")
    return Geo(f"{at['lat']:.7f}", f"{at['lng']:.7f}", Datum.WGS84, GeoSource.GNSS,
               acc_m=str(at["accuracy_m"]))  # fmt: skip


def _party(row: Row) -> PartyCommand:
    details = {name: row[name] for name in DETAILS if name in row and name != "id_no_masked"}
    return PartyCommand(
        role=PartyRole(row["role"]), kind=PartyKind(row["kind"]), name=row["name"],
        id_no=row.get("id_no"), details=details,
    )  # fmt: skip


def _later(call: Callable[..., None], *arguments: Any) -> Callable[[], None]:
    return lambda: call(*arguments)
