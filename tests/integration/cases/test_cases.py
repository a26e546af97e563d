"""Cases over HTTP: filed once, seen by those concerned, changed with their version."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from server.cases import queries, service
from server.cases.models import Case, Party
from server.core.context import Context, system_actor
from server.core.permissions import Role
from server.core.transactions import unit_of_work
from tests.factories.cases import Bench, add_case, add_mission, believe, close_case

ID_NO = "990102200901201217"
MASKED = "9901022009****1217"
BODY: dict[str, Any] = {
    "case_no": "（2025）样0101执 11 号",
    "cause": "追索劳动报酬纠纷",
    "filed_on": "2025-03-03",
    "deadline_on": "2025-09-03",
    "claim_fen": 41200000,
    "basis": {"kind": "民事判决书", "doc_no": "(2024)样0101民初881号"},
    "parties": [
        {"role": "debtor", "kind": "natural", "name": "云虚构", "id_no": ID_NO, "minor": True},
        {"role": "applicant", "kind": "legal", "name": "样例劳务公司(虚构)",
         "uscc": "91990101MA9000001P", "legal_representative": "丁样例"},
    ],
}  # fmt: skip


@pytest.fixture
def bench(app: Flask) -> Bench:
    return believe(app)


def test_a_case_is_filed_under_its_normal_number(bench: Bench) -> None:
    court = bench.court()
    boss, officer = bench.person(court, Role.SUPERVISOR), bench.person(court)
    answer = bench.call("POST", "/cases", boss, {**BODY, "handler_id": str(officer)})
    assert answer.status_code == 201
    case = answer.json
    assert case["case_no"] == "(2025)样0101执11号"
    assert (case["year"], case["court_code"], case["type_code"], case["serial"]) == (
        2025, "样0101", "执", 11,
    )  # fmt: skip
    assert case["status"] == "enforcing"
    assert answer.headers["ETag"] == '"1"'
    assert bench.call("GET", f"/cases/{case['id']}", officer).json == case
    event = bench.events("case.added")[-1]
    assert str(event.case_id) == case["id"]
    assert bench.notices("case.added") == {(f"user:{officer}", "case", case["id"], "put")}


def test_a_document_number_is_sealed_and_leaves_only_masked(bench: Bench) -> None:
    court = bench.court()
    boss = bench.person(court, Role.SUPERVISOR)
    answer = bench.call("POST", "/cases", boss, BODY)
    party = next(one for one in answer.json["parties"] if one["kind"] == "natural")
    assert party["id_no_masked"] == MASKED
    assert ID_NO not in answer.text
    assert all(ID_NO not in (event.p or "") for event in bench.events("case.added"))
    with unit_of_work(court) as session:
        ctx = Context(system_actor(court), session, bench.runtime)
        case = queries.case_in_court(session, court, uuid.UUID(answer.json["id"]))
        assert case is not None
        stored = session.get(Party, uuid.UUID(party["id"]))
        assert stored is not None
        row = session.execute(sa.select(Party.__table__).where(Party.id == stored.id)).one()
        assert ID_NO not in str(tuple(row))
        assert service.id_no_of(ctx, stored) == ID_NO
        extract = json.dumps(queries.case_extract(session, case))
    assert ID_NO not in extract
    assert MASKED in extract
    assert "case_key" not in extract


def test_a_number_is_filed_once(bench: Bench) -> None:
    court = bench.court()
    boss = bench.person(court, Role.SUPERVISOR)
    first = bench.call("POST", "/cases", boss, BODY)
    again = bench.call("POST", "/cases", boss, {"case_no": "(2025)样0101执011号"})
    assert (again.status_code, again.slug) == (409, "conflict")
    assert again.json["case_id"] == first.json["id"]
    assert len(bench.events("case.added")) == 1


def test_a_repeated_request_files_once(bench: Bench) -> None:
    court = bench.court()
    boss = bench.person(court, Role.SUPERVISOR)
    first = bench.call("POST", "/cases", boss, BODY, Idempotency_Key="k-1")
    again = bench.call("POST", "/cases", boss, BODY, Idempotency_Key="k-1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json == first.json
    assert len(bench.events("case.added")) == 1


@pytest.mark.parametrize(
    ("change", "status", "wanted"),
    [
        ({"case_no": "(2025)样0101民初11号"}, 422, "case-no-invalid"),
        ({"case_no": "(2025)样0102执11号"}, 422, "case-no-invalid"),
        ({"case_no": "9" * 65}, 422, "validation"),
        ({"case_key": "00"}, 422, "validation"),
        ({"claim_fen": 2**53}, 422, "validation"),
        ({"claim_fen": "12"}, 422, "validation"),
        ({"cause": "a\u0000b"}, 422, "validation"),
        ({"cause": "a\u202eb"}, 422, "validation"),
        ({"deadline_on": "2025-03-02"}, 422, "validation"),
        ({"handler_id": str(uuid.uuid4())}, 404, "not-found"),
        ({"parties": [{"role": "debtor", "kind": "legal", "name": "x", "minor": True}]}, 422,
         "validation"),
        ({"parties": [{"role": "debtor", "kind": "natural", "name": "x", "id_no": "’ OR 1=1"}]},
         422, "validation"),
        ({"parties": [{"role": "debtor", "kind": "natural", "name": "x", "id_no_masked": "1"}]},
         422, "validation"),
    ],
)  # fmt: skip
def test_what_is_refused_changes_nothing(
    bench: Bench, change: dict[str, Any], status: int, wanted: str
) -> None:
    court = bench.court()
    boss = bench.person(court, Role.SUPERVISOR)
    answer = bench.call("POST", "/cases", boss, {**BODY, **change})
    assert (answer.status_code, answer.slug) == (status, wanted)
    assert bench.events("case.added") == []
    assert bench.call("GET", "/cases", boss).json["items"] == []


def test_who_may_handle_a_case(bench: Bench) -> None:
    court, other = bench.court(), bench.court("样0102")
    boss = bench.person(court, Role.SUPERVISOR)
    bailiff = bench.person(court, Role.JUDICIAL_POLICE)
    gone = bench.person(court, disabled=True)
    foreign = bench.person(other)
    for person, status in ((bailiff, 409), (gone, 409), (foreign, 404)):
        answer = bench.call("POST", "/cases", boss, {**BODY, "handler_id": str(person)})
        assert answer.status_code == status


def test_who_sees_a_case(bench: Bench) -> None:
    court, other = bench.court(), bench.court("样0102")
    handler, assigned, sent, stranger = (bench.person(court) for _ in range(4))
    case = add_case(bench.app, court, handler_id=handler, officer_ids=[assigned])
    add_mission(bench.app, court, [case], officer_ids=[sent])
    see = [handler, assigned, sent, bench.person(court, Role.SUPERVISOR),
           bench.person(court, Role.PRESIDENT)]  # fmt: skip
    blind = [stranger, bench.person(other, Role.SUPERVISOR), bench.person(other)]
    for person in see:
        assert bench.call("GET", f"/cases/{case}", person).status_code == 200
        assert len(bench.call("GET", "/cases", person).json["items"]) == 1
    for person in blind:
        answer = bench.call("GET", f"/cases/{case}", person)
        assert (answer.status_code, answer.slug) == (404, "not-found")
        assert bench.call("GET", "/cases", person).json["items"] == []
    for role in (Role.ADMINISTRATOR, Role.LIAISON, Role.OBSERVER):
        assert bench.call("GET", f"/cases/{case}", bench.person(court, role)).status_code == 403


def test_absent_and_foreign_are_the_same_answer(bench: Bench) -> None:
    court, other = bench.court(), bench.court("样0102")
    boss = bench.person(court, Role.SUPERVISOR)
    foreign = add_case(bench.app, other)
    answers = [bench.call("GET", f"/cases/{one}", boss) for one in (foreign, uuid.uuid4())]
    bodies = [{k: v for k, v in one.json.items() if k != "instance"} for one in answers]
    assert bodies[0] == bodies[1]
    for method, path in (
        ("PATCH", ""), ("POST", "/assignments"), ("POST", "/parties"),
    ):  # fmt: skip
        body = {"": {"cause": "x"}, "/assignments": {"officer_ids": [str(boss)]}}.get(
            path, {"role": "debtor", "kind": "natural", "name": "x"}
        )
        answer = bench.call(method, f"/cases/{foreign}{path}", boss, body, if_match="*")
        assert answer.status_code == 404


def test_an_officer_files_and_changes_nothing(bench: Bench) -> None:
    court = bench.court()
    officer = bench.person(court)
    case = add_case(bench.app, court, handler_id=officer)
    assert bench.call("POST", "/cases", officer, BODY).status_code == 403
    answer = bench.call("PATCH", f"/cases/{case}", officer, {"cause": "x"}, if_match='"1"')
    assert answer.status_code == 403


def test_a_change_needs_the_version_that_was_read(bench: Bench) -> None:
    court = bench.court()
    boss = bench.person(court, Role.SUPERVISOR)
    case = add_case(bench.app, court)
    path, body = f"/cases/{case}", {"cause": "买卖合同纠纷"}
    blind = bench.call("PATCH", path, boss, body)
    assert (blind.status_code, blind.headers["ETag"]) == (428, '"1"')
    done = bench.call("PATCH", path, boss, body, if_match='"1"')
    assert (done.status_code, done.headers["ETag"], done.json["cause"]) == (
        200, '"2"', "买卖合同纠纷",
    )  # fmt: skip
    stale = bench.call("PATCH", path, boss, {"cause": "x"}, if_match='"1"')
    assert (stale.status_code, stale.slug) == (412, "precondition-failed")
    facts = json.loads(bench.events("case.changed")[-1].p or "")["facts"]
    assert facts["changes"]["cause"] == {"from": None, "to": "买卖合同纠纷"}


def test_a_closed_case_stays_closed(bench: Bench) -> None:
    court = bench.court()
    boss = bench.person(court, Role.SUPERVISOR)
    case = add_case(bench.app, court)
    close_case(bench.app, court, case)
    again = bench.call("PATCH", f"/cases/{case}", boss, {"status": "enforcing"}, if_match="*")
    assert (again.status_code, again.slug) == (409, "conflict")
    assert bench.call("PATCH", f"/cases/{case}", boss, {}, if_match="*").status_code == 422


@pytest.mark.parametrize(
    ("status", "entry"), [("closed", "case.closed"), ("suspended", "case.suspended")]
)
def test_a_closing_and_a_suspension_are_entered_not_said(
    bench: Bench, status: str, entry: str
) -> None:
    court = bench.court()
    boss = bench.person(court, Role.SUPERVISOR)
    path = f"/cases/{add_case(bench.app, court)}"
    said = bench.call("PATCH", path, boss, {"status": status}, if_match="*")
    assert (said.status_code, said.slug, said.json["entry"]) == (409, "gate-closed", entry)
    assert bench.call("GET", path, boss).json["status"] == "enforcing"
    filed = {"case_no": "(2025)样0101执99号", "status": status}
    assert bench.call("POST", "/cases", boss, filed).status_code == 409


def test_a_new_handler_gets_the_case_and_the_old_one_drops_it(bench: Bench) -> None:
    court = bench.court()
    boss, old, new = bench.person(court, Role.SUPERVISOR), bench.person(court), bench.person(court)
    case = add_case(bench.app, court, handler_id=old)
    body = {"handler_id": str(new)}
    assert bench.call("PATCH", f"/cases/{case}", boss, body, if_match="*").status_code == 200
    assert bench.notices("case.changed") == {
        (f"user:{new}", "case", str(case), "put"),
        (f"user:{old}", "case", str(case), "drop"),
    }
    assert bench.call("GET", f"/cases/{case}", old).status_code == 404


def test_assignment_and_its_end(bench: Bench) -> None:
    court = bench.court()
    boss, handler, helper = (
        bench.person(court, Role.SUPERVISOR), bench.person(court), bench.person(court)
    )  # fmt: skip
    case = add_case(bench.app, court, handler_id=handler)
    path = f"/cases/{case}/assignments"
    body = {"officer_ids": [str(helper)]}
    done = bench.call("POST", path, boss, body)
    assert (done.status_code, done.json["officer_ids"]) == (201, [str(helper)])
    assert (f"user:{helper}", "case", str(case), "put") in bench.notices("case.assigned")
    repeated = bench.call("POST", path, boss, body)
    assert (repeated.status_code, repeated.json["version"]) == (201, done.json["version"])
    assert len(bench.events("case.assigned")) == 1
    assert bench.call("GET", f"/cases/{case}", helper).status_code == 200
    off = bench.call("DELETE", f"{path}/{helper}", boss)
    assert (off.status_code, off.json["officer_ids"]) == (200, [])
    assert (f"user:{helper}", "case", str(case), "drop") in bench.notices("case.assigned")
    assert bench.call("GET", f"/cases/{case}", helper).status_code == 404
    assert bench.call("DELETE", f"{path}/{helper}", boss).status_code == 404


def test_parties_come_change_and_go(bench: Bench) -> None:
    court = bench.court()
    boss = bench.person(court, Role.SUPERVISOR)
    case = add_case(bench.app, court, parties=())
    body = {"role": "debtor", "kind": "natural", "name": "云虚构", "id_no": ID_NO.lower(),
            "address": "清河镇(虚构)"}  # fmt: skip
    added = bench.call("POST", f"/cases/{case}/parties", boss, body)
    assert added.status_code == 201
    party = added.json["parties"][0]
    path = f"/cases/{case}/parties/{party['id']}"
    assert bench.call("PATCH", path, boss, {"phone": "000-0001"}).status_code == 428
    changed = bench.call(
        "PATCH", path, boss, {"phone": "000-0001", "address": None}, if_match='"2"'
    )
    kept = changed.json["parties"][0]
    assert (kept["phone"], kept["id_no_masked"]) == ("000-0001", MASKED)
    assert "address" not in kept
    wrong = bench.call("PATCH", path, boss, {"kind": "legal"}, if_match='"3"')
    assert (wrong.status_code, wrong.slug) == (422, "validation")
    forgotten = bench.call("PATCH", path, boss, {"id_no": None}, if_match='"3"')
    assert "id_no_masked" not in forgotten.json["parties"][0]
    removed = bench.call("DELETE", path, boss, if_match='"4"')
    assert removed.json["parties"] == []
    assert bench.call("DELETE", path, boss, if_match="*").status_code == 404
    assert all("云虚构" not in (event.p or "") for event in bench.events("case.changed"))


def test_the_list_is_filtered_and_paged(bench: Bench) -> None:
    court = bench.court()
    boss, handler = bench.person(court, Role.SUPERVISOR), bench.person(court)
    for serial in range(1, 8):
        add_case(bench.app, court, serial=serial, handler_id=handler if serial % 2 else None)
    seen: list[int] = []
    path = "/cases?limit=3"
    while True:
        page = bench.call("GET", path, boss)
        seen += [one["serial"] for one in page.json["items"]]
        if page.json["next_cursor"] is None:
            assert "Link" not in page.headers
            break
        assert 'rel="next"' in page.headers["Link"]
        path = f"/cases?limit=3&cursor={page.json['next_cursor']}"
    assert seen == [7, 6, 5, 4, 3, 2, 1]

    def serials(query: str) -> list[int]:
        return [one["serial"] for one in bench.call("GET", f"/cases?{query}", boss).json["items"]]

    assert serials(f"handler_id={handler}") == [7, 5, 3, 1]
    assert serials("case_no=（2025）样0101执3号") == [3]
    assert serials("text=执3") == [3]
    assert serials("text=云虚构&limit=2") == [7, 6]
    assert serials("text=%25") == []
    assert serials("status=closed") == []
    assert serials("type_code=执恢") == []
    assert serials("year=2025&limit=1") == [7]


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=501", "cursor=x", "cursor=WyJ4Il0", "unknown=1", "case_no=x", "status=x"],
)
def test_a_bad_query_is_a_problem(bench: Bench, query: str) -> None:
    boss = bench.person(bench.court(), Role.SUPERVISOR)
    answer = bench.call("GET", f"/cases?{query}", boss)
    assert answer.status_code in {400, 422}
    assert answer.slug in {"validation", "cursor-invalid"}


def test_the_key_of_a_case_is_random_and_stays_inside(bench: Bench) -> None:
    court = bench.court()
    boss = bench.person(court, Role.SUPERVISOR)
    ids = [add_case(bench.app, court, serial=serial) for serial in (1, 2)]
    with unit_of_work(court, write=False) as session:
        keys = [session.get_one(Case, one).case_key for one in ids]
    assert len(set(keys)) == 2
    assert all(len(key) == 64 for key in keys)
    assert all(key not in bench.call("GET", f"/cases/{ids[0]}", boss).text for key in keys)
