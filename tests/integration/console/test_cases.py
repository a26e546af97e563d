"""Case pages: the same filters for page, JSON, CSV and GeoJSON; who sees what."""

from __future__ import annotations

import csv
import io
import json
import re
import uuid
from typing import Any

import pytest
from flask import Flask

from tests.factories.cases import Bench, add_case
from tests.factories.field import Recorder, object_of
from tests.factories.office import Office, build_office


@pytest.fixture
def office(app: Flask) -> Office:
    return build_office(app)


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


def test_that_places_were_shown_is_recorded_once_in_ten_minutes(office: Office) -> None:
    for path in (f"/cases/{office.first}/map.geojson", "/cases.geojson"):
        before = office.events("custody.listed")
        office.at().get(path)
        office.at().get(path)
        assert office.events("custody.listed") == before + 1


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
    text = at.get(f"/missing.csv?officer={office.world.first.officer.id}").text
    assert "\r\n" in text
    text = at.get("/missing.csv").text
    assert "已申报未到" in text
    assert "记录等待中" in text
    told = [json.loads(row.p or "{}") for row in Bench(office.app).events("custody.list-exported")]
    assert [one["facts"]["list"] for one in told] == ["missing", "missing"]
    assert told[0]["facts"]["search"] == f"officer={office.world.first.officer.id}"
    assert told[1]["facts"]["rows"] == text.count("\r\n") - 1
    assert told[1]["by"]["user"] == str(office.world.first.supervisor.id)
    assert at.get(f"/missing.csv?case={office.foreign}").status_code == 404
    assert len(Bench(office.app).events("custody.list-exported")) == 2


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
