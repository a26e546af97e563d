"""The counters of a mission's two streams, and the lock that puts its changes in one order."""

from __future__ import annotations

import uuid
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from server.cases.models import Mission
from server.core.db import table_of
from server.live.models import LiveEntry, LiveMission


def begin(session: Session, mission: Mission, now: datetime) -> LiveMission:
    """The mission's locked counters, made when it is the first time."""
    dialect = session.get_bind().dialect.name
    insert = (postgresql.insert if dialect == "postgresql" else sqlite.insert)(
        table_of(LiveMission)
    )
    values = {
        "mission_id": mission.id,
        "court_id": mission.court_id,
        "last_position": 0,
        "last_turn": 0,
        "began_at": now,
    }
    session.execute(insert.values(values).on_conflict_do_nothing())
    return locked(session, mission.id)


def locked(session: Session, mission_id: uuid.UUID) -> LiveMission:
    """The mission's counters; whoever else changes its entries waits until this commits."""
    statement = (
        sa.select(LiveMission)
        .where(LiveMission.mission_id == mission_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return session.execute(statement).scalar_one()


def changed(live: LiveMission, row: LiveEntry) -> None:
    """Something about the entry is new for staff."""
    live.last_turn += 1
    row.turn = live.last_turn
    row.version = (row.version or 0) + 1


def announce(live: LiveMission, row: LiveEntry, now: datetime) -> None:
    """Something about the entry is new for observers as well; its delay is over."""
    live.last_position += 1
    row.position = live.last_position
    row.due_at = None
    row.announced_at = now
    changed(live, row)
