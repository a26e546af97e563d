"""What is not there, by case, device and officer, within what the reader may see."""

from __future__ import annotations

import base64
import uuid
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from server.core.context import Actor, Context
from server.core.permissions import Role
from server.core.transactions import unit_of_work
from server.evidence import boards
from server.evidence.boards import MissingFilter
from tests.factories.cases import add_case
from tests.factories.evidence import Scene, build_scene

ALL = MissingFilter()


@pytest.fixture
def scene(app: Flask) -> Scene:
    return build_scene(app)


def reading(scene: Scene, question: Any, *given: Any, actor: Actor | None = None) -> Any:
    who = actor or scene.actor()
    with unit_of_work(who.court_id, write=False) as session:
        found = question(Context(who, session, scene.runtime), *given)
        session.expunge_all()
        return found


def named(scene: Scene, name: str, **changes: Any) -> None:
    record = scene.capture(name.encode(), **changes)
    encoded = base64.urlsafe_b64encode(name.encode()).decode().rstrip("=")
    record.payload["obj"][0]["name_b64"] = encoded
    scene.declare(record)


def test_what_was_declared_and_has_not_come_is_absent(scene: Scene) -> None:
    scene.declare(scene.capture(b"one"), scene.capture(b"two"))
    scene.arrive(b"one")
    (item,) = reading(scene, boards.absent_items, ALL).items
    assert item.state == "declared"
    assert item.due_at == scene.clock.now() + timedelta(hours=72)
    assert reading(scene, boards.absent_count, ALL) == 1


def test_absent_items_are_narrowed_and_paged(scene: Scene) -> None:
    elsewhere = add_case(scene.app, scene.court_id, serial=22)
    scene.declare(*(scene.capture(b"%d" % n) for n in range(3)))
    scene.declare(scene.capture(b"x", case_id=elsewhere, officer_id=scene.supervisor_id))
    assert reading(scene, boards.absent_count, MissingFilter(case_id=elsewhere)) == 1
    assert reading(scene, boards.absent_count, MissingFilter(officer_id=scene.officer_id)) == 3
    assert reading(scene, boards.absent_count, MissingFilter(device_id=scene.device_id)) == 4
    assert reading(scene, boards.absent_count, MissingFilter(device_id=uuid.uuid4())) == 0
    first = reading(scene, boards.absent_items, MissingFilter(limit=3))
    rest = reading(scene, boards.absent_items, MissingFilter(limit=3, cursor=first.next_cursor))
    assert (len(first.items), len(rest.items)) == (3, 1)


def test_an_officer_sees_their_own_absences_alone(scene: Scene) -> None:
    scene.declare(scene.capture(b"mine"))
    scene.declare(scene.capture(b"theirs", officer_id=scene.supervisor_id))
    officer = scene.actor(Role.OFFICER)
    assert reading(scene, boards.absent_count, ALL, actor=officer) == 1
    assert reading(scene, boards.absent_count, ALL) == 2


def test_bytes_that_no_record_names_are_unclaimed(scene: Scene) -> None:
    scene.arrive(b"nobody's")
    assert len(reading(scene, boards.unclaimed_uploads, ALL)) == 1
    scene.declare(scene.capture(b"nobody's"))
    assert reading(scene, boards.unclaimed_uploads, ALL) == []
    assert reading(scene, boards.stranded_uploads, ALL) == []


def test_a_hole_in_a_camera_s_counter_is_reported_beside_the_case_s_files(scene: Scene) -> None:
    elsewhere = add_case(scene.app, scene.court_id, serial=22)
    named(scene, "DSC_0231.JPG")
    named(scene, "DSC_0232.JPG", case_id=elsewhere)  # another case's file fills the counter
    named(scene, "DSC_0235.JPG")
    (gap,) = reading(scene, boards.counter_gaps, MissingFilter(case_id=scene.case_id))
    assert (gap.first, gap.last, gap.files) == ("DSC_0233", "DSC_0234", 2)
    (same,) = reading(scene, boards.counter_gaps, ALL)
    assert same == gap
    assert reading(scene, boards.counter_gaps, MissingFilter(device_id=uuid.uuid4())) == []
    now = scene.clock.now()
    today = (now, now + timedelta(hours=1))
    later = (today[1], today[1] + timedelta(hours=1))
    assert reading(scene, boards.counter_gaps, ALL, today) == [gap]
    assert reading(scene, boards.counter_gaps, ALL, later) == []


def test_names_without_a_counter_leave_no_hole(scene: Scene) -> None:
    named(scene, "现场.jpg")
    named(scene, "IMG_20260302_090000.jpg")
    assert reading(scene, boards.counter_gaps, ALL) == []


def test_a_case_s_tally_counts_what_people_should_look_at(scene: Scene) -> None:
    scene.declare(scene.capture(b"fine"), scene.capture(b"late"))
    scene.declare(scene.capture(b"odd", findings=[{"code": "gap", "detail": "3"}]))
    scene.arrive(b"fine")
    tally = reading(scene, boards.tallies, [scene.case_id])[scene.case_id]
    assert (tally.items, tally.absent, tally.anomalous) == (3, 2, 1)
    assert tally.last_captured_at == scene.clock.now()
