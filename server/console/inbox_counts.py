"""What waits for a person, counted: each with the page where the next step is taken.

A count is what the person could see there; large ones are counted only so far.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from server.audit.models import HeldRecord
from server.core.context import Context
from server.core.permissions import Permission
from server.evidence import boards
from server.evidence.boards import MissingFilter
from server.evidence.erasure_models import Erasure
from server.evidence.models import Evidence
from server.evidence.reuse_models import ReuseAlarm
from server.evidence.visibility import sees_evidence
from server.guests import queries as guests
from server.guests.kinds import OpinionState
from server.guests.models import Opinion
from server.live import queries as live
from server.notices.models import Webhook
from server.oversight.kinds import OPEN_TASKS, AlertState, TaskState
from server.oversight.models import OversightAlert, OversightTask
from server.retention.models import LineErasure
from server.review import queue, second_look
from server.review.commands import ANY_FINDING, QueueFilter
from server.review.queries import OPEN

COUNT_MAX: Final = 1000
RETURNED_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Waiting:
    """So many of a kind wait; at least that many unless ``exact``; ``urgent`` of them are late.

    ``key`` names its words: ``inbox.task_<key>`` and ``inbox.next_<key>``.
    """

    key: str
    count: int
    href: str
    exact: bool = True
    urgent: int = 0


def tasks(ctx: Context) -> list[Waiting]:
    """What the caller's roles have to do."""
    return [made for permission, make in _TASKS if ctx.actor.may(permission) for made in make(ctx)]


def anomalies(ctx: Context) -> list[Waiting]:
    """What is not as it should be, where the caller looks after it; nothing that is in order."""
    if not ctx.actor.may(Permission.MISSING_VIEW):
        return []
    return [one for one in _anomalies(ctx) if one.count]


def returned_to(ctx: Context) -> list[Evidence]:
    """Items that came back to the caller, the newest capture first.

    Each state is read along the index of the officer's items and cut off there.
    """
    newest = [_returned(ctx, state).subquery() for state in OPEN]
    found = sa.union_all(*(sa.select(one.c.id) for one in newest))
    ids = ctx.session.execute(found).scalars().all()
    if not ids:
        return []
    statement = sa.select(Evidence).where(
        Evidence.id.in_(ids), Evidence.court_id == ctx.actor.court_id
    )
    rows = ctx.session.execute(statement).scalars()
    return sorted(rows, key=lambda row: (row.captured_at, row.id), reverse=True)[:RETURNED_SHOWN]


def _returned(ctx: Context, state: str) -> sa.Select[Any]:
    mine = [Evidence.officer_id == ctx.actor.user(), Evidence.review_state == state]
    statement = sa.select(Evidence.id).where(*mine)
    ordered = statement.order_by(Evidence.captured_at.desc(), Evidence.id.desc())
    return ordered.limit(RETURNED_SHOWN)


def _review(ctx: Context) -> Iterator[Waiting]:
    left = queue.left(ctx, QueueFilter())
    suspect = queue.left(ctx, QueueFilter(states=("suspect",)))
    yield Waiting("review", left.count, "/review", exact=left.exact, urgent=suspect.count)
    week = second_look.this_week(ctx)
    undecided = sum(sample.outcome is None for sample, _ in week.samples)
    yield Waiting("second", undecided, "/review/second")


def _answers_for(ctx: Context) -> Iterator[Waiting]:
    """What has to be explained or done by the caller in person; nothing when there is nothing."""
    court, me = ctx.actor.court_id, ctx.actor.user()
    alerts, tasks = OversightAlert, OversightTask
    mine = [alerts.court_id == court, alerts.owner_id == me, alerts.state == AlertState.RAISED]
    count, exact = _capped(ctx, sa.select(alerts.id).where(*mine))
    if count:
        yield Waiting("alerts", count, "/oversight/alerts?state=raised", exact=exact)
    open_ = [tasks.court_id == court, tasks.owner_id == me, tasks.state.in_(OPEN_TASKS)]
    count, exact = _capped(ctx, sa.select(tasks.id).where(*open_))
    late = [*open_, tasks.state == TaskState.OVERDUE]
    urgent, _ = _capped(ctx, sa.select(tasks.id).where(*late)) if count else (0, True)
    if count:
        yield Waiting("oversight", count, "/oversight/tasks", exact=exact, urgent=urgent)


def _live(ctx: Context) -> Iterator[Waiting]:
    yield Waiting("live", live.waiting_for_people(ctx), "/live")


def _opinions(ctx: Context) -> Iterator[Waiting]:
    rules = [Opinion.court_id == ctx.actor.court_id, Opinion.state != OpinionState.ANSWERED]
    count, exact = _capped(ctx, sa.select(Opinion.id).where(*rules))
    yield Waiting("opinions", count, "/opinions", exact=exact, urgent=guests.overdue_count(ctx))


def _held(ctx: Context) -> Iterator[Waiting]:
    mine = sa.select(sa.literal(1)).where(HeldRecord.court_id == ctx.actor.court_id)
    count, exact = _capped(ctx, mine)
    yield Waiting("held", count, "/missing", exact=exact)


def _erasures(ctx: Context) -> Iterator[Waiting]:
    rules = [
        Erasure.court_id == ctx.actor.court_id, Erasure.state == "requested",
        Erasure.requested_by != ctx.actor.user(),
    ]  # fmt: skip
    count, exact = _capped(ctx, sa.select(Erasure.id).where(*rules))
    yield Waiting("erasures", count, "/admin/retention/proposals", exact=exact)
    lines = [
        LineErasure.court_id == ctx.actor.court_id, LineErasure.state == "requested",
        LineErasure.requested_by != ctx.actor.user(),
    ]  # fmt: skip
    count, exact = _capped(ctx, sa.select(LineErasure.id).where(*lines))
    if count:
        yield Waiting("line_erasures", count, "/admin/retention/lines", exact=exact)


def _webhooks(ctx: Context) -> Iterator[Waiting]:
    failing = sa.or_(Webhook.state == "failed", Webhook.failing_since.is_not(None))
    rules = [Webhook.court_id == ctx.actor.court_id, Webhook.state != "ended", failing]
    count, exact = _capped(ctx, sa.select(Webhook.id).where(*rules))
    yield Waiting("webhooks", count, "/admin/webhooks", exact=exact)


def _anomalies(ctx: Context) -> Iterator[Waiting]:
    everything = MissingFilter(limit=COUNT_MAX)
    overdue = sa.select(Evidence.id).where(sees_evidence(ctx.actor), Evidence.state == "missing")
    count, exact = _capped(ctx, overdue)
    yield Waiting("overdue", count, "/missing", exact=exact)
    yield Waiting("unclaimed", len(boards.unclaimed_uploads(ctx, everything)), "/missing")
    yield Waiting("stranded", len(boards.stranded_uploads(ctx, everything)), "/missing")
    alarms = sa.select(sa.literal(1)).where(ReuseAlarm.court_id == ctx.actor.court_id)
    count, exact = _capped(ctx, alarms)
    yield Waiting("reuse", count, "/reuse", exact=exact)
    found = queue.left(ctx, QueueFilter(finding=ANY_FINDING))
    yield Waiting("findings", found.count, f"/review?finding={ANY_FINDING}", exact=found.exact)
    found = queue.left(ctx, QueueFilter(states=("suspect",)))
    yield Waiting("suspect", found.count, "/review?status=suspect", exact=found.exact)


_TASKS: Final[tuple[tuple[Permission, Callable[[Context], Iterator[Waiting]]], ...]] = (
    (Permission.OVERSIGHT_VIEW, _answers_for),
    (Permission.EVIDENCE_REVIEW, _review),
    (Permission.LIVE_RELEASE, _live),
    (Permission.OPINIONS_ANSWER, _opinions),
    (Permission.HELD_RELEASE, _held),
    (Permission.EVIDENCE_ERASE, _erasures),
    (Permission.WEBHOOKS_MANAGE, _webhooks),
)


def _capped(ctx: Context, statement: sa.Select[Any]) -> tuple[int, bool]:
    """How many rows there are, counted as far as ``COUNT_MAX``."""
    some = statement.limit(COUNT_MAX + 1).subquery()
    count: int = ctx.session.execute(sa.select(sa.func.count()).select_from(some)).scalar_one()
    return min(count, COUNT_MAX), count <= COUNT_MAX
