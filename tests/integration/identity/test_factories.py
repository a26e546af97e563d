"""The world that other tests stand on is what it says."""

from __future__ import annotations

from flask import Flask

from server.core.context import Actor, Runtime
from server.core.permissions import TokenKind
from server.core.transactions import EVERY_COURT, unit_of_work
from server.identity import queries
from server.identity.authentication import authenticate
from tests.factories.identity import (
    API,
    World,
    access_token,
    auth_headers,
    device_token,
    runtime_of,
    upload_token,
)


def actor_of(app: Flask, headers: dict[str, str], path: str = f"{API}/me") -> Actor:
    runtime: Runtime = runtime_of(app)
    with app.test_request_context(path, headers=headers), unit_of_work(EVERY_COURT) as session:
        return authenticate(session, runtime)


def test_each_kind_of_token_names_its_caller(app: Flask) -> None:
    world = World.build(app)
    court = world.first
    path = f"{API}/me"
    key = court.phone.key

    token = access_token(app, court.officer, court.phone)
    actor = actor_of(app, auth_headers(app, key, token, "GET", path))
    assert (actor.token, actor.user_id) == (TokenKind.ACCESS, court.officer.id)
    assert (actor.device_id, actor.court_id) == (court.phone.id, court.id)

    actor = actor_of(app, auth_headers(app, key, device_token(app, court.phone), "GET", path))
    assert (actor.token, actor.user_id) == (TokenKind.DEVICE, None)
    assert actor.device_id == court.phone.id

    token = upload_token(app, court.officer, court.phone, runtime_of(app).ids(), [])
    actor = actor_of(app, {"Authorization": f"Bearer {token}"})
    assert (actor.token, actor.device_id) == (TokenKind.UPLOAD, court.phone.id)
    assert actor.grant_id is not None


def test_bookings_say_who_carries_what(app: Flask) -> None:
    court = World.build(app).first
    now = runtime_of(app).clock.now()
    with unit_of_work(court.id, write=False) as session:
        booking = queries.booking_at(session, court.id, court.camera.id, now)
        assert booking is not None
        assert booking.user_id == court.officer.id
        of_dock = queries.bookings_for(session, court.id, device_id=court.dock.id)
        assert [one.id for one in of_dock] == [court.booking_id]
        assert len(queries.bookings_for(session, court.id, user_id=court.officer.id)) == 2
