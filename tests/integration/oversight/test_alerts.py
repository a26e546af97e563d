"""Detectors: what they raise, who explains it, how it is cleared or escalated."""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask

from server.audit.events import EventKind
from server.cases.models import Case
from server.core.clock import FixedClock
from server.core.transactions import unit_of_work
from tests.factories.cases import Bench, add_mission
from tests.factories.field import Recorder
from tests.factories.oversight import Bureau, late

TALK = {"on": "2025-06-20", "with": "被执行人(虚构)", "content": "释明后果(虚构)"}


@pytest.fixture
def bureau(app: Flask, clock: FixedClock) -> Bureau:
    return Bureau.build(app, clock)


def say(bureau: Bureau, verb: str, alert: str, by: str = "supervisor") -> Any:
    caller = getattr(bureau, by)
    return caller.post(f"/oversight/alerts/{alert}/{verb}", json={"text": "已核实(虚构)"})


def kinds(bureau: Bureau) -> list[str]:
    return sorted(one["kind"] for one in bureau.alerts())


def test_a_case_without_anything_for_half_a_year_lies_idle(bureau: Bureau) -> None:
    case = bureau.idle()
    bureau.case()
    bureau.watch()
    (alert,) = bureau.alerts()
    assert (alert["kind"], alert["case_id"], alert["state"]) == ("idle", str(case), "raised")
    assert (alert["since_on"], alert["owner_id"]) == ("2025-08-01", str(bureau.court.officer.id))
    assert alert["explain_by"] == "2026-03-05"  # three working days after Monday
    assert bureau.told(bureau.court.officer) == ["alert"]
    assert bureau.watch() == 0


@pytest.mark.parametrize("days", [179, 180])
def test_it_lies_idle_from_the_hundred_and_eightieth_day_on(bureau: Bureau, days: int) -> None:
    bureau.case(filed_on=date(2026, 3, 2) - timedelta(days=days))
    bureau.watch()
    assert kinds(bureau) == (["idle"] if days == 180 else [])


@pytest.mark.parametrize("what", ["entry", "note", "photo", "photo of a mission"])
def test_whatever_happens_ends_idleness(bureau: Bureau, what: str) -> None:
    case = bureau.idle()
    bureau.watch()
    recorder, who = Recorder(bureau.app, bureau.court.phone), str(bureau.court.officer.id)
    if what == "entry":
        body = {"kind": "case.persuasion", "data": TALK}
        assert bureau.officer.post(f"/cases/{case}/entries", json=body).status_code == 201
    elif what == "note":
        recorder.push([recorder.note(case=str(case), who=who)])
    elif what == "photo":
        recorder.push([recorder.capture(b"photo", case=str(case), who=who)])
    else:
        mission = add_mission(bureau.app, bureau.court.id, [case, bureau.case()])
        recorder.push([recorder.capture(b"photo", mission=str(mission), who=who)])
    bureau.watch()
    assert "idle" not in kinds(bureau)
    (gone,) = bureau.alerts("state=cleared")
    assert (gone["cleared_by"], gone["clearance"]) == (None, None)


def test_a_suspended_case_does_not_lie_idle(bureau: Bureau) -> None:
    case = bureau.idle()
    with unit_of_work(bureau.court.id) as session:
        session.get_one(Case, case).status = "suspended"
    bureau.watch()
    assert kinds(bureau) == []


def test_a_court_sets_its_own_threshold(bureau: Bureau) -> None:
    bureau.case(filed_on=date(2026, 1, 1))
    bureau.watch()
    assert kinds(bureau) == []
    rule = {"idle_days": 30, "explain_days": 1, "reason": "专项整治(虚构)"}
    made = bureau.supervisor.post("/oversight/rules", json=rule)
    assert (made.status_code, made.get_json()["version"]) == (201, 1)
    bureau.watch()
    assert [one["explain_by"] for one in bureau.alerts()] == ["2026-03-03"]
    assert bureau.supervisor.get("/oversight/rules").get_json()["in_force"]["idle_days"] == 30
    assert Bench(bureau.app).events(EventKind.OVERSIGHT_RULED)


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        pytest.param(late("deadline", "2026-02-01"), "deadline", id="deadline"),
        pytest.param(late("deadline", "2026-03-20", is_late=False), None, id="deadline soon"),
        pytest.param(late("measure", "2026-03-20", is_late=False), "measure", id="measure soon"),
        pytest.param(late("measure", "2026-02-20"), "measure", id="measure lapsed"),
        pytest.param(late("promise_broken", "2026-02-20"), "promise", id="promise"),
        pytest.param(late("settlement_default", "2026-02-20"), "promise", id="instalment"),
        pytest.param(late("money", "2026-02-20"), "money", id="money"),
        pytest.param(late("lead", "2026-02-20"), "limit", id="lead"),
        pytest.param(late("responsibility_overdue", "2026-02-20"), "key", id="key case"),
        pytest.param(late("liaison_expired", "2026-02-20"), None, id="what needs no answer"),
    ],
)
def test_what_presses_in_a_case_becomes_an_alert(
    bureau: Bureau, given: dict[str, Any], kind: str | None
) -> None:
    case = bureau.case()
    bureau.stands(case, alarms=[given])
    bureau.watch()
    assert kinds(bureau) == ([kind] if kind else [])
    bureau.stands(case, alarms=[])
    bureau.watch()
    assert bureau.alerts() == []


def test_an_extended_deadline_that_passes_again_is_another_alert(bureau: Bureau) -> None:
    case = bureau.case()
    for day in ("2026-01-31", "2026-02-28"):
        bureau.stands(case, alarms=[late("deadline", day)])
        bureau.watch()
    assert [one["since_on"] for one in bureau.alerts()] == ["2026-02-28"]
    assert len(bureau.alerts("standing=false")) == 2


def test_an_explanation_is_accepted_by_somebody_else(bureau: Bureau) -> None:
    bureau.idle()
    bureau.watch()
    (alert,) = bureau.alerts(caller=bureau.officer)
    assert say(bureau, "clear", alert["id"]).status_code == 409
    explained = say(bureau, "explain", alert["id"], "officer").get_json()
    assert (explained["state"], explained["explanation"]) == ("explained", "已核实(虚构)")
    assert "alert" in bureau.told(bureau.court.supervisor)
    cleared = say(bureau, "clear", alert["id"])
    assert cleared.get_json()["state"] == "cleared"
    for verb in ("explain", "clear", "escalate"):
        assert say(bureau, verb, alert["id"]).status_code == 409
    assert bureau.watch() == 0


def test_nobody_accepts_their_own_explanation(bureau: Bureau) -> None:
    bureau.idle(handler_id=bureau.court.supervisor.id)
    bureau.watch()
    (alert,) = bureau.alerts()
    say(bureau, "explain", alert["id"])
    assert say(bureau, "clear", alert["id"]).status_code == 403
    assert say(bureau, "clear", alert["id"], "president").status_code == 200


def test_what_was_accepted_is_asked_again_when_nothing_happens_for_as_long(bureau: Bureau) -> None:
    bureau.idle()
    bureau.watch()
    (alert,) = bureau.alerts()
    say(bureau, "explain", alert["id"], "officer")
    say(bureau, "clear", alert["id"])
    bureau.clock.advance(timedelta(days=179))
    bureau.watch()
    assert bureau.alerts() == []
    bureau.clock.advance(timedelta(days=1))
    bureau.watch()
    (again,) = bureau.alerts()
    assert (again["id"], again["state"]) == (alert["id"], "raised")
    assert say(bureau, "clear", alert["id"]).status_code == 409  # the old explanation is old


def test_what_nobody_explains_in_time_goes_to_the_president(bureau: Bureau) -> None:
    bureau.idle()
    bureau.watch()
    bureau.clock.advance(timedelta(days=3))
    bureau.watch()
    assert [one["state"] for one in bureau.alerts()] == ["raised"]
    bureau.clock.advance(timedelta(days=1))
    bureau.watch()
    (alert,) = bureau.alerts()
    assert (alert["state"], alert["escalated_by"]) == ("escalated", None)
    assert bureau.told(bureau.court.president) == ["alert-escalated"]
    explained = say(bureau, "explain", alert["id"], "officer").get_json()
    assert explained["state"] == "escalated"
    assert say(bureau, "clear", alert["id"], "president").get_json()["state"] == "cleared"


def test_a_leader_escalates_what_does_not_convince(bureau: Bureau) -> None:
    bureau.idle()
    bureau.watch()
    (alert,) = bureau.alerts()
    say(bureau, "explain", alert["id"], "officer")
    escalated = say(bureau, "escalate", alert["id"])
    assert escalated.get_json()["escalation"] == "已核实(虚构)"
    assert say(bureau, "escalate", alert["id"]).status_code == 409
    assert bureau.told(bureau.court.president)[-1] == "alert-escalated"


def test_others_do_not_see_it(bureau: Bureau) -> None:
    bureau.idle()
    bureau.watch()
    (alert,) = bureau.alerts()
    stranger = bureau.world.caller(bureau.court.second_officer)
    assert bureau.alerts(caller=stranger) == []
    assert stranger.get(f"/oversight/alerts/{alert['id']}").status_code == 404
    elsewhere = bureau.world.caller(bureau.world.second.president)
    assert elsewhere.get(f"/oversight/alerts/{alert['id']}").status_code == 404


def test_a_case_without_a_handler_is_told_to_those_who_lead(bureau: Bureau) -> None:
    bureau.idle(handler_id=None)
    bureau.watch()
    assert bureau.told(bureau.court.supervisor) == ["alert"]
    assert bureau.told(bureau.court.president) == ["alert"]


def test_many_are_raised_in_turns(bureau: Bureau) -> None:
    for _ in range(3):
        bureau.idle()
    assert bureau.watch() == 3
    # One notice stands for all of them, with its count.
    assert bureau.told(bureau.court.officer) == ["alert"]


def test_the_log_says_what_was_raised(bureau: Bureau) -> None:
    case = bureau.idle()
    bureau.watch()
    (event,) = Bench(bureau.app).events(EventKind.ALERT_RAISED)
    assert (event.case_id, event.actor_id) == (case, None)
    assert isinstance(event.case_id, uuid.UUID)
