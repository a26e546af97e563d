"""Rotation of the server's keys: nothing that was signed before stops verifying."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from client_sdk.protocol import timeqr
from server.audit.models import OutboxRow
from server.commands.keys import waiting_time
from server.core.clock import FixedClock
from server.core.keyring import EVENT, TOKEN
from server.core.transactions import EVERY_COURT, unit_of_work
from server.identity import tokens
from tests.factories.commands import asked, run
from tests.factories.identity import World, access_token, runtime_of


def signing(app: Flask, purpose: str) -> str:
    return runtime_of(app).keyring.active(purpose).kid


def events(kind: str) -> list[dict[str, Any]]:
    with unit_of_work(EVERY_COURT, write=False) as session:
        rows = session.execute(sa.select(OutboxRow.p).where(OutboxRow.kind == kind))
        return [json.loads(text) for text in rows.scalars() if text]


def test_a_rotation_keeps_old_tokens_verifying(app: Flask, clock: FixedClock) -> None:
    world = World.build(app)
    before = access_token(app, world.first.officer, world.first.phone)
    old = signing(app, TOKEN)
    clock.advance(timedelta(seconds=5))
    made = asked(app, "keys", "rotate", TOKEN)
    assert signing(app, TOKEN) == made["kid"] != old
    after = access_token(app, world.first.officer, world.first.phone)
    for token in (before, after):
        assert tokens.read(runtime_of(app), token).subject == world.first.officer.id


def test_every_court_learns_of_a_rotation(app: Flask, clock: FixedClock) -> None:
    world = World.build(app)
    old = signing(app, EVENT)
    made = asked(app, "keys", "rotate", EVENT)
    found = events("key.added")
    assert {one["court"] for one in found} == {str(world.first.id), str(world.second.id)}
    assert all(one["facts"]["kid"] == made["kid"] for one in found)
    assert all(one["facts"]["by"] == old for one in found)


def test_the_list_says_what_signs(app: Flask, clock: FixedClock) -> None:
    old = signing(app, EVENT)
    clock.advance(timedelta(days=1))
    new = asked(app, "keys", "rotate", EVENT)["kid"]
    states = {one["kid"]: one["state"] for one in asked(app, "keys", "list")["keys"]}
    assert states == {old: "verifies", new: "signs", signing(app, TOKEN): "signs"}
    assert old in run(app, "keys", "list", lang="zh").stdout


@pytest.mark.parametrize("purpose", [TOKEN, EVENT])
def test_a_key_is_retired_when_nothing_of_it_can_come_back(
    app: Flask, clock: FixedClock, purpose: str
) -> None:
    World.build(app)
    old = signing(app, purpose)
    clock.advance(timedelta(seconds=5))
    asked(app, "keys", "rotate", purpose)
    refused = run(app, "keys", "retire", old)
    assert refused.exit_code == 1
    assert "--force" in refused.stderr
    clock.advance(waiting_time(runtime_of(app).settings, purpose))
    assert asked(app, "keys", "retire", old) == {"kid": old, "purpose": purpose, "retired": True}
    assert runtime_of(app).keyring.find(purpose, old) is None
    assert len(events("key.retired")) == 2
    states = {one["kid"]: one["state"] for one in asked(app, "keys", "list")["keys"]}
    assert states[old] == "retired"


def test_a_leaked_key_is_retired_at_once(app: Flask, clock: FixedClock) -> None:
    world = World.build(app)
    token = access_token(app, world.first.officer, world.first.phone)
    old = signing(app, TOKEN)
    clock.advance(timedelta(seconds=5))
    asked(app, "keys", "rotate", TOKEN)
    asked(app, "keys", "retire", old, "--force")
    with pytest.raises(tokens.TokenError):
        tokens.read(runtime_of(app), token)


def test_the_key_that_signs_and_an_unknown_one_are_not_retired(app: Flask) -> None:
    for kid in (signing(app, TOKEN), "unknown"):
        done = run(app, "keys", "retire", kid, "--force")
        assert done.exit_code == 1
        assert kid in done.stderr
    assert events("key.retired") == []


def test_the_time_code_of_an_old_key_still_verifies(app: Flask, clock: FixedClock) -> None:
    shown = timeqr.parse(app.test_client().get("/api/v1/time-qr").get_json()["text"])
    old = signing(app, EVENT)
    clock.advance(timedelta(seconds=5))
    asked(app, "keys", "rotate", EVENT)
    key = runtime_of(app).keyring.event_key(old)
    assert key is not None
    assert timeqr.verify(shown, key)
