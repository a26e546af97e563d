"""Clocks at sync: signed exchanges, corrected times, tickets."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from client_sdk.protocol.records import GENESIS
from client_sdk.protocol.statements import (
    ClockReading,
    SignedStatement,
    StatementKind,
    Ticket,
    verify_with,
)
from server.audit.models import DeviceRecord
from server.clocks.models import ClockObservation
from server.core.clock import FixedClock
from server.core.keyring import EVENT
from server.core.transactions import EVERY_COURT, unit_of_work
from server.evidence.models import Evidence
from server.fieldlog.models import LogEntry
from tests.factories.cases import add_case, add_mission
from tests.factories.field import Recorder
from tests.factories.identity import World, runtime_of

MINUTE_MS = 60_000


@pytest.fixture
def world(app: Flask) -> World:
    return World.build(app)


@pytest.fixture
def phone(world: World) -> Recorder:
    return Recorder(world.app, world.first.phone)


def one(model: Any) -> Any:
    with unit_of_work(EVERY_COURT, write=False) as session:
        found = session.execute(sa.select(model)).scalar_one()
        session.expunge_all()
        return found


def all_findings() -> list[str]:
    with unit_of_work(EVERY_COURT, write=False) as session:
        rows = session.execute(sa.select(DeviceRecord.findings).order_by(DeviceRecord.seq))
        return [finding["code"] for (found,) in rows for finding in found or []]


def device_ms(phone: Recorder) -> int:
    return int(phone.now().timestamp() * 1000)


def exchange(world: World, phone: Recorder, **changes: Any) -> dict[str, str]:
    """A record of an exchange of clocks, as the SDK makes it."""
    t1 = device_ms(phone)
    answer = world.device_caller(phone.device).post("/clock", json={"t1": str(t1)})
    assert answer.status_code == 200, answer.text
    clock = {"statement": answer.get_json(), "t4": str(device_ms(phone))} | changes
    return phone.seal(phone.payload("clock.observed", clock=clock))


def test_the_exchange_is_signed_and_logged(world: World) -> None:
    answer = world.device_caller(world.first.phone).post("/clock", json={"t1": "17"})
    key = runtime_of(world.app).keyring.active(EVENT).public
    body = verify_with(StatementKind.CLOCK, SignedStatement.from_dict(answer.get_json()), key)
    reading = ClockReading.from_body(body)
    assert (reading.t1, reading.device) == (17, str(world.first.phone.id))
    assert reading.t2 == reading.t3 == 1_772_413_200_000


@pytest.mark.parametrize("t1", ["", "-1", "1.5", "01", "x", "9" * 17, 17, None])
def test_times_that_are_none_are_refused(world: World, t1: object) -> None:
    answer = world.device_caller(world.first.phone).post("/clock", json={"t1": t1})
    assert answer.status_code == 422


def test_a_wrong_wall_clock_is_corrected_by_the_monotonic_clock(
    world: World, phone: Recorder, clock: FixedClock
) -> None:
    truth = clock.now()
    phone.wall_offset = timedelta(days=-400)
    wires = [phone.capture(b"x")]
    clock.advance(timedelta(hours=5))
    wires.append(exchange(world, phone))
    phone.push(wires)
    item, observation = one(Evidence), one(ClockObservation)
    assert item.captured_at == truth
    assert item.clock_class == "A"
    assert item.error_ms == 1 + 5 * 3600 * 50 // 1000
    assert item.wall.startswith("2025-01-26T09:00:00")
    assert observation.offset_ms == 400 * 86_400_000
    assert all_findings() == []


def test_a_later_reading_corrects_what_was_recorded_before(
    world: World, phone: Recorder, clock: FixedClock
) -> None:
    truth = clock.now()
    phone.wall_offset = timedelta(hours=3)
    phone.push([phone.capture(b"x"), phone.note("来自未来")])
    assert one(Evidence).clock_class == "C"
    assert all_findings() == ["clock-in-future", "clock-in-future"]
    clock.advance(timedelta(minutes=1))
    phone.push([exchange(world, phone)])
    item, entry = one(Evidence), one(LogEntry)
    assert (item.captured_at, item.clock_class) == (truth, "A")
    assert (entry.happened_at, entry.clock_class) == (truth, "A")


def test_a_browser_whose_clock_stops_in_suspend_is_class_c(
    world: World, phone: Recorder, clock: FixedClock
) -> None:
    phone.wall_offset = timedelta(minutes=7)
    wire = phone.capture(b"x", t=phone.times(suspend=False))
    phone.push([wire, exchange(world, phone)])
    item = one(Evidence)
    assert item.clock_class == "C"
    assert item.captured_at == clock.now()


def test_statements_that_do_not_belong_are_findings_not_readings(
    world: World, phone: Recorder
) -> None:
    answer = world.device_caller(world.first.dock).post("/clock", json={"t1": "1"}).get_json()
    good = world.device_caller(phone.device).post("/clock", json={"t1": "1"}).get_json()
    bad = [
        {"statement": answer, "t4": str(device_ms(phone))},
        {"statement": {**good, "sig": answer["sig"]}, "t4": str(device_ms(phone))},
        {"statement": {**good, "k": "unknown"}, "t4": str(device_ms(phone))},
        {"statement": good, "t4": "0"},
        {"statement": good, "t4": "x"},
        {"statement": "x", "t4": "1"},
    ]
    for clock in bad:
        phone.push([phone.seal(phone.payload("clock.observed", clock=clock))])
    assert all_findings() == ["clock-invalid"] * len(bad)
    with unit_of_work(EVERY_COURT, write=False) as session:
        assert session.execute(sa.select(ClockObservation)).first() is None


def test_an_exchange_that_took_long_says_so(world: World, phone: Recorder) -> None:
    t4 = device_ms(phone) + 20 * MINUTE_MS
    phone.push([exchange(world, phone, t4=str(t4))])
    observation = one(ClockObservation)
    assert observation.error_ms == 10 * MINUTE_MS + 1
    assert observation.boot is None


def test_steps_and_regressions_between_records_are_shown(
    phone: Recorder, clock: FixedClock
) -> None:
    phone.push([phone.note()])
    clock.advance(timedelta(minutes=1))
    phone.wall_offset = timedelta(minutes=-30)
    phone.push([phone.note()])
    phone.mono_offset_ms = -120_000
    phone.push([phone.note()])
    phone.boot = "boot-2"
    phone.push([phone.note()])
    assert all_findings() == ["clock-step", "clock-mono-regression"]


@pytest.mark.parametrize(
    "wall",
    ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999-14:00", "1970-01-01T00:00:00Z"],
)
def test_times_at_the_ends_of_the_calendar_are_kept(
    world: World, phone: Recorder, wall: str
) -> None:
    answer = phone.push([phone.capture(b"x", t=phone.times(wall=wall)), exchange(world, phone)])
    assert [r["outcome"] for r in answer["results"]] == ["accepted", "accepted"]
    assert one(Evidence).wall == wall


def test_a_batch_may_name_five_hundred_boots(phone: Recorder) -> None:
    wires = [phone.note(t=phone.times(boot=f"boot-{n}")) for n in range(500)]
    assert set(phone.outcomes(wires)) == {"accepted"}


def mission_of(world: World) -> str:
    serial = int.from_bytes(runtime_of(world.app).randbytes(2)) + 1
    case = add_case(world.app, world.first.id, serial=serial)
    people = [world.first.officer.id]
    return str(add_mission(world.app, world.first.id, [case], officer_ids=people))


def ask(world: World, **changes: Any) -> Any:
    body = {"mission_id": mission_of(world), "ep": 1, "seq": 0, "head": GENESIS} | changes
    return world.caller(world.first.officer).post("/tickets", json=body)


def test_a_ticket_binds_the_device_the_mission_and_the_head(world: World) -> None:
    answer = ask(world)
    assert answer.status_code == 201
    key = runtime_of(world.app).keyring.active(EVENT).public
    statement = SignedStatement.from_dict(answer.get_json())
    ticket = Ticket.from_body(verify_with(StatementKind.TICKET, statement, key))
    assert (ticket.device, ticket.seq, ticket.head) == (str(world.first.phone.id), 0, GENESIS)
    assert ticket.checkpoint is None
    assert ticket.cases is not None
    assert len(ticket.cases) == 1
    assert ticket.expires > runtime_of(world.app).clock.now() + timedelta(hours=12)


def test_a_record_under_its_ticket_has_no_finding(world: World, phone: Recorder) -> None:
    nonce = ask(world).get_json()["s"].split('"nonce":"')[1].split('"')[0]
    phone.push([phone.note(ticket=nonce), phone.note(ticket=nonce)])
    assert all_findings() == []
    stranger = Recorder(world.app, world.first.dock)
    stranger.push([stranger.note(ticket=nonce)])
    assert all_findings() == ["ticket-unknown"]


def test_a_record_before_the_ticket_does_not_extend_it(world: World, phone: Recorder) -> None:
    phone.push([phone.note(), phone.note()])
    answer = ask(world, seq=2, head=phone.prev)
    nonce = answer.get_json()["s"].split('"nonce":"')[1].split('"')[0]
    phone.push([phone.note(ticket=nonce)])
    assert all_findings() == []
    ahead = ask(world, seq=9, head="a" * 64).get_json()["s"]
    later = ahead.split('"nonce":"')[1].split('"')[0]
    phone.push([phone.note(ticket=later)])
    assert all_findings() == ["ticket-mismatch"]


def test_a_ticket_is_refused_when_the_log_knows_better(world: World, phone: Recorder) -> None:
    phone.push([phone.note()])
    answer = ask(world, seq=1, head="a" * 64)
    assert answer.status_code == 409
    assert answer.get_json()["type"].endswith("record-chain-break")
    assert ask(world, seq=0, head="a" * 64).status_code == 409
    assert ask(world, ep=2).status_code == 422
    assert ask(world, seq=1, head=phone.prev).status_code == 201


def test_a_foreign_mission_gives_no_ticket(world: World) -> None:
    case = add_case(world.app, world.second.id)
    foreign = add_mission(world.app, world.second.id, [case])
    for mission in (str(foreign), str(runtime_of(world.app).ids())):
        assert ask(world, mission_id=mission).status_code == 404
