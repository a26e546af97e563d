"""Reading the log."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True, order=True)
class FeedPosition:
    """A place in the feed of changes; beyond every change of ``log_index`` when ``topic`` is empty.

    One event can change many things for one recipient, so the index alone is not a place.
    """

    log_index: int
    topic: str = ""
    entity_id: str = ""


def feed_page(
    session: Session,
    recipients: Sequence[str],
    after: FeedPosition,
    until: int,
    topics: Collection[str],
    limit: int,
) -> list[Change]:
    """Up to ``limit`` changes of these recipients beyond a place, in order; O(limit).

    ``until`` is the last index that counts, so that the recipients' ranges end together.

    Each recipient is read along its own index range: one range over several recipients would have
    to be sorted as a whole.
    """
    row = Change
    if after.topic:
        here = sa.tuple_(row.log_index, row.topic, row.entity_id)
        place = sa.tuple_(
            sa.literal(after.log_index, row.log_index.type),
            sa.literal(after.topic),
            sa.literal(after.entity_id),
        )
        beyond = here > place
    else:
        beyond = row.log_index > after.log_index
    found: dict[tuple[int, str, str], Change] = {}
    for recipient in recipients:
        statement = (
            sa.select(row)
            .where(
                row.recipient == recipient,
                beyond,
                row.log_index <= until,
                row.topic.in_(sorted(topics)),
            )
            .order_by(row.log_index, row.topic, row.entity_id)
            .limit(limit)
        )
        for change in session.execute(statement).scalars():
            found[change.log_index, change.topic, change.entity_id] = change
    return [found[key] for key in sorted(found)[:limit]]
