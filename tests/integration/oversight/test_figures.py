"""Campaigns and the dashboard: what they count, and that nobody is ranked."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from server.conduct.models import ConductCheck, Finding
from server.core.clock import FixedClock
from server.core.context import Context, system_actor
from server.core.db import db
from server.core.transactions import unit_of_work
from server.oversight import tallies
from tests.factories.identity import runtime_of
from tests.factories.oversight import Bureau, late

SPRING = {"name": "春风行动(虚构)", "begins_on": "2026-03-01", "ends_on": "2026-05-31"}


@pytest.fixture
def bureau(app: Flask, clock: FixedClock) -> Bureau:
    return Bureau.build(app, clock)


def write(bureau: Bureau, case: uuid.UUID, kind: str, data: Any, **more: Any) -> Any:
    body = {"kind": kind, "data": data, **more}
    answer = bureau.supervisor.post(f"/cases/{case}/entries", json=body)
    assert answer.status_code == 201, answer.text
    return answer.get_json()


def dashboard(bureau: Bureau, query: str = "") -> Any:
    answer = bureau.president.get(f"/oversight/dashboard{query}")
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def test_a_campaign_is_planned_run_and_closed(bureau: Bureau) -> None:
    case, other = bureau.case(), bureau.case(handler_id=bureau.court.second_officer.id)
    action = write(bureau, case, "action.started", {"type": "search"})["action_id"]
    made = bureau.supervisor.post("/oversight/campaigns", json=SPRING)
    assert made.status_code == 201, made.text
    path = f"/oversight/campaigns/{made.get_json()['id']}"
    close = {"result": "执结一件(虚构)"}
    assert bureau.supervisor.post(f"{path}/close", json=close).status_code == 409
    assert bureau.supervisor.post(f"{path}/start").get_json()["state"] == "running"
    assert bureau.supervisor.post(f"{path}/start").status_code == 409
    items = {"case_ids": [str(other)], "action_ids": [action]}
    for _ in range(2):  # what is in it already stays in it once
        assert bureau.supervisor.post(f"{path}/items", json=items).status_code == 200
    assert bureau.supervisor.post(f"{path}/items", json={}).status_code == 422
    write(bureau, case, "case.received", {"on": "2026-03-02", "amount_fen": 900_000_000_000})
    write(bureau, case, "case.received", {"on": "2026-02-27", "amount_fen": 1})
    counts = bureau.supervisor.get(path).get_json()["counts"]
    assert counts == {
        "cases": {"enforcing": 2}, "actions": {"started": 1}, "received_fen": 900_000_000_000,
    }  # fmt: skip
    seen = bureau.world.caller(bureau.court.second_officer).get(path).get_json()["counts"]
    assert seen == {"cases": {"enforcing": 1}, "actions": {}, "received_fen": 0}
    closed = bureau.supervisor.post(f"{path}/close", json=close).get_json()
    assert (closed["state"], closed["result"]) == ("closed", "执结一件(虚构)")
    assert bureau.supervisor.post(f"{path}/items", json=items).status_code == 409


def test_a_campaign_does_not_end_before_it_begins(bureau: Bureau) -> None:
    body = {**SPRING, "ends_on": "2026-02-28"}
    assert bureau.supervisor.post("/oversight/campaigns", json=body).status_code == 422


def test_the_dashboard_counts_the_court(bureau: Bureau) -> None:
    idle, key = bureau.idle(), bureau.case()
    task = {"owner_id": str(bureau.court.officer.id), "text": "x(虚构)", "due_on": "2026-03-09"}
    bureau.supervisor.post("/oversight/tasks", json=task)
    received = write(bureau, key, "case.received", {"on": "2026-02-02", "amount_fen": 5_000})
    amended = {"on": "2026-02-02", "amount_fen": 7_000}
    write(bureau, key, "case.received", amended, amends_id=received["id"])
    write(bureau, key, "case.received", {"on": "2025-12-31", "amount_fen": 1})
    bureau.stands(key, key_state="confirmed", responsibility="overdue",
                  key_categories=["migrant_wages", "repeated_petition"],
                  alarms=[late("deadline", "2026-02-01")])  # fmt: skip
    bureau.watch()
    spring = bureau.supervisor.post("/oversight/campaigns", json=SPRING).get_json()["id"]
    bureau.supervisor.post(f"/oversight/campaigns/{spring}/start")
    bureau.supervisor.post(f"/oversight/campaigns/{spring}/items", json={"case_ids": [str(idle)]})
    found = dashboard(bureau)
    assert sum(found["cases"].values()) == 2
    assert found["key_cases"]["migrant_wages"] == {
        "cases": 1, "incomplete": 0, "met": 0, "missed": 1,
    }  # fmt: skip
    assert found["alerts"] == {"deadline": {"raised": 1}, "idle": {"raised": 1}}
    assert (found["received_fen"], found["disbursed_fen"]) == (7_000, 0)
    assert found["tasks"] == {"open": 1}
    (campaign,) = found["campaigns"]
    assert campaign["campaign"]["id"] == spring
    assert campaign["counts"]["cases"] == {"enforcing": 1}
    assert (found["from"], found["to"]) == ("2026-01-01", "2026-03-02")


def test_money_is_of_the_period(bureau: Bureau) -> None:
    case = bureau.case()
    for day in ("2025-12-31", "2026-01-01", "2026-01-31", "2026-02-01"):
        write(bureau, case, "case.received", {"on": day, "amount_fen": 1})
    assert dashboard(bureau, "?from=2026-01-01&to=2026-01-31")["received_fen"] == 2


def test_conduct_by_rule_and_findings_by_age(bureau: Bureau) -> None:
    case = bureau.case()
    action = uuid.UUID(write(bureau, case, "action.started", {"type": "search"})["action_id"])
    runtime = runtime_of(bureau.app)
    now = runtime.clock.now()
    outcomes = {"CX01": "fail", "CX02": "pass", "CX03": "unknown", "CX04": "not_applicable"}
    with unit_of_work(bureau.court.id) as session:
        for rule, outcome in outcomes.items():
            session.add(ConductCheck(
                action_id=action, rule=rule, case_id=case, court_id=bureau.court.id,
                outcome=outcome, reasons=[], judged_at=now,
            ))  # fmt: skip
        for number, days in enumerate((0, 6, 7, 29, 30, 90, 400)):
            session.add(Finding(
                id=runtime.ids(), court_id=bureau.court.id, case_id=case, action_id=action,
                rule="CX01", number=number, outcome="fail", reasons=[], state="open",
                opened_at=now - timedelta(days=days),
            ))  # fmt: skip
    found = dashboard(bureau)
    mine = {rule: of for rule, of in found["conduct"].items() if rule.startswith("CX")}
    assert mine == {"CX01": {"fail": 1}, "CX02": {"pass": 1}, "CX03": {"unknown": 1}}
    assert found["findings_by_age_days"] == {"0": 2, "7": 2, "30": 1, "90": 2}


def test_checks_are_shown_as_the_worker_counted_them(bureau: Bureau) -> None:
    case = bureau.case()
    action = uuid.UUID(write(bureau, case, "action.started", {"type": "search"})["action_id"])
    runtime = runtime_of(bureau.app)
    counted_at = runtime.clock.now()
    assert tallies.count_all(Context(system_actor(), db.session(), runtime)) == 2  # courts
    bureau.clock.advance(timedelta(minutes=5))
    with unit_of_work(bureau.court.id) as session:
        session.add(ConductCheck(
            action_id=action, rule="CX01", case_id=case, court_id=bureau.court.id,
            outcome="fail", reasons=[], judged_at=runtime.clock.now(),
        ))  # fmt: skip
    before = dashboard(bureau)
    assert (before["conduct"].get("CX01"), before["conduct_counted_at"]) == (
        None, counted_at.isoformat(),
    )  # fmt: skip
    tallies.count_all(Context(system_actor(), db.session(), runtime))
    assert dashboard(bureau)["conduct"]["CX01"] == {"fail": 1}


def test_nobody_is_named_on_the_dashboard(bureau: Bureau) -> None:
    bureau.idle()
    bureau.watch()
    text = bureau.president.get("/oversight/dashboard").get_data(as_text=True)
    for person in bureau.court.people.values():
        assert str(person.id) not in text


def test_the_dashboard_is_for_those_who_lead(bureau: Bureau) -> None:
    assert bureau.officer.get("/oversight/dashboard").status_code == 403
    elsewhere = bureau.world.caller(bureau.world.second.president)
    bureau.case()
    assert elsewhere.get("/oversight/dashboard").get_json()["cases"] == {}
