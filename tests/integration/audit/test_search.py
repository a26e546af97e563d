"""Searching the log: every filter against a plain reading of all entries, pages, and plans."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from server.audit.events import EventKind
from server.audit.models import Event
from server.audit.search import AuditFilter, Hit, every_page, search
from server.audit.service import Subject, record
from server.core.clock import FixedClock, rfc3339
from server.core.context import Actor, Context
from server.core.paging import Page
from server.core.permissions import Role, TokenKind
from server.core.transactions import EVERY_COURT, unit_of_work
from tests.factories.cases import add_case, add_mission
from tests.factories.field import Recorder, sequence
from tests.factories.identity import World, runtime_of
from tests.factories.log import enter_events, sign_log


@dataclass
class Records:
    """A log with two courts' entries of several hours."""

    app: Flask
    clock: FixedClock
    world: World
    case: uuid.UUID
    mission: uuid.UUID

    @property
    def court(self) -> uuid.UUID:
        return self.world.first.id

    def find(self, **wanted: Any) -> list[int]:
        return [one.log_index for one in self.page(**wanted).items]

    def page(self, **wanted: Any) -> Page[Hit]:
        with unit_of_work(self.court, write=False) as session:
            return search(session, self.court, AuditFilter(**{"limit": 500, **wanted}))

    def plain(self, keep: Any) -> list[int]:
        with unit_of_work(EVERY_COURT, write=False) as session:
            rows = session.execute(sa.select(Event).order_by(Event.log_index.desc())).scalars()
            mine = [one for one in rows if one.court_id == self.court]
            return [one.log_index for one in mine if keep(one)]


@pytest.fixture
def records(app: Flask, clock: FixedClock) -> Records:
    world = World.build(app)
    first = world.first
    case = add_case(app, first.id, handler_id=first.officer.id)
    devices = [first.phone.id]
    mission = add_mission(app, first.id, [case], officer_ids=[first.officer.id], device_ids=devices)
    add_case(app, world.second.id)
    recorder = Recorder(app, first.phone)
    dock = Recorder(app, first.dock)
    for hour in range(4):
        named = {"who": str(first.officer.id), "case": str(case), "mission": str(mission)}
        wires = [recorder.capture(f"photo {hour}".encode(), **named), recorder.note(**named)]
        assert set(recorder.outcomes(wires)) == {"accepted"}
        assert dock.outcomes([dock.note()]) == ["accepted"]
        for person in (first.supervisor, first.officer):
            actor = Actor(TokenKind.ACCESS, first.id, person.id, roles=frozenset({Role.OFFICER}))
            with unit_of_work(first.id) as session:
                ctx = Context(actor, session, runtime_of(app))
                record(ctx, EventKind.EVIDENCE_VIEWED, Subject("evidence", str(case)), {})
                record(ctx, EventKind.CASE_CHANGED, Subject("case", case), {}, case_id=case)
        actor = Actor(TokenKind.DEVICE, first.id, device_id=first.phone.id)
        with unit_of_work(first.id) as session:
            ctx = Context(actor, session, runtime_of(app))
            record(ctx, EventKind.CLOCK_EXCHANGED, Subject("device", first.phone.id), {})
        sequence(app)
        clock.advance(timedelta(hours=1))
    return Records(app, clock, world, case, mission)


def test_everything_of_the_court_newest_first(records: Records) -> None:
    found = records.find()
    assert found == records.plain(lambda _: True)
    assert len(found) > 30


@pytest.mark.parametrize(
    "kinds",
    [("case.changed",), ("case.changed", "custody.viewed", "log.note"), ("webhook.added",)],
    ids=["one", "some", "none-such"],
)
def test_by_kind(records: Records, kinds: tuple[str, ...]) -> None:
    assert records.find(kinds=kinds) == records.plain(lambda one: one.kind in kinds)


def test_by_more_kinds_than_streams(records: Records) -> None:
    kinds = tuple(one.value for one in EventKind)
    assert records.find(kinds=kinds) == records.plain(lambda one: one.kind in kinds)


def test_by_person(records: Records) -> None:
    person = records.world.first.officer.id
    found = records.find(actor_id=person)
    assert found == records.plain(lambda one: one.actor_id == person)
    assert records.find(actor_id=person, kinds=("log.note",)) == records.plain(
        lambda one: one.actor_id == person and one.kind == "log.note"
    )


def test_by_device(records: Records) -> None:
    phone = records.world.first.phone.id
    mine = (str(phone), phone)
    assert records.find(device_id=phone) == records.plain(
        lambda one: one.src == mine[0] or (one.actor_id == mine[1] and one.src == "server")
    )
    officer = records.world.first.officer.id
    assert records.find(device_id=phone, actor_id=officer) == records.plain(
        lambda one: one.src == mine[0] and one.actor_id == officer
    )


def test_by_thing(records: Records) -> None:
    case = str(records.case)
    assert records.find(subject_ids=(case,)) == records.plain(lambda one: one.subject_id == case)
    assert records.find(subject_ids=()) == []
    assert records.find(case_id=records.case) == records.plain(
        lambda one: one.case_id == records.case
    )
    assert records.find(mission_id=records.mission, kinds=("log.note",)) == records.plain(
        lambda one: one.mission_id == records.mission and one.kind == "log.note"
    )


@pytest.mark.parametrize("span", [(0, 1), (1, 3), (-5, -1), (3, 9), (9, 12)],
                         ids=["first", "middle", "before", "last", "after"])  # fmt: skip
def test_by_time(records: Records, span: tuple[int, int]) -> None:
    start = records.clock.now() - timedelta(hours=4)
    since, until = (start + timedelta(hours=hours) for hours in span)
    texts = (rfc3339(since), rfc3339(until))
    assert records.find(since=since, until=until) == records.plain(
        lambda one: texts[0] <= one.rx < texts[1]
    )


def test_a_time_is_found_in_a_longer_log(records: Records) -> None:
    """More entries than are asked for at once on the way to a place."""
    start = records.clock.now()
    for _ in range(4):
        enter_events(records.app, records.court, 90)
        records.clock.advance(timedelta(hours=1))
    for hours in ((0, 1), (1, 3), (3, 4), (-4, 1)):
        since, until = (start + timedelta(hours=one) for one in hours)
        texts = (rfc3339(since), rfc3339(until))
        found = records.find(since=since, until=until)
        assert found == records.plain(lambda one, at=texts: at[0] <= one.rx < at[1])
        assert len(found) >= 90


def test_a_record_that_waited_is_found_when_it_entered(records: Records) -> None:
    device = records.world.first.phone
    recorder = Recorder(records.app, device, seq=20, prev="ab" * 32)
    assert recorder.outcomes([recorder.note("等待(虚构)")]) == ["held"]
    received = records.clock.now()
    records.clock.advance(timedelta(days=2))
    supervisor = records.world.caller(records.world.first.supervisor)
    answer = supervisor.post(
        f"/sync/held/{device.id}/1/21/release", json={"reason": "设备损坏(虚构)"}
    )
    assert answer.status_code == 200, answer.get_json()
    sequence(records.app)
    wanted = {"device_id": device.id, "kinds": ("log.note",)}
    early = records.find(**wanted, since=received, until=received + timedelta(hours=1))
    late = records.find(**wanted, since=received + timedelta(days=1))
    assert early == []
    assert len(late) == 1


@pytest.mark.parametrize(
    "wanted",
    [{}, {"kinds": ("custody.viewed", "case.changed", "log.note")}, {"device_id": "phone"},
     {"actor_id": "officer"}],
    ids=["all", "kinds", "device", "person"],
)  # fmt: skip
def test_pages_hold_everything_once(records: Records, wanted: dict[str, Any]) -> None:
    named = {"phone": records.world.first.phone.id, "officer": records.world.first.officer.id}
    wanted = {name: named[one] if isinstance(one, str) else one for name, one in wanted.items()}
    whole = records.find(**wanted)
    seen: list[int] = []
    for part in every_page(
        lambda at: records.page(**{name: getattr(at, name) for name in at.__slots__}),
        AuditFilter(**wanted), limit=3,
    ):  # fmt: skip
        assert len(part) <= 3
        seen += [one.log_index for one in part]
    assert seen == whole
    assert len(seen) > 6


def test_each_entry_says_how_well_it_is_secured(records: Records) -> None:
    assert {one.level for one in records.page().items} == {"L0"}
    sign_log(records.app)
    assert {one.level for one in records.page().items} == {"L1"}


def test_another_court_sees_only_its_own(records: Records) -> None:
    other = records.world.second.id
    with unit_of_work(other, write=False) as session:
        found = search(session, other, AuditFilter()).items
        named = AuditFilter(case_id=records.case)
        assert search(session, other, named).items == []
    assert {one.log_index for one in found}.isdisjoint(records.find())
    assert found


def test_what_a_device_said_is_not_in_the_list(records: Records) -> None:
    found = records.page(kinds=("log.note", "case.changed")).items
    assert {one.p is None for one in found if one.of_device} == {True}
    assert {one.p is None for one in found if not one.of_device} == {False}


FILTERS = ("kinds", "actor_id", "device_id", "subject_ids", "case_id", "mission_id")


@pytest.mark.parametrize("name", FILTERS)
def test_no_search_reads_the_whole_log(records: Records, name: str) -> None:
    """Each plan goes by an index; nothing is scanned that the page does not show."""
    values: dict[str, Any] = {
        "kinds": ("case.changed", "custody.viewed"), "actor_id": records.world.first.officer.id,
        "device_id": records.world.first.phone.id, "subject_ids": (str(records.case),),
        "case_id": records.case, "mission_id": records.mission,
    }  # fmt: skip
    asked: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "FROM events" in statement:
            asked.append((statement, parameters))

    with unit_of_work(records.court, write=False) as session:
        connection = session.connection()
        explain = "EXPLAIN QUERY PLAN"
        if connection.dialect.name == "postgresql":
            explain = "EXPLAIN"
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")  # a few rows are scanned
        sa.event.listen(connection, "before_cursor_execute", note)
        search(session, records.court, AuditFilter(**{name: values[name]}))
        sa.event.remove(connection, "before_cursor_execute", note)
        plans = [
            "\n".join(str(row) for row in connection.exec_driver_sql(f"{explain} {text}", given))
            for text, given in asked
        ]
    assert plans
    for plan in plans:
        assert "Seq Scan on events" not in plan, plan
        assert "SCAN events'" not in plan, plan
        assert "index" in plan.lower(), plan
