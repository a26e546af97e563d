"""What the sample cases plant comes out, through the API and through offline sync.

``samples_entries.ADDED`` and ``ADDED_TO_CASES`` list what an expected pass needs and the sample
does not state: uniform, announcement of the recording, outsiders kept out, rulings served; the last
test holds that list to what is needed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from server.core.clock import FixedClock
from server.core.permissions import Role
from tests.factories.samples_data import sample, with_phones
from tests.factories.samples_entries import ADDED
from tests.factories.samples_world import SampleWorld

pytestmark = pytest.mark.timeout(600)  # ten months of three courts; a busy machine takes minutes

OFF_BY = timedelta(seconds=3)  # a camera writes whole seconds, a time code changes each second
Outcomes = dict[str, dict[str, str]]


@pytest.fixture
def clock() -> FixedClock:
    """Before the first case was filed."""
    return FixedClock(datetime(2024, 11, 1, 1, 0, tzinfo=UTC))


@pytest.fixture(params=["api", "offline"])
def world(
    request: pytest.FixtureRequest, app: Flask, clock: FixedClock, tmp_path: Path
) -> Iterator[SampleWorld]:
    with played(app, clock, tmp_path, offline=request.param == "offline") as found:
        yield found


@contextlib.contextmanager
def played(app: Flask, clock: FixedClock, folder: Path, **how: Any) -> Iterator[SampleWorld]:
    """The sample courts on the evening of the sample's day."""
    with contextlib.ExitStack() as stack:
        found = SampleWorld(app, clock, with_phones(sample()), folder, stack=stack, **how)
        found.play()
        yield found


def ask(
    world: SampleWorld, case: Mapping[str, Any], path: str, role: Role | None = None
) -> TestResponse:
    """What the case's handler, or somebody of its court with a role, is answered."""
    court = world.courts[case["court_id"]]
    person = court.people[case["handler_id"]]
    if role is not None:
        person = next(one for one in court.people.values() if role in one.roles)
    return court.caller(world.app, person).get(path)


def read(world: SampleWorld, case: Mapping[str, Any], path: str, role: Role | None = None) -> Any:
    """The same, when it is answered."""
    answer = ask(world, case, path.format(case=world.cases[case["id"]]), role)
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def checks(world: SampleWorld) -> tuple[Outcomes, Outcomes]:
    """Outcomes of the rules that the sample speaks of, and those that it plants."""
    found, planted = {}, {}
    for case in world.sample["cases"]:
        for action in case["field_actions"]:
            judged = read(world, case, f"/actions/{world.actions[action['id']]}/checks")
            outcomes = {one["rule"]: one["outcome"] for one in judged["checks"]}
            planted[action["id"]] = action["expected_checks"]
            found[action["id"]] = {rule: outcomes[rule] for rule in action["expected_checks"]}
    return found, planted


def test_the_samples_come_out_as_planted(world: SampleWorld) -> None:
    found, planted = checks(world)
    assert found == planted
    cases = {case["id"]: case for case in world.sample["cases"]}
    for case in cases.values():
        _times_are_corrected(world, case)
    for case_id, holds in NOTES.items():
        if case_id in cases:
            holds(world, cases[case_id])


def _times_are_corrected(world: SampleWorld, case: Mapping[str, Any]) -> None:
    """Each item's time is the true one, however far its device's clock was off."""
    items = read(world, case, "/cases/{case}/evidence?limit=500")["items"]
    at = {one["name"].partition(".")[0]: one["time"]["captured_at"] for one in items}
    for action in case["field_actions"]:
        for item in action["evidence"]:
            true = datetime.fromisoformat(item["captured_at"])
            assert abs(datetime.fromisoformat(at[item["id"]]) - true) <= OFF_BY, item["id"]


# -------------------------------------------------------------- what the notes of the cases say


def _standing(world: SampleWorld, case: Mapping[str, Any]) -> dict[str, set[str]]:
    """Of each limit of a case how it stands."""
    found: dict[str, set[str]] = {}
    for one in read(world, case, "/cases/{case}/clocks")["clocks"]:
        found.setdefault(one["id"], set()).add(one["standing"])
    return found


def _gap_without_a_reason(world: SampleWorld, case: Mapping[str, Any]) -> None:
    """DV1 stopped for twelve minutes, and nobody said why."""
    action = world.actions["FA03"]
    judged = read(world, case, f"/actions/{action}/checks")
    (thin,) = judged["coverage"]["stretches"]
    assert (thin["kind"], thin["explained_by"]) == ("thin", [])
    length = datetime.fromisoformat(thin["ends_at"]) - datetime.fromisoformat(thin["begins_at"])
    assert abs(length - timedelta(minutes=12)) <= OFF_BY
    findings = read(world, case, f"/findings?action_id={action}&state=open")["items"]
    assert "CC20" in {one["rule"] for one in findings}


def _registered_late(world: SampleWorld, case: Mapping[str, Any]) -> None:
    assert _standing(world, case)["register_petition"] == {"met_late"}


def _terminated_lawfully(world: SampleWorld, case: Mapping[str, Any]) -> None:
    """Every gate of 终本 was met; the money was paid out after 30 days."""
    assert read(world, case, "/cases/{case}")["status"] == "closed"
    state = read(world, case, "/cases/{case}/state")
    assert state["closed"]["method"] == "round_terminated"
    day = case["closing"]["on"]
    path = f"/cases/{{case}}/gates?closing=round_terminated&on={day}"
    gates = {one["gate"]: one["met"] for one in read(world, case, path)["gates"]}
    expected = {gate: said == "pass" for gate, said in case["closing"]["gate"].items()}
    assert {gate: gates[gate] for gate in expected} == expected
    standing = _standing(world, case)
    assert (standing["disburse"], standing["recheck"]) == ({"met_late"}, {"running"})


def _minor_refused(world: SampleWorld, case: Mapping[str, Any]) -> None:
    court = world.courts[case["court_id"]]
    handler = court.caller(world.app, court.people[case["handler_id"]])
    body = {"kind": "case.measure", "data": {"on": "2025-09-30", "type": "list_dishonest"}}
    answer = handler.post(f"/cases/{world.cases[case['id']]}/entries", json=body)
    assert answer.status_code == 409
    assert answer.get_json()["type"].endswith(":listing-refused")


def _idle_and_refused(world: SampleWorld, case: Mapping[str, Any]) -> None:
    """Half a year without action, the limit passed; terminating it is refused with what lacks."""
    assert _standing(world, case)["complete"] == {"overdue"}
    alerts = read(world, case, "/oversight/alerts?limit=100", Role.SUPERVISOR)["items"]
    raised = {one["kind"] for one in alerts if one["case_id"] == str(world.cases[case["id"]])}
    assert {"idle", "deadline"} <= raised
    court = world.courts[case["court_id"]]
    handler = court.caller(world.app, court.people[case["handler_id"]])
    body = {"kind": "case.closed", "data": {"on": "2025-09-30", "method": "round_terminated"}}
    answer = handler.post(f"/cases/{world.cases[case['id']]}/entries", json=body)
    problem = answer.get_json()
    assert (answer.status_code, problem["type"][-11:]) == (409, "gate-closed")
    missing = {one["gate"] for one in problem["missing"]}
    assert {"G1", "G2", "G3", "G5", "G6", "E1", "E3", "X1"} <= missing
    assert "G4" not in missing
    assert all(one["zh"] and one["needs"] and one["basis"] for one in problem["missing"])


def _in_default(world: SampleWorld, case: Mapping[str, Any]) -> None:
    """September's instalment was not paid: the applicant may ask to go on."""
    state = read(world, case, "/cases/{case}/state")
    assert [one["state"] for one in state["settlements"]] == ["defaulted"]
    assert any("恢复执行" in one["zh"] for one in state["alarms"])


def _lead_late(world: SampleWorld, case: Mapping[str, Any]) -> None:
    """An urgent lead is verified within three days; this one never was."""
    assert _standing(world, case)["verify_lead"] == {"overdue"}


NOTES = {
    "CS02": _gap_without_a_reason, "CS06": _registered_late, "CS07": _terminated_lawfully,
    "CS08": _minor_refused, "CS09": _idle_and_refused, "CS10": _in_default, "CS12": _lead_late,
}  # fmt: skip


def test_only_what_a_pass_needs_was_added(app: Flask, clock: FixedClock, tmp_path: Path) -> None:
    with played(app, clock, tmp_path, offline=True, added={}) as bare:
        found, planted = checks(bare)
        changed = {
            action: {rule for rule, outcome in outcomes.items() if outcome != planted[action][rule]}
            for action, outcomes in found.items()
        }
        assert changed == {action: set(ADDED[action]) for action in found}
        assert {found[action][rule] for action in found for rule in ADDED[action]} == {"unknown"}
