"""The worker: moves the outbox into the log, reads the log, does the jobs.

One thread follows the log, so that nothing slow stands between a commit and its place in the log;
others do jobs; the main thread renews leases and runs periodic tasks.  Any number of workers may
run: the log's state row, the readers' cursors and the jobs' rows are locked while they are used.
The outbox is looked at every 50 ms, which costs less than a notification with every commit (08,
finding 9) and works alike on both databases.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog
from flask import Flask

from server.audit import sequencer
from server.core.context import Context, Runtime, system_actor
from server.core.db import db
from server.core.transactions import EVERY_COURT, unit_of_work
from server.core.units import Units, system_units
from server.jobs import periodic, queue, readers
from server.jobs.periodic import TASKS, Task
from server.jobs.queue import Taken
from server.jobs.table import PostponeError, Registry
from storage.errors import DurabilityLost

LOOK_SECONDS: Final = 0.05
JOBS_LOOK_SECONDS: Final = 0.5
BEAT_SECONDS: Final = 1.0
RENEW_SECONDS: Final = queue.LEASE_SECONDS / 3
TROUBLE_SECONDS: Final = 2.0
GRACE_SECONDS: Final = 20.0
_DURABILITY_EXIT: Final = 70

_log = structlog.get_logger("worker")


@dataclass(slots=True)
class Worker:
    """One worker process, or the part of a test that plays it.

    :param registry: what each handler does.
    :param job_threads: jobs done at a time; 0 leaves them to other workers.
    :param beside: work that takes long and must not hold up jobs, each on a thread of its own; a
        call does one piece and returns the seconds to wait before the next.
    """

    app: Flask
    registry: Registry
    job_threads: int = 1
    tasks: Sequence[Task] = TASKS
    beside: Mapping[str, Callable[[], float]] = field(default_factory=dict)
    _stop: threading.Event = field(default_factory=threading.Event)
    _new_jobs: threading.Event = field(default_factory=threading.Event)
    _running: dict[int, Taken] = field(default_factory=dict)
    _guard: threading.Lock = field(default_factory=threading.Lock)
    _renewed_at: float = 0.0

    @property
    def runtime(self) -> Runtime:
        """The process' tools."""
        found: Runtime = self.app.extensions["tiezheng"]
        return found

    def stop(self) -> None:
        """Ask it to end; jobs under way get a grace period, then go back to the queue."""
        self._stop.set()
        self._new_jobs.set()

    def run(self) -> None:
        """Work until :meth:`stop`."""
        loops = [("log", self._follow_log)]
        loops += [(f"jobs-{n}", self._do_jobs) for n in range(self.job_threads)]
        loops += self.beside.items()
        threads = [
            threading.Thread(target=self._guarded, args=loop, name=loop[0], daemon=True)
            for loop in loops
        ]
        for thread in threads:
            thread.start()
        _log.info("worker started", job_threads=self.job_threads)
        self._guarded("beat", self._beat)
        deadline = time.monotonic() + GRACE_SECONDS
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        with self.app.app_context():
            self._hand_back()
        _log.info("worker stopped")

    def drain(self) -> int:
        """Do everything that is due now, in this thread, and return how many steps it took."""
        steps = 0
        with self.app.app_context():
            while (
                self._step_log()
                or self._step_tasks()
                or self._step_job()
                or any(step() == 0 for step in self.beside.values())
            ):
                steps += 1
        return steps

    # ------------------------------------------------------------------ loops

    def _guarded(self, name: str, loop: Callable[[], float]) -> None:
        """Run one turn after the other; trouble in one is logged and the loop goes on."""
        with self.app.app_context():
            while not self._stop.is_set():
                try:
                    pause = loop()
                except DurabilityLost as error:
                    _log.critical("durability lost, the process ends", error=str(error))
                    os._exit(_DURABILITY_EXIT)
                except Exception:  # noqa: BLE001  a database that is away comes back
                    _log.exception("trouble", loop=name)
                    pause = TROUBLE_SECONDS
                if name.startswith("jobs") and pause:
                    self._new_jobs.wait(pause)
                elif pause:
                    self._stop.wait(pause)

    def _follow_log(self) -> float:
        return 0.0 if self._step_log() else LOOK_SECONDS

    def _do_jobs(self) -> float:
        self._new_jobs.clear()
        return 0.0 if self._step_job() else JOBS_LOOK_SECONDS

    def _beat(self) -> float:
        self._step_tasks()
        self._renew()
        return BEAT_SECONDS

    # ------------------------------------------------------------------ steps

    def _step_log(self) -> bool:
        """Sequence what waits and let the readers read; true when anything was done."""
        with unit_of_work(EVERY_COURT, write=False) as session:
            outbox, behind = readers.waiting(session)
        if outbox:
            with unit_of_work(EVERY_COURT) as session:
                sequencer.sequence(session, self.runtime)
            behind = list(readers.READERS)
        for name in behind:
            with self._units() as ctx:
                moved = readers.read_on(ctx, name)
            if moved and name == readers.JOBS:
                self._new_jobs.set()
        return outbox or bool(behind)

    def _step_tasks(self) -> bool:
        """Run the periodic tasks that are due; true when there was one."""
        with unit_of_work(EVERY_COURT, write=False) as session:
            due = periodic.due(session, self.runtime.clock, self.tasks)
        for task in due:
            with self._units() as ctx:
                ours = periodic.claim(ctx, task)
            if ours:
                self._run_task(task)
        return bool(due)

    def _run_task(self, task: Task) -> None:
        try:
            done = self.perform(task)
        except DurabilityLost:
            raise
        except Exception:  # noqa: BLE001  the others go on; this one has its next time
            _log.exception("periodic task failed", task=task.name)
        else:
            if done:
                _log.info("periodic", task=task.name, done=done)

    def perform(self, task: Task) -> object:
        """Run a periodic task, whether it is due or not; returns what it says it did."""
        if task.in_transaction:
            with self._units() as ctx:
                return task.run(ctx)
        return task.run(Context(system_actor(), db.session(), self.runtime))

    def _step_job(self) -> bool:
        """Do one job; false when none is due."""
        with unit_of_work(EVERY_COURT, write=False) as session:
            if not queue.is_due(session, self.runtime.clock, self.registry.handlers):
                return False
        with self._units() as ctx:
            job = queue.take(ctx, self.registry.handlers)
        if job is None:
            return False
        self._do(job)
        return True

    def _do(self, job: Taken) -> None:
        place = threading.get_ident()
        with self._guard:
            self._running[place] = job
        try:
            self.registry.call(job.handler, self._units, job.subject_id)
        except DurabilityLost:
            raise
        except PostponeError as error:
            _log.warning("job postponed", handler=job.handler, error=repr(error))
            with self._units() as ctx:
                pause = error.after_seconds
                if pause is None:
                    pause = queue.POSTPONE_SECONDS
                queue.give_back(ctx, job, after_seconds=pause, why=repr(error)[:200])
        except Exception as error:  # noqa: BLE001  whatever a handler does, the queue goes on
            _log.exception("job failed", handler=job.handler, attempt=job.attempt)
            with self._units() as ctx:
                queue.fail(ctx, job, repr(error))
        else:
            with self._units() as ctx:
                queue.finish(ctx, job)
        finally:
            with self._guard:
                self._running.pop(place, None)

    # ------------------------------------------------------------------ leases

    def _renew(self) -> None:
        now = time.monotonic()
        if now - self._renewed_at < RENEW_SECONDS:
            return
        self._renewed_at = now
        for job in self._held():
            with self._units() as ctx:
                queue.renew(ctx, job)

    def _hand_back(self) -> None:
        for job in self._held():
            with self._units() as ctx:
                queue.give_back(ctx, job, why="the worker was stopped")

    def _held(self) -> list[Taken]:
        with self._guard:
            return list(self._running.values())

    @property
    def _units(self) -> Units:
        return system_units(self.runtime)
