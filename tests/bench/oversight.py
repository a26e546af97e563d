"""The president's dashboard and the agenda over 10,000 cases with 100,000 actions.

``python -m tests.bench oversight``.  Every action has its 27 checks, as the worker leaves them;
cases, alerts, findings, money and key cases are in the proportions of a large court.  Pages are
measured with their layout, the API without; the detectors' look at the whole court beside them.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from flask import Flask

from server.cases.models import Case
from server.conduct.case_models import CaseStanding
from server.conduct.models import ConductCheck, Finding
from server.core.bulk import insert_rows
from server.core.context import Context, system_actor
from server.core.db import Base, db, table_of
from server.core.transactions import EVERY_COURT, unit_of_work
from server.identity.models import User
from server.oversight import tallies, watching
from server.oversight.keycases import CATEGORIES
from server.oversight.models import Campaign, CampaignCase, OversightAlert, OversightTask
from server.register.models import Action, Entry
from tests.bench.application import on_both, page_row
from tests.bench.rows import Row
from tests.factories.console import desk
from tests.factories.identity import CourtWorld, World, runtime_of

CASES: Final = 10_000
ACTIONS: Final = 100_000
RULES: Final = 27
APPLICABLE: Final = 9
OFFICERS: Final = 40
ALERTS: Final = 2_000
GOAL_MS: Final = 300.0
_KINDS: Final = ("idle", "deadline", "promise", "measure", "money")


def run(quick: bool) -> list[Row]:
    """p95 of dashboard and agenda, as pages and over the API, on both databases."""
    rounds = 20 if quick else 100
    return on_both(lambda app, name: _rows(app, name, rounds))


def _rows(app: Flask, name: str, rounds: int) -> list[Row]:
    court = World.build(app).first
    _fill(app, court)
    browser = desk(app, court.people["president"])
    asked = {
        "dashboard": "/oversight/dashboard",
        "agenda": "/oversight/agenda",
        "dashboard, API": "/api/v1/oversight/dashboard",
        "agenda, API": "/api/v1/oversight/agenda",
    }
    size = f"{CASES:,} cases, {ACTIONS:,} actions"
    rows = [
        page_row("oversight", f"{size}: {what}, {name}", browser, path, rounds, GOAL_MS)
        for what, path in asked.items()
    ]
    return [*rows, _look(app, name)]


def _look(app: Flask, name: str) -> Row:
    """The detectors' first look raises what nobody has raised, the second finds it standing."""
    watch: Callable[[], int] = lambda: watching.watch(  # noqa: E731  beside its only use
        Context(system_actor(), db.session(), runtime_of(app))
    )
    watch()
    begun = time.perf_counter()
    watch()
    spent = time.perf_counter() - begun
    return Row("oversight", f"detectors over {CASES:,} cases, {name}", spent * 1000, "ms")


# ---------------------------------------------------------------- filling


def _fill(app: Flask, court: CourtWorld) -> None:
    ids, now = runtime_of(app).ids, runtime_of(app).clock.now()
    officers = [ids() for _ in range(OFFICERS)]
    cases = [ids() for _ in range(CASES)]
    actions = [ids() for _ in range(ACTIONS)]
    _put(User, (_officer(court, one, number, now) for number, one in enumerate(officers)))
    _put(Case, (_case(court, one, number, officers, now) for number, one in enumerate(cases)))
    _put(CaseStanding, (_standing(court, one, number) for number, one in enumerate(cases)))
    _put(Action, (_action(court, one, number, cases, now) for number, one in enumerate(actions)))
    _put(Entry, _entries(app, court, cases, actions))
    _put_checks()
    _put(Finding, (_finding(app, court, number, cases, actions) for number in range(5_000)))
    _put(OversightAlert, (_alert(app, court, number, cases, officers) for number in range(ALERTS)))
    _put(OversightTask, (_task(app, court, number, officers) for number in range(500)))
    _put_campaigns(app, court, cases)
    tallies.count_all(Context(system_actor(), db.session(), runtime_of(app)))  # as the worker does
    if db.engine.dialect.name == "postgresql":
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text("VACUUM ANALYZE"))


def _put(model: type[Base], rows: Iterator[dict[str, Any]]) -> None:
    table = table_of(model)
    empty = dict.fromkeys(column.name for column in table.columns)
    waiting: list[dict[str, Any]] = []
    with unit_of_work(EVERY_COURT) as session:
        for row in rows:
            waiting.append({**empty, **row})
            if len(waiting) == 2_000:
                insert_rows(session, table, waiting)
                waiting = []
        insert_rows(session, table, waiting)


def _officer(court: CourtWorld, one: uuid.UUID, number: int, now: datetime) -> dict[str, Any]:
    return {
        "id": one, "court_id": court.id, "login": f"bench-{number}", "name": f"员{number}(虚构)",
        "post": "enforcement_officer", "roles": ["officer"], "password_hash": "-",
        "password_temporary": False, "version": 1, "created_at": now,
    }  # fmt: skip


def _status(number: int) -> str:
    return "closed" if number % 3 == 0 else "suspended" if number % 17 == 0 else "enforcing"


def _case(
    court: CourtWorld, one: uuid.UUID, number: int, officers: list[uuid.UUID], now: datetime
) -> dict[str, Any]:
    filed_on = now.date() - timedelta(days=number % 400)
    return {
        "id": one, "court_id": court.id, "case_no": f"(2025){court.code}执{number + 1}号",
        "year": 2025, "court_code": court.code, "type_code": "执", "serial": number + 1,
        "cause": "民间借贷纠纷(虚构)", "filed_on": filed_on, "version": 1,
        "handler_id": officers[number % OFFICERS],
        "deadline_on": filed_on + timedelta(days=181), "status": _status(number),
        "claim_fen": 5_000_000, "case_key": "00" * 32, "created_at": now,
    }  # fmt: skip


def _standing(court: CourtWorld, one: uuid.UUID, number: int) -> dict[str, Any]:
    key = number % 16 == 1
    late = [{"kind": "deadline", "late": True, "on": "2025-01-31", "clock": "complete"}]
    return {
        "case_id": one, "court_id": court.id, "status": _status(number), "controlled_fen": 0,
        "received_fen": 0, "disbursed_fen": 0, "overdue": 0, "due_soon": 0, "broken_promises": 0,
        "open_petitions": 0, "alarms": late if number % 25 == 0 else [],
        "key_state": "confirmed" if key else "none", "key_suggested": [],
        "key_categories": [CATEGORIES[number % 5]] if key else [],
        "responsibility": ("met", "missed", "in_force")[number % 3] if key else "none",
    }  # fmt: skip


def _action(
    court: CourtWorld, one: uuid.UUID, number: int, cases: list[uuid.UUID], now: datetime
) -> dict[str, Any]:
    begins_at = now - timedelta(minutes=number * 5)
    return {
        "id": one, "court_id": court.id, "case_id": cases[number % CASES],
        "type": ("search", "seal", "visit", "service")[number % 4], "state": "ended",
        "begins_at": begins_at, "ends_at": begins_at + timedelta(hours=1), "created_at": now,
    }  # fmt: skip


def _entries(
    app: Flask, court: CourtWorld, cases: list[uuid.UUID], actions: list[uuid.UUID]
) -> Iterator[dict[str, Any]]:
    """Beginning and end of each action, and money in and out of every case."""
    ids, now = runtime_of(app).ids, runtime_of(app).clock.now()
    common = {"court_id": court.id, "through_suspend": False, "created_at": now}
    for number, action in enumerate(actions):
        of = {**common, "case_id": cases[number % CASES], "action_id": action,
              "happened_at": now - timedelta(minutes=number * 5)}  # fmt: skip
        yield {**of, "id": ids(), "kind": "action.started", "data": {"type": "search"}}
        yield {**of, "id": ids(), "kind": "action.ended", "data": {}}
    for number, case in enumerate(cases):
        day = now.date() - timedelta(days=number % 300)
        of = {**common, "case_id": case, "on_day": day, "happened_at": now}
        for kind in ("case.received", "case.disbursed"):
            data = {"on": day.isoformat(), "amount_fen": 100_000 + number}
            yield {**of, "id": ids(), "kind": kind, "data": data}


def _put_checks() -> None:
    """All 27 checks of every action, one statement a rule; most do not apply to most actions."""
    actions, checks = table_of(Action), table_of(ConductCheck)
    text = sa.cast(actions.c.id, sa.Text)
    digit = sa.func.substr(text, sa.func.length(text))
    columns = ["action_id", "rule", "court_id", "case_id", "outcome", "reasons", "judged_at"]
    with unit_of_work(EVERY_COURT) as session:
        for rule in range(1, RULES + 1):
            applies = sa.case((digit == "0", "fail"), (digit == "1", "unknown"), else_="pass")
            outcome = applies if rule <= APPLICABLE else sa.literal("not_applicable")
            chosen = sa.select(
                actions.c.id, sa.literal(f"CC{rule:02}"), actions.c.court_id, actions.c.case_id,
                outcome, sa.cast(sa.literal("[]"), sa.JSON), actions.c.created_at,
            )  # fmt: skip
            session.execute(sa.insert(checks).from_select(columns, chosen))


def _finding(
    app: Flask, court: CourtWorld, number: int, cases: list[uuid.UUID], actions: list[uuid.UUID]
) -> dict[str, Any]:
    now = runtime_of(app).clock.now()
    return {
        "id": runtime_of(app).ids(), "court_id": court.id, "case_id": cases[number],
        "action_id": actions[number], "rule": "CC02", "number": 1, "outcome": "fail",
        "reasons": [], "state": ("open", "explained", "rectified", "upheld")[number % 4],
        "opened_at": now - timedelta(days=number % 120),
    }  # fmt: skip


def _alert(
    app: Flask, court: CourtWorld, number: int, cases: list[uuid.UUID], officers: list[uuid.UUID]
) -> dict[str, Any]:
    now = runtime_of(app).clock.now()
    return {
        "id": runtime_of(app).ids(), "court_id": court.id, "kind": _KINDS[number % 5],
        "key": f"bench:{number}", "case_id": cases[number * 3 % CASES],
        "owner_id": officers[number % OFFICERS], "since_on": date(2025, 6, 1), "version": 1,
        "state": ("raised", "explained", "escalated", "cleared")[number % 4], "raised_at": now,
        "explain_by": date(2099, 1, 1),
    }  # fmt: skip


def _task(app: Flask, court: CourtWorld, number: int, officers: list[uuid.UUID]) -> dict[str, Any]:
    now = runtime_of(app).clock.now()
    state = ("open", "overdue", "done")[number % 3]
    return {
        "id": runtime_of(app).ids(), "court_id": court.id, "owner_id": officers[number % OFFICERS],
        "text": "补录清单(虚构)", "due_on": now.date() + timedelta(days=7), "state": state,
        "given_by": court.supervisor.id, "given_at": now, "version": 1,
        "done_at": now if state == "done" else None,
    }  # fmt: skip


def _put_campaigns(app: Flask, court: CourtWorld, cases: list[uuid.UUID]) -> None:
    ids, now = runtime_of(app).ids, runtime_of(app).clock.now()
    made = [ids() for _ in range(5)]
    by = {"court_id": court.id}
    _put(Campaign, ({
        **by, "id": one, "name": "专项行动(虚构)", "begins_on": date(2025, 1, 1),
        "ends_on": date(2099, 12, 31), "state": "running", "made_by": court.supervisor.id,
        "made_at": now, "version": 1,
    } for one in made))  # fmt: skip
    _put(CampaignCase, ({
        **by, "campaign_id": made[number % 5], "case_id": case, "added_by": court.supervisor.id,
        "added_at": now,
    } for number, case in enumerate(cases[:2_500])))  # fmt: skip
