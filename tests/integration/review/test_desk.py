"""Markers, several items at once, lists with their passes."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from server.evidence import listing
from tests.factories.review import ReviewDesk


@pytest.fixture
def desk(app: Flask) -> ReviewDesk:
    return ReviewDesk.build(app, 4)


def call(desk: ReviewDesk, method: str, path: str, body: Any = None) -> Any:
    return desk.bench.call(method, path, desk.scene.supervisor_id, body)


@pytest.mark.parametrize(
    "place",
    [{"from_ms": 1000, "to_ms": 2500}, {"from_ms": 0}, {"region": [100, 0, 250, 1000]}, {}],
    ids=["stretch", "moment", "region", "whole"],
)
def test_a_marker_is_kept_and_recorded(desk: ReviewDesk, place: dict[str, Any]) -> None:
    path = f"/evidence/{desk.items[0]}/markers"
    made = call(desk, "POST", path, {"text": "门牌清楚(虚构)", **place})
    assert made.status_code == 201, made.text
    (listed,) = call(desk, "GET", path).json["items"]
    assert {name: listed[name] for name in place} == place
    (event,) = desk.bench.events("review.marked")
    assert json.loads(event.p or "")["facts"]["text"] == "门牌清楚(虚构)"
    assert event.subject_id == str(desk.items[0])


@pytest.mark.parametrize(
    "place",
    [{"from_ms": 5, "to_ms": 4}, {"to_ms": 4}, {"region": [900, 0, 200, 10]},
     {"region": [0, 0, 0, 10]}, {"region": [1, 2, 3]}, {"from_ms": -1}],
    ids=["backwards", "no-start", "outside", "empty", "three", "negative"],
)  # fmt: skip
def test_a_marker_lies_within_the_item(desk: ReviewDesk, place: dict[str, Any]) -> None:
    path = f"/evidence/{desk.items[0]}/markers"
    assert call(desk, "POST", path, {"text": "x", **place}).slug == "validation"


def test_several_items_are_decided_with_an_event_each_after_a_preview(desk: ReviewDesk) -> None:
    done, absent = desk.photo(), desk.photo(arrived=False)
    desk.decide(done)
    stranger = str(uuid.uuid4())
    ids = [*map(str, desk.items), stranger]
    body = {"evidence_ids": ids, "decision": "accept"}
    preview = call(desk, "POST", "/review-queue/preview", body).json
    assert preview["change"] == ids[:4]
    why = {one["evidence_id"]: one["why"] for one in preview["skip"]}
    assert why == {str(done): "conflict", str(absent): "content-missing", stranger: "not-found"}
    assert len(desk.bench.events("review.accepted")) == 1, "a preview decides nothing"
    applied = call(desk, "POST", "/review-queue/decide", body).json
    assert applied == preview
    assert len(desk.bench.events("review.accepted")) == 5
    again = call(desk, "POST", "/review-queue/decide", body).json
    assert again["change"] == []


@pytest.mark.parametrize(
    "body",
    [{"decision": "return"}, {"decision": "comment", "text": "x"}, {"decision": "query"}],
    ids=["no-reason", "comment", "no-words"],
)
def test_bulk_needs_what_one_decision_needs(desk: ReviewDesk, body: dict[str, Any]) -> None:
    whole = {"evidence_ids": [str(desk.items[0])], **body}
    assert call(desk, "POST", "/review-queue/decide", whole).slug == "validation"


def test_the_queue_over_http_takes_the_filters_of_the_page(desk: ReviewDesk) -> None:
    case = desk.scene.case_id
    query = f"case={case}&type=photo&status=all&sort=newest&limit=3&bbox=-180,-90,180,90"
    assert call(desk, "GET", f"/review-queue?{query}").json["items"] == []  # no position
    answer = call(desk, "GET", f"/review-queue?case={case}&sort=newest&limit=3")
    assert [one["id"] for one in answer.json["items"]] == [str(one) for one in desk.items[:0:-1]]
    assert 'rel="next"' in answer.headers["Link"]
    for wrong in ("bbox=1,2,3", "bbox=3,1,2,2", "status=x", "sort=x", "finding=A%25", "from=x"):
        assert call(desk, "GET", f"/review-queue?{wrong}").slug == "validation"


def test_a_page_of_a_list_is_one_event_and_passes_its_thumbnails(desk: ReviewDesk) -> None:
    for _ in range(2):
        call(desk, "GET", "/review-queue")
    (event,) = desk.bench.events("custody.listed")
    assert json.loads(event.p or "")["facts"]["items"] == [str(one) for one in desk.items]
    items = [desk.item(one) for one in desk.items[:2]]
    with desk.context() as ctx:
        page = listing.listed(ctx, items)
        first, second = desk.items[:2]
        assert listing.is_passed(ctx, first, page.passes[first])
        assert not listing.is_passed(ctx, second, page.passes[first])
        for wrong in (None, "", "x", "1.2", page.passes[first] + "0", "9" * 40 + "."):
            assert not listing.is_passed(ctx, first, wrong)
    with desk.context(desk.other_id) as ctx:
        assert not listing.is_passed(ctx, first, page.passes[first]), "another person's"
    desk.scene.clock.advance(timedelta(minutes=31))
    with desk.context() as ctx:
        assert not listing.is_passed(ctx, first, page.passes[first]), "expired"
