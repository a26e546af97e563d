"""An officer's day through the public API with the real SDK."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from client_sdk import FieldClient
from client_sdk.client import Options
from client_sdk.models import Captured, SyncReport
from deploy.demo import room
from deploy.demo.fault_proxy import Fault, FaultPlan, FaultProxy, Injection
from deploy.demo.material import LOG, Item
from deploy.demo.report import say

SYNCS_MAX = 40
SHIFT_HOURS = 10
_KIB = 1024

# The first connections fall into radio holes in the middle of a file; later ones hold.
ROUGH = FaultPlan(
    seed=11,
    script=(
        Injection(Fault.CUT_UP, 90 * _KIB),
        Injection(Fault.RESET, 150 * _KIB),
        Injection(Fault.DROP_RESPONSE, 40 * _KIB),
        Injection(Fault.CUT_UP, 260 * _KIB),
        Injection(Fault.CUT_DOWN, 6 * _KIB),
        Injection(Fault.CUT_UP, 700 * _KIB),
        Injection(Fault.RESET, 1100 * _KIB),
        Injection(Fault.CUT_UP, 1500 * _KIB),
    ),
    chance=0.3,
    until=20,
    bytes_min=64 * _KIB,
    bytes_max=2048 * _KIB,
)


@dataclass(frozen=True, slots=True)
class Officer:
    """Who the day is about; from the seed."""

    login: str
    password: str
    code: str
    case_id: str


@dataclass(frozen=True, slots=True)
class Captures:
    """What was captured offline, in order."""

    files: list[tuple[Item, Captured]]
    notes: list[tuple[str, Captured]]


def prepare(field: FieldClient, desk: FieldClient, officer: Officer) -> str:
    """Morning, with a network: enrol and book the phone, fetch mission and ticket."""
    identity = field.enrol(officer.code, name="演示手机(虚构)", model="SDK")
    person = field.sign_in(officer.login, officer.password)
    now = datetime.now(UTC)
    booking = {
        "device_id": str(identity.device_id),
        "user_id": str(person),
        "starts_at": now.isoformat(),
        "ends_at": (now + timedelta(hours=SHIFT_HOURS)).isoformat(),
    }
    desk.request("POST", "/duty-bookings", json=booking)
    field.pull()
    mission = next(m for m in field.missions() if officer.case_id in m.case_ids)
    field.ticket(mission.id)
    room.start(desk, mission.id)
    say("device enrolled and booked for the officer by the supervisor")
    say(f"mission “{mission.title}” and its ticket fetched; the mission is started")
    return mission.id


def capture_offline(
    field: FieldClient, officer: Officer, mission_id: str, items: list[Item]
) -> Captures:
    """In the field, without any network: every capture is durable when it returns."""
    notes = []
    files = []
    for number, item in enumerate(items):
        if number < len(LOG):
            entry = field.log(
                LOG[number], case=officer.case_id, mission=mission_id, geo=item.position
            )
            notes.append((LOG[number], entry))
        captured = field.capture(
            item.path, case=officer.case_id, mission=mission_id, geo=item.position
        )
        files.append((item, captured))
    say(f"{len(files)} files and {len(notes)} log entries captured, nothing sent yet")
    return Captures(files, notes)


def sync_through_cuts(field: FieldClient, proxy: FaultProxy) -> list[SyncReport]:
    """Back in the car: sync until every item has its verified receipt."""
    reports = []
    for _ in range(SYNCS_MAX):
        reports.append(field.sync(patience_seconds=20, receipts_wait_seconds=20))
        if reports[-1].complete:
            break
    cut = proxy.counters.struck
    say(f"synced in {len(reports)} round(s); the connection was broken {cut} times on the way")
    return reports


def open_field(folder: Path, url: str, public_url: str) -> FieldClient:
    """The phone's client, which reaches the server at ``url`` (the bad connection)."""
    options = Options(public_url=public_url)
    return FieldClient(url, store=folder, secrets=None, options=options)
