"""Reading the log."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.audit.models import Change, Event, LogState


def log_state(session: Session) -> LogState:
    """Next index, feed generation and horizon."""
    return session.execute(sa.select(LogState)).scalar_one()


def events_after(session: Session, log_index: int, limit: int) -> Sequence[Event]:
    """Events of every court beyond an index, in order; for the worker."""
    statement = (
        sa.select(Event).where(Event.log_index > log_index).order_by(Event.log_index).limit(limit)
    )
    return session.execute(statement).scalars().all()


def court_events(
    session: Session, court_id: uuid.UUID, after: int, limit: int, case_id: uuid.UUID | None = None
) -> Sequence[Event]:
    """Events of one court, optionally of one case, beyond an index, in order."""
    statement = sa.select(Event).where(Event.court_id == court_id, Event.log_index > after)
    if case_id is not None:
        statement = statement.where(Event.case_id == case_id)
    return session.execute(statement.order_by(Event.log_index).limit(limit)).scalars().all()


def changes_for(
    session: Session,
    recipients: Sequence[str],
    after: int,
    limit: int,
    topics: Sequence[str] | None = None,
) -> Sequence[Change]:
    """What these recipients have to learn beyond an index, in order; O(changes)."""
    statement = sa.select(Change).where(Change.recipient.in_(recipients), Change.log_index > after)
    if topics is not None:
        statement = statement.where(Change.topic.in_(topics))
    statement = statement.order_by(Change.log_index, Change.topic, Change.entity_id).limit(limit)
    return session.execute(statement).scalars().all()
