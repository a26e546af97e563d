"""What a device learns: a snapshot, then changes, by a cursor that can be trusted."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from server.audit import queries as audit
from server.audit import retention
from server.audit.events import EventKind
from server.audit.models import Change, LogState
from server.audit.service import Notice, Subject, record
from server.core.clock import FixedClock
from server.core.context import Context, system_actor
from server.core.paging import decode_cursor, encode_cursor
from server.core.permissions import Role
from server.core.transactions import EVERY_COURT, unit_of_work
from tests.factories.cases import add_case, add_mission
from tests.factories.field import Recorder, issue_receipts, sequence
from tests.factories.identity import Caller, World, add_booking, add_device, add_person, runtime_of

Change_ = dict[str, Any]


@pytest.fixture
def world(app: Flask) -> World:
    return World.build(app)


def pull(caller: Caller, cursor: str | None = None, limit: int = 200) -> dict[str, Any]:
    query = f"?limit={limit}" + (f"&cursor={cursor}" if cursor else "")
    answer = caller.get(f"/sync/pull{query}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.get_json()
    return found


def drain(caller: Caller, cursor: str | None = None, limit: int = 200) -> tuple[list[Change_], str]:
    """Every page; all changes and the last cursor."""
    changes: list[Change_] = []
    while True:
        page = pull(caller, cursor, limit)
        assert len(page["changes"]) <= limit
        changes += page["changes"]
        cursor = page["cursor"]
        if not page["has_more"]:
            return changes, str(cursor)


def of_kind(changes: list[Change_], kind: str) -> dict[str, Any]:
    return {change["id"]: change["data"] for change in changes if change["kind"] == kind}


def notices(app: Flask, world: World, count: int, *, topic: str = "mission") -> None:
    """Events that concern the phone, each about a mission of its own that nobody has."""
    with unit_of_work(world.first.id) as session:
        ctx = Context(system_actor(world.first.id), session, runtime_of(app))
        for number in range(count):
            record(
                ctx,
                EventKind.MISSION_CHANGED,
                Subject("mission", f"{number}"),
                notices=[Notice(f"device:{world.first.phone.id}", topic, str(ctx.new_id()))],
            )
    sequence(app)


def test_a_snapshot_holds_what_concerns_device_and_officer(world: World, app: Flask) -> None:
    mine = add_case(app, world.first.id, serial=1)
    add_case(app, world.first.id, serial=2)
    mission = add_mission(
        app, world.first.id, [mine], officer_ids=[world.first.officer.id],
        device_ids=[world.first.phone.id],
    )  # fmt: skip
    changes, cursor = drain(world.caller(world.first.officer))
    assert {change["op"] for change in changes} == {"put"}
    assert list(of_kind(changes, "mission")) == [str(mission)]
    assert of_kind(changes, "mission")[str(mission)]["case_ids"] == [str(mine)]
    assert list(of_kind(changes, "case")) == [str(mine)]
    bookings = of_kind(changes, "booking").values()
    assert {one["user_id"] for one in bookings} == {str(world.first.officer.id)}
    assert {one["device_kind"] for one in bookings} == {"camera", "phone"}
    assert set(of_kind(changes, "codes")) == {"review.reasons", "geo.none", "capture.reasons"}
    assert drain(world.caller(world.first.officer), cursor)[0] == []


def test_after_the_snapshot_only_changes_come(world: World, app: Flask) -> None:
    officer = world.caller(world.first.officer)
    _, cursor = drain(officer)
    case = add_case(app, world.first.id, handler_id=world.first.officer.id)
    sequence(app)
    changes, after = drain(officer, cursor)
    assert [(c["kind"], c["op"], c["id"]) for c in changes] == [("case", "put", str(case))]
    assert drain(officer, after)[0] == []
    assert drain(officer, cursor)[0] == changes


def test_what_is_not_sequenced_yet_comes_later_not_never(world: World, app: Flask) -> None:
    case = add_case(app, world.first.id, handler_id=world.first.officer.id)
    officer = world.caller(world.first.officer)
    changes, cursor = drain(officer)
    assert str(case) in of_kind(changes, "case")
    sequence(app)
    assert str(case) in of_kind(drain(officer, cursor)[0], "case")


def test_pages_lose_nothing_and_repeat_nothing(world: World, app: Flask) -> None:
    officer = world.caller(world.first.officer)
    _, cursor = drain(officer)
    notices(app, world, 25)
    changes, _ = drain(officer, cursor, limit=4)
    assert len(changes) == 25
    assert len({change["id"] for change in changes}) == 25
    assert {change["op"] for change in changes} == {"drop"}


def test_one_event_with_many_changes_is_paged_as_well(world: World, app: Flask) -> None:
    officer = world.caller(world.first.officer)
    _, cursor = drain(officer)
    phone = Recorder(app, world.first.phone)
    phone.push([phone.note(f"{n}") for n in range(30)])
    issue_receipts(app)
    changes, _ = drain(officer, cursor, limit=7)
    assert len(of_kind(changes, "receipt")) == 30


def test_a_snapshot_is_paged_and_holds_the_receipts(world: World, app: Flask) -> None:
    phone = Recorder(app, world.first.phone)
    phone.push([phone.note(f"{n}") for n in range(12)])
    issue_receipts(app)
    officer = world.caller(world.first.officer)
    whole, _ = drain(officer)
    changes, cursor = drain(officer, limit=5)
    assert changes == whole
    assert len(of_kind(changes, "receipt")) == 12
    assert drain(officer, cursor)[0] == []


def test_a_thing_that_changed_often_comes_once_per_page(world: World, app: Flask) -> None:
    officer = world.caller(world.first.officer)
    case = add_case(app, world.first.id, handler_id=world.first.officer.id)
    _, cursor = drain(officer)
    for _ in range(3):
        add_mission(app, world.first.id, [case], officer_ids=[world.first.officer.id])
    sequence(app)
    changes, _ = drain(officer, cursor)
    assert len(of_kind(changes, "mission")) == 3
    assert len([c for c in changes if c["kind"] == "case"]) == 1


def test_who_is_no_longer_concerned_learns_only_that(world: World, app: Flask) -> None:
    """The change was meant for them when it was made; when it is pulled, it no longer is."""
    other = add_person(app, world.first.id, "other.one", Role.OFFICER)
    phone = add_device(app, world.first.id)
    caller = world.caller(other, phone)
    _, cursor = drain(caller)
    case = add_case(app, world.first.id, handler_id=other.id)
    sequence(app)
    with unit_of_work(world.first.id) as session:
        session.execute(sa.text("UPDATE cases SET handler_id = NULL"))
    changes, _ = drain(caller, cursor)
    assert changes == [{"kind": "case", "op": "drop", "id": str(case), "data": None}]


def test_another_courts_changes_never_come(world: World, app: Flask) -> None:
    officer = world.caller(world.second.officer)
    _, cursor = drain(officer)
    case = add_case(app, world.first.id, handler_id=world.first.officer.id)
    add_booking(app, add_device(app, world.first.id), world.first.officer)
    with unit_of_work(world.second.id) as session:
        ctx = Context(system_actor(world.second.id), session, runtime_of(app))
        record(
            ctx, EventKind.CASE_CHANGED, Subject("case", case),
            notices=[Notice(f"user:{world.second.officer.id}", "case", str(case))],
        )  # fmt: skip
    sequence(app)
    changes, _ = drain(officer, cursor)
    assert changes == [{"kind": "case", "op": "drop", "id": str(case), "data": None}]


def test_a_device_alone_gets_receipts_and_no_cases(world: World, app: Flask) -> None:
    case = add_case(app, world.first.id)
    add_mission(app, world.first.id, [case], device_ids=[world.first.phone.id])
    phone = Recorder(app, world.first.phone)
    phone.push([phone.note()])
    issue_receipts(app)
    changes, cursor = drain(world.device_caller(world.first.phone))
    assert {change["kind"] for change in changes} == {"codes", "receipt"}
    assert world.caller(world.first.officer).get(f"/sync/pull?cursor={cursor}").status_code == 410


def test_a_cursor_of_another_officer_on_the_device_needs_a_snapshot(world: World) -> None:
    _, cursor = drain(world.caller(world.first.officer))
    second = world.caller(world.first.second_officer)
    answer = second.get(f"/sync/pull?cursor={cursor}")
    assert answer.status_code == 410
    assert answer.get_json()["type"].endswith("cursor-expired")
    assert answer.get_json()["snapshot_cursor"] is None


def test_after_a_restore_every_cursor_is_too_old(world: World) -> None:
    officer = world.caller(world.first.officer)
    _, cursor = drain(officer)
    with unit_of_work(EVERY_COURT) as session:
        session.execute(sa.update(LogState).values(generation="restored"))
    assert officer.get(f"/sync/pull?cursor={cursor}").status_code == 410
    drain(officer)


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "!!!",
        encode_cursor("f", 1),
        encode_cursor("q", "g", "s", 1, "", "", ""),
        encode_cursor("f", "g", "s", 2**70, "", "", ""),
        encode_cursor("f", "g", "s", -2, "", "", ""),
        encode_cursor("f", "g", "s", 1, "\0", "", ""),
        encode_cursor("f", "g", "s", 1, "", "\u4e00", ""),
    ],
)
def test_a_cursor_from_elsewhere_is_refused(world: World, cursor: str) -> None:
    answer = world.caller(world.first.officer).get(f"/sync/pull?cursor={cursor}")
    assert answer.status_code == 400
    assert answer.get_json()["type"].endswith("cursor-invalid")


def test_a_snapshot_cursor_with_a_strange_kind_is_refused(world: World) -> None:
    officer = world.caller(world.first.officer)
    cursor = pull(officer, limit=1)["cursor"]
    parts = list(decode_cursor(cursor, str, str, str, int, str, str, str))
    parts[4] = "no-such-kind"
    assert officer.get(f"/sync/pull?cursor={encode_cursor(*parts)}").status_code == 400


def compact(app: Flask) -> int:
    with unit_of_work(EVERY_COURT) as session:
        return retention.compact_feed(Context(system_actor(), session, runtime_of(app)))


def test_changes_older_than_the_retention_are_compacted(
    world: World, app: Flask, clock: FixedClock
) -> None:
    person, phone = world.first.officer, world.first.phone
    _, old = drain(world.caller(person))
    notices(app, world, 5)
    _, young = drain(world.caller(person), old)
    clock.advance(timedelta(days=181))
    notices(app, world, 2)
    assert compact(app) == 5
    assert compact(app) == 0
    caller = world.caller(person, phone)
    assert caller.get(f"/sync/pull?cursor={old}").status_code == 410
    assert len(drain(caller, young)[0]) == 2
    with unit_of_work(EVERY_COURT, write=False) as session:
        assert session.execute(sa.select(sa.func.count()).select_from(Change)).scalar() == 2
        assert audit.log_state(session).feed_horizon == 5


def test_an_idle_cursor_stays_young(world: World, app: Flask, clock: FixedClock) -> None:
    person = world.first.second_officer
    _, cursor = drain(world.caller(person))
    notices(app, world, 5)
    clock.advance(timedelta(days=100))
    _, cursor = drain(world.caller(person), cursor)
    clock.advance(timedelta(days=100))
    compact(app)
    assert drain(world.caller(person), cursor)[0] == []


def test_revocations_reach_every_device_in_a_snapshot(world: World, app: Flask) -> None:
    lost = add_device(app, world.first.id)
    boss = world.caller(world.first.supervisor, world.first.dock)
    answer = boss.post(f"/devices/{lost.id}/revoke", json={"reason": "遗失(虚构)"})
    assert answer.status_code in {200, 204}
    changes, _ = drain(world.device_caller(world.first.phone))
    (data,) = of_kind(changes, "revocation").values()
    assert (data["device_id"], data["reason"]) == (str(lost.id), "遗失(虚构)")
    foreign, _ = drain(world.device_caller(world.second.phone))
    assert of_kind(foreign, "revocation") == {}


def test_limits_are_checked(world: World) -> None:
    officer = world.caller(world.first.officer)
    for query in ("limit=0", "limit=501", "limit=x", "page=1"):
        answer = officer.get(f"/sync/pull?{query}")
        assert answer.status_code == 422, query
        assert json.loads(answer.text)["type"].endswith("validation")
