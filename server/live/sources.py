"""Lines of the log and captures of a mission, as the release desk takes them in."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.cases.models import Mission
from server.cases.states import MissionState
from server.evidence.models import Evidence
from server.fieldlog.models import LogEntry
from server.live.models import LiveEntry

LOG: Final = "log"
EVIDENCE: Final = "evidence"
MISSION: Final = "mission"
NOTE: Final = "log.note"  # other lines are the devices' own: hand-overs, lost captures, heads
CAPTURE: Final = "capture.recorded"
_GONE: Final = "erased"


@dataclass(frozen=True, slots=True)
class Source:
    """What happened, as recorded: for staff only."""

    source: str
    id: uuid.UUID
    act: str  # note | photo | video | audio | document | closed
    happened_at: datetime
    text: str | None = None
    case_id: uuid.UUID | None = None
    officer_id: uuid.UUID | None = None
    lat: str | None = None
    lon: str | None = None
    datum: str | None = None


def not_taken_in(session: Session, mission: Mission, ended_at: datetime) -> list[Source]:
    """What a mission has that the desk does not have yet, by the time when it happened."""
    found = [
        *_notes(session, _new_notes(mission)),
        *_captures(session, _new_captures(mission)),
        *_end(session, mission, ended_at),
    ]
    return sorted(found, key=lambda one: (one.happened_at, one.id))


def of_entries(session: Session, rows: Sequence[LiveEntry]) -> dict[uuid.UUID, Source]:
    """The source of each entry by the entry's id; what was erased meanwhile is missing."""
    wanted = {(row.source, row.source_id): row for row in rows}
    notes = [row.source_id for row in rows if row.source == LOG]
    captures = [row.source_id for row in rows if row.source == EVIDENCE]
    found: list[Source] = []
    if notes:
        found += _notes(session, LogEntry.id.in_(notes))
    if captures:
        found += _captures(session, sa.and_(Evidence.id.in_(captures), Evidence.state != _GONE))
    found += [
        Source(MISSION, row.source_id, row.act, row.happened_at)
        for row in rows
        if row.source == MISSION
    ]
    return {wanted[one.source, one.id].id: one for one in found}


def _new_notes(mission: Mission) -> sa.ColumnElement[bool]:
    return sa.and_(
        LogEntry.court_id == mission.court_id,
        LogEntry.mission_id == mission.id,
        LogEntry.act == NOTE,
        ~_taken_in(mission, LOG, LogEntry.id),
    )


def _new_captures(mission: Mission) -> sa.ColumnElement[bool]:
    return sa.and_(
        Evidence.court_id == mission.court_id,
        Evidence.mission_id == mission.id,
        Evidence.state != _GONE,
        ~_taken_in(mission, EVIDENCE, Evidence.id),
    )


def _taken_in(mission: Mission, source: str, source_id: Any) -> sa.ColumnElement[bool]:
    return sa.exists().where(
        LiveEntry.mission_id == mission.id,
        LiveEntry.source == source,
        LiveEntry.source_id == source_id,
    )


def _notes(session: Session, rule: sa.ColumnElement[bool]) -> list[Source]:
    return [
        Source(
            LOG, row.id, "note", row.happened_at, row.text, row.case_id, row.officer_id,
            row.lat, row.lon, row.geo_datum,
        )
        for row in session.execute(sa.select(LogEntry).where(rule)).scalars()
    ]  # fmt: skip


def _captures(session: Session, rule: sa.ColumnElement[bool]) -> list[Source]:
    return [
        Source(
            EVIDENCE, row.id, row.media, row.captured_at, None, row.case_id, row.officer_id,
            row.lat, row.lon, row.geo_datum,
        )
        for row in session.execute(sa.select(Evidence).where(rule)).scalars()
    ]  # fmt: skip


def _end(session: Session, mission: Mission, ended_at: datetime) -> list[Source]:
    """That the mission ended is a line of its own, which observers learn as late as the rest."""
    known = sa.select(LiveEntry.id).where(
        LiveEntry.source == MISSION, LiveEntry.source_id == mission.id
    )
    if mission.state != MissionState.ENDED or session.execute(known).first() is not None:
        return []
    return [Source(MISSION, mission.id, "closed", ended_at)]
