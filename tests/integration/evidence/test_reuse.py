"""The same or a near-identical picture elsewhere raises an alarm, for those who see both sides."""

from __future__ import annotations

import hashlib
import uuid
from datetime import timedelta

import pytest
from flask import Flask

from server.core.context import Actor, Context
from server.core.permissions import Role
from server.core.transactions import unit_of_work
from server.evidence import reuse, service
from server.evidence.commands import Rebind
from server.evidence.models import Evidence, Examination
from server.evidence.reuse import Pair, ReuseFilter
from tests.factories.cases import add_case
from tests.factories.evidence import Scene, build_scene

ONE = "0f0f0f0f0f0f0f0f"
SEVEN_BITS_OFF = "0f0f0f0f0f0f0f70"  # 0f → 70 is seven bits
EIGHT_BITS_OFF = "0f0f0f0f0f0f0ff0"


@pytest.fixture
def scene(app: Flask) -> Scene:
    return build_scene(app)


def taken(
    scene: Scene, data: bytes, phash: str | None = None, case_id: uuid.UUID | None = None
) -> Evidence:
    """An item whose bytes are here and were examined."""
    scene.declare(scene.capture(data, case_id=case_id or scene.case_id))
    scene.arrive(data)
    item = scene.items()[-1]
    with scene.unit() as ctx:
        sha256 = hashlib.sha256(data).hexdigest()
        if phash and ctx.session.get(Examination, sha256) is None:
            found = {"phash": phash}
            ctx.session.add(Examination(sha256=sha256, state="done", attempts=1, findings=found))
        reuse.look(ctx, ctx.session.get_one(Evidence, item.id))
    return item


def seen(scene: Scene, actor: Actor | None = None, **wanted: object) -> list[Pair]:
    who = actor or scene.actor()
    with unit_of_work(who.court_id, write=False) as session:
        ctx = Context(who, session, scene.runtime)
        found = list(reuse.pairs(ctx, ReuseFilter(**wanted)).items)  # type: ignore[arg-type]
        session.expunge_all()
        return found


def second_case(scene: Scene, handler: uuid.UUID | None = None) -> uuid.UUID:
    return add_case(scene.app, scene.court_id, serial=22, handler_id=handler)


def test_the_same_bytes_in_another_case_raise_an_alarm(scene: Scene) -> None:
    first = taken(scene, b"picture")
    later = taken(scene, b"picture", case_id=second_case(scene))
    (pair,) = seen(scene)
    assert (pair.item.id, pair.other.id) == (later.id, first.id)
    assert (pair.alarm.kind, pair.alarm.distance) == ("same", 0)


def test_the_same_bytes_on_the_same_day_of_one_case_do_not(scene: Scene) -> None:
    taken(scene, b"picture")
    taken(scene, b"picture")
    assert seen(scene) == []


def test_another_day_raises_one(scene: Scene) -> None:
    taken(scene, b"picture")
    scene.clock.advance(timedelta(days=1))
    taken(scene, b"picture")
    assert len(seen(scene)) == 1


def test_near_identical_pictures_are_found_by_their_hash(scene: Scene) -> None:
    elsewhere = second_case(scene)
    taken(scene, b"one", ONE)
    taken(scene, b"two", SEVEN_BITS_OFF, elsewhere)
    (pair,) = seen(scene)
    assert (pair.alarm.kind, pair.alarm.distance) == ("alike", 7)
    taken(scene, b"three", EIGHT_BITS_OFF, elsewhere)
    assert {pair.alarm.distance for pair in seen(scene)} == {7}


@pytest.mark.parametrize("bits", [(0, 1, 2, 3, 4, 5, 6), (0, 16, 32, 48, 1, 17, 33), (63, 62)])
def test_any_seven_bits_may_differ(scene: Scene, bits: tuple[int, ...]) -> None:
    other = int(ONE, 16)
    for bit in bits:
        other ^= 1 << bit
    taken(scene, b"one", ONE)
    taken(scene, b"two", f"{other:016x}", second_case(scene))
    assert [pair.alarm.distance for pair in seen(scene)] == [len(bits)]


def test_an_officer_sees_an_alarm_only_with_both_sides(scene: Scene) -> None:
    officer = scene.actor(Role.OFFICER)
    hidden = second_case(scene)
    taken_by_other = scene.supervisor_id
    scene.declare(scene.capture(b"picture", case_id=hidden, officer_id=taken_by_other))
    scene.arrive(b"picture")
    mine = taken(scene, b"picture")
    assert mine.officer_id == officer.user_id
    assert len(seen(scene)) == 1
    assert seen(scene, officer) == []


def test_another_court_is_not_compared(scene: Scene, app: Flask) -> None:
    other = build_scene(app, "样0102")
    taken(scene, b"picture", ONE)
    taken(other, b"picture", ONE)
    taken(other, b"alike", SEVEN_BITS_OFF)
    assert seen(scene) == []


def test_binding_to_another_case_looks_again(scene: Scene) -> None:
    taken(scene, b"picture")
    again = taken(scene, b"picture")
    elsewhere = second_case(scene)
    with scene.unit() as ctx:
        service.rebind(ctx, again.id, Rebind(reason="归错(虚构)", case_id=elsewhere))
    assert len(seen(scene)) == 1
    with scene.unit() as ctx:
        service.rebind(ctx, again.id, Rebind(reason="归回(虚构)", case_id=scene.case_id))
    assert seen(scene) == []


def test_the_board_is_narrowed_and_paged(scene: Scene) -> None:
    elsewhere = second_case(scene)
    for number in range(3):
        taken(scene, b"p%d" % number)
        taken(scene, b"p%d" % number, case_id=elsewhere)
    assert len(seen(scene, case_id=elsewhere)) == 3
    assert seen(scene, kind="alike") == []
    who = scene.actor()
    with unit_of_work(who.court_id, write=False) as session:
        ctx = Context(who, session, scene.runtime)
        first = reuse.pairs(ctx, ReuseFilter(limit=2))
        rest = reuse.pairs(ctx, ReuseFilter(limit=2, cursor=first.next_cursor))
        assert (len(first.items), len(rest.items)) == (2, 1)
        assert rest.next_cursor is None
        assert reuse.count(ctx, elsewhere) == 3
