"""What the log tells people: to whom, how often, and that it names nothing but ids."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

import pytest
from flask import Flask

from server.audit.events import EventKind
from server.audit.service import Subject, record
from server.core.permissions import Role
from server.jobs.readers import NOTICES, read_on
from server.notices import service
from server.notices.models import UserNotice
from server.notices.topics import Topic
from tests.factories.cases import Bench, believe
from tests.factories.evidence import Scene, build_scene

PHOTO = b"not really a photo"


@dataclass
class Desk:
    """A scene, its people and what they were told."""

    scene: Scene
    bench: Bench

    def happen(self) -> None:
        """Let the log and its reader catch up."""
        self.scene.sequence()
        with self.scene.everywhere() as ctx:
            read_on(ctx, NOTICES)

    def told(self, who: uuid.UUID) -> list[tuple[str, int, bool]]:
        with self.scene.everywhere() as ctx:
            rows = ctx.session.query(UserNotice).filter_by(user_id=who).order_by(UserNotice.id)
            return [(row.topic, row.count, row.read_at is None) for row in rows]

    def photo(self, data: bytes = PHOTO) -> uuid.UUID:
        self.scene.declare(self.scene.capture(data))
        self.scene.arrive(data)
        return self.scene.items()[-1].id


@pytest.fixture
def desk(app: Flask) -> Desk:
    return Desk(build_scene(app), believe(app))


def test_new_items_reach_supervisors_as_one_notice_with_a_count(desk: Desk) -> None:
    for number in range(3):
        desk.photo(PHOTO + bytes([number]))
    desk.happen()
    assert desk.told(desk.scene.supervisor_id) == [("to-review", 3, True)]
    desk.photo(b"another")
    desk.happen()
    assert desk.told(desk.scene.supervisor_id) == [("to-review", 4, True)]
    assert desk.told(desk.scene.officer_id) == []


def test_what_came_after_reading_is_a_notice_of_its_own(desk: Desk) -> None:
    desk.photo()
    desk.happen()
    answer = desk.bench.call("POST", "/notices/read", desk.scene.supervisor_id, {})
    assert answer.status_code == 204
    desk.photo(b"another")
    desk.happen()
    assert desk.told(desk.scene.supervisor_id) == [("to-review", 1, False), ("to-review", 1, True)]


def test_a_return_reaches_the_officer_and_not_the_one_who_wrote_it(desk: Desk) -> None:
    item = desk.photo()
    body = {"decision": "return", "reason_code": "3", "text": "天太黑(虚构)"}
    answer = desk.bench.call("POST", f"/evidence/{item}/review", desk.scene.supervisor_id, body)
    assert answer.status_code == 201
    desk.happen()
    (topic, count, unread), *_ = desk.told(desk.scene.officer_id)
    assert (topic, count, unread) == ("returned", 1, True)
    assert [one[0] for one in desk.told(desk.scene.supervisor_id)] == ["to-review"]
    listed = desk.bench.call("GET", "/notices", desk.scene.officer_id).json["items"]
    assert [(one["link"], one["facts"]) for one in listed] == [(f"/e/{item}", {})]
    assert "虚构" not in str(listed)


def test_an_erasure_is_told_to_the_others_who_lead(desk: Desk) -> None:
    other = desk.bench.person(desk.scene.court_id, Role.PRESIDENT)
    item = desk.photo()
    with desk.scene.unit() as ctx:
        record(ctx, EventKind.ERASURE_REQUESTED, Subject("evidence", item))
    desk.happen()
    assert ("erasure", 1, True) in desk.told(other)
    assert all(one[0] != "erasure" for one in desk.told(desk.scene.supervisor_id))


def test_entries_that_rules_hold_are_told_and_those_that_people_hold_are_not(desk: Desk) -> None:
    for unit in (desk.scene.everywhere(), desk.scene.everywhere(), desk.scene.unit()):
        with unit as ctx:
            record(ctx, EventKind.LIVE_HELD, Subject("mission", uuid.uuid4()))
    desk.happen()
    assert desk.told(desk.scene.supervisor_id) == [("live", 2, True)]
    assert desk.told(desk.scene.officer_id) == []


def test_reading_the_log_again_tells_nothing_twice(desk: Desk) -> None:
    desk.photo()
    desk.happen()
    desk.happen()
    assert desk.told(desk.scene.supervisor_id) == [("to-review", 1, True)]


def test_people_of_another_court_are_told_nothing(desk: Desk) -> None:
    stranger = desk.bench.person(desk.bench.court("样0102"), Role.SUPERVISOR)
    gone = desk.bench.person(desk.scene.court_id, Role.SUPERVISOR, disabled=True)
    desk.photo()
    with desk.scene.unit() as ctx:
        told = service.tell(ctx, [stranger, gone], Topic.OPINION, uuid.uuid4(), "/inbox")
    desk.happen()
    assert told == 0
    assert desk.told(stranger) == desk.told(gone) == []


@pytest.mark.parametrize("link", ["https://elsewhere.example/", "//elsewhere.example", "/a\nb"])
def test_a_notice_leads_nowhere_else(desk: Desk, link: str) -> None:
    with desk.scene.unit() as ctx, pytest.raises(ValueError, match="path"):
        service.tell(ctx, [desk.scene.officer_id], Topic.OPINION, uuid.uuid4(), link)


def test_a_muted_topic_stays_away_and_a_personal_one_cannot_be_muted(desk: Desk) -> None:
    who = desk.scene.supervisor_id
    put = desk.bench.call("PUT", "/notices/preferences", who, {"muted": ["to-review"]})
    assert (put.status_code, put.json) == (200, {"muted": ["to-review"], "digest": True})
    desk.photo()
    desk.happen()
    assert desk.told(who) == []
    refused = desk.bench.call("PUT", "/notices/preferences", who, {"muted": ["returned"]})
    assert (refused.status_code, refused.slug) == (422, "validation")


def test_opinions_are_collapsed_only_for_who_wants_digests(desk: Desk) -> None:
    one, other = desk.scene.supervisor_id, desk.scene.officer_id
    desk.bench.call("PUT", "/notices/preferences", other, {"digest": False})
    for _ in range(2):
        with desk.scene.unit() as ctx:
            service.tell(ctx, [one, other], Topic.OPINION, uuid.uuid4(), "/inbox")
    assert desk.told(one) == [("opinion", 2, True)]
    assert desk.told(other) == [("opinion", 1, True), ("opinion", 1, True)]


def test_counts_and_pages_are_ones_own(desk: Desk) -> None:
    one, other = desk.scene.supervisor_id, desk.scene.officer_id
    with desk.scene.unit() as ctx:
        service.tell(ctx, [one], Topic.HELD, uuid.uuid4(), "/inbox", count=4)
        service.tell(ctx, [one], Topic.ERASURE, uuid.uuid4(), "/inbox")
    assert desk.bench.call("GET", "/notices/unread", one).json == {
        "total": 2,
        "topics": {"erasure": 1, "held": 1},
    }
    assert desk.bench.call("GET", "/notices/unread", other).json == {"total": 0, "topics": {}}
    page = desk.bench.call("GET", "/notices?limit=1", one)
    assert len(page.json["items"]) == 1
    following = desk.bench.call("GET", f"/notices?limit=1&cursor={page.json['next_cursor']}", one)
    assert following.json["next_cursor"] is None
    mine = page.json["items"][0]["id"]
    desk.bench.call("POST", "/notices/read", other, {"ids": [mine]})
    assert desk.bench.call("GET", "/notices/unread", one).json["total"] == 2
