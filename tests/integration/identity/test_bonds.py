"""Who writes the database does not become somebody else by it."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from server.core.transactions import EVERY_COURT, unit_of_work
from server.identity.models import SignIn
from tests.factories.console import desk
from tests.factories.identity import World, proof_headers, sign_in


@pytest.fixture
def world(app: Flask) -> World:
    return World.build(app)


def exchange(world: World, column: str) -> None:
    """Write into the only sign-in by hand, as its own holder might."""
    other = world.first.people["supervisor"]
    with unit_of_work(EVERY_COURT) as session:
        row = session.execute(sa.select(SignIn)).scalar_one()
        value = {"user_id": other.id, "expires_at": row.expires_at + timedelta(days=900)}[column]
        session.execute(sa.update(SignIn).values({column: value}))


@pytest.mark.parametrize("column", ["user_id", "expires_at"])
def test_a_cookie_dies_with_an_edit_of_its_row(app: Flask, world: World, column: str) -> None:
    person = desk(app, world.first.officer)
    assert person.get("/api/v1/me").status_code == 200
    exchange(world, column)
    assert person.get("/api/v1/me").status_code == 401


@pytest.mark.parametrize("column", ["user_id", "expires_at"])
def test_a_devices_tokens_die_with_an_edit(app: Flask, world: World, column: str) -> None:
    answer = sign_in(app, world.first.officer, world.first.phone).get_json()
    body = {"grant": "refresh", "refresh_token": answer["refresh_token"]}

    def refresh() -> int:
        headers = proof_headers(app, world.first.phone.key, "POST", "/api/v1/auth/token")
        return app.test_client().post("/api/v1/auth/token", json=body, headers=headers).status_code

    assert refresh() == 200
    exchange(world, column)
    assert refresh() == 401
