"""Every check that the sample cases expect comes out as planted, online and offline.

What an expected pass needs and the sample does not state is added, and listed in
``samples_entries.ADDED`` and ``ADDED_TO_CASES``; a test holds that list to what is needed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from server.core.clock import FixedClock
from tests.factories.samples_data import sample, with_phones
from tests.factories.samples_world import SampleWorld


@pytest.fixture
def clock() -> FixedClock:
    """Before the first case was filed."""
    return FixedClock(datetime(2024, 11, 1, 1, 0, tzinfo=UTC))


@pytest.fixture(params=["api", "offline"])
def world(
    request: pytest.FixtureRequest, app: Flask, clock: FixedClock, tmp_path: Path
) -> Iterator[SampleWorld]:
    with contextlib.ExitStack() as stack:
        found = SampleWorld(
            app, clock, with_phones(sample()), tmp_path, request.param == "offline", stack
        )
        found.play()
        yield found


def get(world: SampleWorld, case: dict[str, Any], path: str) -> Any:
    """What the case's handler reads."""
    court = world.courts[case["court_id"]]
    answer = court.caller(world.app, court.people[case["handler_id"]]).get(path)
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def test_every_expected_check_comes_out_as_planted(world: SampleWorld) -> None:
    found, planted = {}, {}
    for case in world.sample["cases"]:
        for action in case["field_actions"]:
            judged = get(world, case, f"/actions/{world.actions[action['id']]}/checks")
            outcomes = {one["rule"]: one["outcome"] for one in judged["checks"]}
            expected = action["expected_checks"]
            found[action["id"]] = {rule: outcomes[rule] for rule in expected}
            planted[action["id"]] = expected
    assert found == planted
