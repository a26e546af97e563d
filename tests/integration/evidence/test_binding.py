"""Record and bytes meet in either order, once, and never across devices."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from server.audit.events import EventKind
from server.audit.models import Event
from server.core.permissions import Role
from server.core.problem import Kind, Problem
from server.evidence import queries, service
from server.evidence.commands import EvidenceFilter, Rebind
from server.evidence.models import Blob, Upload
from tests.factories.evidence import Scene, build_scene


@pytest.fixture
def scene(app: Flask) -> Scene:
    return build_scene(app)


def kinds(scene: Scene) -> list[str]:
    scene.sequence()
    with scene.everywhere() as ctx:
        return list(ctx.session.execute(sa.select(Event.kind).order_by(Event.log_index)).scalars())


def claimed(scene: Scene) -> list[bool]:
    with scene.everywhere() as ctx:
        return list(ctx.session.execute(sa.select(Upload.claimed)).scalars())


def test_record_first_then_bytes(scene: Scene) -> None:
    scene.declare(scene.capture(b"photo"))
    assert [item.state for item in scene.items()] == ["declared"]
    scene.arrive(b"photo")
    (item,) = scene.items()
    assert item.state == "verified"
    assert item.verified_at is not None
    assert kinds(scene) == ["evidence.verified"]
    assert claimed(scene) == [True]


def test_bytes_first_then_record(scene: Scene) -> None:
    scene.arrive(b"photo")
    assert kinds(scene) == ["evidence.unclaimed"]
    with scene.unit() as ctx:
        assert len(queries.without_record(ctx, 10)) == 1
    assert claimed(scene) == [False]
    scene.declare(scene.capture(b"photo"))
    assert claimed(scene) == [True]
    assert [item.state for item in scene.items()] == ["verified"]
    with scene.unit() as ctx:
        assert queries.without_record(ctx, 10) == []


def test_two_records_of_the_same_bytes_stay_two_items_over_one_blob(scene: Scene) -> None:
    scene.declare(scene.capture(b"photo"), scene.capture(b"photo"))
    scene.arrive(b"photo")
    scene.arrive(b"photo")
    items = scene.items()
    assert [item.state for item in items] == ["verified", "verified"]
    assert len({item.id for item in items}) == 2
    with scene.everywhere() as ctx:
        assert ctx.session.execute(sa.select(sa.func.count()).select_from(Blob)).scalar() == 1
    assert kinds(scene).count("evidence.verified") == 2


def test_another_devices_bytes_do_not_verify_a_record(app: Flask, scene: Scene) -> None:
    other = build_scene(app, "样0102")
    other.arrive(b"photo")
    scene.declare(scene.capture(b"photo"))
    assert [item.state for item in scene.items()] == ["declared"]


def test_a_record_that_lies_about_the_size_is_flagged(scene: Scene) -> None:
    entry = scene.capture(b"photo")
    entry.payload["obj"][0]["size"] = 999
    scene.declare(entry)
    scene.arrive(b"photo")
    (item,) = scene.items()
    assert item.state == "verified"
    assert {finding["code"] for finding in item.findings} == {"size-differs"}


def test_overdue_items_become_missing_and_come_back(scene: Scene) -> None:
    scene.declare(scene.capture(b"photo"))
    scene.clock.advance(timedelta(hours=scene.runtime.settings.missing_after_hours + 1))
    with scene.everywhere() as ctx:
        assert service.mark_missing(ctx) == 1
    assert [item.state for item in scene.items()] == ["missing"]
    scene.arrive(b"photo")
    assert [item.state for item in scene.items()] == ["verified"]


def test_another_court_finds_nothing(app: Flask, scene: Scene) -> None:
    other = build_scene(app, "样0102")
    scene.declare(scene.capture(b"photo"))
    (item,) = scene.items()
    with other.unit() as ctx, pytest.raises(Problem) as refused:
        queries.visible_evidence(ctx, item.id)
    assert refused.value.kind is Kind.NOT_FOUND
    with other.unit() as ctx, pytest.raises(Problem) as refused:
        queries.evidence_of_case(ctx, scene.case_id, EvidenceFilter())
    assert refused.value.kind is Kind.NOT_FOUND


def test_rebinding_needs_someone_else_and_is_shown_in_both_cases(scene: Scene) -> None:
    scene.declare(scene.capture(b"photo", case_id=None))
    (item,) = scene.items()
    officer = scene.actor(Role.OFFICER)
    with scene.unit(officer) as ctx, pytest.raises(Problem) as refused:
        service.rebind(ctx, item.id, Rebind(reason="案件错误", case_id=scene.case_id))
    assert refused.value.kind in {Kind.FORBIDDEN, Kind.NOT_FOUND}
    with scene.unit() as ctx:
        service.rebind(ctx, item.id, Rebind(reason="案件错误", case_id=scene.case_id))
    assert scene.items()[0].case_id == scene.case_id
    assert "evidence.rebound" in kinds(scene)


def test_rebinding_to_a_foreign_case_is_not_found(app: Flask, scene: Scene) -> None:
    other = build_scene(app, "样0102")
    scene.declare(scene.capture(b"photo"))
    (item,) = scene.items()
    for foreign in (other.case_id, uuid.uuid4()):
        with scene.unit() as ctx, pytest.raises(Problem) as refused:
            service.rebind(ctx, item.id, Rebind(reason="x", case_id=foreign))
        assert refused.value.kind is Kind.NOT_FOUND
    assert scene.items()[0].case_id == scene.case_id


def test_readings_within_ten_minutes_are_one_event(scene: Scene) -> None:
    scene.declare(scene.capture(b"photo"))
    (item,) = scene.items()
    for minutes in (0, 4, 4, 11):
        scene.clock.advance(timedelta(minutes=minutes))
        with scene.unit() as ctx:
            found = queries.visible_evidence(ctx, item.id)
            service.read(ctx, found, EventKind.EVIDENCE_DOWNLOADED)
    assert kinds(scene).count("custody.downloaded") == 2


def test_pages_of_a_case(scene: Scene) -> None:
    scene.declare(*(scene.capture(bytes([number])) for number in range(7)))
    seen = []
    cursor = None
    while True:
        with scene.unit() as ctx:
            wanted = EvidenceFilter(limit=3, cursor=cursor)
            page = queries.evidence_of_case(ctx, scene.case_id, wanted)
            seen += [item.seq for item in page.items]
            cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == list(range(1, 8))
