"""Weekly supervision: agenda from the data, held, minuted; plans, inspections, tasks."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from server.conduct.models import Finding
from server.core.clock import FixedClock
from server.core.transactions import unit_of_work
from tests.factories.cases import add_mission
from tests.factories.identity import runtime_of
from tests.factories.oversight import Bureau, late

WEEK = "2026-W10"


@pytest.fixture
def bureau(app: Flask, clock: FixedClock) -> Bureau:
    return Bureau.build(app, clock)


def call(bureau: Bureau, on: str = "2026-03-04", **body: Any) -> Any:
    chair = {"chair_id": str(bureau.court.supervisor.id)}
    return bureau.supervisor.post("/oversight/meetings", json={"meets_on": on, **chair, **body})


def give(bureau: Bureau, **body: Any) -> Any:
    usual = {"owner_id": str(bureau.court.officer.id), "text": "补录(虚构)", "due_on": "2026-03-06"}
    return bureau.supervisor.post("/oversight/tasks", json={**usual, **body})


def agenda(bureau: Bureau, by: str = "supervisor", week: str = WEEK) -> Any:
    answer = getattr(bureau, by).get(f"/oversight/agenda?week={week}")
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def test_a_meeting_is_called_held_and_minuted(bureau: Bureau) -> None:
    called = call(bureau)
    assert called.status_code == 201, called.text
    meeting = called.get_json()
    assert (meeting["week"], meeting["state"]) == (WEEK, "agenda")
    assert call(bureau, "2026-03-06").status_code == 409
    path = f"/oversight/meetings/{meeting['id']}"
    early = bureau.supervisor.post(f"{path}/minutes", json={"minutes": "会议(虚构)"})
    assert early.status_code == 409
    there = {"attendee_ids": [str(bureau.court.officer.id)]}
    held = bureau.supervisor.post(f"{path}/hold", json=there)
    assert held.get_json()["state"] == "held"
    task = give(bureau, meeting_id=meeting["id"])
    assert task.status_code == 201
    done = bureau.supervisor.post(f"{path}/minutes", json={"minutes": "逐案过堂(虚构)"})
    assert done.get_json()["state"] == "minuted"
    assert give(bureau, meeting_id=meeting["id"]).status_code == 409
    assert bureau.officer.get(path).get_json()["minutes"] == "逐案过堂(虚构)"
    absent = bureau.world.caller(bureau.court.second_officer)
    assert absent.get(path).get_json()["minutes"] is None


def test_only_leaders_chair(bureau: Bureau) -> None:
    assert call(bureau, chair_id=str(bureau.court.officer.id)).status_code == 409
    assert call(bureau, chair_id=str(bureau.world.second.supervisor.id)).status_code == 404


def test_the_agenda_is_made_from_the_data(bureau: Bureau) -> None:
    quiet, idle = bureau.case(), bureau.idle()
    key, other = bureau.case(), bureau.case(handler_id=None)
    bureau.stands(key, key_state="confirmed", key_categories=["migrant_wages"],
                  alarms=[late("deadline", "2026-02-01")])  # fmt: skip
    bureau.watch()
    add_mission(bureau.app, bureau.court.id, [quiet], officer_ids=[bureau.court.officer.id])
    bureau.officer.post("/oversight/plans", json={"week": WEEK, "steps": ["变卖苗木(虚构)"]})
    notice = {"week": "2026-W09", "text": "清单不全(虚构)", "case_id": str(idle)}
    assert bureau.supervisor.post("/oversight/inspections", json=notice).status_code == 201
    found = agenda(bureau)
    mine, nobodys = found["parts"]
    assert (mine["officer_id"], mine["in_hand"]) == (str(bureau.court.officer.id), 3)
    assert [one["id"] for one in mine["cases"]] == [str(key), str(idle), str(quiet)]
    assert mine["cases"][0]["key_categories"] == ["migrant_wages"]
    assert [one["alerts"] for one in mine["cases"]] == [["deadline"], ["idle"], []]
    assert mine["alerts"] == {"deadline": 1, "idle": 1}
    assert mine["plan"]["steps"] == ["变卖苗木(虚构)"]
    assert len(mine["outings"]) == 1
    assert (nobodys["officer_id"], nobodys["cases"][0]["id"]) == (None, str(other))
    assert [one["text"] for one in found["inspections"]] == ["清单不全(虚构)"]
    assert found["begins_on"] == "2026-03-02"


def test_at_most_ten_cases_of_an_officer_are_listed(bureau: Bureau) -> None:
    for _ in range(12):
        bureau.case()
    (part,) = agenda(bureau)["parts"]
    assert (part["in_hand"], len(part["cases"])) == (12, 10)


def test_an_officer_sees_their_own_part_alone(bureau: Bureau) -> None:
    mine = bureau.case()
    theirs = bureau.case(handler_id=bureau.court.second_officer.id)
    for case in (mine, theirs):
        notice = {"week": "2026-W09", "text": "检查(虚构)", "case_id": str(case)}
        bureau.supervisor.post("/oversight/inspections", json=notice)
        give(bureau, owner_id=str(bureau.court.second_officer.id), case_id=str(case))
    finding_in(bureau, theirs)
    bureau.clock.advance(timedelta(days=6))
    bureau.watch()
    assert len(agenda(bureau, week="2026-W10")["parts"]) == 2
    found = agenda(bureau, "officer")
    assert [one["officer_id"] for one in found["parts"]] == [str(bureau.court.officer.id)]
    assert [one["case_id"] for one in found["inspections"]] == [str(mine)]
    assert (found["overdue"], found["open_tasks"], found["findings"]) == ([], 0, [])
    assert len(agenda(bureau)["overdue"]) == 2
    assert str(theirs) not in str(found)


def test_new_findings_are_on_the_agenda(bureau: Bureau) -> None:
    case = bureau.case()
    finding_in(bureau, case, rule="CC02")
    finding_in(bureau, case, rule="CC03", state="upheld")
    finding_in(bureau, case, rule="CC04", days=30)
    found = agenda(bureau)
    assert [one["rule"] for one in found["findings"]] == ["CC02"]
    assert found["findings_new"] == 1


def finding_in(
    bureau: Bureau, case: uuid.UUID, rule: str = "CC02", state: str = "open", days: int = 1
) -> None:
    begun = {"kind": "action.started", "data": {"type": "search"}}
    made = bureau.supervisor.post(f"/cases/{case}/entries", json=begun)
    assert made.status_code == 201, made.text
    runtime = runtime_of(bureau.app)
    with unit_of_work(bureau.court.id) as session:
        session.add(
            Finding(
                id=runtime.ids(), court_id=bureau.court.id, case_id=case,
                action_id=uuid.UUID(made.get_json()["action_id"]), rule=rule, number=9,
                outcome="fail", reasons=[], state=state,
                opened_at=runtime.clock.now() - timedelta(days=days),
            )
        )  # fmt: skip


def test_what_lay_on_the_table_is_kept(bureau: Bureau) -> None:
    case = bureau.case()
    meeting = call(bureau).get_json()
    bureau.supervisor.post(f"/oversight/meetings/{meeting['id']}/hold", json={})
    bureau.case()
    kept = bureau.president.get(f"/oversight/meetings/{meeting['id']}").get_json()["agenda"]
    assert [part["cases"] for part in kept["parts"]] == [[str(case)]]
    assert bureau.officer.get(f"/oversight/meetings/{meeting['id']}").get_json()["agenda"] is None


def test_plans_are_appended(bureau: Bureau) -> None:
    for step in ("一(虚构)", "二(虚构)"):
        plan = {"week": WEEK, "steps": [step], "progress": "已查封(虚构)"}
        made = bureau.officer.post("/oversight/plans", json=plan)
        assert made.status_code == 201, made.text
    assert made.get_json()["version"] == 2
    (part,) = agenda(bureau)["parts"]
    assert (part["plan"]["steps"], part["in_hand"]) == (["二(虚构)"], 0)


def test_officers_write_their_own_plan_alone(bureau: Bureau) -> None:
    plan = {"week": WEEK, "steps": ["走访(虚构)"], "officer_id": str(bureau.court.officer.id)}
    stranger = bureau.world.caller(bureau.court.second_officer)
    assert stranger.post("/oversight/plans", json=plan).status_code == 403
    assert bureau.supervisor.post("/oversight/plans", json=plan).status_code == 201
    foreign = {**plan, "officer_id": str(bureau.world.second.officer.id)}
    assert bureau.supervisor.post("/oversight/plans", json=foreign).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"week": "2026-W54"}, id="no such week"),
        pytest.param({"steps": []}, id="no steps"),
        pytest.param({"steps": ["\0"]}, id="a control character"),
        pytest.param({"steps": [" "]}, id="blank"),
    ],
)
def test_plans_that_are_refused(bureau: Bureau, body: dict[str, Any]) -> None:
    plan = {"week": WEEK, "steps": ["走访(虚构)"], **body}
    assert bureau.officer.post("/oversight/plans", json=plan).status_code == 422


def test_a_task_is_told_to_its_owner_and_done(bureau: Bureau) -> None:
    task = give(bureau).get_json()
    assert bureau.told(bureau.court.officer) == ["task"]
    path = f"/oversight/tasks/{task['id']}"
    stranger = bureau.world.caller(bureau.court.second_officer)
    assert stranger.post(f"{path}/done", json={"result": "已办(虚构)"}).status_code == 404
    done = bureau.officer.post(f"{path}/done", json={"result": "已办(虚构)"}).get_json()
    assert (done["state"], done["overdue_at"]) == ("done", None)
    assert bureau.officer.post(f"{path}/done", json={"result": "x"}).status_code == 409
    assert bureau.told(bureau.court.supervisor) == ["task"]


def test_a_late_task_is_overdue_and_becomes_an_alert(bureau: Bureau) -> None:
    task = give(bureau).get_json()
    bureau.clock.advance(timedelta(days=4))
    bureau.watch()
    assert bureau.officer.get(f"/oversight/tasks/{task['id']}").get_json()["state"] == "open"
    bureau.clock.advance(timedelta(days=1))
    bureau.watch()
    assert bureau.officer.get(f"/oversight/tasks/{task['id']}").get_json()["state"] == "overdue"
    assert bureau.told(bureau.court.officer) == ["task", "task-overdue", "alert"]
    assert bureau.told(bureau.court.supervisor) == ["task-overdue"]
    (alert,) = bureau.alerts()
    assert (alert["kind"], alert["task_id"]) == ("task", task["id"])
    bureau.officer.post(f"/oversight/tasks/{task['id']}/done", json={"result": "已办(虚构)"})
    bureau.watch()
    assert bureau.alerts() == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param({"due_on": "2026-03-01"}, 422, id="due yesterday"),
        pytest.param({"due_on": "2026-03-02"}, 201, id="due today"),
        pytest.param({"text": "\0"}, 422, id="a control character"),
        pytest.param({"case_id": str(uuid.UUID(int=7))}, 404, id="no such case"),
        pytest.param({"owner_id": str(uuid.UUID(int=7))}, 404, id="nobody"),
    ],
)
def test_tasks_that_are_given(bureau: Bureau, body: dict[str, Any], status: int) -> None:
    assert give(bureau, **body).status_code == status


@pytest.mark.parametrize("week", ["2000-W01", "2099-W53"])
def test_an_agenda_lies_between_two_weeks(bureau: Bureau, week: str) -> None:
    assert bureau.supervisor.get(f"/oversight/agenda?week={week}").status_code == 422
