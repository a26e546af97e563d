"""Reads the log for what entries do not tell: evidence that came, was examined, rebound or timed.

Its cursor is one of the worker's readers; it only marks actions, so that a burst costs little.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, Final

import sqlalchemy as sa

from client_sdk.protocol.payloads import RecordKind
from server.audit.events import EventKind
from server.audit.models import Event, LogState
from server.conduct import marking
from server.core.bulk import among
from server.core.context import Context
from server.evidence.models import Evidence

BATCH: Final = 10_000
TIMED_WITHIN: Final = timedelta(days=31)  # a reading of a clock moves what was taken around it
_READING: Final = RecordKind.CLOCK_OBSERVED.value
_READ: Final = sorted(
    {
        EventKind.EVIDENCE_VERIFIED.value, EventKind.EVIDENCE_EXAMINED.value,
        EventKind.EVIDENCE_MISSING.value, EventKind.EVIDENCE_REBOUND.value,
        EventKind.EVIDENCE_ERASED.value, EventKind.RECORDING_CHECKED.value,
        EventKind.CASE_CHANGED.value, RecordKind.CAPTURE_RECORDED.value,
        RecordKind.CAPTURE_RECOVERED.value, RecordKind.LOG_NOTE.value, _READING,
    }
)  # fmt: skip


def project(ctx: Context, after: int) -> int:
    """Mark the actions that events beyond ``after`` concern; returns how far it read."""
    newest = ctx.session.execute(sa.select(LogState.next_index)).scalar_one() - 1
    upto = min(newest, after + BATCH)
    statement = sa.select(
        Event.kind, Event.src, Event.subject_id, Event.case_id, Event.mission_id
    ).where(Event.log_index > after, Event.log_index <= upto, Event.kind.in_(_READ))
    rows = ctx.session.execute(statement).all()
    if rows:
        _mark(ctx, rows)
    return max(upto, after)


def _mark(ctx: Context, rows: Sequence[Any]) -> None:
    places = {(row.case_id, row.mission_id) for row in rows}
    timed = _timed(ctx, rows)
    if timed:
        statement = sa.select(Evidence.case_id, Evidence.mission_id).where(
            Evidence.captured_by.in_(timed),
            Evidence.captured_at > ctx.clock.now() - TIMED_WITHIN,
        )
        places |= {(row[0], row[1]) for row in ctx.session.execute(statement.distinct())}
    cases = {case for case, _ in places if case is not None}
    missions = {mission for _, mission in places if mission is not None}
    if cases or missions:
        marking.mark_of(ctx, cases, missions)


def _timed(ctx: Context, rows: Iterable[Any]) -> set[uuid.UUID]:
    """Devices of whose clocks more is known: by their own records, by a code in a picture."""
    found = set(_ids(row.src for row in rows if row.kind == _READING))
    items = _ids(row.subject_id for row in rows if row.kind == EventKind.EVIDENCE_EXAMINED)
    if items:
        docked = sa.select(Evidence.captured_by).where(
            among(ctx.session, Evidence.id, items), Evidence.captured_by != Evidence.device_id
        )
        found |= set(ctx.session.execute(docked.distinct()).scalars())
    return found


def _ids(texts: Iterable[str | None]) -> list[uuid.UUID]:
    """Nothing in the log may stop its reader."""
    found = set()
    for text in texts:
        with contextlib.suppress(ValueError):
            found.add(uuid.UUID(text or ""))
    return sorted(found, key=str)
