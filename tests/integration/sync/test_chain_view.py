"""A device's chain as people see it: ranges, gaps, windows, attestations, its open end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from server.audit.models import CheckpointRow
from server.core.clock import FixedClock
from server.core.context import Context, system_actor
from server.core.transactions import EVERY_COURT, unit_of_work
from server.identity import service_devices
from server.identity.commands import Revoke
from server.identity.models import Device
from server.sync import service as sync
from tests.factories.cases import add_case
from tests.factories.field import Recorder, issue_receipts, sequence
from tests.factories.identity import World, add_device, runtime_of
from tests.integration.sync.test_custody import attest, head_of
from tests.integration.sync.test_key_epochs import rotate


@pytest.fixture
def world(app: Flask) -> World:
    return World.build(app)


@pytest.fixture
def phone(world: World) -> Recorder:
    return Recorder(world.app, add_device(world.app, world.first.id))


@pytest.fixture
def dock(world: World) -> Recorder:
    return Recorder(world.app, world.first.dock)


def chain(world: World, recorder: Recorder, query: str = "") -> dict[str, Any]:
    path = f"/devices/{recorder.device.id}/chain{query}"
    answer = world.caller(world.first.supervisor).get(path)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    body: dict[str, Any] = answer.get_json()
    return body


def windows(body: dict[str, Any]) -> dict[int, tuple[str | None, int | None]]:
    return {r["seq"]: (r["bound_by"], r["unattested_seconds"]) for r in body["records"]}


def revoke(world: World, recorder: Recorder) -> None:
    with unit_of_work(EVERY_COURT) as session:
        ctx = Context(system_actor(world.first.id), session, runtime_of(world.app))
        device = session.get_one(Device, recorder.device.id)
        service_devices.revoke(ctx, device, Revoke(reason="遗失(虚构)"))


def release(world: World, recorder: Recorder, seq: int) -> None:
    with unit_of_work(EVERY_COURT) as session:
        ctx = Context(system_actor(world.first.id), session, runtime_of(world.app))
        sync.release(ctx, recorder.device.id, 1, seq, "求证")


def test_an_empty_chain(world: World, phone: Recorder) -> None:
    body = chain(world, phone)
    assert (body["head"], body["ranges"], body["gaps"]) == ({"seq": 0, "hid": None}, [], [])
    assert (body["eps"], body["records"]) == ([1], [])
    answer = world.caller(world.first.supervisor).get(f"/devices/{phone.device.id}/chain?ep=4")
    assert answer.status_code == 404


def test_ranges_gaps_and_pages(world: World, phone: Recorder) -> None:
    wires = [phone.note() for _ in range(7)]
    phone.push([*wires[:2], *wires[4:5], wires[6]])
    release(world, phone, 7)
    body = chain(world, phone)
    assert body["ranges"] == [{"first": 1, "last": 2}, {"first": 5, "last": 5},
                              {"first": 7, "last": 7}]  # fmt: skip
    assert body["gaps"] == [{"first": 3, "last": 4}, {"first": 6, "last": 6}]
    assert body["head"]["seq"] == 7
    first = chain(world, phone, "?limit=2")
    assert [r["seq"] for r in first["records"]] == [1, 2]
    rest = chain(world, phone, f"?limit=2&after={first['next_after']}")
    assert [r["seq"] for r in rest["records"]] == [5, 7]
    assert rest["next_after"] is None
    assert [f["code"] for f in rest["records"][0]["findings"]] == ["gap"]


def test_a_record_is_bound_by_what_comes_first(
    world: World, phone: Recorder, dock: Recorder, clock: FixedClock
) -> None:
    wires = [phone.note("一"), phone.note("二")]
    clock.advance(timedelta(minutes=10))
    dock.push([attest(dock, head_of(phone))])
    third = phone.note("三")
    clock.advance(timedelta(minutes=50))
    phone.push([*wires, third])
    sequence(world.app)
    assert windows(chain(world, phone)) == {1: ("device", 600), 2: ("device", 600), 3: (None, None)}
    clock.advance(timedelta(minutes=10))
    issue_receipts(world.app)
    body = chain(world, phone)
    assert windows(body) == {1: ("device", 600), 2: ("device", 600), 3: ("receipt", 3600)}
    (seen,) = body["attestations"]
    assert (seen["seq"], seen["by_device_id"]) == (2, str(dock.device.id))
    assert seen["agrees"] is True
    assert {r["clock_class"] for r in body["records"]} <= {"A", "B", "C", "D"}


def test_a_checkpoint_binds_and_so_does_whatever_binds_a_later_record(
    world: World, phone: Recorder, clock: FixedClock
) -> None:
    phone.push([phone.note("一"), phone.note("二")])
    sequence(world.app)
    clock.advance(timedelta(seconds=90))
    with unit_of_work(EVERY_COURT) as session:
        session.add(CheckpointRow(size=100, root=bytes(32), note="x", signed_at=runtime_now(world)))
    found = windows(chain(world, phone))
    assert found == {1: ("checkpoint", 90), 2: ("checkpoint", 90)}


def runtime_now(world: World) -> datetime:
    return runtime_of(world.app).clock.now().astimezone(UTC)


def test_an_attestation_that_the_log_contradicts_binds_nothing(
    world: World, phone: Recorder, dock: Recorder
) -> None:
    phone.push([phone.note("一")])
    dock.push([attest(dock, head_of(phone, hid="ab" * 32))])
    sequence(world.app)
    body = chain(world, phone)
    assert windows(body) == {1: (None, None)}
    assert [one["agrees"] for one in body["attestations"]] == [False]
    dock.push([attest(dock, head_of(phone, seq=9))])
    assert [one["agrees"] for one in chain(world, phone)["attestations"]] == [False, None]


def test_a_lost_device_has_an_open_end_and_a_closed_mission_has_none(
    world: World, phone: Recorder
) -> None:
    phone.push([phone.note("一")])
    end = chain(world, phone)["open_end"]
    assert (end["after_seq"], end["lost"]) == (1, False)
    closing = {"count": 0, "head": phone.prev}
    phone.push([phone.seal(phone.payload("mission.closed", closing=closing))])
    assert chain(world, phone)["open_end"] is None
    held = (phone.note("missing"), phone.note("四"))[1]
    phone.push([held])
    revoke(world, phone)
    release(world, phone, 4)
    body = chain(world, phone)
    assert (body["open_end"]["lost"], body["open_end"]["revoked_reason"]) == (True, "遗失(虚构)")
    assert [r["suspect"] for r in body["records"]] == [False, False, True]


def test_the_keys_of_a_chain_are_listed(world: World, phone: Recorder) -> None:
    turn, successor = rotate(phone)
    phone.push([turn, phone.note()])
    keys = chain(world, phone)["keys"]
    assert [(key["from_seq"], key["kid"]) for key in keys] == [(2, successor.public.thumbprint)]
    revoke(world, phone)
    assert all(key["revoked_at"] for key in chain(world, phone)["keys"])


def test_tamper_36_evidence_of_a_revoked_device_waits_as_suspect(
    world: World, phone: Recorder, clock: FixedClock
) -> None:
    case = str(add_case(world.app, world.first.id))
    phone.note("missing")
    photo = phone.capture(b"photo", case=case)
    phone.push([photo])
    revoke(world, phone)
    release(world, phone, 2)
    sequence(world.app)
    clock.advance(timedelta(hours=1))
    issue_receipts(world.app)
    supervisor = world.caller(world.first.supervisor)
    listed = supervisor.get(f"/cases/{case}/evidence?review=suspect").get_json()["items"]
    assert len(listed) == 1
    detail = supervisor.get(f"/evidence/{listed[0]['id']}").get_json()
    assert detail["review_state"] == "suspect"
    assert {f["code"] for f in detail["findings"]} == {"gap", "suspect"}
    assert detail["custody"]["gaps_before"] == [{"first": 1, "last": 1}]
    assert detail["custody"]["bound_by"] is None  # its bytes have not come: no receipt
    phone.bring(b"photo")
    issue_receipts(world.app)
    again = supervisor.get(f"/evidence/{listed[0]['id']}").get_json()
    assert (again["custody"]["bound_by"], again["review_state"]) == ("receipt", "suspect")
    assert again["custody"]["unattested_seconds"] >= 3600


def test_another_court_sees_no_chain(world: World, phone: Recorder) -> None:
    path = f"/devices/{phone.device.id}/chain"
    assert world.caller(world.second.supervisor).get(path).status_code == 404
    assert world.caller(world.first.officer).get(path).status_code == 403
