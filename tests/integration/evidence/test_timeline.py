"""A case's evidence along the clock: buckets, windows, recordings with their ends."""

from __future__ import annotations

import hashlib
import uuid
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from server.core.clock import FixedClock, unix_ms
from server.core.context import Context, system_actor
from server.core.transactions import unit_of_work
from server.evidence import timeline
from server.evidence.models import Examination
from server.evidence.timeline import Recording
from tests.factories.cases import add_case
from tests.factories.field import Recorder, object_of, sequence
from tests.factories.identity import World, runtime_of

FILM = b"film"


@pytest.fixture
def world(app: Flask) -> World:
    return World.build(app)


@pytest.fixture
def case(app: Flask, world: World) -> uuid.UUID:
    return add_case(app, world.first.id)


def asked(world: World, question: Any, *given: Any) -> Any:
    with unit_of_work(world.first.id, write=False) as session:
        found = question(
            Context(system_actor(world.first.id), session, runtime_of(world.app)), *given
        )
        session.expunge_all()
        return found


def recordings(world: World, case: uuid.UUID) -> list[Recording]:
    now = runtime_of(world.app).clock.now()
    day = timedelta(days=1)
    found: list[Recording] = asked(world, timeline.recordings, case, (now - day, now + day))
    return found


def film(recorder: Recorder, case: uuid.UUID, **more: Any) -> None:
    thing = object_of(FILM, "a.mp4", "video/mp4")
    payload = recorder.payload(
        "capture.recorded", obj=[thing], media="video", case=str(case), **more
    )
    assert recorder.outcomes([recorder.seal(payload)]) == ["accepted"]


def test_a_recording_of_unknown_length_has_no_end(world: World, case: uuid.UUID) -> None:
    film(Recorder(world.app, world.first.phone), case)
    (one,) = recordings(world, case)
    assert one.starts_at == one.item.captured_at
    assert one.ends_at is None


def test_a_file_s_length_is_what_the_examination_found(world: World, case: uuid.UUID) -> None:
    film(Recorder(world.app, world.first.phone), case)
    with unit_of_work(world.first.id) as session:
        found = {"media": {"duration_ms": 90_500}}
        digest = hashlib.sha256(FILM).hexdigest()
        session.add(Examination(sha256=digest, state="done", attempts=1, findings=found))
    (one,) = recordings(world, case)
    assert one.ends_at == one.item.captured_at + timedelta(milliseconds=90_500)


def test_a_device_that_says_when_it_began_states_its_record_at_the_end(
    world: World, case: uuid.UUID
) -> None:
    recorder = Recorder(world.app, world.first.phone)
    begun = recorder.times(mono=1_000)
    film(recorder, case, match={"started_t": begun}, t=recorder.times(mono=61_000))
    sequence(world.app)
    (one,) = recordings(world, case)
    assert one.ends_at == one.item.captured_at
    assert one.starts_at == one.item.captured_at - timedelta(minutes=1)
    assert asked(world, timeline.begins_at, one.item) == one.starts_at


def test_items_fall_into_the_bucket_of_their_moment(
    app: Flask, clock: FixedClock, world: World, case: uuid.UUID
) -> None:
    recorder = Recorder(app, world.first.phone)
    origin_s = unix_ms(clock.now()) // 1000
    for minutes, count in ((0, 2), (59, 1), (1, 3)):
        clock.advance(timedelta(minutes=minutes))
        for number in range(count):
            data = b"%d %d" % (minutes, number)
            recorder.push([recorder.capture(data, case=str(case))])
    found = asked(world, timeline.buckets, case, origin_s, 3600)
    assert [(one.number, one.media, one.items) for one in found] == [
        (0, "photo", 3),
        (1, "photo", 3),
    ]
    assert asked(world, timeline.counts, case) == {"photo": 6, "absent": 6, "anomalous": 0}
