"""The queue: any filter, both orders, every row once however small the windows are."""

from __future__ import annotations

import dataclasses
import uuid
from datetime import timedelta

import pytest
from flask import Flask

from server.core.permissions import Role
from server.core.problem import Problem
from server.review import queue, seen
from server.review.commands import Box, Decision, Order, QueueFilter
from tests.factories.review import ReviewDesk

ALL = ("pending", "suspect", "accepted", "returned", "queried")


@pytest.fixture
def desk(app: Flask) -> ReviewDesk:
    return ReviewDesk.build(app, 6)


def walk(desk: ReviewDesk, wanted: QueueFilter) -> list[uuid.UUID]:
    """Every page of the queue."""
    found: list[uuid.UUID] = []
    while True:
        with desk.context() as ctx:
            page = queue.page(ctx, wanted)
            found += [item.id for item in page.items]
        if page.next_cursor is None:
            return found
        wanted = dataclasses.replace(wanted, cursor=page.next_cursor)


def test_the_oldest_comes_first_and_pages_leave_nothing_out(desk: ReviewDesk) -> None:
    assert walk(desk, QueueFilter(limit=4)) == desk.items
    assert walk(desk, QueueFilter(limit=2, order=Order.NEWEST)) == desk.items[::-1]


def test_what_is_decided_or_has_no_bytes_waits_for_nobody(desk: ReviewDesk) -> None:
    desk.decide(desk.items[0])
    desk.photo(arrived=False)
    with desk.context() as ctx:
        assert queue.left(ctx, QueueFilter()) == queue.Left(5, exact=True)
    assert walk(desk, QueueFilter(states=("accepted",))) == desk.items[:1]
    assert walk(desk, QueueFilter(states=ALL, limit=3)) == desk.items[:6]


def test_states_are_merged_in_the_order_of_capture(desk: ReviewDesk) -> None:
    desk.decide(desk.items[1])
    desk.decide(desk.items[3], Decision.RETURN, reason_code="3")
    assert walk(desk, QueueFilter(states=ALL, limit=2)) == desk.items
    assert walk(desk, QueueFilter(states=ALL, limit=2, order=Order.NEWEST)) == desk.items[::-1]


def test_narrow_filters(desk: ReviewDesk) -> None:
    police = desk.bench.person(desk.scene.court_id, Role.JUDICIAL_POLICE)
    camera = desk.bench.device(desk.scene.court_id)
    audio = desk.photo(media="audio", findings=[{"code": "type-differs", "detail": "x"}])
    theirs = desk.photo(officer_id=police, captured_by=camera, lat="38.2", lon="104.4",
                        geo_datum="WGS84")  # fmt: skip
    late = desk.photo(captured_at=desk.now() + timedelta(days=3))
    assert walk(desk, QueueFilter(media="audio")) == [audio]
    assert walk(desk, QueueFilter(finding="any")) == [audio]
    assert walk(desk, QueueFilter(finding="type-differs")) == [audio]
    assert walk(desk, QueueFilter(finding="type_differs")) == []
    assert walk(desk, QueueFilter(officer_id=police)) == [theirs]
    assert walk(desk, QueueFilter(device_id=camera)) == [theirs]
    assert walk(desk, QueueFilter(officer_id=police, device_id=camera)) == [theirs]
    assert walk(desk, QueueFilter(officer_id=police, device_id=desk.scene.device_id)) == []
    box = Box(west=104.3, south=38.1, east=104.5, north=38.3)
    assert walk(desk, QueueFilter(box=box)) == [theirs]
    assert walk(desk, QueueFilter(captured_from=desk.now() + timedelta(days=1))) == [late]
    assert walk(desk, QueueFilter(captured_to=desk.now() + timedelta(minutes=2))) == desk.items[:1]
    assert walk(desk, QueueFilter(case_id=desk.scene.case_id, limit=4)) == desk.items
    assert walk(desk, QueueFilter(case_id=desk.scene.case_id, media="audio")) == [audio]
    assert walk(desk, QueueFilter(mission_id=uuid.uuid4())) == []


def test_a_foreign_court_has_nothing_in_the_queue(desk: ReviewDesk) -> None:
    others = desk.bench.court("样0202")
    stranger = desk.bench.person(others, Role.OFFICER)
    assert walk(desk, QueueFilter(officer_id=stranger)) == []
    assert walk(desk, QueueFilter(device_id=desk.bench.device(others))) == []


def test_an_officer_has_their_own_in_the_queue_and_nobody_elses(desk: ReviewDesk) -> None:
    police = desk.bench.person(desk.scene.court_id, Role.OFFICER)
    theirs = desk.photo(officer_id=police)
    with desk.scene.unit(desk.actor(police, Role.OFFICER)) as ctx:
        assert [item.id for item in queue.page(ctx, QueueFilter()).items] == [theirs]
        assert queue.left(ctx, QueueFilter()).count == 1


def test_short_windows_make_short_pages_and_lose_nothing(
    desk: ReviewDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "WINDOW", 2)
    audio = [desk.photo(media="audio") for _ in range(2)]
    desk.decide(desk.items[2])
    wanted = QueueFilter(media="audio", states=ALL, limit=5)
    with desk.context() as ctx:
        first = queue.page(ctx, wanted)
        assert first.items == []
        assert first.next_cursor is not None
        assert not queue.left(ctx, wanted).exact
    assert walk(desk, wanted) == audio
    photos = QueueFilter(media="photo", states=ALL, limit=3)
    assert walk(desk, photos) == desk.items[:6]


def test_counting_stops_and_says_so(desk: ReviewDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "COUNT_MAX", 4)
    with desk.context() as ctx:
        assert queue.left(ctx, QueueFilter()) == queue.Left(4, exact=False)


def test_neighbours_follow_the_order_also_of_what_is_decided(desk: ReviewDesk) -> None:
    desk.decide(desk.items[1])
    here, end = desk.item(desk.items[1]), desk.item(desk.items[-1])
    with desk.context() as ctx:
        beside = queue.neighbours(ctx, QueueFilter(), here)
        assert (beside.before, beside.after) == (desk.items[0], desk.items[2])
        turned = queue.neighbours(ctx, QueueFilter(order=Order.NEWEST), here)
        assert (turned.before, turned.after) == (desk.items[2], desk.items[0])
        last = queue.neighbours(ctx, QueueFilter(), end)
        assert last.after is None


def test_what_i_have_seen_is_no_decision_and_mine_alone(desk: ReviewDesk) -> None:
    with desk.context() as ctx:
        seen.note(ctx, desk.items[:2])
        seen.note(ctx, desk.items[:1])
        assert seen.among(ctx, desk.items) == set(desk.items[:2])
    assert walk(desk, QueueFilter(unseen=True, limit=3)) == desk.items[2:]
    assert walk(desk, QueueFilter()) == desk.items
    with desk.context(desk.other_id) as ctx:
        assert seen.among(ctx, desk.items) == set()


@pytest.mark.parametrize("cursor", ["x", "WzEsMl0", "WyJ4IiwieSJd"])
def test_a_cursor_of_nobody_is_refused(desk: ReviewDesk, cursor: str) -> None:
    with pytest.raises(Problem, match="cursor-invalid"), desk.context() as ctx:
        queue.page(ctx, QueueFilter(cursor=cursor))
