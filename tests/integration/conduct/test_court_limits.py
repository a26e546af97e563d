"""A court adds limits, gates and days off of its own to those of the country."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask

from server.core.clock import FixedClock
from tests.factories.cases import add_case
from tests.factories.identity import World

OWN = """
[clocks.first_talk]
zh = "首次约谈"
en = "First talk"
starts = "filed"
stops = "inquiry_started"
limit = { amount = 3, unit = "working_days" }
basis = [{ law = "本院规定(虚构)", confirmed = false }]

[gates.Y1]
for = ["deregistered"]
needs = ["panel_reviewed"]
zh = "合议庭审查"
en = "A panel reviewed it"
basis = [{ law = "本院规定(虚构)", confirmed = false }]

[calendar]
holidays = ["2025-09-04/2025-09-05"]
"""


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime(2025, 9, 30, 2, 0, tzinfo=UTC))


@pytest.fixture
def world(app: Flask) -> World:
    return World.build(app)


@pytest.fixture
def case(world: World) -> uuid.UUID:
    return add_case(
        world.app, world.first.id, handler_id=world.first.officer.id,
        filed_on=datetime(2025, 9, 3, tzinfo=UTC).date(),
    )  # fmt: skip


def rule(world: World, text: str) -> Any:
    body = {"text": text, "reason": "试行(虚构)"}
    return world.caller(world.first.president).post("/conduct-rules", json=body)


def test_what_a_court_adds_is_in_force(world: World, case: uuid.UUID) -> None:
    answer = rule(world, OWN)
    assert answer.status_code == 201, answer.text
    officer = world.caller(world.first.officer)
    clocks = officer.get(f"/cases/{case}/clocks").get_json()["clocks"]
    own = next(one for one in clocks if one["id"] == "first_talk")
    assert (own["due_on"], own["standing"]) == ("2025-09-10", "overdue")
    asked = officer.get(f"/cases/{case}/gates?closing=deregistered").get_json()
    assert [one["gate"] for one in asked["missing"]] == ["D1", "Y1"]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(OWN.replace("first_talk", "complete"), id="an id that is taken"),
        pytest.param(OWN.replace('"inquiry_started"', '"dance"'), id="no such event"),
        pytest.param(OWN.replace("panel_reviewed", "dance"), id="no such fact"),
        pytest.param(OWN.replace("gates.Y1", "gates.G4"), id="a gate that is taken"),
        pytest.param(OWN.replace("2025-09-05", "2025-09-35"), id="no such day"),
        pytest.param(OWN.replace('unit = "working_days"', 'unit = "moons"'), id="no such unit"),
        pytest.param(OWN.replace("2025-09-05", "9999-12-31"), id="days without end"),
        pytest.param(OWN.replace("amount = 3", "amount = 9999999"), id="a limit without end"),
        pytest.param("gates = 3", id="no table"),
        pytest.param(OWN.replace('en = "First talk"', ""), id="no name"),
    ],
)
def test_what_is_no_limit_is_refused(world: World, text: str) -> None:
    answer = rule(world, text)
    assert answer.status_code == 422, answer.text
