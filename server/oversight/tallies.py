"""Checks of conduct by rule and outcome: counted by the worker, since a large court has millions.

Counting them takes longer than a page may; the figures are shown with the time of their counting.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.conduct.models import ConductCheck
from server.core.clock import Clock
from server.core.context import Context, Runtime
from server.core.transactions import EVERY_COURT, take_turns, unit_of_work
from server.identity.models import Court
from server.oversight.models import ConductTally

OUTCOMES: Final = ("pass", "fail", "warn", "unknown")  # a rule that does not apply counts nowhere
Counts = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts by rule and then by outcome, as of a moment."""

    counts: Counts
    at: datetime


def tally(session: Session, clock: Clock, court_id: uuid.UUID) -> Tally:
    """The newest count of a court; counted now where the worker has not done so yet."""
    statement = sa.select(ConductTally).where(ConductTally.court_id == court_id)
    row = session.execute(statement).scalar_one_or_none()
    if row is None:
        return Tally(_counted(session, court_id), clock.now())
    return Tally(row.counts, row.counted_at)


def count_all(ctx: Context) -> int:
    """Count for every court; returns for how many.  For the worker: transactions are its own."""
    with unit_of_work(EVERY_COURT, write=False) as session:
        courts = list(session.execute(sa.select(Court.id).order_by(Court.id)).scalars())
    for court_id in courts:
        _count(ctx.runtime, court_id)
    return len(courts)


def _count(runtime: Runtime, court_id: uuid.UUID) -> None:
    at = runtime.clock.now()
    with unit_of_work(court_id, write=False) as session:
        counts = _counted(session, court_id)
    with unit_of_work(court_id) as session:
        take_turns(session, f"conduct-tally:{court_id}")
        statement = sa.select(ConductTally).where(ConductTally.court_id == court_id)
        row = session.execute(statement).scalar_one_or_none()
        if row is None:
            row = ConductTally(id=runtime.ids(), court_id=court_id)
            session.add(row)
        row.counts, row.counted_at = counts, at


def _counted(session: Session, court_id: uuid.UUID) -> dict[str, Any]:
    statement = (
        sa.select(ConductCheck.rule, ConductCheck.outcome, sa.func.count())
        .where(ConductCheck.court_id == court_id, ConductCheck.outcome.in_(OUTCOMES))
        .group_by(ConductCheck.rule, ConductCheck.outcome)
    )
    found: dict[str, dict[str, int]] = {}
    for rule, outcome, count in session.execute(statement):
        found.setdefault(rule, {})[outcome] = count
    return found
