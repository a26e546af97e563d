"""Case pages: the same filters for page, JSON, CSV and GeoJSON; who sees what; forms."""

from __future__ import annotations

import csv
import io
import re
import uuid
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from server.audit.models import OutboxRow
from server.cases.models import Case
from server.core.transactions import unit_of_work
from tests.factories.cases import add_case, add_mission
from tests.factories.console import Desk, desk
from tests.factories.field import Recorder, object_of
from tests.factories.identity import World

GEO = {"lat": "38.2100000", "lon": "104.4100000", "datum": "WGS84", "src": "gnss"}


@dataclass
class Office:
    """A court with two cases, one of them with field work, and people at their browsers."""

    app: Flask
    world: World
    first: uuid.UUID
    second: uuid.UUID
    mission: uuid.UUID
    foreign: uuid.UUID

    def at(self, who: str = "supervisor", lang: str = "zh") -> Desk:
        return desk(self.app, self.world.first.people[who], lang)

    def events(self, kind: str) -> int:
        with unit_of_work(self.world.first.id, write=False) as session:
            rows = sa.select(sa.func.count()).select_from(OutboxRow).where(OutboxRow.kind == kind)
            return session.execute(rows).scalar_one()

    def case(self, case_id: uuid.UUID) -> Case:
        with unit_of_work(self.world.first.id, write=False) as session:
            found = session.get_one(Case, case_id)
            session.expunge_all()
            return found

    def item(self) -> str:
        listed = self.at().get(f"/cases/{self.first}/timeline.json").get_json()["items"]
        return str(next(one["id"] for one in listed if one["kind"] == "photo"))


@pytest.fixture
def office(app: Flask) -> Office:
    world = World.build(app)
    court = world.first
    first = add_case(
        app, court.id, serial=11, handler_id=court.officer.id, cause="追索劳动报酬纠纷(虚构)"
    )
    second = add_case(app, court.id, serial=22, handler_id=court.second_officer.id)
    foreign = add_case(app, world.second.id, serial=33)
    mission = add_mission(app, court.id, [first], officer_ids=[court.officer.id])
    recorder = Recorder(app, court.phone)
    about = {"case": str(first), "mission": str(mission), "who": str(court.officer.id)}
    wires = [recorder.capture(b"picture", geo=GEO, **about), recorder.note(**about)]
    assert recorder.outcomes(wires) == ["accepted", "accepted"]
    return Office(app, world, first, second, mission, foreign)


def numbers(answer: Any) -> list[str]:
    return [item["case_no"] for item in answer.get_json()["items"]]


def test_page_json_csv_and_geojson_answer_the_same_query(office: Office) -> None:
    at = office.at()
    query = "text=劳动&status=enforcing&handler=" + str(office.world.first.officer.id)
    page = at.get(f"/cases?{query}")
    assert page.status_code == 200
    assert "(2025)样0101执11号" in page.text
    assert "(2025)样0101执22号" not in page.text
    assert numbers(at.get(f"/cases.json?{query}")) == ["(2025)样0101执11号"]
    rows = list(csv.reader(io.StringIO(at.get(f"/cases.csv?{query}").text.lstrip("\ufeff"))))
    assert [row[0] for row in rows] == ["案号", "(2025)样0101执11号"]
    places = at.get(f"/cases.geojson?{query}")
    assert places.mimetype == "application/geo+json"
    kinds = {f["properties"]["kind"] for f in places.get_json()["features"]}
    assert kinds == {"mission", "photo"}
    assert [104.41, 38.21] in [f["geometry"]["coordinates"] for f in places.get_json()["features"]]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("text=（２０２５）样0101执 11", [11]),
        ("text=云虚构", [22, 11]),
        ("text=不存在", []),
        ("type=执", [22, 11]),
        ("type=执恢", []),
        ("year=2025&sort=number", [22, 11]),
        ("year=2024", []),
        ("under_way=true", []),
        ("anomalies=true", []),
        ("due=overdue", []),
        ("sort=deadline", [11, 22]),
        ("sort=filed&filed_from=2024-01-01", []),
    ],
    ids=["number", "party", "nothing", "type", "other-type", "year", "other-year", "under-way",
         "anomalies", "overdue", "deadline", "filed"],
)  # fmt: skip
def test_each_filter_narrows_the_list(office: Office, query: str, found: list[int]) -> None:
    expected = [f"(2025)样0101执{serial}号" for serial in found]
    assert numbers(office.at().get(f"/cases.json?{query}")) == expected


@pytest.mark.parametrize("sort", ["newest", "number", "deadline", "filed"])
def test_pages_follow_each_other_in_every_order(office: Office, sort: str) -> None:
    at = office.at()
    whole = numbers(at.get(f"/cases.json?sort={sort}"))
    first = at.get(f"/cases.json?sort={sort}&limit=1").get_json()
    rest = at.get(f"/cases.json?sort={sort}&limit=1&cursor={first['next_cursor']}").get_json()
    assert [first["items"][0]["case_no"], rest["items"][0]["case_no"]] == whole
    assert rest["next_cursor"] is None


def test_csv_cells_are_no_formulas(office: Office) -> None:
    add_case(office.app, office.world.first.id, serial=44, cause="=HYPERLINK(1)")
    text = office.at().get("/cases.csv?text=HYPERLINK").text
    assert "'=HYPERLINK(1)" in text


def test_an_officer_sees_their_own_cases_alone(office: Office) -> None:
    at = office.at("officer")
    assert numbers(at.get("/cases.json")) == ["(2025)样0101执11号"]
    assert at.get(f"/cases/{office.first}").status_code == 200
    for path in (f"/cases/{office.second}", f"/cases/{office.second}/map.geojson",
                 f"/cases/{office.second}/timeline.json"):  # fmt: skip
        assert at.get(path).status_code == 404
    assert at.get(f"/cases/{office.first}/edit").status_code == 403
    assert at.get("/missing").status_code == 403


@pytest.mark.parametrize("tail", ["", "/timeline.json", "/map.geojson", "/edit"])
def test_another_court_s_case_is_not_there(office: Office, tail: str) -> None:
    answer = office.at().get(f"/cases/{office.foreign}{tail}")
    nobody = office.at().get(f"/cases/{uuid.uuid4()}{tail}")
    assert answer.status_code == nobody.status_code == 404


def test_a_case_page_shows_parties_masked_and_records_its_listing(office: Office) -> None:
    page = office.at().get(f"/cases/{office.first}")
    assert "云虚构" in page.text
    assert "9901022009****1217" in page.text
    assert "990102200901201217" not in page.text
    assert "到达现场" in page.text
    assert office.events("custody.listed") == 1


def test_a_case_page_draws_a_map_and_lists_its_places(office: Office) -> None:
    text = office.at().get(f"/cases/{office.first}").text
    assert 'class="graticule"' in text
    assert "38.210000, 104.410000" in text
    found = office.at().get(f"/cases/{office.first}/map.geojson").get_json()
    assert {f["properties"]["kind"] for f in found["features"]} == {"mission", "photo"}


def test_an_item_can_be_selected_without_scripts(office: Office) -> None:
    item = office.item()
    at = office.at()
    page = at.get(f"/cases/{office.first}?item={item}")
    assert page.status_code == 200
    assert 'aria-current="true"' in page.text
    assert at.get(f"/cases/{office.first}/media/{item}").status_code == 200
    assert at.get(f"/cases/{office.second}/media/{item}").status_code == 404
    assert at.get(f"/cases/{office.second}?item={item}").status_code == 404


def test_a_case_without_anything_names_the_next_step(office: Office) -> None:
    page = office.at().get(f"/cases/{office.second}")
    assert page.status_code == 200
    assert f"/missions/new?case={office.second}" in page.text


@pytest.mark.parametrize(
    "query", ["from=2026-03-02&to=2026-03-01", "cursor=x", "at=soon", "item=1"]
)
def test_a_window_that_makes_no_sense_is_refused(office: Office, query: str) -> None:
    assert office.at().get(f"/cases/{office.first}?{query}").status_code in {400, 422}


def test_views_are_kept_shared_counted_and_removed(office: Office) -> None:
    at = office.at()
    answer = at.post(
        "/views",
        {"page": "cases", "name": "报酬类", "query": "text=劳动&cursor=x", "shared": "true",
         "back": "/cases?text=劳动"},
    )  # fmt: skip
    assert answer.status_code == 303
    officer = office.at("officer")
    page = officer.get("/cases").text
    assert "报酬类" in page
    assert "cursor=x" not in page
    (view,) = re.findall(r"/views/([0-9a-f-]{36})/remove", at.get("/cases").text)
    assert f"/views/{view}/remove" not in page
    assert officer.post(f"/views/{view}/remove").status_code == 404
    assert at.post(f"/views/{view}/remove").status_code == 303
    assert "报酬类" not in officer.get("/cases").text


def test_a_private_view_is_one_s_own(office: Office) -> None:
    office.at().post("/views", {"page": "cases", "name": "私有", "query": "status=closed"})
    assert "私有" in office.at().get("/cases").text
    assert "私有" not in office.at("officer").get("/cases").text


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
    change = {"version": "1", "status": "suspended", "cause": "改(虚构)"}
    assert at.post(f"/cases/{case_id}/edit", change).status_code == 303
    assert (office.case(case_id).status, office.case(case_id).handler_id) == ("suspended", None)
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


def test_the_missing_board_explains_and_exports(office: Office) -> None:
    at = office.at()
    recorder = Recorder(office.app, office.world.first.dock)
    recorder.push([recorder.note()])
    recorder.note()  # never sent
    recorder.push([recorder.note()])
    page = at.get("/missing")
    assert page.status_code == 200
    assert "已申报未到（1）" in page.text
    assert "记录链缺口（1）" in page.text
    assert "第 3 至 3 号" in page.text
    assert at.get(f"/missing?case={office.first}").status_code == 200
    assert "已申报未到（0）" in at.get(f"/missing?case={office.second}").text
    assert at.get(f"/missing?case={office.foreign}").status_code == 404
    text = at.get("/missing.csv").text
    assert "已申报未到" in text
    assert "记录等待中" in text


def test_the_reuse_board_opens_for_officers_too(office: Office) -> None:
    for who in ("supervisor", "officer"):
        assert office.at(who).get("/reuse").status_code == 200
        assert office.at(who).get(f"/reuse?case={office.first}&kind=same").status_code == 200
    assert office.at("officer").get(f"/reuse?case={office.second}").status_code == 404


def test_every_page_speaks_english(office: Office) -> None:
    at = office.at(lang="en")
    for path in ("/cases", f"/cases/{office.first}", "/missing", "/reuse", "/missions",
                 f"/missions/{office.mission}", "/missions/new", "/cases/new",
                 f"/cases/{office.first}/edit"):  # fmt: skip
        answer = at.get(path)
        assert answer.status_code == 200, path
        assert 'lang="en"' in answer.text


def test_the_timeline_of_a_large_case_is_paged_by_day(office: Office) -> None:
    recorder = Recorder(office.app, office.world.first.dock)
    about = {"case": str(office.first)}
    wires = [recorder.capture(b"%d" % number, **about) for number in range(320)]
    recorder.push(wires)
    page = office.at().get(f"/cases/{office.first}").text
    assert page.count('data-item="') <= 60
    assert 'rel="next"' in page
    found, cursor = [], ""
    while True:
        answer = office.at().get(f"/cases/{office.first}/timeline.json?{cursor}").get_json()
        found += [one["id"] for one in answer["items"]]
        if answer["next_cursor"] is None:
            break
        cursor = f"cursor={answer['next_cursor']}"
    assert len(found) == len(set(found)) == 322


def test_a_film_can_be_selected_too(office: Office) -> None:
    recorder = Recorder(office.app, office.world.first.dock)
    film = {**object_of(b"film", "a.mp4", "video/mp4")}
    payload = recorder.payload(
        "capture.recorded", obj=[film], media="video", case=str(office.first)
    )
    recorder.push([recorder.seal(payload)])
    recorder.bring(b"film")
    found = office.at().get(f"/cases/{office.first}/timeline.json").get_json()["items"]
    (item,) = (one["id"] for one in found if one["kind"] == "video")
    page = office.at().get(f"/cases/{office.first}?item={item}")
    assert page.status_code == 200
    assert "<video" in page.text
    assert 'class="bar open-end"' in page.text
