"""Missions over HTTP: planned, changed, started and ended; everyone concerned is told."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from server.cases import queries
from server.core.permissions import Role
from server.core.transactions import EVERY_COURT, unit_of_work
from tests.conftest import START
from tests.factories.cases import PLACE, Bench, add_case, add_mission, believe

WINDOW = {"starts_at": "2026-03-02T09:00:00+08:00", "ends_at": "2026-03-02T17:30:00+08:00"}


@pytest.fixture
def bench(app: Flask) -> Bench:
    return believe(app)


def body_of(*cases: uuid.UUID, **fields: Any) -> dict[str, Any]:
    return {"title": "现场调查(虚构)", "case_ids": [str(one) for one in cases], **WINDOW, **fields}


def ids(*values: uuid.UUID) -> list[str]:
    return sorted(str(value) for value in values)


def test_a_planned_mission_reaches_people_and_devices_with_its_cases(bench: Bench) -> None:
    court = bench.court()
    boss, officer, device = (
        bench.person(court, Role.SUPERVISOR), bench.person(court), bench.device(court)
    )  # fmt: skip
    cases = [add_case(bench.app, court, serial=serial) for serial in (1, 2)]
    answer = bench.call(
        "POST", "/missions", boss,
        body_of(*cases, place=PLACE, officer_ids=[str(officer)], device_ids=[str(device)]),
    )  # fmt: skip
    assert answer.status_code == 201
    mission = answer.json
    assert mission["state"] == "planned"
    assert mission["case_ids"] == ids(*cases)
    assert datetime.fromisoformat(mission["starts_at"]) == datetime(2026, 3, 2, 1, tzinfo=UTC)
    wanted = {
        (to, topic, thing, "put")
        for to in (f"user:{officer}", f"device:{device}")
        for topic, thing in [("mission", mission["id"]), *(("case", str(one)) for one in cases)]
    }
    assert bench.notices("mission.added") == wanted
    assert bench.call("GET", f"/missions/{mission['id']}", officer).json == mission


def test_the_extract_is_what_field_work_needs(bench: Bench) -> None:
    court = bench.court()
    officer, device = bench.person(court, name="孙样例"), bench.device(court)
    case = add_case(bench.app, court, handler_id=officer, cause="民间借贷纠纷", claim_fen=5000000)
    mission = add_mission(bench.app, court, [case], officer_ids=[officer], device_ids=[device])
    with unit_of_work(court, write=False) as session:
        (found,) = queries.missions_for(session, court, device_id=device)
        extract = queries.mission_extract(session, found)
        (held,) = queries.cases_for(session, court, device_id=device)
        papers = queries.case_extract(session, held)
    assert json.loads(json.dumps(extract)) == extract
    assert extract["id"] == str(mission)
    assert extract["place"] == PLACE
    assert extract["case_ids"] == [str(case)]
    assert [one["name"] for one in extract["officers"]] == ["孙样例"]
    assert [one["id"] for one in extract["devices"]] == [str(device)]
    assert extract["starts_at"] == "2026-03-02T01:00:00.000Z"
    assert set(papers) == {
        "id", "code", "version", "case_no", "type_code", "status", "cause", "basis", "claim_fen",
        "deadline_on", "handler", "officers", "parties",
    }  # fmt: skip
    assert papers["handler"]["name"] == "孙样例"
    assert papers["parties"][0]["id_no_masked"] == "9901022009****1217"
    assert set(papers["parties"][0]) == {
        "id", "role", "kind", "name", "id_no_masked", "sex", "address",
    }  # fmt: skip


def test_who_is_taken_off_is_told_to_drop_mission_and_cases(bench: Bench) -> None:
    court = bench.court()
    boss, stays, goes, joins = (
        bench.person(court, Role.SUPERVISOR), bench.person(court), bench.person(court),
        bench.person(court),
    )  # fmt: skip
    old, new = bench.device(court), bench.device(court)
    case = add_case(bench.app, court)
    mission = add_mission(bench.app, court, [case], officer_ids=[stays, goes], device_ids=[old])
    answer = bench.call(
        "PATCH", f"/missions/{mission}", boss,
        {"officer_ids": ids(stays, joins), "device_ids": [str(new)]}, if_match='"1"',
    )  # fmt: skip
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"2"')
    m, c = ("mission", str(mission)), ("case", str(case))
    assert bench.notices("mission.changed") == {
        (f"user:{stays}", *m, "put"),
        (f"user:{joins}", *m, "put"),
        (f"user:{joins}", *c, "put"),
        (f"device:{new}", *m, "put"),
        (f"device:{new}", *c, "put"),
        (f"user:{goes}", *m, "drop"),
        (f"user:{goes}", *c, "drop"),
        (f"device:{old}", *m, "drop"),
        (f"device:{old}", *c, "drop"),
    }
    assert bench.call("GET", f"/cases/{case}", goes).status_code == 404
    assert bench.call("GET", f"/missions/{mission}", goes).status_code == 404


def test_a_case_held_for_another_reason_is_not_dropped(bench: Bench) -> None:
    court = bench.court()
    boss, handler = bench.person(court, Role.SUPERVISOR), bench.person(court)
    case = add_case(bench.app, court, handler_id=handler)
    mission = add_mission(bench.app, court, [case], officer_ids=[handler])
    answer = bench.call("PATCH", f"/missions/{mission}", boss, {"officer_ids": []}, if_match='"1"')
    assert answer.status_code == 200
    assert bench.notices("mission.changed") == {
        (f"user:{handler}", "mission", str(mission), "drop")
    }
    assert bench.call("GET", f"/cases/{case}", handler).status_code == 200


def test_exchanged_cases_come_and_go(bench: Bench) -> None:
    court = bench.court()
    boss, officer = bench.person(court, Role.SUPERVISOR), bench.person(court)
    first, second = (add_case(bench.app, court, serial=serial) for serial in (1, 2))
    mission = add_mission(bench.app, court, [first], officer_ids=[officer])
    body = {"case_ids": [str(second)]}
    assert bench.call("PATCH", f"/missions/{mission}", boss, body, if_match="*").json[
        "case_ids"
    ] == [str(second)]
    assert bench.notices("mission.changed") == {
        (f"user:{officer}", "mission", str(mission), "put"),
        (f"user:{officer}", "case", str(first), "drop"),
        (f"user:{officer}", "case", str(second), "put"),
    }


def test_a_change_of_a_case_reaches_the_devices_of_its_missions(bench: Bench) -> None:
    court = bench.court()
    boss, officer, device = (
        bench.person(court, Role.SUPERVISOR), bench.person(court), bench.device(court)
    )  # fmt: skip
    case = add_case(bench.app, court)
    add_mission(bench.app, court, [case], officer_ids=[officer], device_ids=[device])
    bench.call("PATCH", f"/cases/{case}", boss, {"cause": "x"}, if_match="*")
    assert bench.notices("case.changed") == {
        (f"user:{officer}", "case", str(case), "put"),
        (f"device:{device}", "case", str(case), "put"),
    }


def test_who_goes_starts_and_ends_it_and_changes_nothing_else(bench: Bench) -> None:
    court = bench.court()
    officer, other = bench.person(court), bench.person(court)
    case = add_case(bench.app, court)
    mission = add_mission(bench.app, court, [case], officer_ids=[officer])
    path = f"/missions/{mission}"
    assert bench.call("PATCH", path, other, {"state": "started"}, if_match="*").status_code == 404
    for forbidden in ({"title": "x"}, {"state": "cancelled"}, {"state": "started", "title": "x"}):
        answer = bench.call("PATCH", path, officer, forbidden, if_match="*")
        assert (answer.status_code, answer.slug) == (403, "forbidden")
    assert bench.call("PATCH", path, officer, {"state": "started"}).status_code == 428
    started = bench.call("PATCH", path, officer, {"state": "started"}, if_match='"1"')
    assert (started.status_code, started.json["state"]) == (200, "started")
    ended = bench.call("PATCH", path, officer, {"state": "ended"}, if_match='"2"')
    assert (ended.status_code, ended.json["state"]) == (200, "ended")
    assert bench.call("GET", f"/cases/{case}", officer).status_code == 200


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((), "ended"),
        (("started",), "planned"),
        (("started", "ended"), "started"),
        (("cancelled",), "started"),
        (("started", "cancelled"), "ended"),
    ],
)
def test_states_follow_one_another(bench: Bench, before: tuple[str, ...], after: str) -> None:
    court = bench.court()
    boss = bench.person(court, Role.SUPERVISOR)
    path = f"/missions/{add_mission(bench.app, court, [add_case(bench.app, court)])}"
    for state in before:
        answer = bench.call("PATCH", path, boss, {"state": state}, if_match="*")
        assert answer.status_code == 200
    refused = bench.call("PATCH", path, boss, {"state": after}, if_match="*")
    assert (refused.status_code, refused.slug) == (409, "conflict")


def test_a_cancelled_mission_is_dropped_everywhere(bench: Bench) -> None:
    court = bench.court()
    boss, officer, device = (
        bench.person(court, Role.SUPERVISOR), bench.person(court), bench.device(court)
    )  # fmt: skip
    case = add_case(bench.app, court)
    mission = add_mission(bench.app, court, [case], officer_ids=[officer], device_ids=[device])
    path = f"/missions/{mission}"
    assert bench.call("PATCH", path, boss, {"state": "cancelled"}, if_match="*").status_code == 200
    assert {notice[3] for notice in bench.notices("mission.changed")} == {"drop"}
    assert len(bench.notices("mission.changed")) == 4
    assert bench.call("GET", f"/cases/{case}", officer).status_code == 404
    with unit_of_work(court, write=False) as session:
        assert queries.missions_for(session, court, officer, device) == []
    assert bench.call("PATCH", path, boss, {"title": "x"}, if_match="*").status_code == 409


def test_foreign_and_unfit_members_are_refused(bench: Bench) -> None:
    court, other = bench.court(), bench.court("样0102")
    boss = bench.person(court, Role.SUPERVISOR)
    case = add_case(bench.app, court)
    foreign_case = add_case(bench.app, other)
    foreign_mission = add_mission(bench.app, other, [foreign_case])
    refused = [
        (body_of(case, foreign_case), 404),
        (body_of(case, uuid.uuid4()), 404),
        (body_of(case, officer_ids=[str(bench.person(other))]), 404),
        (body_of(case, device_ids=[str(bench.device(other))]), 404),
        (body_of(case, officer_ids=[str(bench.person(court, Role.ADMINISTRATOR))]), 409),
        (body_of(case, officer_ids=[str(bench.person(court, disabled=True))]), 409),
        (body_of(case, device_ids=[str(bench.device(court, revoked=True))]), 409),
    ]
    before = len(bench.events("mission.added"))
    for body, status in refused:
        assert bench.call("POST", "/missions", boss, body).status_code == status
    assert len(bench.events("mission.added")) == before
    path = f"/missions/{foreign_mission}"
    assert bench.call("GET", path, boss).status_code == 404
    assert bench.call("PATCH", path, boss, {"title": "x"}, if_match="*").status_code == 404


@pytest.mark.parametrize(
    "change",
    [
        {"case_ids": []},
        {"case_ids": "x"},
        {"title": " "},
        {"ends_at": WINDOW["starts_at"]},
        {"ends_at": "2026-05-01T00:00:00Z"},
        {"starts_at": "2026-03-02T09:00:00"},
        {"starts_at": "9999-12-31T23:59:59-14:00"},
        {"place": {"name": "x", "lat": "38.2"}},
        {"place": {"name": "x", "lat": "90.1", "lon": "0"}},
        {"place": {"name": "x", "lat": "1e1", "lon": "0"}},
        {"place": {"name": "x", "lat": 38.2, "lon": 104.4}},
        {"place": {"lat": "1", "lon": "1"}},
        {"state": "started"},
        {"officer_ids": ["not-a-uuid"]},
    ],
)
def test_a_malformed_mission_is_refused(bench: Bench, change: dict[str, Any]) -> None:
    court = bench.court()
    boss = bench.person(court, Role.SUPERVISOR)
    body = {**body_of(add_case(bench.app, court)), **change}
    answer = bench.call("POST", "/missions", boss, body)
    assert (answer.status_code, answer.slug) == (422, "validation")
    assert bench.events("mission.added") == []


def test_planning_is_for_those_who_lead(bench: Bench) -> None:
    court = bench.court()
    officer = bench.person(court)
    case = add_case(bench.app, court, handler_id=officer)
    assert bench.call("POST", "/missions", officer, body_of(case)).status_code == 403


def test_the_list_is_filtered_by_what_people_look_for(bench: Bench) -> None:
    court = bench.court()
    boss, officer, device = (
        bench.person(court, Role.SUPERVISOR), bench.person(court), bench.device(court)
    )  # fmt: skip
    first, second = (add_case(bench.app, court, serial=serial) for serial in (1, 2))
    early = add_mission(bench.app, court, [first], officer_ids=[officer])
    late = add_mission(
        bench.app, court, [second], device_ids=[device], starts_at=START + timedelta(days=2)
    )

    def found(query: str, who: uuid.UUID = boss) -> list[str]:
        page = bench.call("GET", f"/missions?{query}", who)
        assert page.status_code == 200, page.text
        return [one["id"] for one in page.json["items"]]

    assert found("") == [str(late), str(early)]
    assert found("", officer) == [str(early)]
    assert found(f"case_id={second}") == [str(late)]
    assert found(f"officer_id={officer}") == [str(early)]
    assert found(f"device_id={device}") == [str(late)]
    assert found("from=2026-03-03T00:00:00Z") == [str(late)]
    assert found("to=2026-03-03T00:00:00Z") == [str(early)]
    assert found("state=ended") == []


def test_missions_of_a_person_or_device(bench: Bench) -> None:
    court = bench.court()
    officer, device = bench.person(court), bench.device(court)
    case = add_case(bench.app, court)
    by_person = add_mission(bench.app, court, [case], officer_ids=[officer])
    by_device = add_mission(
        bench.app, court, [case], device_ids=[device], starts_at=START + timedelta(days=1)
    )
    with unit_of_work(court, write=False) as session:

        def found(**who: Any) -> list[uuid.UUID]:
            return [one.id for one in queries.missions_for(session, court, **who)]

        assert found(user_id=officer) == [by_person]
        assert found(device_id=device) == [by_device]
        assert found(user_id=officer, device_id=device) == [by_person, by_device]
        assert found() == []
        assert found(user_id=officer, ends_after=START + timedelta(days=1)) == []
        assert found(user_id=officer, device_id=device, ids=[by_device]) == [by_device]
        assert queries.mission_in_court(session, uuid.uuid4(), by_person) is None
        assert queries.case_in_court(session, uuid.uuid4(), case) is None


def test_a_case_dies_with_nothing_but_its_own_rows(bench: Bench) -> None:
    """Links are rows of the mission: exchanging them leaves cases, people and devices alone."""
    court = bench.court()
    boss, officer = bench.person(court, Role.SUPERVISOR), bench.person(court)
    case = add_case(bench.app, court)
    mission = add_mission(bench.app, court, [case], officer_ids=[officer])
    bench.call("PATCH", f"/missions/{mission}", boss, {"officer_ids": []}, if_match="*")
    with unit_of_work(EVERY_COURT, write=False) as session:
        assert queries.case_in_court(session, court, case) is not None
    assert bench.call("GET", f"/missions?officer_id={officer}", boss).json["items"] == []
