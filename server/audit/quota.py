"""How much one person may take away in an hour (07 §3, threat 35).

Exports of the log and of lists, requests for packages and their downloads count together.  The
first refusal of an hour is an event of its own, which tells those who lead the court.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import sqlalchemy as sa

from server.audit.events import EventKind
from server.audit.models import Event, OutboxRow
from server.audit.service import Subject, record
from server.core.clock import rfc3339
from server.core.context import Context
from server.core.problem import Kind, Problem
from server.core.transactions import take_turns

EXPORTS_PER_HOUR: Final = 100
COUNTED: Final = (
    EventKind.AUDIT_EXPORTED,
    EventKind.LIST_EXPORTED,
    EventKind.EXPORT_REQUESTED,
    EventKind.EXPORT_DOWNLOADED,
)
_HOUR: Final = timedelta(hours=1)


def require_export_allowed(ctx: Context) -> None:
    """Return when the caller may export once more; 429 otherwise.

    The caller records one of ``COUNTED`` in the same transaction.
    """
    take_turns(ctx.session, f"exports:{ctx.actor.user()}")
    if _count(ctx, COUNTED) < EXPORTS_PER_HOUR:
        return
    if not _count(ctx, (EventKind.EXPORT_LIMITED,)):
        facts = {"exports": EXPORTS_PER_HOUR, "within_seconds": int(_HOUR.total_seconds())}
        record(ctx, EventKind.EXPORT_LIMITED, Subject("user", ctx.actor.user()), facts)
    raise Problem(
        Kind.TOO_MANY_REQUESTS,
        f"{EXPORTS_PER_HOUR} exports within an hour: another person has to look first",
        keep=True, headers={"Retry-After": str(int(_HOUR.total_seconds()))},
    )  # fmt: skip


def _count(ctx: Context, kinds: tuple[EventKind, ...]) -> int:
    """The caller's events of these kinds within the hour, in the log or on their way to it."""
    since = rfc3339(ctx.clock.now() - _HOUR)
    total = 0
    for table in (Event, OutboxRow):
        statement = sa.select(sa.func.count()).select_from(table).where(
            table.court_id == ctx.actor.court_id, table.actor_id == ctx.actor.user(),
            table.kind.in_([kind.value for kind in kinds]), table.rx > since,
        )  # fmt: skip
        total += ctx.session.execute(statement).scalar_one()
    return total
