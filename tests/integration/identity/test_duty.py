"""Duty bookings: one carrier at a time, hand-over, who sees what."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from server.core.clock import FixedClock
from server.core.transactions import unit_of_work
from server.identity import queries
from server.identity.models import Device, DutyBooking, User
from tests.factories.cases import add_case, add_mission
from tests.factories.identity import World, add_device, runtime_of
from tests.integration.identity.helpers import outbox, slug


class Desk:
    """A supervisor who books a fresh recorder."""

    def __init__(self, app: Flask, world: World, now: datetime) -> None:
        self.world, self.now = world, now
        self.caller = world.caller(world.first.supervisor)
        self.device = add_device(app, world.first.id, "body_recorder", alg=None)

    def book(self, start: float = 0, end: float = 8, **changed: Any) -> Any:
        """Book from ``start`` to ``end`` hours from now."""
        body = {
            "device_id": str(self.device.id),
            "user_id": str(self.world.first.officer.id),
            "starts_at": (self.now + timedelta(hours=start)).isoformat(),
            "ends_at": (self.now + timedelta(hours=end)).isoformat(),
            **changed,
        }
        return self.caller.post("/duty-bookings", json=body)

    def carrier_at(self, hours: float) -> uuid.UUID | None:
        court_id = self.world.first.id
        at = self.now + timedelta(hours=hours)
        with unit_of_work(court_id, write=False) as session:
            booking = queries.booking_at(session, court_id, self.device.id, at)
            return booking.user_id if booking else None


@pytest.fixture
def desk(app: Flask, world: World, clock: FixedClock) -> Desk:
    """Where devices are booked."""
    return Desk(app, world, clock.now())


def test_a_booking_says_who_carries_the_device(app: Flask, world: World, desk: Desk) -> None:
    response = desk.book()
    assert response.status_code == 201
    officer = world.first.officer.id
    found = [desk.carrier_at(hours) for hours in (-0.001, 0, 7.999, 8)]
    assert found == [None, officer, officer, None]
    (event,) = outbox(app, "duty.booked")
    booking_id = response.get_json()["id"]
    # A recorder has no network: whoever reads its card has to learn of it.
    assert sorted(event.changes) == sorted(
        [recipient, "booking", booking_id, "put"]
        for recipient in (
            f"device:{desk.device.id}",
            f"device:{world.first.dock.id}",
            f"user:{officer}",
        )
    )


def test_one_carrier_at_a_time(world: World, desk: Desk) -> None:
    first = desk.book(0, 8).get_json()["id"]
    second = str(world.first.second_officer.id)
    for start, end in ((0, 8), (-1, 0.5), (7.9, 9), (2, 3), (-1, 9)):
        response = desk.book(start, end, user_id=second)
        assert slug(response) == "conflict"
        assert response.get_json()["booking_id"] == first
    # Touching is not overlapping, and another device is another matter.
    assert desk.book(8, 9, user_id=second).status_code == 201
    assert desk.book(-1, 0, user_id=second).status_code == 201
    dock = str(world.first.dock.id)
    assert desk.book(0, 8, device_id=dock, user_id=second).status_code == 201


def test_moments_are_compared_across_zones(desk: Desk) -> None:
    assert desk.book(0, 2).status_code == 201
    local = desk.now.astimezone().replace(tzinfo=None)
    assert slug(desk.book(starts_at=local.isoformat())) == "validation"
    china = (desk.now + timedelta(hours=8)).strftime("%Y-%m-%dT%H:%M:%S+08:00")
    assert slug(desk.book(starts_at=china)) == "conflict"


def test_bookings_of_another_form(desk: Desk) -> None:
    several: tuple[Any, ...] = (
        {"ends_at": desk.now.isoformat()},
        {"ends_at": (desk.now - timedelta(hours=1)).isoformat()},
        {"ends_at": (desk.now + timedelta(days=400)).isoformat()},
        {"ends_at": "tomorrow"},
        {"starts_at": "0001-01-01T00:00:00Z"},
        {"starts_at": None},
        {"device_id": "x"},
        {"court_id": str(uuid.uuid4())},
        {"version": 2},
    )
    for changed in several:
        assert slug(desk.book(**changed)) == "validation", changed


def test_a_booking_stays_within_the_court(
    app: Flask, world: World, desk: Desk, clock: FixedClock
) -> None:
    other = world.second
    foreign_mission = add_mission(app, other.id, [add_case(app, other.id)])
    several: tuple[Any, ...] = (
        {"device_id": str(other.phone.id)},
        {"user_id": str(other.officer.id)},
        {"mission_id": str(foreign_mission)},
        {"device_id": str(uuid.uuid4())},
        {"user_id": str(uuid.uuid4())},
        {"mission_id": str(uuid.uuid4())},
    )
    for changed in several:
        assert slug(desk.book(**changed)) == "not-found", changed
    own = add_mission(app, world.first.id, [add_case(app, world.first.id)])
    booked = desk.book(mission_id=str(own))
    assert booked.status_code == 201
    assert outbox(app, "duty.booked")[0].mission_id == own
    foreign = world.caller(other.supervisor)
    path = f"/duty-bookings/{booked.get_json()['id']}/hand-over"
    body = {"to_user_id": str(other.officer.id)}
    assert slug(foreign.post(path, json=body)) == "not-found"


def test_what_cannot_be_carried(world: World, desk: Desk) -> None:
    court = world.first
    with unit_of_work(court.id) as session:
        session.get_one(Device, desk.device.id).revoked_at = desk.now
    assert slug(desk.book()) == "conflict"
    with unit_of_work(court.id) as session:
        session.get_one(Device, desk.device.id).revoked_at = None
        session.get_one(User, court.officer.id).disabled_at = desk.now
    assert slug(desk.book()) == "conflict"


def test_a_hand_over_splits_the_attribution(
    app: Flask, world: World, desk: Desk, clock: FixedClock
) -> None:
    court = world.first
    booking_id = desk.book(0, 8).get_json()["id"]
    clock.advance(timedelta(hours=3))
    carrier = world.caller(court.officer)
    body = {"to_user_id": str(court.second_officer.id), "reason": "换班"}
    response = carrier.post(f"/duty-bookings/{booking_id}/hand-over", json=body)
    assert response.status_code == 201
    following = response.get_json()
    assert following["handed_over_from"] == booking_id
    assert following["starts_at"].startswith("2026-03-02T04:00:00")
    first, second = court.officer.id, court.second_officer.id
    found = [desk.carrier_at(hours) for hours in (0, 2.999, 3, 7.9, 8)]
    assert found == [first, first, second, second, None]
    (event,) = outbox(app, "duty.handed-over")
    recipients = {change[0] for change in event.changes}
    assert recipients == {
        f"device:{desk.device.id}", f"device:{court.dock.id}", f"user:{first}", f"user:{second}",
    }  # fmt: skip
    assert {change[2] for change in event.changes} == {booking_id, following["id"]}
    # The former carrier has nothing more to hand over.
    again = carrier.post(f"/duty-bookings/{booking_id}/hand-over", json=body)
    assert slug(again) == "conflict"


def test_a_hand_over_may_be_told_afterwards(world: World, desk: Desk, clock: FixedClock) -> None:
    court = world.first
    booking_id = desk.book(0, 8).get_json()["id"]
    clock.advance(timedelta(hours=6))
    supervisor = world.caller(court.supervisor)
    at = (desk.now + timedelta(hours=2)).isoformat()
    body = {"to_user_id": str(court.police.id), "at": at}
    path = f"/duty-bookings/{booking_id}/hand-over"
    assert supervisor.post(path, json=body).status_code == 201
    found = [desk.carrier_at(hours) for hours in (1.9, 2)]
    assert found == [court.officer.id, court.police.id]


def test_hand_overs_that_make_no_sense(world: World, desk: Desk) -> None:
    court = world.first
    booking_id = desk.book(1, 8).get_json()["id"]
    path = f"/duty-bookings/{booking_id}/hand-over"
    second = str(court.second_officer.id)

    def attempt(hours: float, to: str = second) -> str:
        at = (desk.now + timedelta(hours=hours)).isoformat()
        return slug(desk.caller.post(path, json={"to_user_id": to, "at": at}))

    assert attempt(1) == attempt(0.5) == attempt(8) == attempt(9) == "conflict"
    assert attempt(2, str(court.officer.id)) == "conflict"
    assert attempt(2, str(world.second.officer.id)) == "not-found"
    not_begun = {"to_user_id": second}
    assert slug(desk.caller.post(path, json=not_begun)) == "conflict"
    stranger = world.caller(court.second_officer)
    assert slug(stranger.post(path, json=not_begun)) == "not-found"


def test_who_may_book_and_who_sees_what(app: Flask, world: World, desk: Desk) -> None:
    court = world.first
    booking_id = desk.book().get_json()["id"]
    books = {"supervisor", "president", "administrator"}
    looks = books | {"officer", "second_officer", "judicial_police"}
    for name, person in court.people.items():
        device = add_device(app, court.id)
        caller = world.caller(person, device)
        answer = caller.get("/duty-bookings")
        assert (answer.status_code == 200) is (name in looks), name
        if name in looks:
            seen = {one["id"] for one in answer.get_json()["items"]}
            assert (booking_id in seen) is (name in books | {"officer"}), name
        body = {
            "device_id": str(device.id),
            "user_id": str(person.id),
            "starts_at": desk.now.isoformat(),
            "ends_at": (desk.now + timedelta(hours=1)).isoformat(),
        }
        made = caller.post("/duty-bookings", json=body)
        assert (made.status_code == 201) is (name in books), name


def test_lists_are_narrowed_and_paged(world: World, desk: Desk) -> None:
    made = [desk.book(hours, hours + 1).get_json()["id"] for hours in range(4)]
    device = f"device_id={desk.device.id}"
    page = desk.caller.get(f"/duty-bookings?{device}&limit=3").get_json()
    assert [one["id"] for one in page["items"]] == made[:0:-1]
    rest = desk.caller.get(f"/duty-bookings?{device}&cursor={page['next_cursor']}").get_json()
    assert [one["id"] for one in rest["items"]] == made[:1]

    def moment(hours: float) -> str:
        return (desk.now + timedelta(hours=hours)).isoformat().replace("+", "%2B")

    window = f"from={moment(1.5)}&to={moment(2.5)}"
    found = desk.caller.get(f"/duty-bookings?{device}&{window}").get_json()["items"]
    assert [one["id"] for one in found] == [made[2], made[1]]
    mine = desk.caller.get(f"/duty-bookings?user_id={world.first.second_officer.id}")
    assert mine.get_json()["items"] == []


def test_bookings_for_a_device_and_its_person(app: Flask, world: World, desk: Desk) -> None:
    court = world.first
    desk.book(0, 1)
    later = desk.book(20, 21).get_json()["id"]
    with unit_of_work(court.id, write=False) as session:
        args = (session, court.id)
        assert len(queries.bookings_for(*args, user_id=court.officer.id)) == 4
        assert queries.bookings_for(*args) == []
        assert len(queries.bookings_for(*args, device_id=court.phone.id)) == 1
        of_dock = queries.bookings_for(*args, device_id=court.dock.id)
        keyless = {desk.device.id, court.camera.id}
        assert {one.device_id for one in of_dock} == keyless
        after = desk.now + timedelta(hours=15)
        left = queries.bookings_for(*args, device_id=court.dock.id, ends_after=after)
        assert [str(one.id) for one in left] == [later]
        only = queries.bookings_for(*args, device_id=court.dock.id, ids=[court.booking_id])
        assert [one.id for one in only] == [court.booking_id]
        assert queries.bookings_for(session, world.second.id, user_id=court.officer.id) == []


def test_overlap_is_refused_below_the_route_as_well(app: Flask, world: World, desk: Desk) -> None:
    desk.book(0, 8)
    with unit_of_work(world.first.id, write=False) as session:
        device = session.get_one(Device, desk.device.id)
        found = queries.overlapping_booking(
            session, device, runtime_of(app).clock.now(), desk.now + timedelta(minutes=1)
        )
        assert isinstance(found, DutyBooking)
