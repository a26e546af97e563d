"""Asking for exports, following them, and taking the package away."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from server.core.db import table_of
from server.core.transactions import EVERY_COURT, unit_of_work
from server.disclosure.models import Export
from tests.factories.cases import add_case
from tests.factories.exports import ASKED, Bureau, kinds_of
from tests.factories.field import sequence
from tests.factories.uploads import sha256_of


@pytest.fixture
def bureau(app: Flask) -> Bureau:
    return Bureau.build(app, photos=1)


@pytest.mark.parametrize(
    "spoiled",
    [
        {"purpose": ...},
        {"purpose": "   "},
        {"purpose": "a\nb"},
        {"purpose": "x" * 501},
        {"recipient": ...},
        {"recipient": ""},
        {"case_id": ...},
        {"case_id": "nonsense"},
        {"evidence_ids": []},
        {"unknown": 1},
    ],
)
def test_purpose_recipient_and_a_case_are_needed(bureau: Bureau, spoiled: dict[str, Any]) -> None:
    answer = bureau.ask(**spoiled)
    assert answer.status_code == 422
    assert answer.get_json()["type"].endswith(":validation")
    assert "custody.export-requested" not in kinds_of(bureau.app)


def test_only_those_who_answer_for_the_court_may_export(bureau: Bureau) -> None:
    for role in ("officer", "judicial_police", "administrator"):
        assert bureau.ask(role).status_code == 403
    for role in ("supervisor", "president"):
        assert bureau.ask(role).status_code == 202


def test_what_is_not_visible_is_not_found(bureau: Bureau) -> None:
    foreign = add_case(bureau.app, bureau.world.second.id)
    for case_id in (foreign, uuid.uuid4()):
        assert bureau.ask(case_id=str(case_id)).status_code == 404
    item = str(bureau.item(bureau.photos[0]))
    assert bureau.ask(evidence_ids=[item, str(uuid.uuid4())]).status_code == 404
    export_id = bureau.asked()
    other = bureau.world.caller(bureau.world.second.people["supervisor"])
    for path in (f"/exports/{export_id}", f"/exports/{export_id}/content",
                 f"/cases/{bureau.case_id}/exports"):  # fmt: skip
        assert other.get(path).status_code == 404
    body = {"evidence_ids": [item], **ASKED}
    assert other.post("/exports", json=body).status_code == 404


def test_items_without_bytes_cannot_be_chosen(bureau: Bureau) -> None:
    bureau.photo(b"never sent", sent=False)
    sequence(bureau.app)
    item = str(bureau.item(b"never sent"))
    assert bureau.ask(case_id=..., evidence_ids=[item]).status_code == 404


def test_items_of_two_cases_do_not_travel_together(bureau: Bureau) -> None:
    other = add_case(bureau.app, bureau.world.first.id, serial=12)
    bureau.photo(b"of the other", other)
    items = [str(bureau.item(photo)) for photo in bureau.photos]
    answer = bureau.ask(case_id=..., evidence_ids=items)
    assert answer.status_code == 422
    assert bureau.ask(evidence_ids=items[1:]).status_code == 422
    answer = bureau.ask(case_id=..., evidence_ids=items[1:])
    assert answer.get_json()["case_id"] == str(other)


def test_the_request_is_an_event_with_its_reason(bureau: Bureau) -> None:
    export_id = bureau.asked()
    sequence(bureau.app)
    answer = bureau.person().get(f"/events?case_id={bureau.case_id}")
    event = answer.get_json()["events"][-1]
    assert (event["kind"], event["subject_id"]) == ("custody.export-requested", export_id)
    assert ASKED["purpose"] in event["p"]


def test_a_case_lists_its_exports_newest_first(bureau: Bureau) -> None:
    asked = [bureau.asked() for _ in range(3)]
    path = f"/cases/{bureau.case_id}/exports"
    first = bureau.person().get(f"{path}?limit=2").get_json()
    rest = bureau.person().get(f"{path}?cursor={first['next_cursor']}").get_json()
    assert [one["id"] for one in first["items"] + rest["items"]] == asked[::-1]


def test_nothing_is_handed_out_before_it_is_whole(bureau: Bureau) -> None:
    answer = bureau.person().get(f"/exports/{bureau.asked()}/content")
    assert answer.status_code == 409
    assert answer.get_json()["state"] == "queued"


def test_downloads_in_ranges_are_one_event_and_are_recorded(bureau: Bureau) -> None:
    shown = bureau.export()
    path = f"/exports/{shown['id']}/content"
    whole = bureau.person().get(path)
    assert whole.status_code == 200
    assert len(whole.data) == shown["size_bytes"]
    part = bureau.person().get(path, headers={"Range": "bytes=4-19"})
    assert (part.status_code, part.data) == (206, whole.data[4:20])
    beyond = bureau.person().get(path, headers={"Range": f"bytes={len(whole.data)}-"})
    assert beyond.status_code == 416
    assert kinds_of(bureau.app).count("custody.export-downloaded") == 1
    bureau.clock.advance(timedelta(minutes=11))
    bureau.person().get(path)
    assert kinds_of(bureau.app).count("custody.export-downloaded") == 2


@pytest.mark.parametrize("edited", ["digest", "case"])
def test_tamper_a_row_that_names_other_bytes_or_another_case(bureau: Bureau, edited: str) -> None:
    shown = bureau.export()
    court = bureau.world.first
    other = add_case(bureau.app, court.id, serial=12, handler_id=court.officer.id)
    values: dict[str, Any] = {"case_id": other}
    if edited == "digest":
        bureau.photo(b"of another case", other)
        values = {"sha256": sha256_of(b"of another case")}
    with unit_of_work(EVERY_COURT) as session:
        mine = Export.id == uuid.UUID(shown["id"])
        session.execute(sa.update(table_of(Export)).where(mine).values(values))
    answer = bureau.person().get(f"/exports/{shown['id']}/content")
    assert answer.status_code == 409
    assert b"of another case" not in answer.data
