"""An enforcement bureau at work: a running server with its worker, people, devices, cameras.

Everything that people do goes through the SDK, the API or the installed command; only the court's
accounts and the enrolment codes are made on the server's side, as its operator would.
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, TypeVar

from client_sdk import FieldClient
from client_sdk._clock import DeviceClock
from server.core.context import Context, system_actor
from server.core.transactions import EVERY_COURT, unit_of_work
from server.identity import service_devices
from server.identity.commands import OfferEnrolment
from tests.factories.identity import CourtWorld, Person, runtime_of
from tests.factories.identity_rows import court_rows
from tests.support.live import ROOT, LiveServer

CHINA = timezone(timedelta(hours=8))
SETTLED_SECONDS_MAX = 40
Row = dict[str, Any]
T = TypeVar("T")
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Ran:
    """How a run of the command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What ``--json`` printed."""
        return json.loads(self.out)


@dataclass
class Bureau:
    """One court; ``desk`` is its supervisor's client."""

    server: LiveServer
    court: CourtWorld
    folder: Path
    stack: ExitStack
    number: int
    desk: FieldClient = field(init=False)
    serials: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def enrol(
        self,
        name: str,
        person: Person | None = None,
        *,
        kind: str = "phone",
        clock: DeviceClock | None = None,
    ) -> FieldClient:
        """A device of its own with the person signed in; ``store(name)`` is its folder."""
        client = FieldClient(self.server.url, store=self.store(name), secrets=None, clock=clock)
        self.stack.enter_context(client)
        client.enrol(self.code(kind, name), name=name)
        if person is not None:
            client.sign_in(person.login, person.password)
        return client

    def code(self, kind: str, name: str) -> str:
        """An enrolment code, as the operator makes one."""
        runtime = runtime_of(self.server.app)
        with unit_of_work(EVERY_COURT) as session:
            ctx = Context(system_actor(self.court.id), session, runtime)
            return service_devices.offer(ctx, OfferEnrolment(kind=kind, name=name)).code

    def store(self, name: str) -> Path:
        """A device's folder."""
        return self.folder / name

    def camera(self, name: str = "相机(虚构)") -> str:
        """Register a camera, which has no key."""
        wanted = {"kind": "camera", "name": name, "serial": f"FIC-{next(self.serials):04}"}
        return self.add("/devices", wanted)

    def case(self, *people: Person) -> str:
        """File a case that these people work on."""
        number = f"(2025){self.court.code}执{next(self.serials)}号"
        case = self.add("/cases", {"case_no": number})
        if people:
            wanted = {"officer_ids": [str(one.id) for one in people]}
            self.post(f"/cases/{case}/assignments", wanted)
        return case

    def mission(
        self,
        case: str,
        people: Sequence[Person],
        window: tuple[datetime, datetime],
        devices: Sequence[str] = (),
    ) -> str:
        """Plan a mission of one case."""
        wanted = {
            "title": "清河镇现场查封(虚构)",
            "case_ids": [case],
            "officer_ids": [str(one.id) for one in people],
            "device_ids": list(devices),
            "starts_at": window[0].isoformat(),
            "ends_at": window[1].isoformat(),
        }
        return self.add("/missions", wanted)

    def book(
        self,
        device: str,
        person: Person,
        window: tuple[datetime, datetime],
        mission: str | None = None,
    ) -> str:
        """Book a device for a person."""
        wanted = {
            "device_id": device,
            "user_id": str(person.id),
            "mission_id": mission,
            "starts_at": window[0].isoformat(),
            "ends_at": window[1].isoformat(),
        }
        return self.add("/duty-bookings", wanted)

    def add(self, path: str, body: Row) -> str:
        """Make something in the supervisor's name; its id."""
        return str(self.post(path, body)["id"])

    def post(self, path: str, body: Row) -> Row:
        """A request of the supervisor."""
        answer = self.desk.request("POST", path, json=body).json()
        assert isinstance(answer, dict)
        return answer

    def evidence(self, case: str, count: int, *, examined: bool = True) -> list[Row]:
        """Details of a case's items by name, once ``count`` are verified (and examined)."""

        def settled() -> list[Row]:
            rows = list(self.desk.items(f"/cases/{case}/evidence"))
            found = [self.detail(row["id"]) for row in rows]
            done = [one for one in found if _settled(one, examined=examined)]
            return found if len(done) == len(found) >= count else []

        # Read once more: examining a time code changes the items that were read before it.
        again = [self.detail(one["id"]) for one in eventually(settled)]
        return sorted(again, key=lambda one: str(one["name"]))

    def detail(self, evidence: str) -> Row:
        """One item, as the supervisor sees it."""
        found = self.desk.request("GET", f"/evidence/{evidence}").json()
        assert isinstance(found, dict)
        return found

    def time_code(self) -> str:
        """What the page with the time code shows now."""
        with urllib.request.urlopen(f"{self.server.url}/api/v1/time-qr", timeout=10) as shown:  # noqa: S310  our own
            return str(json.load(shown)["text"])

    def custody(self, evidence: str, last: str, count: int = 1) -> list[Row]:
        """What happened to an item, in log order, once ``last`` has entered the log."""

        def entered() -> list[Row]:
            rows = list(self.desk.items(f"/evidence/{evidence}/custody"))
            return rows if [row["kind"] for row in rows].count(last) >= count else []

        return eventually(entered)


@contextmanager
def bureau(server: LiveServer, folder: Path) -> Iterator[Bureau]:
    """A court of the test's own on the running server."""
    number = next(_numbers)
    with unit_of_work(EVERY_COURT) as session:
        court = court_rows(session, runtime_of(server.app), f"样{1000 + number}", f"c{number}")
    with ExitStack() as stack:
        made = Bureau(server, court, folder, stack, number)
        made.desk = made.enrol("desk", court.supervisor, kind="workstation")
        yield made


def tiezheng(store: Path, *arguments: object, stdin: str = "") -> Ran:
    """Run the command to its end, in English."""
    done = subprocess.run(
        command(store, *arguments), cwd=ROOT, env={**os.environ, "NO_COLOR": "1"}, input=stdin,
        capture_output=True, text=True, timeout=90, check=False,
    )  # fmt: skip
    return Ran(done.returncode, done.stdout, done.stderr)


def command(store: Path, *arguments: object) -> list[str]:
    """Its words, for a process of one's own."""
    own = [sys.executable, "-m", "client_sdk.cli", "--lang", "en", "--store", str(store)]
    return [*own, *map(str, arguments)]


def eventually(look: Callable[[], T]) -> T:
    """What ``look`` finds, asked until it finds something: log and worker follow a moment later."""
    deadline = time.monotonic() + SETTLED_SECONDS_MAX
    while not (found := look()):
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.1)
    return found


def until_synced(client: FieldClient) -> None:
    """Sync until everything on the device is confirmed."""
    report = client.sync(patience_seconds=20, receipts_wait_seconds=20)
    assert report.complete, report


def window_around(now: datetime, hours: float = 2) -> tuple[datetime, datetime]:
    """From some hours before to some hours after."""
    return now - timedelta(hours=hours), now + timedelta(hours=hours)


def officer_of(row: Row) -> tuple[uuid.UUID, str]:
    """Who recorded an item, and how that is known."""
    return uuid.UUID(row["officer_id"]), row["officer_source"]


def codes_of(row: Row) -> set[str]:
    """Codes of an item's findings."""
    return {finding["code"] for finding in row["findings"]}


def _settled(row: Row, *, examined: bool) -> bool:
    if row["state"] != "verified":
        return False
    return not examined or row["examination_state"] in {"done", "failed"}
