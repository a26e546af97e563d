"""People write while workers judge: what is stored in the end is what a fresh look finds."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

from flask import Flask

from server.conduct.due import Judger
from server.conduct.models import ConductCheck, DueAction, Finding
from tests.factories.acting import JUDGE, OFFICER, Acting
from tests.factories.identity import runtime_of

ROUNDS = 12


def test_nothing_that_was_written_is_left_unjudged(app: Flask) -> None:
    acting = Acting.build(app)
    acting.run("visit")
    failed: list[BaseException] = []
    done = threading.Event()

    def judging() -> None:
        with app.app_context():
            judger = Judger(runtime_of(app))
            while not done.is_set():
                guarded(judger.turn)

    def guarded(step: Callable[[], object]) -> None:
        try:
            step()
        except Exception as error:  # noqa: BLE001  told below
            failed.append(error)
            done.set()

    workers = [threading.Thread(target=judging) for _ in range(2)]
    for worker in workers:
        worker.start()
    for number in range(ROUNDS):
        second = OFFICER if number % 2 else {**OFFICER, "post": "liaison"}
        guarded(partial(acting.people, JUDGE, second))
    done.set()
    for worker in workers:
        worker.join()
    Judger(runtime_of(app)).turn()
    assert failed == []
    fresh = {one.rule.id: one.outcome.value for one in acting.judgement().checks}
    with acting.unit() as ctx:
        stored = {row.rule: row.outcome for row in ctx.session.query(ConductCheck)}
        due = ctx.session.query(DueAction).filter(DueAction.run_after <= ctx.clock.now()).count()
        live = ctx.session.query(Finding).filter(Finding.state != "cleared").all()
        rules = [row.rule for row in live]
    assert stored == fresh
    assert due == 0
    assert sorted(rules) == sorted(set(rules)), "one living finding a rule"
