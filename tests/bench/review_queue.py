"""The queue for review over a million items: server time of pages, filters, the next item.

Each figure is the 95th percentile over the rounds, through the whole application (session cookie,
transaction, template), without the network and the browser.  PostgreSQL and SQLite in turn.  The
processor's time is this process' (not PostgreSQL's), which others on the machine hardly change.  A
request of the same run that reads no evidence tells how busy the machine was.
"""

from __future__ import annotations

import functools
import time
import uuid
from collections.abc import Callable
from typing import Final

import sqlalchemy as sa
from flask import Flask

from server.core.db import db, table_of
from server.core.settling import settle
from server.core.transactions import EVERY_COURT, unit_of_work
from server.evidence.models import Evidence
from tests.bench.application import on_both
from tests.bench.filling import analyse, without_indexes
from tests.bench.rows import Row, median
from tests.factories.cases import add_case
from tests.factories.console import Desk, desk
from tests.factories.identity import World

ITEMS: Final = 1_000_000
GOAL_MS: Final = 150.0
PERCENTILE: Final = 0.95
_WARM: Final = 3  # rounds that are not counted
CASES: Final = 2_000
CASE_EVERY: Final = 100  # the case that is asked for has one item in so many
PEOPLE: Final = 50
DEVICES: Final = 100
_COLUMNS: Final = (
    "id, code, court_id, case_id, device_id, captured_by, ep, seq, obj_index, record_hid, sha256,"
    " size_bytes, media, mime, state, due_at, verified_at, officer_id, officer_source, wall,"
    " through_suspend, captured_at, clock_class, zone_source, lat, lon, geo_datum, findings,"
    " review_state, version, created_at"
)
_CHOSEN: Final = """
  CASE WHEN n % 100 < 90 THEN 'photo' WHEN n % 100 < 97 THEN 'video' WHEN n % 100 < 99 THEN 'audio'
       ELSE 'document' END"""
_FINDINGS: Final = """CASE WHEN n % 400 = 7 THEN '[{"code": "type-differs", "detail": "x"}]'
  ELSE '[]' END"""
# Scattered over people, devices, cases and kinds, so that no filter finds one state alone.
_STATE: Final = """CASE WHEN scattered < 60 THEN 'accepted' WHEN scattered < 95 THEN 'pending'
  WHEN scattered < 97 THEN 'suspect' WHEN scattered < 99 THEN 'returned' ELSE 'queried' END"""
_SCATTERED: Final = "n * 2654435761 % 4294967296 * 100 / 4294967296 AS scattered"
_POSTGRES: Final = f"""
INSERT INTO evidence ({_COLUMNS})
SELECT (lpad(to_hex(1735689600000 + n * 25000), 12, '0') || '7' || lpad(to_hex(n), 19, '0'))::uuid,
       n, :court, CASE WHEN n % {CASE_EVERY} = {CASE_EVERY // 2 + 1} THEN CAST(:case AS uuid)
         ELSE md5('c' || n % {CASES})::uuid END,
       md5('d' || n % {DEVICES})::uuid, CASE WHEN n % {DEVICES} = 1 THEN CAST(:device AS uuid)
         ELSE md5('d' || n % {DEVICES})::uuid END, 1, n, 0, md5('h' || n), md5('s' || n), 1000000,
       {_CHOSEN}, 'image/jpeg', CASE WHEN n % 100 = 3 THEN 'declared' ELSE 'verified' END, t, t,
       CASE WHEN n % {PEOPLE} = 1 THEN CAST(:officer AS uuid) ELSE md5('o' || n % {PEOPLE})::uuid
         END, 'record', '', false, t, 'C', 'device-offset', (38 + (n % 1000) / 1000.0)::text,
       (104 + (n % 997) / 997.0)::text, 'WGS84', ({_FINDINGS})::json, {_STATE}, 1, t
FROM (SELECT n, timestamptz '2025-01-01' + n * interval '25 seconds' AS t, {_SCATTERED}
      FROM generate_series(CAST(1 AS bigint), :rows) AS n) AS numbered
"""  # noqa: S608  our own names
_SQLITE: Final = f"""
INSERT INTO evidence ({_COLUMNS})
WITH RECURSIVE numbered(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbered WHERE n < :rows),
timed AS (SELECT n, strftime('%Y-%m-%d %H:%M:%S', 1735689600 + n * 25, 'unixepoch') || '.000000'
          AS t, printf('%032x', n * 2654435761 % 4294967296) AS h, {_SCATTERED} FROM numbered)
SELECT printf('%012x7%019x', 1735689600000 + n * 25000, n), n, :court,
       CASE WHEN n % {CASE_EVERY} = {CASE_EVERY // 2 + 1} THEN :case
         ELSE printf('%032x', n % {CASES}) END,
       printf('%032x', n % {DEVICES}), CASE WHEN n % {DEVICES} = 1 THEN :device
         ELSE printf('%032x', n % {DEVICES}) END, 1, n, 0, h, h, 1000000, {_CHOSEN}, 'image/jpeg',
       CASE WHEN n % 100 = 3 THEN 'declared' ELSE 'verified' END, t, t,
       CASE WHEN n % {PEOPLE} = 1 THEN :officer ELSE printf('%032x', n % {PEOPLE}) END, 'record',
       '', 0, t, 'C', 'device-offset', CAST(38 + (n % 1000) / 1000.0 AS TEXT),
       CAST(104 + (n % 997) / 997.0 AS TEXT), 'WGS84', {_FINDINGS}, {_STATE}, 1, t
FROM timed
"""  # noqa: S608  our own names


def run(quick: bool) -> list[Row]:
    """The rows of review; ``--quick`` makes a tenth of the items."""
    items, rounds = (ITEMS // 10, 15) if quick else (ITEMS, 30)
    return on_both(lambda app, name: _in_app(app, name, items, rounds))


def _in_app(app: Flask, name: str, items: int, rounds: int) -> list[Row]:
    world = World.build(app)
    court = world.first
    case = add_case(app, court.id, serial=901)
    ids = {"court": court.id, "case": case, "officer": court.officer.id, "device": court.phone.id}
    _fill(ids, items)
    someone = desk(app, court.supervisor)
    settle()  # as a server does when it starts
    rows = []
    bare, _ = _p95(lambda: _asked(someone, "/api/v1/review-reasons"), rounds)
    for label, path in _paths(ids, someone).items():
        figures = _p95(functools.partial(_asked, someone, path), rounds)
        rows.append(_row(name, items, label, figures))
    rows.append(_row(name, items, "decide and show the next", _decisions(someone, rounds)))
    bare_name = f"a request that reads no evidence, {name}, p95: to read the others by"
    return [*rows, Row("console", bare_name, bare, "ms")]


def _paths(ids: dict[str, uuid.UUID], someone: Desk) -> dict[str, str]:
    """What is measured: API pages by filter, and the console's own."""
    api = "/api/v1/review-queue?limit=50"
    link = someone.get(f"{api}&limit=50".replace("&limit=50", "", 1)).headers["Link"]
    deep = link.partition("<")[2].partition(">")[0]
    with unit_of_work(ids["court"], write=False) as session:
        wanted = sa.select(Evidence.id).where(Evidence.code == 1234)
        item = session.execute(wanted).scalar_one()
    return {
        "first page": api,
        "next page": deep,
        "newest first, all states": f"{api}&status=all&sort=newest",
        "one officer": f"{api}&officer={ids['officer']}",
        "one device": f"{api}&device={ids['device']}",
        "one case": f"{api}&case={ids['case']}",
        "one of fifty kinds": f"{api}&type=audio",
        "with findings (1 in 400)": f"{api}&finding=any",
        "a place": f"{api}&bbox=104.2,38.2,104.3,38.3",
        "not seen by me": f"{api}&unseen=true",
        "what nothing fits": f"{api}&finding=no-such-code",
        "page with list, pane and count": "/review",
        "one item's pane": f"/review/{item}?status=all",
        "inbox": "/inbox",
        "list of cases": "/cases",
        "board of what is missing": "/missing",
    }


def _decisions(someone: Desk, rounds: int) -> tuple[float, float]:
    """Accept, and the pane of the next item, as a script of the page asks for it."""
    where = [_first_item(someone)]
    part = {"HX-Request": "true", "HX-Target": "review-pane"}

    def once() -> None:
        form = {"decision": "accept"}
        answer = someone.post(f"/review/{where[0]}/decide", form, headers=part)
        assert answer.status_code == 303, answer.get_data(as_text=True)
        shown = someone.get(answer.headers["Location"], headers=part)
        assert shown.status_code == 200
        where[0] = answer.headers["Location"].partition("/review/")[2].partition("?")[0]

    return _p95(once, rounds)


def _first_item(someone: Desk) -> str:
    found: str = someone.get("/api/v1/review-queue?limit=1").get_json()["items"][0]["id"]
    return found


def _asked(someone: Desk, path: str) -> None:
    answer = someone.get(path)
    assert answer.status_code == 200, (path, answer.get_data(as_text=True)[:500])


def _p95(once: Callable[[], None], rounds: int) -> tuple[float, float]:
    """Milliseconds of a clock on the wall and, as a median, of this process' own work."""
    walls, processor = [], []
    for number in range(rounds + _WARM):
        wall, own = time.perf_counter(), time.process_time()
        once()
        if number >= _WARM:
            walls.append((time.perf_counter() - wall) * 1000)
            processor.append((time.process_time() - own) * 1000)
    return sorted(walls)[int(len(walls) * PERCENTILE)], median(processor)


def _row(database: str, items: int, label: str, figures: tuple[float, float]) -> Row:
    name = f"review queue over {items:,} items, {database}: {label}, p95"
    note = f"processor {figures[1]:.0f} ms"
    return Row("console", name, figures[0], "ms", goal=GOAL_MS, better="less", note=note)


def _fill(ids: dict[str, uuid.UUID], items: int) -> None:
    postgres = db.engine.dialect.name == "postgresql"
    values = {name: one if postgres else one.hex for name, one in ids.items()}
    with unit_of_work(EVERY_COURT) as session, without_indexes(session, table_of(Evidence)):
        session.execute(sa.text(_POSTGRES if postgres else _SQLITE), {**values, "rows": items})
    analyse(db.engine, table_of(Evidence))
