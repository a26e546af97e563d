"""Whatever the order, the repetition and the number of senders: one log, without gaps."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.audit import sequencer
from server.audit.models import DeviceChain, DeviceRecord, Event, HeldRecord, RecordConflict
from server.core.transactions import EVERY_COURT, unit_of_work
from tests.factories.field import Recorder, log_of
from tests.factories.identity import World, add_device, runtime_of

LENGTH = 6


@pytest.fixture
def world(app: Flask) -> World:
    return World.build(app)


def count(model: Any) -> int:
    with unit_of_work(EVERY_COURT, write=False) as session:
        found: int = session.execute(sa.select(sa.func.count()).select_from(model)).scalar_one()
        return found


def test_every_order_of_pushes_gives_the_same_log(world: World, app: Flask) -> None:
    @settings(
        max_examples=25,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(
        order=st.permutations(list(range(LENGTH))),
        repeats=st.lists(st.integers(0, LENGTH - 1), max_size=4),
        cuts=st.lists(st.integers(1, LENGTH), min_size=1, max_size=4),
    )
    def check(order: list[int], repeats: list[int], cuts: list[int]) -> None:
        phone = Recorder(app, add_device(app, world.first.id))
        wires = [phone.note(f"第{n}条") for n in range(LENGTH)]
        stream = [*order, *repeats]
        while stream:
            size = cuts[len(stream) % len(cuts)]
            phone.push([wires[place] for place in stream[:size]])
            stream = stream[size:]
        assert [seq for seq, _ in log_of(app, phone.device)] == list(range(1, LENGTH + 1))
        assert phone.outcomes(wires) == ["duplicate"] * LENGTH

    check()
    assert count(HeldRecord) == 0
    assert count(RecordConflict) == 0


def in_threads(app: Flask, *jobs: Any) -> None:
    """Run the jobs at the same time; the first error of any of them is raised."""
    errors: list[BaseException] = []
    start = threading.Barrier(len(jobs))

    def run(job: Any) -> None:
        try:
            with app.app_context():
                start.wait()
                job()
        except BaseException as error:  # noqa: BLE001  shown to the test
            errors.append(error)

    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def test_two_senders_of_one_device_take_turns(world: World, app: Flask) -> None:
    phone = Recorder(app, add_device(app, world.first.id))
    wires = [phone.note(f"第{n}条") for n in range(60)]
    answers: list[dict[str, Any]] = []

    def send(step: int) -> None:
        answers.extend(phone.push(wires[at : at + step]) for at in range(0, 60, step))

    in_threads(app, lambda: send(7), lambda: send(5), lambda: send(11))
    outcomes = [r["outcome"] for answer in answers for r in answer["results"]]
    assert outcomes.count("accepted") + outcomes.count("held") >= 60
    assert "conflict" not in outcomes
    assert [seq for seq, _ in log_of(app, phone.device)] == list(range(1, 61))
    assert count(DeviceRecord) == 60
    assert count(HeldRecord) == 0
    with unit_of_work(EVERY_COURT, write=False) as session:
        chain = session.execute(sa.select(DeviceChain)).scalar_one()
        assert (chain.last_seq, chain.head, chain.held_count) == (60, phone.prev, 0)


def test_a_device_whose_first_push_comes_twice_at_once_has_one_chain(
    world: World, app: Flask
) -> None:
    phone = Recorder(app, add_device(app, world.first.id))
    wire = phone.note()
    found: list[str] = []
    in_threads(app, *[lambda: found.extend(phone.outcomes([wire]))] * 4)
    assert sorted(found) == ["accepted", "duplicate", "duplicate", "duplicate"]
    assert count(DeviceChain) == 1


def test_several_sequencers_at_once_leave_no_gap(world: World, app: Flask) -> None:
    phones = [Recorder(app, add_device(app, world.first.id)) for _ in range(3)]
    done = threading.Event()

    def send(phone: Recorder) -> None:
        for _ in range(12):
            phone.push([phone.note() for _ in range(5)])

    def move() -> None:
        while not done.is_set():
            with unit_of_work(EVERY_COURT) as session:
                sequencer.sequence(session, runtime_of(app), limit=17)

    movers = [threading.Thread(target=lambda: _in(app, move)) for _ in range(2)]
    for mover in movers:
        mover.start()
    try:
        in_threads(app, *[lambda phone=phone: send(phone) for phone in phones])
    finally:
        done.set()
        for mover in movers:
            mover.join()
    for phone in phones:
        assert [seq for seq, _ in log_of(app, phone.device)] == list(range(1, 61))
    with unit_of_work(EVERY_COURT, write=False) as session:
        indexes = session.execute(sa.select(Event.log_index).order_by(Event.log_index)).scalars()
        assert list(indexes) == list(range(180))


def _in(app: Flask, job: Any) -> None:
    with app.app_context():
        job()
