"""Where a case stands, through the API: state, limits, gates, and what is kept of it for lists."""

from __future__ import annotations

import threading
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from server.conduct import standings
from server.conduct.case_models import CaseStanding
from server.core.clock import FixedClock
from server.core.context import Context, system_actor
from server.core.transactions import EVERY_COURT, unit_of_work
from server.retention import queries as retention
from tests.factories.cases import add_case
from tests.factories.field import Recorder
from tests.factories.identity import Caller, World, runtime_of
from tests.factories.identity_rows import Person

LAW = "民事诉讼法第267条"


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime(2025, 9, 30, 2, 0, tzinfo=UTC))


@pytest.fixture
def world(app: Flask) -> World:
    return World.build(app)


@pytest.fixture
def case(world: World) -> uuid.UUID:
    return add_case(
        world.app, world.first.id, handler_id=world.first.officer.id, cause="追索劳动报酬纠纷",
        filed_on=datetime(2025, 1, 6, tzinfo=UTC).date(), claim_fen=1_000,
    )  # fmt: skip


def enter(
    world: World, case: uuid.UUID, kind: str, who: Person | None = None, /, **data: Any
) -> Any:
    body = {"kind": kind, "data": data}
    caller = world.caller(who or world.first.officer)
    return caller.post(f"/cases/{case}/entries", json=body)


def written(
    world: World, case: uuid.UUID, kind: str, who: Person | None = None, /, **data: Any
) -> str:
    answer = enter(world, case, kind, who, **data)
    assert answer.status_code == 201, answer.text
    return str(answer.get_json()["id"])


def read(world: World, path: str) -> Any:
    answer = world.caller(world.first.officer).get(path)
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def kept(world: World, case: uuid.UUID) -> Any:
    listed = read(world, "/case-states?limit=500")["items"]
    return next(one for one in listed if one["case_id"] == str(case))


def completed(world: World, case: uuid.UUID) -> None:
    """All that was claimed came and went out again."""
    money = written(world, case, "case.received", on="2025-09-01", amount_fen=1_000)
    written(world, case, "case.disbursed", on="2025-09-10", amount_fen=1_000, of=money)


def test_the_state_and_the_row_say_the_same(world: World, case: uuid.UUID) -> None:
    written(world, case, "case.measure", on="2025-02-01", type="freeze", value_fen=700,
            until_on="2025-10-15")  # fmt: skip
    money = written(world, case, "case.received", on="2025-08-01", amount_fen=400)
    written(world, case, "case.disbursed", on="2025-08-15", amount_fen=150, of=money)
    found, row = read(world, f"/cases/{case}/state"), kept(world, case)
    assert found["amounts"] == {
        "claimed_fen": 1_000, "controlled_fen": 700, "received_fen": 400, "disbursed_fen": 150,
        "owed_fen": 600,
    }  # fmt: skip
    assert {one["kind"]: one["late"] for one in found["alarms"]} == {
        "deadline": True, "money": True, "measure": False,
    }  # fmt: skip
    assert all(one["zh"] and one["en"] for one in found["alarms"])
    for name in ("deadline_on", "next_due_on", "next_renewal_on", "last_activity_on", "status"):
        assert row[name] == found[name], name
    assert (row["deadline_on"], row["next_renewal_on"]) == ("2025-07-06", "2025-10-15")
    assert (row["overdue"], row["due_soon"], row["received_fen"]) == (2, 1, 400)
    assert found["key"]["suggested"][0]["category"] == "migrant_wages"
    assert row["key_suggested"] == [one["category"] for one in found["key"]["suggested"]]
    clocks = read(world, f"/cases/{case}/clocks")["clocks"]
    assert [one["id"] for one in clocks if one["standing"] == "overdue"] == [
        "complete", "disburse",
    ]  # fmt: skip
    assert all(one["basis"] for one in clocks)


def test_a_gate_refuses_with_the_list_and_opens_when_it_is_met(
    world: World, case: uuid.UUID
) -> None:
    asked = read(world, f"/cases/{case}/gates?closing=completed")
    assert (asked["open"], [one["gate"] for one in asked["missing"]]) == (False, ["C1"])
    refused = enter(world, case, "case.closed", on="2025-09-30", method="completed")
    problem = refused.get_json()
    assert (refused.status_code, problem["type"][-11:]) == (409, "gate-closed")
    [missing] = problem["missing"]
    assert (missing["gate"], missing["zh"] != "", missing["basis"] != []) == ("C1", True, True)
    assert [[one["fact"] for one in group] for group in missing["needs"]] == [
        ["nothing_owed", "settlement_performed"]
    ]
    assert read(world, f"/cases/{case}")["status"] == "enforcing"
    completed(world, case)
    assert read(world, f"/cases/{case}/gates?closing=completed")["open"] is True
    written(world, case, "case.closed", on="2025-09-30", method="completed")
    assert read(world, f"/cases/{case}")["status"] == "closed"
    row = kept(world, case)
    assert (row["status"], row["closing"], row["closed_on"]) == (
        "closed", "completed", "2025-09-30",
    )  # fmt: skip
    assert row["deadline_standing"] == "met_late"


@pytest.mark.parametrize(("on", "status"), [("2025-10-01", 422), ("2025-01-05", 422)])
def test_a_closing_lies_between_the_filing_and_today(
    world: World, case: uuid.UUID, on: str, status: int
) -> None:
    answer = enter(world, case, "case.closed", on=on, method="deregistered")
    assert answer.status_code == status


def test_a_round_is_terminated_when_ten_gates_are_met(world: World, case: uuid.UUID) -> None:
    first = read(world, f"/cases/{case}/gates?closing=round_terminated")
    assert [one["gate"] for one in first["missing"]] == [
        "G1", "G2", "G3", "G5", "G6", "E1", "E3", "X1",
    ]  # fmt: skip
    written(world, case, "case.paper", on="2025-01-08", paper="enforcement_notice",
            to="被执行人(虚构)")  # fmt: skip
    for type_ in ("query", "report_property_order", "restrict_consumption", "fine"):
        written(world, case, "case.measure", on="2025-01-09", type=type_)
    for what in ("traditional", "on_site", "questioning"):
        written(world, case, "case.inquiry", on="2025-02-01", what=what, result="无(虚构)")
    written(world, case, "case.persuasion", on="2025-02-02", content="释明(虚构)",
            **{"with": "被执行人(虚构)"})  # fmt: skip
    for fact in ("no_asset_left", "listing_not_due", "debtor_found", "applicant_signed"):
        written(world, case, "case.condition", on="2025-09-01", fact=fact, holds=True,
                ground="笔录(虚构)")  # fmt: skip
    written(world, case, "case.explanation", on="2025-09-02", facts="无财产(虚构)",
            law="终本规定第1条", **{"for": "round_terminated"})  # fmt: skip
    approval = {
        "on": "2025-09-03",
        "fact": "president_approved",
        "holds": True,
        "ground": "批(虚构)",
    }
    assert enter(world, case, "case.condition", **approval).status_code == 403
    refused = enter(world, case, "case.closed", on="2025-09-05", method="round_terminated")
    assert [one["gate"] for one in refused.get_json()["missing"]] == ["G6"]
    written(world, case, "case.condition", world.first.president, **approval)
    written(world, case, "case.closed", on="2025-09-05", method="round_terminated")
    clocks = read(world, f"/cases/{case}/clocks")["clocks"]
    assert {one["id"]: one["due_on"] for one in clocks}["recheck"] == "2026-03-05"
    written(world, case, "case.lead", on="2025-09-20", kind="property", source="applicant",
            content="新发现存货(虚构)", specific=True)  # fmt: skip
    row = kept(world, case)
    assert (row["next_due_on"], row["overdue"]) == ("2025-09-27", 1)
    late = enter(world, case, "case.measure", on="2025-09-21", type="freeze")
    assert late.status_code == 409  # it goes on under a number of its own first


def test_a_suspension_is_explained_first_and_stops_the_clock(
    world: World, case: uuid.UUID, clock: FixedClock
) -> None:
    stop = {"on": "2025-05-01", "reason": "案外人异议(虚构)", "law": LAW}
    refused = enter(world, case, "case.suspended", **stop)
    assert [one["gate"] for one in refused.get_json()["missing"]] == ["X1", "X2"]
    written(world, case, "case.explanation", on="2025-05-01", facts="异议(虚构)", law=LAW,
            **{"for": "suspended"})  # fmt: skip
    written(world, case, "case.paper", on="2025-05-01", paper="ruling", to="申请执行人(虚构)",
            **{"for": "suspended"})  # fmt: skip
    written(world, case, "case.suspended", **stop)
    assert read(world, f"/cases/{case}")["status"] == "suspended"
    assert (kept(world, case)["deadline_on"], kept(world, case)["overdue"]) == (None, 0)
    written(world, case, "case.continued", on="2025-08-01", reason="驳回异议(虚构)")
    assert read(world, f"/cases/{case}")["status"] == "enforcing"
    assert kept(world, case)["deadline_on"] == "2025-10-06"
    clock.advance(timedelta(days=7))
    assert kept(world, case)["overdue"] == 0  # nobody has computed it yet
    assert read(world, f"/cases/{case}/clocks")["clocks"][0]["standing"] == "overdue"


def test_the_worker_computes_what_a_day_changes(
    world: World, case: uuid.UUID, clock: FixedClock
) -> None:
    written(world, case, "case.extended", world.first.president, on="2025-07-01",
            until_on="2025-10-05", reason="复杂(虚构)")  # fmt: skip
    assert refreshed(world) == 0
    clock.advance(timedelta(days=6))
    assert (kept(world, case)["overdue"], refreshed(world)) == (0, 1)
    assert (kept(world, case)["overdue"], refreshed(world)) == (1, 0)
    with unit_of_work(world.first.id) as session:
        session.execute(sa.delete(CaseStanding))
    assert (refreshed(world), kept(world, case)["overdue"]) == (1, 1)


def refreshed(world: World) -> int:
    with unit_of_work(EVERY_COURT) as session:
        return standings.refresh_due(Context(system_actor(), session, runtime_of(world.app)))


def test_a_finished_case_is_not_computed_every_day(
    world: World, case: uuid.UUID, clock: FixedClock
) -> None:
    completed(world, case)
    written(world, case, "case.closed", on="2025-09-30", method="completed")
    clock.advance(timedelta(days=2))
    assert refreshed(world) == 0


def test_changes_of_the_case_itself_are_seen(world: World, case: uuid.UUID) -> None:
    boss = world.caller(world.first.supervisor)
    body = {"claim_fen": 5_000, "filed_on": "2025-04-06"}
    answer = boss.patch(f"/cases/{case}", json=body, headers={"If-Match": "*"})
    assert answer.status_code == 200, answer.text
    row = kept(world, case)
    assert (row["claimed_fen"], row["deadline_on"], row["overdue"]) == (5_000, "2025-10-06", 0)


def test_devices_move_the_row_as_well(world: World, case: uuid.UUID) -> None:
    phone = Recorder(world.app, world.first.phone)
    data = {"on": "2025-09-29", "with": "被执行人(虚构)", "content": "释明(虚构)"}
    payload = phone.payload("case.persuasion", case=str(case), entry={"data": data})
    assert phone.outcomes([phone.seal(payload)]) == ["accepted"]
    assert kept(world, case)["last_activity_on"] == "2025-09-29"


def test_two_who_write_at_once_leave_nothing_out(world: World, case: uuid.UUID) -> None:
    callers = [world.caller(world.first.officer) for _ in range(4)]
    body = {"kind": "case.received", "data": {"on": "2025-09-01", "amount_fen": 100}}

    def receive(caller: Caller) -> None:
        assert caller.post(f"/cases/{case}/entries", json=body).status_code == 201

    people = [threading.Thread(target=receive, args=(one,)) for one in callers]
    for one in people:
        one.start()
    for one in people:
        one.join()
    assert kept(world, case)["received_fen"] == 400


@pytest.mark.parametrize(
    ("kind", "data", "ground"),
    [
        pytest.param("case.petition", {"content": "未执行(虚构)"}, "petition", id="petition"),
        pytest.param("case.objection", {"kind": "outsider", "by": "案外人(虚构)",
                                        "content": "异议(虚构)"}, "objection", id="objection"),
        pytest.param("case.objection", {"kind": "supervision", "by": "申请人(虚构)",
                                        "content": "监督(虚构)"}, "supervision", id="supervision"),
    ],
)  # fmt: skip
def test_what_is_questioned_is_held(
    world: World, case: uuid.UUID, kind: str, data: dict[str, str], ground: str
) -> None:
    written(world, case, kind, on="2025-09-20", **data)
    written(world, case, kind, on="2025-09-21", **data)
    with unit_of_work(world.first.id, write=False) as session:
        assert [one.ground for one in retention.holds_of_case(session, case)] == [ground]


def test_a_closed_case_goes_on_under_a_number_of_its_own(world: World, case: uuid.UUID) -> None:
    again = {"on": "2025-09-30", "reason": "发现财产(虚构)"}
    other = add_case(world.app, world.first.id, serial=12, handler_id=world.first.officer.id)
    assert enter(world, case, "case.resumed", case=str(other), **again).status_code == 409
    written(world, case, "case.condition", on="2025-09-01", fact="filed_in_error", holds=True,
            ground="重复(虚构)")  # fmt: skip
    terminated = closed_after_settlement(world, case)
    assert enter(world, terminated, "case.resumed", case=str(other), **again).status_code == 409
    new = world.caller(world.first.supervisor).post(
        "/cases",
        json={"case_no": "(2025)样0101执恢9号", "handler_id": str(world.first.officer.id)},
    )
    resumed = new.get_json()["id"]
    written(world, terminated, "case.resumed", case=resumed, **again)
    assert read(world, f"/cases/{resumed}/state")["resumes"] == str(terminated)
    assert read(world, f"/cases/{terminated}/state")["closed"]["resumed_as"] == resumed
    written(world, case, "case.closed", on="2025-09-30", method="deregistered")
    wrong = enter(world, case, "case.resumed", case=resumed, **again)
    assert (wrong.status_code, "deregistered" in wrong.text) == (409, True)


def closed_after_settlement(world: World, _case: uuid.UUID) -> uuid.UUID:
    """A case that was closed by a settlement to be performed over a long time."""
    case = add_case(world.app, world.first.id, serial=13, handler_id=world.first.officer.id)
    made = written(world, case, "case.settlement", on="2025-06-18", terms="按月给付(虚构)",
                   signed_by=["applicant", "debtor"], long_term=True)  # fmt: skip
    written(world, case, "case.instalment", on="2025-06-18", of=made, due_on="2025-09-05",
            amount_fen=150)  # fmt: skip
    told = {"for": "settlement_long_term"}
    written(world, case, "case.explanation", on="2025-06-19", facts="和解(虚构)", law=LAW, **told)
    written(world, case, "case.paper", on="2025-06-19", paper="ruling", to="双方(虚构)", **told)
    written(world, case, "case.closed", on="2025-06-20", method="settlement_long_term")
    assert kept(world, case)["settlement"] == "defaulted"
    return case


@pytest.mark.parametrize(
    ("kind", "of"), [("case.disbursed", "case.measure"), ("case.measure-lifted", "case.received")]
)
def test_an_entry_names_what_is_meant(world: World, case: uuid.UUID, kind: str, of: str) -> None:
    more = {"type": "query"} if of == "case.measure" else {"amount_fen": 5}
    named = written(world, case, of, on="2025-09-01", **more)
    data = {"amount_fen": 5} if kind == "case.disbursed" else {"reason": "已付(虚构)"}
    answer = enter(world, case, kind, on="2025-09-02", of=named, **data)
    assert (answer.status_code, of in answer.text) == (422, True)


def test_key_cases_are_confirmed_by_leaders_who_answer_for_them(
    world: World, case: uuid.UUID
) -> None:
    boss, court = world.first.supervisor, world.first
    chosen = {"on": "2025-02-01", "categories": ["migrant_wages"], "reason": "工资(虚构)"}
    written(world, case, "key.confirmed", boss, **chosen)
    assert kept(world, case)["responsibility"] == "none"
    six = {
        "on": "2025-02-01",
        "handler": str(court.officer.id),
        "measures": "冻结(虚构)",
        "supervising_leader": str(boss.id),
        "deadline_on": "2025-08-31",
        "target": "到位(虚构)",
    }
    wrong = enter(world, case, "key.responsibility", boss,
                  **{**six, "package_leader": str(court.officer.id)})  # fmt: skip
    assert wrong.status_code == 422
    written(world, case, "key.responsibility", boss, **six)
    assert kept(world, case)["responsibility"] == "incomplete"
    written(world, case, "key.responsibility", boss, on="2025-02-02",
            package_leader=str(court.president.id))  # fmt: skip
    row = kept(world, case)
    assert (row["responsibility"], row["key_deadline_on"]) == ("overdue", "2025-08-31")
    versions = read(world, f"/cases/{case}/state")["key"]["versions"]
    assert [one["missing"] for one in versions] == [["package_leader"], []]
    assert versions[1]["by"] == str(boss.id)
    written(world, case, "key.result", boss, on="2025-09-01", met=False, reason="未到位(虚构)")
    assert kept(world, case)["responsibility"] == "missed"
    listed = read(world, "/case-states?key_state=confirmed&key_category=migrant_wages")
    assert len(listed["items"]) == 1
    assert read(world, "/case-states?key_category=construction_payment")["items"] == []


def test_another_court_sees_nothing(world: World, case: uuid.UUID) -> None:
    stranger = world.caller(world.second.officer)
    for path in ("state", "clocks", "gates?closing=completed"):
        assert stranger.get(f"/cases/{case}/{path}").status_code == 404
    assert stranger.get("/case-states").get_json()["items"] == []


def test_the_list_is_narrowed(world: World, case: uuid.UUID) -> None:
    young = add_case(world.app, world.first.id, serial=12, handler_id=world.first.officer.id,
                     filed_on=datetime(2025, 9, 1, tzinfo=UTC).date())  # fmt: skip
    written(world, young, "case.inquiry", on="2025-09-02", what="network", result="无(虚构)")

    def listed(query: str) -> list[str]:
        return [one["case_id"] for one in read(world, f"/case-states?{query}")["items"]]

    assert listed("overdue=true") == [str(case)]
    assert listed("overdue=false") == [str(young)]
    assert listed("due_before=2025-08-01") == [str(case)]
    assert listed("idle_since=2025-09-03") == [str(young)]
    assert set(listed("status=enforcing")) == {str(case), str(young)}
    first = read(world, "/case-states?limit=1")
    assert len(first["items"]) == 1
    assert listed(f"limit=1&cursor={first['next_cursor']}") != [first["items"][0]["case_id"]]
