"""Filing and changing cases and missions by forms, with and without success."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from flask import Flask

from tests.factories.console import desk
from tests.factories.office import Office, build_office


@pytest.fixture
def office(app: Flask) -> Office:
    return build_office(app)


def numbers(answer: Any) -> list[str]:
    return [item["case_no"] for item in answer.get_json()["items"]]


def test_a_case_is_filed_changed_and_assigned_by_forms(office: Office) -> None:
    at = office.at()
    court = office.world.first
    answer = at.post(
        "/cases/new",
        {"case_no": "（2026）样0101执 7 号", "cause": "借款(虚构)", "claim_yuan": "12000.50",
         "handler_id": str(court.officer.id), "filed_on": "2026-02-01"},
    )  # fmt: skip
    assert answer.status_code == 303
    case_id = uuid.UUID(answer.headers["Location"].split("/")[2])
    case = office.case(case_id)
    assert (case.case_no, case.claim_fen) == ("(2026)样0101执7号", 1_200_050)
    refused = {"version": "1", "status": "suspended", "cause": "改(虚构)"}
    assert at.post(f"/cases/{case_id}/edit", refused).status_code == 409
    change = {"version": "1", "status": "enforcing", "cause": "改(虚构)"}
    assert at.post(f"/cases/{case_id}/edit", change).status_code == 303
    assert (office.case(case_id).cause, office.case(case_id).handler_id) == ("改(虚构)", None)
    stale = at.post(f"/cases/{case_id}/edit", change)
    assert stale.status_code == 412
    people = {"officer": [str(court.police.id), str(court.second_officer.id)]}
    assert at.post(f"/cases/{case_id}/people", people).status_code == 303
    assert set(office.case(case_id).officer_ids) == {court.police.id, court.second_officer.id}
    removed = at.post(f"/cases/{case_id}/people/{court.police.id}/remove", {"version": "3"})
    assert removed.status_code == 303
    assert office.case(case_id).officer_ids == [court.second_officer.id]


def test_a_bad_case_number_comes_back_with_the_form(office: Office) -> None:
    answer = office.at().post("/cases/new", {"case_no": "执11", "cause": "保留(虚构)"})
    assert answer.status_code == 422
    assert "保留(虚构)" in answer.text
    again = office.at().post("/cases/new", {"case_no": "(2025)样0101执11号"})
    assert again.status_code == 409


def test_a_party_s_number_is_sealed_kept_and_shown_masked(office: Office) -> None:
    at = office.at()
    party = {"role": "debtor", "kind": "natural", "name": "易虚构", "version": "1",
             "id_no": "990101197805120117"}  # fmt: skip
    assert at.post(f"/cases/{office.second}/parties", party).status_code == 303
    page = at.get(f"/cases/{office.second}/edit").text
    assert "9901011978****0117" in page
    assert "990101197805120117" not in page
    added = office.case(office.second).parties[-1]
    changed = {"role": "debtor", "kind": "natural", "name": "易改名", "version": "2"}
    path = f"/cases/{office.second}/parties/{added.id}"
    assert at.post(path, changed).status_code == 303
    kept = office.case(office.second).parties[-1]
    assert (kept.name, kept.id_no_sealed) == ("易改名", added.id_no_sealed)
    company = {"role": "debtor", "kind": "legal", "name": "样例公司(虚构)", "version": "3"}
    assert at.post(path, company).status_code == 303
    assert office.case(office.second).parties[-1].id_no_sealed is None
    assert at.post(f"{path}/remove", {"version": "4"}).status_code == 303


def test_a_form_of_another_site_changes_nothing(office: Office) -> None:
    at = office.at()
    answer = at.post(
        f"/cases/{office.first}/people", {"officer": str(office.world.first.police.id)},
        headers={"Origin": "https://evil.example"},
    )  # fmt: skip
    assert answer.status_code == 403
    assert office.case(office.first).officer_ids == []


def mission_form(office: Office, **changes: Any) -> dict[str, Any]:
    usual = {
        "title": "清点(虚构)", "cases": "(2025)样0101执11号\n（2025）样0101执22号",
        "starts_at": "2026-03-03T09:00", "ends_at": "2026-03-03T17:30", "place": "清河镇(虚构)",
        "lat": "38.21", "lon": "104.41", "officer": [str(office.world.first.officer.id)],
        "device": [str(office.world.first.phone.id)],
    }  # fmt: skip
    return {**usual, **changes}


def test_a_mission_is_planned_changed_started_and_ended(office: Office) -> None:
    at = office.at()
    assert at.get(f"/missions/new?case={office.first}").status_code == 200
    answer = at.post("/missions/new", mission_form(office))
    assert answer.status_code == 303
    path = answer.headers["Location"].partition("?")[0]
    page = at.get(path).text
    assert "2026-03-03 09:00:00" in page
    assert "38.2100000, 104.4100000" in page
    assert at.get(f"{path}/edit").status_code == 200
    changed = mission_form(office, title="改期(虚构)", version="1", cases="(2025)样0101执11号")
    assert at.post(f"{path}/edit", changed).status_code == 303
    officer = office.at("officer")
    assert "改期(虚构)" in officer.get("/missions").text
    assert officer.post(f"{path}/state", {"version": "2", "state": "started"}).status_code == 303
    assert "under_way" in at.get("/cases?under_way=true").text
    assert numbers(at.get("/cases.json?under_way=true")) == ["(2025)样0101执11号"]
    assert officer.post(f"{path}/state", {"version": "3", "state": "cancelled"}).status_code == 403
    assert officer.post(f"{path}/state", {"version": "3", "state": "ended"}).status_code == 303
    assert at.post(f"{path}/state", {"version": "4", "state": "started"}).status_code == 409


@pytest.mark.parametrize(
    "changes",
    [{"ends_at": "2026-03-03T08:00"}, {"cases": "(2025)样0101执99号"}, {"cases": "何处"}],
    ids=["ends-first", "unknown-case", "no-number"],
)
def test_a_mission_that_cannot_be_comes_back_with_the_form(
    office: Office, changes: dict[str, str]
) -> None:
    answer = office.at().post("/missions/new", mission_form(office, **changes))
    assert answer.status_code == 422
    assert "清点(虚构)" in answer.text
    assert "2026-03-03T09:00" in answer.text


def test_missions_of_others_are_not_there(office: Office) -> None:
    assert office.at("second_officer").get(f"/missions/{office.mission}").status_code == 404
    other = desk(office.app, office.world.second.people["supervisor"])
    assert other.get(f"/missions/{office.mission}").status_code == 404
