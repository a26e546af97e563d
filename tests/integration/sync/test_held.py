"""Held records: visible, released by people or by time, never dropped."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from server.audit.models import DeviceRecord, Event, HeldRecord
from server.core.clock import FixedClock
from server.core.context import Context, system_actor
from server.core.transactions import EVERY_COURT, unit_of_work
from server.sync import service
from tests.factories.field import Recorder, log_of, sequence
from tests.factories.identity import World, runtime_of


@pytest.fixture
def world(app: Flask) -> World:
    return World.build(app)


@pytest.fixture
def phone(world: World) -> Recorder:
    return Recorder(world.app, world.first.phone)


def findings(seq: int) -> list[dict[str, Any]]:
    with unit_of_work(EVERY_COURT, write=False) as session:
        row = session.execute(sa.select(DeviceRecord).where(DeviceRecord.seq == seq)).scalar_one()
        return row.findings or []


def let_overdue_in(app: Flask) -> int:
    with unit_of_work(EVERY_COURT) as session:
        return service.release_overdue(Context(system_actor(), session, runtime_of(app)))


def test_supervisors_see_what_is_held(phone: Recorder, world: World) -> None:
    wires = [phone.note() for _ in range(4)]
    phone.push([wires[0], wires[2], wires[3]])
    boss = world.caller(world.first.supervisor, world.first.dock)
    first = boss.get("/sync/held?limit=1").get_json()
    assert [item["seq"] for item in first["items"]] == [3]
    item = first["items"][0]
    assert item["device_id"] == str(phone.device.id)
    assert item["missing_from"] == 2
    assert item["enters_at"].startswith("2026-04-01T01:00:00")
    rest = boss.get(f"/sync/held?limit=1&cursor={first['next_cursor']}").get_json()
    assert [item["seq"] for item in rest["items"]] == [4]
    assert rest["next_cursor"] is None


def test_another_court_and_officers_see_nothing_of_it(phone: Recorder, world: World) -> None:
    _, second = phone.note(), phone.note()
    phone.push([second])
    foreign = world.caller(world.second.supervisor)
    assert foreign.get("/sync/held").get_json()["items"] == []
    path = f"/sync/held/{phone.device.id}/1/2/release"
    answer = foreign.post(path, json={"reason": "x"})
    absent = foreign.post(f"/sync/held/{world.second.phone.id}/1/2/release", json={"reason": "x"})
    assert answer.status_code == absent.status_code == 404
    assert answer.get_json()["detail"] == absent.get_json()["detail"]
    assert world.caller(world.first.officer).get("/sync/held").status_code == 403


def test_a_supervisor_lets_a_record_in_with_a_gap(phone: Recorder, world: World) -> None:
    first, missing, third, fourth = (phone.note(f"第{n}条") for n in range(4))
    phone.push([first, third, fourth])
    boss = world.caller(world.first.supervisor, world.first.dock)
    path = f"/sync/held/{phone.device.id}/1/3/release"
    answer = boss.post(path, json={"reason": "手机损坏(虚构)"})
    assert answer.status_code == 200
    assert answer.get_json() == {
        "records": 2,
        "head": {"ep": 1, "seq": 4, "hid": phone.prev},
    }
    assert [finding["code"] for finding in findings(3)] == ["gap"]
    assert findings(4) == []
    assert boss.post(path, json={"reason": "again"}).status_code == 404
    assert phone.outcomes([phone.note()]) == ["accepted"]
    assert phone.outcomes([missing]) == ["accepted"]
    assert [finding["code"] for finding in findings(2)] == ["late"]
    assert [seq for seq, _ in log_of(phone.app, phone.device)] == [1, 3, 4, 5, 2]


def test_a_release_is_recorded_with_its_reason(phone: Recorder, world: World) -> None:
    _, second = phone.note(), phone.note()
    phone.push([second])
    boss = world.caller(world.first.supervisor, world.first.dock)
    boss.post(f"/sync/held/{phone.device.id}/1/2/release", json={"reason": "损坏(虚构)"})
    sequence(phone.app)
    with unit_of_work(EVERY_COURT, write=False) as session:
        rows = session.execute(sa.select(Event).where(Event.kind == "record.released")).scalars()
        (payload,) = [json.loads(row.p or "") for row in rows]
    assert payload["by"]["user"] == str(world.first.supervisor.id)
    assert payload["facts"]["reason"] == "损坏(虚构)"
    assert payload["facts"]["gaps"][0]["detail"] == "missing before it: 1"


def test_after_thirty_days_a_held_record_enters_by_itself(
    phone: Recorder, clock: FixedClock
) -> None:
    _, second, third = phone.note(), phone.note(), phone.note()
    phone.push([second])
    clock.advance(timedelta(days=29))
    phone.push([third])
    assert let_overdue_in(phone.app) == 0
    clock.advance(timedelta(days=1, seconds=1))
    assert let_overdue_in(phone.app) == 1
    assert let_overdue_in(phone.app) == 0
    assert [seq for seq, _ in log_of(phone.app, phone.device)] == [2, 3]
    assert [finding["code"] for finding in findings(2)] == ["gap"]
    with unit_of_work(EVERY_COURT, write=False) as session:
        assert session.execute(sa.select(sa.func.count()).select_from(HeldRecord)).scalar() == 0


def test_a_held_record_keeps_the_time_when_it_came(phone: Recorder, clock: FixedClock) -> None:
    first, second = phone.note(), phone.note()
    phone.push([second])
    clock.advance(timedelta(days=2))
    phone.push([first])
    with unit_of_work(EVERY_COURT, write=False) as session:
        found = dict(session.execute(sa.select(DeviceRecord.seq, DeviceRecord.rx)).all())
    assert found == {1: "2026-03-04T01:00:00.000Z", 2: "2026-03-02T01:00:00.000Z"}


@pytest.mark.parametrize("path", ["0/0", "99999999999999999999/1", "1/99999999999999999999"])
def test_places_out_of_range_are_absent(world: World, path: str) -> None:
    boss = world.caller(world.first.supervisor)
    answer = boss.post(f"/sync/held/{world.first.phone.id}/{path}/release", json={"reason": "x"})
    assert answer.status_code == 404
