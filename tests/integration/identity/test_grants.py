"""Upload grants: a bearer token for declared bytes, and nothing else."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from server.core.clock import FixedClock
from server.core.transactions import unit_of_work
from server.identity import queries, tokens
from server.identity.tokens import TokenType
from tests.factories.cases import add_case, add_mission
from tests.factories.identity import World, runtime_of
from tests.integration.identity.helpers import outbox, payload, slug

OBJECT = {"sha256": "a" * 64, "size_bytes": 5_000_000_000}


@pytest.fixture
def case_id(app: Flask, world: World) -> uuid.UUID:
    """A case of the officer."""
    return add_case(app, world.first.id, handler_id=world.first.officer.id)


def ask(world: World, case_id: uuid.UUID, **changed: Any) -> Any:
    body = {"case_id": str(case_id), "objects": [OBJECT], **changed}
    return world.caller(world.first.officer).post("/upload-grants", json=body)


def test_a_grant_names_device_case_and_bytes(
    app: Flask, world: World, case_id: uuid.UUID, clock: FixedClock
) -> None:
    response = ask(world, case_id, expires_in_seconds=600)
    assert response.status_code == 201
    body = response.get_json()
    assert body["token_type"] == "Bearer"
    claims = tokens.read(runtime_of(app), body["token"])
    assert (claims.type, claims.jkt) == (TokenType.UPLOAD, None)
    with unit_of_work(world.first.id, write=False) as session:
        grant = queries.grant_in_court(session, world.first.id, claims.subject)
        assert grant is not None
        assert (grant.device_id, grant.case_id) == (world.first.phone.id, case_id)
        assert grant.objects == [OBJECT]
        assert queries.grant_in_court(session, world.second.id, claims.subject) is None
    (event,) = outbox(app, "upload.granted")
    assert event.case_id == case_id
    assert body["token"] not in payload(event)
    headers = {"Authorization": f"Bearer {body['token']}"}
    clock.advance(timedelta(seconds=600))
    assert slug(app.test_client().get("/api/v1/me", headers=headers)) == "token-expired"


def test_a_grant_lives_no_longer_than_the_limit(
    app: Flask, world: World, case_id: uuid.UUID, clock: FixedClock
) -> None:
    for changed in ({}, {"expires_in_seconds": 10**6}):
        body = ask(world, case_id, **changed).get_json()
        claims = tokens.read(runtime_of(app), body["token"])
        assert claims.expires_at == clock.now() + timedelta(hours=24)


def test_a_grant_is_for_a_case_the_caller_sees(
    app: Flask, world: World, case_id: uuid.UUID
) -> None:
    others = add_case(app, world.first.id, serial=12, handler_id=world.first.second_officer.id)
    foreign = add_case(app, world.second.id, handler_id=world.second.officer.id)
    mission = add_mission(app, world.second.id, [foreign])
    for one in (others, foreign, uuid.uuid4()):
        assert slug(ask(world, one)) == "not-found"
    assert slug(ask(world, case_id, mission_id=str(mission))) == "not-found"
    police = world.caller(world.first.police)
    body = {"case_id": str(case_id), "objects": [OBJECT]}
    assert slug(police.post("/upload-grants", json=body)) == "forbidden"


def test_grants_of_another_form(world: World, case_id: uuid.UUID) -> None:
    several: tuple[Any, ...] = (
        {"objects": []},
        {"objects": [OBJECT] * 1001},
        {"objects": [{**OBJECT, "sha256": "A" * 64}]},
        {"objects": [{**OBJECT, "sha256": "a" * 63}]},
        {"objects": [{**OBJECT, "sha256": "a" * 64 + "\n"}]},
        {"objects": [{**OBJECT, "size_bytes": -1}]},
        {"objects": [{**OBJECT, "size_bytes": "5"}]},
        {"objects": [{**OBJECT, "size_bytes": 2**53}]},
        {"objects": [{**OBJECT, "name": "x"}]},
        {"expires_in_seconds": 0},
        {"device_id": str(world.second.phone.id)},
    )
    for changed in several:
        assert slug(ask(world, case_id, **changed)) == "validation", changed
