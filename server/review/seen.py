"""What each person has had before them: it sorts their own queue and decides nothing."""

from __future__ import annotations

import uuid
from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from server.core.context import Context
from server.core.db import table_of
from server.review.models import ReviewSeen

_seen = table_of(ReviewSeen)


def note(ctx: Context, evidence_ids: Collection[uuid.UUID]) -> None:
    """Remember that the caller has these visible items before them; the first time counts."""
    if not evidence_ids:
        return
    now = ctx.clock.now()
    rows = [
        {"user_id": ctx.actor.user(), "evidence_id": one, "court_id": ctx.actor.court_id,
         "seen_at": now}
        for one in evidence_ids
    ]  # fmt: skip
    dialect = ctx.session.get_bind().dialect.name
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    ctx.session.execute(insert(_seen).values(rows).on_conflict_do_nothing())


def among(ctx: Context, evidence_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Which of these the caller has seen."""
    if not evidence_ids or ctx.actor.user_id is None:
        return set()
    statement = sa.select(_seen.c.evidence_id).where(
        _seen.c.user_id == ctx.actor.user_id, _seen.c.evidence_id.in_(evidence_ids)
    )
    return set(ctx.session.execute(statement).scalars())
