"""Letting go of what only serves pulls: changes that every cursor has passed or is too old for.

The log itself is never shortened.
"""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.audit.models import Change, Event, LogState
from server.core.clock import rfc3339
from server.core.context import Context


def compact_feed(ctx: Context) -> int:
    """Remove changes of entries older than ``feed_retention_days``; returns how many.

    A cursor below the new horizon gets 410 from now on, and starts with a snapshot.
    """
    state = ctx.session.execute(sa.select(LogState).with_for_update()).scalar_one()
    oldest = rfc3339(ctx.clock.now() - timedelta(days=ctx.settings.feed_retention_days))
    horizon = first_since(ctx.session, state.feed_horizon, state.next_index, oldest)
    if horizon == state.feed_horizon:
        return 0
    state.feed_horizon = horizon
    gone = ctx.session.execute(sa.delete(Change).where(Change.log_index < horizon))
    return int(getattr(gone, "rowcount", 0))


def first_since(session: Session, low: int, high: int, oldest: str) -> int:
    """Lowest index from which on the server's own entries came at ``oldest`` or later, by halving.

    A device's record may have been held for weeks, so its time says nothing about its place.
    """
    while low < high:
        middle = (low + high) // 2
        probe = sa.select(Event.log_index, Event.rx).where(
            Event.log_index >= middle, Event.log_index < high, Event.ep.is_(None)
        )
        found = session.execute(probe.order_by(Event.log_index).limit(1)).first()
        if found is not None and found.rx < oldest:
            low = found.log_index + 1
        else:
            high = middle
    return low
