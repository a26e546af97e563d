"""The one sequencer: moves the outbox into ``events`` under a gapless index.

It reads whatever is committed, never ``id > last seen`` (that lost 10.8 % of rows in a trial,
04 §4.2), and holds the row of ``log_state``, so that two sequencers take turns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.audit.models import Change, Event, LogState, OutboxRow
from server.core.db import table_of

BATCH = 2_000
_SHARED = [
    column.name for column in table_of(OutboxRow).columns if column.name in table_of(Event).columns
]


def initialise(session: Session, generation: str) -> None:
    """Make the state row of an empty log; a log that has one keeps it."""
    if session.get(LogState, 1) is None:
        session.add(LogState(id=1, next_index=0, generation=generation, feed_horizon=0))


def sequence(session: Session, limit: int = BATCH) -> int:
    """Move up to ``limit`` rows in one transaction (the caller's); returns how many."""
    outbox = table_of(OutboxRow)
    if session.execute(sa.select(outbox.c.id).limit(1)).first() is None:
        return 0
    state = session.execute(sa.select(LogState).with_for_update()).scalar_one()
    rows = session.execute(sa.select(outbox).order_by(outbox.c.id).limit(limit)).mappings().all()
    if not rows:
        return 0
    first = state.next_index
    events = [
        {**{name: row[name] for name in _SHARED}, "log_index": first + position}
        for position, row in enumerate(rows)
    ]
    session.execute(sa.insert(table_of(Event)), events)
    changes = _changes(rows, first)
    if changes:
        session.execute(sa.insert(table_of(Change)), changes)
    _delete(session, [row["id"] for row in rows])
    state.next_index = first + len(rows)
    session.flush()
    return len(rows)


def _changes(rows: Sequence[Any], first: int) -> list[dict[str, Any]]:
    found: dict[tuple[str, int, str, str], dict[str, Any]] = {}
    for position, row in enumerate(rows):
        for recipient, topic, entity_id, op in row["changes"]:
            key = (recipient, first + position, topic, entity_id)
            found[key] = {
                "recipient": recipient,
                "log_index": first + position,
                "topic": topic,
                "entity_id": entity_id,
                "op": op,
                "court_id": row["court_id"],
            }
    return list(found.values())


def _delete(session: Session, ids: list[int]) -> None:
    outbox = table_of(OutboxRow)
    for start in range(0, len(ids), 500):
        session.execute(sa.delete(outbox).where(outbox.c.id.in_(ids[start : start + 500])))
