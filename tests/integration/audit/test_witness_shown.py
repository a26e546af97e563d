"""What witnesses and authorities said is shown where people and programs look."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from server.audit import attestors
from server.audit.attestors import AUTHORITY, Answer, Standing
from server.core.clock import FixedClock
from server.core.transactions import EVERY_COURT, unit_of_work
from server.ops import readiness
from server.settings import Settings
from tests.factories.commands import run
from tests.factories.identity import World, runtime_of
from tests.factories.log import enter_events, sign_log
from tests.factories.witnesses import Witnesses, backup_log, with_policy


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    return replace(
        settings,
        witness_policy=str(tmp_path / "policy"),
        tsa_urls="http://tsa.test/x",
        tsa_roots=str(tmp_path / "roots.pem"),
    )


@pytest.fixture
def world(app: Flask) -> World:
    world = World.build(app)
    enter_events(app, world.first.id, 30)
    sign_log(app)
    return world


@pytest.fixture
def witnesses(app: Flask, world: World, tmp_path: Path) -> Witnesses:
    found = Witnesses(app, tmp_path / "witnesses")
    for name in ("w1", "w2"):
        found.add(name)
    with_policy(app, found.policy())
    return found


def shown(app: Flask) -> dict[str, Any]:
    """What the public state says."""
    found: dict[str, Any] = app.test_client().get("/api/v1/log/state").json["witnessing"]  # type: ignore[index]
    return found


def findings(app: Flask) -> dict[str, tuple[str, str]]:
    """Level and sentence of doctor's findings about witnesses and time."""
    found = json.loads(run(app, "doctor", "--json", "--lang", "en").stdout)["findings"]
    wanted = [one for one in found if one["check"] in {"witnesses", "timestamps"}]
    return {one["check"]: (one["level"], one["detail"]) for one in reversed(wanted)}


def part(app: Flask) -> dict[str, Any]:
    found: dict[str, Any] = readiness(runtime_of(app))["parts"]["witnesses"]
    return found


def stamped(app: Flask) -> None:
    now = runtime_of(app).clock.now()
    with unit_of_work(EVERY_COURT) as session:
        attestors.write_down(session, AUTHORITY, "tsa.test", Answer(Standing.GOOD, "", 30), now)


def test_before_anybody_was_asked(app: Flask, witnesses: Witnesses) -> None:
    found = shown(app)
    assert [one["standing"] for one in found["witnesses"]] == [None, None]
    assert (found["quorum"], found["halted"]) == (True, False)
    assert part(app)["degraded"] is False


def test_all_is_well(app: Flask, witnesses: Witnesses) -> None:
    witnesses.collector().turn()
    stamped(app)
    found = shown(app)
    assert [(one["name"], one["standing"]) for one in found["witnesses"]] == [
        ("w1", "good"),
        ("w2", "good"),
    ]
    assert found["authorities"][0]["size"] == 30
    assert findings(app)["witnesses"] == ("ok", "all 2 cosign")
    assert findings(app)["timestamps"][0] == "ok"
    assert part(app)["degraded"] is False


def test_tamper_55_a_missing_quorum_is_a_warning(
    app: Flask, witnesses: Witnesses, clock: FixedClock
) -> None:
    witnesses.away = {"w1"}
    witnesses.collector().turn()
    clock.advance(timedelta(minutes=2))
    assert findings(app)["witnesses"] == ("warn", "no quorum for 120 s: w1")
    assert (part(app)["ok"], part(app)["degraded"]) == (True, True)
    assert part(app)["detail"] == "no quorum of witnesses for 120 s"
    assert shown(app)["witnesses"][0]["standing"] == "down"
    assert "detail" not in shown(app)["witnesses"][0]  # addresses are nobody's business


def test_tamper_54_lagging_time_is_a_warning(
    app: Flask, witnesses: Witnesses, clock: FixedClock
) -> None:
    witnesses.collector().turn()
    clock.advance(timedelta(minutes=11))
    level, said = findings(app)["timestamps"]
    assert (level, said) == ("warn", "trusted time lags 660 s. ")
    assert part(app)["degraded"] is True


def test_tamper_56_a_restored_log_is_a_failure_with_an_explanation(
    app: Flask, world: World, witnesses: Witnesses, clock: FixedClock
) -> None:
    witnesses.collector().turn()
    restore = backup_log(app)
    enter_events(app, world.first.id, 5)
    sign_log(app)
    witnesses.collector().turn()
    restore()
    witnesses.collector().turn()
    level, said = findings(app)["witnesses"]
    assert level == "fail"
    assert "w1: it has cosigned 35 entries, the log has 30: the log was restored" in said
    assert part(app)["halted"] is True
    assert shown(app)["halted"] is True


def test_a_policy_that_cannot_be_used_is_a_failure(app: Flask, witnesses: Witnesses) -> None:
    with_policy(app, "nonsense\n")
    level, said = findings(app)["witnesses"]
    assert (level, "line 1" in said) == ("fail", True)
    assert part(app)["degraded"] is True
