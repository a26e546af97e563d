"""The page of a case with 10,000 items: what the server needs, of one request after another.

``python -m tests.bench case_page`` (or ``case-page``).  The rows lie spread over sixty days with
positions, recordings and lines of the log, on both databases.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from flask import Flask

from server.core.bulk import insert_rows
from server.core.db import db, table_of
from server.core.settling import settle
from server.core.transactions import EVERY_COURT, unit_of_work
from server.evidence.models import Evidence, Examination, code_of
from server.fieldlog.models import LogEntry
from tests.bench.application import on_both, page_row
from tests.bench.filling import analyse
from tests.bench.rows import Row
from tests.factories.cases import add_case, add_mission
from tests.factories.console import desk
from tests.factories.identity import CourtWorld, World, runtime_of

ITEMS: Final = 10_000
LINES: Final = 1_000
OTHER_ITEMS: Final = 40_000  # of other cases of the court
GOAL_MS: Final = 150.0
DAYS: Final = 60


def run(quick: bool) -> list[Row]:
    """p95 of the page as it opens, of one day of it, and of a page of the day's entries."""
    rounds = 20 if quick else 100
    return on_both(lambda app, name: _rows(app, name, rounds))


def _rows(app: Flask, name: str, rounds: int) -> list[Row]:
    scene = _filled(app)
    browser = desk(app, scene.court.people["supervisor"])
    settle()  # as a server does when it starts
    day = (scene.first + timedelta(days=DAYS // 2)).replace(hour=0, minute=0)
    window = f"from={day:%Y-%m-%dT%H:%M}&to={day + timedelta(days=1):%Y-%m-%dT%H:%M}"
    asked = {
        "as it opens": f"/cases/{scene.case}",
        "one day": f"/cases/{scene.case}?{window}",
        "an item": f"/cases/{scene.case}?item={scene.item}",
        "list of cases": "/cases",
    }
    size = f"case page with {ITEMS:,} items"
    return [
        page_row("console", f"{size}: {what}, {name}", browser, path, rounds, GOAL_MS)
        for what, path in asked.items()
    ]


@dataclass(frozen=True)
class _Scene:
    court: CourtWorld
    case: uuid.UUID
    item: uuid.UUID
    first: datetime


def _filled(app: Flask) -> _Scene:
    court = World.build(app).first
    case, other = (add_case(app, court.id, serial=one) for one in (1, 2))
    first = runtime_of(app).clock.now() - timedelta(days=DAYS)
    for day in range(0, DAYS, 10):
        start = first + timedelta(days=day)
        add_mission(app, court.id, [case], starts_at=start, ends_at=start + timedelta(hours=6))
    item = _fill(app, court, case, ITEMS, first, 0)
    _fill(app, court, other, OTHER_ITEMS, first, ITEMS)
    _fill_log(app, court, case, first)
    for table in (Evidence, Examination, LogEntry):
        analyse(db.engine, table_of(table))
    return _Scene(court, case, item, first)


def _fill(
    app: Flask, court: CourtWorld, case: uuid.UUID, count: int, first: datetime, offset: int
) -> uuid.UUID:
    make = _item_maker(app, court, case, first, timedelta(days=DAYS) / count)
    rows = [make(offset + number, number) for number in range(count)]
    seen = {"media": {"duration_ms": 45_000}}
    done = [
        {"sha256": row["sha256"], "state": "done", "attempts": 1, "findings": seen,
         "problem": None, "examined_at": first}
        for row in rows
        if row["media"] == "video"
    ]  # fmt: skip
    with unit_of_work(EVERY_COURT) as session:
        for start in range(0, count, 2_000):
            insert_rows(session, table_of(Evidence), rows[start : start + 2_000])
        insert_rows(session, table_of(Examination), done)
    found: uuid.UUID = rows[count // 2]["id"]
    return found


def _item_maker(
    app: Flask, court: CourtWorld, case: uuid.UUID, first: datetime, step: timedelta
) -> Callable[[int, int], dict[str, Any]]:
    ids = runtime_of(app).ids
    common = {
        **dict.fromkeys(column.name for column in table_of(Evidence).columns),
        "court_id": court.id, "case_id": case, "device_id": court.phone.id,
        "captured_by": court.phone.id, "ep": 1, "obj_index": 0, "size_bytes": 2_000_000,
        "officer_id": court.officer.id, "officer_source": "record", "wall": "", "error_ms": 1_500,
        "through_suspend": True, "clock_class": "A", "zone_source": "device-offset",
        "geo_datum": "WGS84", "geo_accuracy_m": "8", "geo_source": "gnss",
        "review_state": "pending", "version": 1, "created_at": first,
    }  # fmt: skip

    def make(seq: int, number: int) -> dict[str, Any]:
        at, identifier = first + step * number, ids()
        film, late = number % 8 == 0, number % 97 == 0
        return {
            **common, "id": identifier, "seq": seq + 1, "record_hid": f"{seq:064x}",
            "code": code_of(identifier),
            "sha256": hashlib.sha256(b"%d" % seq).hexdigest(),
            "media": "video" if film else "photo",
            "mime": "video/mp4" if film else "image/jpeg",
            "name": b"DSC_%04d.JPG" % (seq % 9999 + 1), "captured_at": at,
            "state": "missing" if late else "verified", "due_at": at + timedelta(days=3),
            "verified_at": None if late else at,
            "lat": f"{38.2 + number % 100 / 1000:.7f}", "lon": f"{104.4 + number % 77 / 1000:.7f}",
            "findings": [{"code": "gap", "detail": "1"}] if number % 50 == 0 else [],
        }  # fmt: skip

    return make


def _fill_log(app: Flask, court: CourtWorld, case: uuid.UUID, first: datetime) -> None:
    ids = runtime_of(app).ids
    common = dict.fromkeys(column.name for column in table_of(LogEntry).columns)
    rows = [
        {
            **common, "id": ids(), "court_id": court.id, "case_id": case,
            "device_id": court.phone.id, "ep": 2, "seq": number + 1, "record_hid": f"{number:064x}",
            "act": "log.note", "text": "现场情况(虚构)", "officer_id": court.officer.id,
            "officer_source": "record", "wall": "", "through_suspend": True,
            "happened_at": first + timedelta(days=DAYS) / LINES * number, "clock_class": "A",
            "created_at": first,
        }
        for number in range(LINES)
    ]  # fmt: skip
    with unit_of_work(EVERY_COURT) as session:
        insert_rows(session, table_of(LogEntry), rows)
