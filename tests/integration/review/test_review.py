"""Decisions on evidence: appended, limited to those who may, and carried to the device."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask

from server.core.permissions import Role
from server.core.transactions import unit_of_work
from server.evidence.models import Evidence
from server.review import queries
from server.review.reasons import REASONS
from tests.factories.cases import Answer, Bench, believe
from tests.factories.evidence import Scene, build_scene

PHOTO = b"not really a photo"


@dataclass
class Desk:
    """A scene with one verified item and people who look at it."""

    scene: Scene
    bench: Bench
    item: uuid.UUID

    @property
    def officer(self) -> uuid.UUID:
        return self.scene.officer_id

    @property
    def supervisor(self) -> uuid.UUID:
        return self.scene.supervisor_id

    def review(self, who: uuid.UUID, decision: str, **fields: Any) -> Answer:
        body = {"decision": decision, **fields}
        return self.bench.call("POST", f"/evidence/{self.item}/review", who, body)

    def stored(self) -> Evidence:
        (item,) = (one for one in self.scene.items() if one.id == self.item)
        return item

    def extract(self) -> dict[str, Any] | None:
        with unit_of_work(self.scene.court_id, write=False) as session:
            return queries.return_extract(session, self.item)

    def waiting(self, **who: uuid.UUID) -> list[tuple[uuid.UUID, str]]:
        with unit_of_work(self.scene.court_id, write=False) as session:
            return list(queries.open_returns(session, self.scene.court_id, **who))


@pytest.fixture
def desk(app: Flask) -> Desk:
    scene = build_scene(app)
    scene.declare(scene.capture(PHOTO))
    scene.arrive(PHOTO)
    (item,) = scene.items()
    assert item.state == "verified"
    return Desk(scene, believe(app), item.id)


def test_an_accepted_item_says_so_and_keeps_the_decision(desk: Desk) -> None:
    answer = desk.review(desk.supervisor, "accept")
    assert answer.status_code == 201
    assert answer.json["author_id"] == str(desk.supervisor)
    assert desk.stored().review_state == "accepted"
    event = desk.bench.events("review.accepted")[-1]
    assert (event.subject_id, event.case_id) == (str(desk.item), desk.scene.case_id)
    facts = json.loads(event.p or "")["facts"]
    assert facts["state"] == {"from": "pending", "to": "accepted"}
    assert event.changes == []
    again = desk.review(desk.supervisor, "accept")
    assert (again.status_code, again.slug) == (409, "conflict")


def test_a_return_reaches_officer_and_device_with_its_reason(desk: Desk) -> None:
    answer = desk.review(desk.supervisor, "return", reason_code="3", text="请重拍门牌")
    assert answer.status_code == 201
    item = desk.stored()
    assert (item.review_state, item.review_reason) == ("returned", "3")
    assert desk.bench.notices("review.returned") == {
        (f"user:{desk.officer}", "return", str(desk.item), "put"),
        (f"device:{desk.scene.device_id}", "return", str(desk.item), "put"),
    }
    extract = desk.extract()
    assert extract is not None
    assert json.loads(json.dumps(extract)) == extract
    assert extract["decision"] == "return"
    assert extract["reason"] == {"name": "unclear", "zh": REASONS["3"].zh, "en": REASONS["3"].en}
    assert extract["text"] == "请重拍门牌"
    assert extract["by"]["id"] == str(desk.supervisor)
    assert (extract["ep"], extract["seq"], extract["sha256"]) == (item.ep, item.seq, item.sha256)
    assert desk.waiting(user_id=desk.officer) == [(desk.item, "return")]
    assert desk.waiting(device_id=desk.scene.device_id) == [(desk.item, "return")]
    assert desk.waiting(user_id=desk.supervisor) == []
    assert desk.waiting() == []


def test_a_query_replaces_a_return_and_acceptance_closes_both(desk: Desk) -> None:
    desk.review(desk.supervisor, "return", reason_code="1")
    desk.review(desk.supervisor, "query", text="这是哪一户？")
    device = f"device:{desk.scene.device_id}"
    assert (device, "return", str(desk.item), "drop") in desk.bench.notices("review.queried")
    assert (device, "query", str(desk.item), "put") in desk.bench.notices("review.queried")
    extract = desk.extract()
    assert extract is not None
    assert (extract["decision"], extract["text"], extract["reason"]) == (
        "query", "这是哪一户？", None,
    )  # fmt: skip
    assert desk.waiting(device_id=desk.scene.device_id) == [(desk.item, "query")]
    desk.review(desk.supervisor, "accept")
    assert (device, "query", str(desk.item), "drop") in desk.bench.notices("review.accepted")
    assert desk.extract() is None
    assert desk.waiting(device_id=desk.scene.device_id) == []
    assert desk.stored().review_reason is None


def test_a_comment_changes_nothing_but_is_kept(desk: Desk) -> None:
    before = desk.stored()
    assert desk.review(desk.officer, "comment", text="逆光，已补拍").status_code == 201
    after = desk.stored()
    assert (after.review_state, after.version) == (before.review_state, before.version)
    assert len(desk.bench.events("review.commented")) == 1


def test_the_decisions_are_listed_in_order(desk: Desk) -> None:
    desk.review(desk.officer, "comment", text="一")
    desk.review(desk.supervisor, "query", text="二")
    desk.review(desk.supervisor, "accept")
    path = f"/evidence/{desk.item}/review"
    listed = desk.bench.call("GET", path, desk.supervisor).json["items"]
    assert [one["decision"] for one in listed] == ["comment", "query", "accept"]
    first = desk.bench.call("GET", f"{path}?limit=2", desk.supervisor)
    assert 'rel="next"' in first.headers["Link"]
    second = desk.bench.call(
        "GET", f"{path}?limit=2&cursor={first.json['next_cursor']}", desk.supervisor
    )
    assert first.json["items"] + second.json["items"] == listed


def test_an_officer_comments_and_does_not_decide(desk: Desk) -> None:
    for decision in ("accept", "return", "query"):
        fields = {"text": "x"} if decision == "query" else {}
        fields |= {"reason_code": "1"} if decision == "return" else {}
        answer = desk.review(desk.officer, decision, **fields)
        assert (answer.status_code, answer.slug) == (403, "forbidden")
    assert desk.stored().review_state == "pending"


def test_nobody_decides_on_their_own_capture(desk: Desk) -> None:
    own = desk.scene.capture(b"mine", officer_id=desk.supervisor)
    desk.scene.declare(own)
    desk.scene.arrive(b"mine")
    mine = next(one for one in desk.scene.items() if one.officer_id == desk.supervisor)
    path = f"/evidence/{mine.id}/review"
    for body in (
        {"decision": "accept"},
        {"decision": "return", "reason_code": "1"},
        {"decision": "query", "text": "x"},
    ):
        answer = desk.bench.call("POST", path, desk.supervisor, body)
        assert (answer.status_code, answer.slug) == (403, "forbidden")
    other = desk.bench.person(desk.scene.court_id, Role.SUPERVISOR)
    assert desk.bench.call("POST", path, other, {"decision": "accept"}).status_code == 201


def test_only_verified_evidence_is_accepted(desk: Desk) -> None:
    desk.scene.declare(desk.scene.capture(b"not here yet"))
    waiting = next(one for one in desk.scene.items() if one.state == "declared")
    path = f"/evidence/{waiting.id}/review"
    refused = desk.bench.call("POST", path, desk.supervisor, {"decision": "accept"})
    assert (refused.status_code, refused.slug) == (409, "content-missing")
    asked = desk.bench.call(
        "POST", path, desk.supervisor, {"decision": "query", "text": "何时补传？"}
    )
    assert asked.status_code == 201


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"decision": "delete"},
        {"decision": "return"},
        {"decision": "return", "reason_code": "0"},
        {"decision": "return", "reason_code": "9"},
        {"decision": "return", "reason_code": 3},
        {"decision": "query"},
        {"decision": "query", "reason_code": "1", "text": "x"},
        {"decision": "comment", "text": " "},
        {"decision": "comment", "text": "x" * 2001},
        {"decision": "comment", "text": "a\u0000"},
        {"decision": "accept", "reason_code": "1"},
        {"decision": "accept", "author_id": str(uuid.uuid4())},
    ],
)
def test_a_malformed_decision_changes_nothing(desk: Desk, body: dict[str, Any]) -> None:
    answer = desk.bench.call("POST", f"/evidence/{desk.item}/review", desk.supervisor, body)
    assert (answer.status_code, answer.slug) == (422, "validation")
    assert desk.bench.call("GET", f"/evidence/{desk.item}/review", desk.supervisor).json == {
        "items": [],
        "next_cursor": None,
    }


def test_what_one_may_not_see_does_not_exist(desk: Desk) -> None:
    foreign = desk.bench.person(desk.bench.court("样0102"), Role.SUPERVISOR)
    stranger = desk.bench.person(desk.scene.court_id)
    for person in (foreign, stranger):
        answers = [
            desk.review(person, "comment", text="x"),
            desk.bench.call("GET", f"/evidence/{desk.item}/review", person),
            desk.bench.call("GET", f"/evidence/{uuid.uuid4()}/review", person),
        ]
        assert [one.status_code for one in answers] == [404, 404, 404]
    administrator = desk.bench.person(desk.scene.court_id, Role.ADMINISTRATOR)
    assert desk.review(administrator, "comment", text="x").status_code == 403


def test_the_reasons_are_nine_and_speak_both_languages(desk: Desk) -> None:
    listed = desk.bench.call("GET", "/review-reasons", desk.officer).json["items"]
    assert [one["code"] for one in listed] == [str(number) for number in range(1, 10)]
    assert len({one["name"] for one in listed}) == 9
    assert all(one["zh"] and one["en"].isascii() for one in listed)
    done = desk.review(desk.supervisor, "return", reason_code="9", text="另有原因")
    assert done.status_code == 201
