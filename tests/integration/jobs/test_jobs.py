"""Jobs: made once from the log, done at least once, never lost, given up only when hopeless."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from server.audit.models import Event, OutboxRow, ReceiptRow
from server.core.clock import FixedClock
from server.core.context import Context
from server.core.transactions import EVERY_COURT, unit_of_work
from server.core.units import Units, system_units
from server.jobs import periodic, queue, readers
from server.jobs.models import Job
from server.jobs.periodic import Task
from server.jobs.queue import Taken
from server.jobs.table import EXAMINE, PostponeError, Registry
from server.jobs.worker import Worker
from tests.factories.field import Recorder, sequence
from tests.factories.identity import World, runtime_of

HANDLERS = (EXAMINE,)


@pytest.fixture
def phone(app: Flask) -> Recorder:
    return Recorder(app, World.build(app).first.phone)


def verified(phone: Recorder, count: int = 1) -> None:
    """Items whose bytes are here, sequenced and turned into jobs."""
    for number in range(count):
        data = f"{phone.seq}-{number}".encode()
        phone.push([phone.capture(data)])
        phone.bring(data)
    sequence(phone.app)
    while in_unit(phone.app, lambda ctx: readers.read_on(ctx, readers.JOBS)):
        pass


def in_unit(app: Flask, work: Callable[[Context], Any]) -> Any:
    with system_units(runtime_of(app))() as ctx:
        return work(ctx)


def take(app: Flask) -> Taken | None:
    found: Taken | None = in_unit(app, lambda ctx: queue.take(ctx, HANDLERS))
    return found


def jobs() -> list[Job]:
    with unit_of_work(EVERY_COURT, write=False) as session:
        found = list(session.execute(sa.select(Job).order_by(Job.log_index)).scalars())
        session.expunge_all()
        return found


def worker(app: Flask, handler: Callable[[Units, str], None], **changes: Any) -> Worker:
    return Worker(app, Registry({EXAMINE: handler}), tasks=(), **changes)


def test_a_verified_item_makes_one_job(phone: Recorder) -> None:
    verified(phone)
    in_unit(phone.app, lambda ctx: readers.project_jobs(ctx, 10**6))
    (job,) = jobs()
    assert (job.handler, job.state, job.attempts) == (EXAMINE, "ready", 0)
    assert str(uuid.UUID(job.subject_id)) == job.subject_id


def test_the_worker_follows_the_log_and_does_the_jobs(phone: Recorder) -> None:
    phone.push([phone.note(), phone.capture(b"x")])
    phone.bring(b"x")
    seen: list[str] = []
    worker(phone.app, lambda _units, subject: seen.append(subject)).drain()
    assert [job.state for job in jobs()] == ["done"]
    assert seen == [jobs()[0].subject_id]
    with unit_of_work(EVERY_COURT, write=False) as session:
        assert session.execute(sa.select(OutboxRow.id)).first() is None
        assert session.execute(sa.select(sa.func.count()).select_from(ReceiptRow)).scalar() == 2
        indexes = session.execute(sa.select(Event.log_index).order_by(Event.log_index)).scalars()
        found = list(indexes)
        assert found == list(range(len(found)))


def test_a_failing_job_is_tried_again_later_and_given_up_at_last(
    phone: Recorder, clock: FixedClock
) -> None:
    verified(phone)
    calls: list[str] = []

    def break_down(_units: Units, subject: str) -> None:
        calls.append(subject)
        raise RuntimeError("no\0good")

    working = worker(phone.app, break_down)
    for attempt in range(1, queue.ATTEMPTS_MAX + 1):
        working.drain()
        assert len(calls) == attempt
        clock.advance(timedelta(seconds=queue.back_off_seconds(attempt)))
    (job,) = jobs()
    assert (job.state, job.attempts) == ("failed", queue.ATTEMPTS_MAX)
    assert job.last_error is not None
    assert "RuntimeError" in job.last_error
    clock.advance(timedelta(days=30))
    working.drain()
    assert len(calls) == queue.ATTEMPTS_MAX


def test_what_a_failed_handler_wrote_is_undone_but_the_job_is_kept(phone: Recorder) -> None:
    verified(phone)

    def half(units: Units, _subject: str) -> None:
        with units() as ctx:
            ctx.session.execute(sa.text("DELETE FROM evidence"))
            raise RuntimeError

    worker(phone.app, half).drain()
    with unit_of_work(EVERY_COURT, write=False) as session:
        count = session.execute(sa.text("SELECT count(*) FROM evidence")).scalar()
    assert (count, jobs()[0].state) == (1, "ready")


def test_a_postponed_job_does_not_use_up_its_attempts(phone: Recorder, clock: FixedClock) -> None:
    verified(phone)

    def not_now(_units: Units, _subject: str) -> None:
        raise PostponeError("no sandbox")

    for _ in range(3 * queue.ATTEMPTS_MAX):
        worker(phone.app, not_now).drain()
        clock.advance(timedelta(seconds=queue.POSTPONE_SECONDS))
    (job,) = jobs()
    assert (job.state, job.attempts) == ("ready", 0)


def test_the_job_of_a_killed_worker_is_taken_again_after_its_lease(
    phone: Recorder, clock: FixedClock
) -> None:
    verified(phone)
    first = take(phone.app)
    assert first is not None
    assert take(phone.app) is None
    clock.advance(timedelta(seconds=queue.LEASE_SECONDS + 1))
    second = take(phone.app)
    assert second is not None
    assert (second.id, second.attempt) == (first.id, 2)
    assert in_unit(phone.app, lambda ctx: queue.finish(ctx, first)) is False
    assert in_unit(phone.app, lambda ctx: queue.renew(ctx, first)) is False
    assert in_unit(phone.app, lambda ctx: queue.fail(ctx, first, "late")) is False
    assert jobs()[0].state == "running"
    assert in_unit(phone.app, lambda ctx: queue.finish(ctx, second)) is True
    assert jobs()[0].state == "done"


def test_a_job_that_kills_every_worker_ends(phone: Recorder, clock: FixedClock) -> None:
    verified(phone)
    for _ in range(queue.ATTEMPTS_MAX):
        assert take(phone.app) is not None
        clock.advance(timedelta(seconds=queue.LEASE_SECONDS + 1))
    assert take(phone.app) is None
    assert jobs()[0].state == "failed"


def test_a_renewed_lease_holds(phone: Recorder, clock: FixedClock) -> None:
    verified(phone)
    job = take(phone.app)
    assert job is not None
    for _ in range(5):
        clock.advance(timedelta(seconds=queue.LEASE_SECONDS - 1))
        assert in_unit(phone.app, lambda ctx: queue.renew(ctx, job)) is True
        assert take(phone.app) is None


def test_a_worker_leaves_alone_what_it_has_no_handler_for(phone: Recorder) -> None:
    verified(phone)
    Worker(phone.app, Registry({}), tasks=()).drain()
    assert jobs()[0].state == "ready"


def test_several_workers_do_every_job_once(phone: Recorder) -> None:
    verified(phone, 12)
    seen: list[str] = []
    start = threading.Barrier(3)
    errors: list[BaseException] = []

    def run() -> None:
        try:
            start.wait()
            worker(phone.app, lambda _units, subject: seen.append(subject)).drain()
        except BaseException as error:  # noqa: BLE001  shown to the test
            errors.append(error)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert sorted(seen) == sorted(job.subject_id for job in jobs())
    assert {job.state for job in jobs()} == {"done"}


def test_old_done_jobs_are_forgotten_and_failed_ones_stay(
    phone: Recorder, clock: FixedClock
) -> None:
    verified(phone, 2)
    done, failed = take(phone.app), take(phone.app)
    assert done is not None
    assert failed is not None
    in_unit(phone.app, lambda ctx: queue.finish(ctx, done))
    last = Taken(failed.id, failed.handler, failed.subject_id, failed.attempt)
    for attempt in range(1, queue.ATTEMPTS_MAX + 1):
        assert last.attempt == attempt
        in_unit(phone.app, partial(queue.fail, job=last, error="x"))
        clock.advance(timedelta(seconds=queue.back_off_seconds(attempt)))
        last = take(phone.app) or last
    clock.advance(timedelta(days=queue.KEEP_DONE_DAYS + 1))
    assert in_unit(phone.app, queue.forget_done) == 1
    assert [job.state for job in jobs()] == ["failed"]


def test_a_periodic_task_runs_at_its_times_and_once(app: Flask, clock: FixedClock) -> None:
    ran: list[str] = []
    tasks = (
        Task("often", 60, lambda _ctx: ran.append("often")),
        Task("seldom", 3_600, lambda _ctx: ran.append("seldom")),
    )
    first, second = (Worker(app, Registry({}), tasks=tasks) for _ in range(2))
    first.drain()
    second.drain()
    assert sorted(ran) == ["often", "seldom"]
    clock.advance(timedelta(seconds=61))
    second.drain()
    first.drain()
    assert sorted(ran) == ["often", "often", "seldom"]


def test_a_periodic_task_that_fails_does_not_stop_the_others(app: Flask, clock: FixedClock) -> None:
    ran: list[int] = []

    def broken(_ctx: Context) -> None:
        raise RuntimeError

    tasks = (Task("broken", 60, broken), Task("sound", 60, lambda _ctx: ran.append(1)))
    working = Worker(app, Registry({}), tasks=tasks)
    working.drain()
    clock.advance(timedelta(seconds=61))
    working.drain()
    assert ran == [1, 1]


def test_every_periodic_task_of_the_product_runs(app: Flask) -> None:
    names = [task.name for task in periodic.TASKS]
    assert len(set(names)) == len(names)
    working = Worker(app, Registry({}))
    for task in periodic.TASKS:
        working.perform(task)


def test_the_loops_run_until_they_are_stopped(phone: Recorder) -> None:
    seen = threading.Event()
    working = worker(phone.app, lambda _units, _subject: seen.set(), job_threads=2)
    thread = threading.Thread(target=working.run)
    thread.start()
    try:
        phone.push([phone.capture(b"x")])
        phone.bring(b"x")
        assert seen.wait(30)
    finally:
        working.stop()
        thread.join(30)
    assert not thread.is_alive()
    assert [job.state for job in jobs()] == ["done"]


def test_a_job_under_way_at_the_end_goes_back_to_the_queue(phone: Recorder) -> None:
    verified(phone)
    working = worker(phone.app, lambda _units, _subject: None)
    job = take(phone.app)
    assert job is not None
    working._running[1] = job
    working.stop()
    working.run()
    (row,) = jobs()
    assert (row.state, row.attempts) == ("ready", 0)
