"""Idempotency-Key: the same request once, however often and at how many doors it knocks."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.test import TestResponse

from server.core.db import db
from server.core.models import IdempotentReply
from server.core.transactions import EVERY_COURT, unit_of_work
from server.identity.models import Device
from tests.factories.identity import Caller, World
from tests.integration.security.answers import problem_of

CAMERA = {"kind": "camera", "name": "相机(虚构)"}


@pytest.fixture
def world(app: Flask) -> World:
    return World.build(app)


def register(caller: Caller, key: str, **body: Any) -> TestResponse:
    headers = {"Idempotency-Key": key}
    return caller.post("/devices", json={**CAMERA, **body}, headers=headers)


def cameras() -> int:
    with unit_of_work(EVERY_COURT, write=False) as session:
        mine = Device.name.like("相机%")
        return session.execute(sa.select(sa.func.count()).where(mine)).scalar_one()


def test_a_repeat_is_answered_from_memory(world: World) -> None:
    caller = world.caller(world.first.supervisor)
    first, second = register(caller, "one"), register(caller, "one")
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.get_json() == second.get_json()
    assert second.headers["Idempotent-Replayed"] == "true"
    assert first.headers["ETag"] == second.headers["ETag"]
    assert cameras() == 1


def test_another_request_under_the_key_is_refused(world: World) -> None:
    caller = world.caller(world.first.supervisor)
    assert register(caller, "one").status_code == 201
    assert problem_of(register(caller, "one", name="相机二")) == "idempotency-key-reused"
    other = caller.post(
        "/duty-bookings", json=CAMERA | {"x": 1}, headers={"Idempotency-Key": "one"}
    )
    assert problem_of(other) == "validation"
    path = f"/devices/{world.first.camera.id}/revoke"
    revoked = caller.post(path, json={"reason": "遗失"}, headers={"Idempotency-Key": "one"})
    assert problem_of(revoked) == "idempotency-key-reused"
    assert cameras() == 1


def test_keys_of_two_people_are_apart(world: World) -> None:
    """Neither sees the other's answer, also not on the same device."""
    first, other = world.caller(world.first.supervisor), world.caller(world.first.president)
    foreign = world.caller(world.second.supervisor)
    answers = [register(caller, "one") for caller in (first, other, foreign)]
    assert [answer.status_code for answer in answers] == [201, 201, 201]
    assert len({answer.get_json()["id"] for answer in answers}) == 3


def test_a_refused_request_leaves_the_key_free(world: World) -> None:
    caller = world.caller(world.first.supervisor)
    assert problem_of(register(caller, "one", name="")) == "validation"
    absent = "00000000-0000-0000-0000-000000000000"
    assert problem_of(register(caller, "one", holder_id=absent)) == "not-found"
    assert register(caller, "one").status_code == 201


@pytest.mark.parametrize("key", ["", " ", '""', "x" * 201, "x" * 7000])
def test_keys_that_are_none(world: World, key: str) -> None:
    answer = register(world.caller(world.first.supervisor), key)
    assert problem_of(answer) == "malformed-request"
    assert cameras() == 0


@pytest.mark.parametrize("key", ["\xff\xfe", "a;b,c", "'; DROP TABLE devices --", "../../x", "%00"])
def test_strange_keys_are_keys(world: World, key: str) -> None:
    caller = world.caller(world.first.supervisor)
    assert register(caller, key).status_code == 201
    assert register(caller, key).headers["Idempotent-Replayed"] == "true"


def test_a_key_without_the_permission_tells_nothing(world: World) -> None:
    """The permission is looked at before the memory."""
    caller = world.caller(world.first.supervisor)
    assert register(caller, "one").status_code == 201
    with unit_of_work(EVERY_COURT) as session:
        from server.identity.models import User  # noqa: PLC0415  beside its only use

        session.get_one(User, world.first.supervisor.id).roles = ["officer"]
    assert problem_of(register(caller, "one")) == "forbidden"


def test_many_doors_at_once_make_one(world: World, app: Flask) -> None:
    """A client that repeats before the first answer came gets that answer, not a conflict."""
    caller = world.caller(world.first.supervisor)
    assert caller.get("/me").status_code == 200  # the phone was seen, which nobody waits for now
    slowly()
    answers = at_once(app, [lambda: register(caller, "one")] * 8)
    assert Counter(answer.status_code for answer in answers) == {201: 8}
    assert len({answer.get_json()["id"] for answer in answers}) == 1
    assert sum("Idempotent-Replayed" in answer.headers for answer in answers) == 7
    assert cameras() == 1
    with unit_of_work(EVERY_COURT, write=False) as session:
        assert session.query(IdempotentReply).count() == 1


_DAWDLE = """
CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql
    AS $$BEGIN PERFORM pg_sleep(0.3); RETURN NEW; END$$;
CREATE TRIGGER dawdle BEFORE INSERT ON devices FOR EACH ROW EXECUTE FUNCTION dawdle();
"""


def slowly() -> None:
    """Let a registration last until the others have come (SQLite's writers queue anyway)."""
    if db.engine.dialect.name == "postgresql":
        with unit_of_work(EVERY_COURT) as session:
            session.execute(sa.text(_DAWDLE))


def at_once(app: Flask, calls: Sequence[Any]) -> list[TestResponse]:
    """Answers of requests that start together, each in a thread of its own."""
    answers: list[TestResponse] = []
    start = threading.Barrier(len(calls))

    def run(call: Any) -> None:
        start.wait(20)
        answers.append(call())

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return answers
