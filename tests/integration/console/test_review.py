"""Review by plain forms: decisions, refusals that explain, filters that are kept."""

from __future__ import annotations

import html
import re
import uuid

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from server.cases.models import Case
from server.core.transactions import EVERY_COURT, unit_of_work
from server.evidence.models import Evidence
from tests.factories.console import Desk, desk
from tests.factories.ground import Ground
from tests.factories.queue_items import Upload, arrive, picture


@pytest.fixture
def ground(app: Flask) -> Ground:
    return Ground.build(app)


@pytest.fixture
def items(ground: Ground) -> list[uuid.UUID]:
    return arrive(ground, [Upload(picture(number)) for number in range(3)])


@pytest.fixture
def lead(ground: Ground) -> Desk:
    return desk(ground.app, ground.first.world.people["supervisor"])


def row(evidence_id: uuid.UUID) -> Evidence:
    with unit_of_work(EVERY_COURT, write=False) as session:
        found = session.get_one(Evidence, evidence_id)
        session.expunge(found)
        return found


def text(answer: TestResponse) -> str:
    return html.unescape(answer.get_data(as_text=True))


def decide(who: Desk, item: uuid.UUID, query: str = "", **form: object) -> TestResponse:
    return who.post(f"/review/{item}/decide{query}", form)


def test_a_decision_goes_on_to_the_next_item_and_keeps_the_filter(
    lead: Desk, items: list[uuid.UUID]
) -> None:
    query = "?type=photo&sort=oldest"
    answer = decide(lead, items[0], query, decision="accept", version=row(items[0]).version)
    assert answer.status_code == 303
    where = answer.headers["Location"]
    assert where == f"/review/{items[1]}{query}&done={items[0]}"
    page = text(lead.get(where))
    assert f'action="/review/{items[0]}/undo{query}"' in page
    assert row(items[0]).review_state == "accepted"
    last = decide(lead, items[2], query, decision="accept")
    assert last.headers["Location"].startswith(f"/review/{items[1]}?"), "what was left before it"
    end = decide(lead, items[1], query, decision="return", reason_code="3")
    assert end.headers["Location"] == f"/review{query}&done={items[1]}"
    assert row(items[1]).review_reason == "3"


@pytest.mark.parametrize(
    ("form", "status"),
    [({"decision": "return"}, 422), ({"decision": "return", "reason_code": "9"}, 422),
     ({"decision": "query"}, 422), ({"decision": "accept", "version": "99"}, 412)],
    ids=["no-reason", "other-without-words", "query-without-words", "old-version"],
)  # fmt: skip
def test_a_refusal_stands_beside_the_item(
    lead: Desk, items: list[uuid.UUID], form: dict[str, str], status: int
) -> None:
    answer = decide(lead, items[0], **form)
    assert answer.status_code == status
    page = text(answer)
    assert 'role="alert"' in page
    assert f'data-item="{items[0]}"' in page
    assert row(items[0]).review_state == "pending"


def test_nobody_decides_on_their_own(ground: Ground, lead: Desk, items: list[uuid.UUID]) -> None:
    with unit_of_work(EVERY_COURT) as session:
        session.get_one(Evidence, items[0]).officer_id = ground.first.world.supervisor.id
    assert 'value="accept"' not in text(lead.get(f"/review/{items[0]}")).partition("<article")[2]
    assert decide(lead, items[0], decision="accept").status_code == 403


def test_scripts_get_the_parts_they_ask_for(lead: Desk, items: list[uuid.UUID]) -> None:
    for part, has, lacks in (
        ("review-pane", "<article", "queue"),
        ("review-list", "queue", "<article"),
    ):
        headers = {"HX-Request": "true", "HX-Target": part}
        page = text(lead.get(f"/review/{items[0]}", headers=headers))
        assert has in page
        assert lacks not in page
        assert "<html" not in page


def test_days_are_those_of_the_court(lead: Desk, items: list[uuid.UUID]) -> None:
    def shown(query: str) -> int:
        return len(re.findall("data-row=", text(lead.get(f"/review?{query}"))))

    assert shown("from=2026-03-02&to=2026-03-02") == len(items)
    assert shown("to=2026-03-01") == 0
    assert shown("from=2026-03-03") == 0
    for wrong in ("from=yesterday", "from=2026-13-01", "status=x", "bbox=1", "nope=1"):
        assert lead.get(f"/review?{wrong}").status_code == 422


def test_markers_and_bulk_by_forms(lead: Desk, items: list[uuid.UUID]) -> None:
    marked = lead.post(f"/review/{items[0]}/mark", {"text": "门牌(虚构)", "x": "1", "y": "1",
                                                   "width": "10", "height": "10"})  # fmt: skip
    assert marked.status_code == 303
    assert lead.post(f"/review/{items[0]}/mark", {"text": "x", "x": "1"}).status_code == 422
    form = {"item": [str(one) for one in items], "decision": "return", "reason_code": "8"}
    preview = lead.post("/review/bulk", form)
    assert preview.status_code == 200
    assert {row(one).review_state for one in items} == {"pending"}
    assert lead.post("/review/bulk/apply", form).status_code == 303
    assert {row(one).review_state for one in items} == {"returned"}


@pytest.mark.parametrize("path", ["decide", "undo", "mark"])
def test_another_courts_item_is_absent(ground: Ground, lead: Desk, path: str) -> None:
    form = {"decide": {"decision": "accept"}, "undo": {}, "mark": {"text": "x"}}[path]
    answer = lead.post(f"/review/{ground.second.ids['evidence']}/{path}", form)
    assert answer.status_code == 404


def test_an_area_narrows_the_list_and_is_kept_in_its_field(
    lead: Desk, items: list[uuid.UUID]
) -> None:
    with unit_of_work(EVERY_COURT) as session:
        item = session.get_one(Evidence, items[1])
        item.lat, item.lon, item.geo_datum = "38.25", "104.25", "WGS84"
    page = text(lead.get("/review?bbox=104.2,38.2,104.3,38.3"))
    assert re.findall('data-row="([^"]*)"', page) == [str(items[1])]
    assert re.search('<input id="f-bbox" name="bbox"[^>]* value="104.2,38.2,104.3,38.3"', page)
    assert len(re.findall("data-row=", text(lead.get("/review?bbox=")))) == len(items)


def test_the_list_says_which_case_an_item_belongs_to(
    ground: Ground, lead: Desk, items: list[uuid.UUID]
) -> None:
    case_id = uuid.UUID(ground.first.ids["case"])
    with unit_of_work(EVERY_COURT) as session:
        session.get_one(Evidence, items[1]).case_id = case_id
        number = session.get_one(Case, case_id).case_no
    in_case = {str(one): row(one).case_id == case_id for one in items}
    shown = text(lead.get("/review")).split("data-row=")[1:]
    assert {part[1:37]: number in part.partition("</a>")[0] for part in shown} == in_case
    assert in_case[str(items[1])]
