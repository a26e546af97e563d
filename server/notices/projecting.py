"""Reads the log and tells: people by notices, other systems by webhooks.

One reader for both, so that a burst of events costs one more transaction, not two.  What a batch
tells the same people of the same topic is told once, with its count.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import sqlalchemy as sa

from server.audit.events import EventKind
from server.audit.models import Event, LogState
from server.audit.service import Subject
from server.cases.models import Case
from server.core.bulk import insert_rows
from server.core.context import Context
from server.core.db import table_of
from server.core.permissions import Role
from server.evidence.models import Evidence
from server.identity.models import Device
from server.notices import queries, service, webhook_kinds, webhook_queries
from server.notices.models import WebhookDelivery
from server.notices.topics import Topic

BATCH: Final = 10_000
LEADS: Final = (Role.SUPERVISOR, Role.PRESIDENT)
_COLUMNS: Final = (
    Event.log_index, Event.kind, Event.rx, Event.court_id, Event.case_id, Event.actor_id,
    Event.subject_type, Event.subject_id,
)  # fmt: skip
_Row = Any
Rule = Callable[[Context, uuid.UUID, Sequence[_Row]], None]


def project(ctx: Context, after: int) -> int:
    """Tell of the events beyond ``after``; returns how far it read."""
    newest = ctx.session.execute(sa.select(LogState.next_index)).scalar_one() - 1
    upto = min(newest, after + BATCH)
    statement = (
        sa.select(*_COLUMNS)
        .where(Event.log_index > after, Event.log_index <= upto, Event.kind.in_(_READ))
        .order_by(Event.log_index)
    )
    rows = ctx.session.execute(statement).all()
    if rows:
        _tell_people(ctx, rows)
        _tell_systems(ctx, rows)
    return max(upto, after)


def _tell_people(ctx: Context, rows: Iterable[_Row]) -> None:
    alike: dict[tuple[uuid.UUID, str], list[_Row]] = defaultdict(list)
    for row in rows:
        if row.kind in RULES:
            alike[row.court_id, row.kind].append(row)
    for (court_id, kind), some in alike.items():
        RULES[kind](ctx, court_id, some)


def _tell_systems(ctx: Context, rows: Sequence[_Row]) -> None:
    hooks = webhook_queries.active_for(ctx.session, {row.court_id for row in rows})
    now = ctx.clock.now()
    insert_rows(
        ctx.session,
        table_of(WebhookDelivery),
        [
            {
                "id": ctx.new_id(), "court_id": hook.court_id, "webhook_id": hook.id,
                "log_index": row.log_index, "kind": row.kind, "body": webhook_kinds.body_of(row),
                "state": "waiting", "tries": 0, "next_at": now, "created_at": now,
            }
            for hook in hooks
            for row in rows
            if row.court_id == hook.court_id and row.kind in hook.kinds
        ],
    )  # fmt: skip


# ---------------------------------------------------------------------- rules


def _leads_in_bulk(topic: Topic, link: str, *, by_rules_alone: bool = False) -> Rule:
    """Everybody who leads, once for the batch.

    :param by_rules_alone: what a person did needs no telling.
    """

    def rule(ctx: Context, court_id: uuid.UUID, rows: Sequence[_Row]) -> None:
        rows = [row for row in rows if not (by_rules_alone and row.actor_id)]
        if not rows:
            return
        people = queries.people_with(ctx.session, court_id, *LEADS)
        subject = Subject(rows[-1].subject_type or "", rows[-1].subject_id or "")
        service.tell(ctx, people, topic, subject, link, count=len(rows), court_id=court_id)

    return rule


def _each(topic: Topic, link: str, whom: Callable[[Context, _Row], Collection[uuid.UUID]]) -> Rule:
    """Each event on its own, to whom it concerns but not to who caused it."""

    def rule(ctx: Context, court_id: uuid.UUID, rows: Sequence[_Row]) -> None:
        for row in rows:
            people = set(whom(ctx, row)) - {row.actor_id}
            subject = Subject(row.subject_type or "", row.subject_id or "")
            where = link.format(id=row.subject_id)
            service.tell(ctx, people, topic, subject, where, court_id=court_id)

    return rule


def _officer(ctx: Context, row: _Row) -> list[uuid.UUID]:
    statement = sa.select(Evidence.officer_id).where(
        Evidence.id == _subject(row), Evidence.court_id == row.court_id
    )
    return [one for one in ctx.session.execute(statement).scalars() if one is not None]


def _subject(row: _Row) -> uuid.UUID | None:
    """Nothing in the log may stop its reader."""
    try:
        return uuid.UUID(row.subject_id)
    except (TypeError, ValueError):
        return None


def _leads(ctx: Context, row: _Row) -> list[uuid.UUID]:
    return queries.people_with(ctx.session, row.court_id, *LEADS)


def _findings(ctx: Context, court_id: uuid.UUID, rows: Sequence[_Row]) -> None:
    """Who leads, and each case's handler: once for the batch, with what concerns them counted."""
    cases = {row.case_id for row in rows}
    handlers = sa.select(Case.id, Case.handler_id).where(
        Case.court_id == court_id, Case.id.in_(cases), Case.handler_id.is_not(None)
    )
    whose = {row.id: {row.handler_id} for row in ctx.session.execute(handlers)}
    concerned: dict[uuid.UUID, list[_Row]] = defaultdict(list)
    leads = queries.people_with(ctx.session, court_id, *LEADS)
    for row in rows:
        for person in {*leads, *whose.get(row.case_id, ())}:
            concerned[person].append(row)
    for person, some in concerned.items():
        subject = Subject("finding", some[-1].subject_id or "")
        service.tell(
            ctx, [person], Topic.FINDING, subject, "/findings?state=open", count=len(some),
            court_id=court_id,
        )  # fmt: skip


def _keepers(ctx: Context, row: _Row) -> list[uuid.UUID]:
    """Who looks after devices, and who held this one."""
    holder = sa.select(Device.holder_id).where(
        Device.id == _subject(row), Device.court_id == row.court_id
    )
    held_by = [one for one in ctx.session.execute(holder).scalars() if one is not None]
    roles = (*LEADS, Role.ADMINISTRATOR)
    return [*queries.people_with(ctx.session, row.court_id, *roles), *held_by]


RULES: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        EventKind.EVIDENCE_VERIFIED.value: _leads_in_bulk(Topic.TO_REVIEW, "/review"),
        EventKind.EVIDENCE_MISSING.value: _leads_in_bulk(Topic.MISSING, "/inbox"),
        EventKind.RECORD_HELD.value: _leads_in_bulk(Topic.HELD, "/inbox"),
        EventKind.LIVE_HELD.value: _leads_in_bulk(Topic.LIVE, "/live", by_rules_alone=True),
        EventKind.REVIEW_RETURNED.value: _each(Topic.RETURNED, "/e/{id}", _officer),
        EventKind.REVIEW_QUERIED.value: _each(Topic.QUERIED, "/e/{id}", _officer),
        EventKind.ERASURE_REQUESTED.value: _each(Topic.ERASURE, "/e/{id}", _leads),
        EventKind.HOLD_PLACED.value: _each(Topic.RETENTION, "/admin/retention/holds", _leads),
        EventKind.HOLD_LIFTED.value: _each(Topic.RETENTION, "/admin/retention/holds", _leads),
        EventKind.RETENTION_RULED.value: _each(Topic.RETENTION, "/admin/retention", _leads),
        EventKind.EXPORT_LIMITED.value: _each(
            Topic.EXPORT_LIMITED, "/audit?kind=custody.export-limited", _leads
        ),
        EventKind.FINDING_OPENED.value: _findings,
        EventKind.DEVICE_REVOKED.value: _each(Topic.DEVICE_REVOKED, "/devices/{id}", _keepers),
    }
)
_READ: Final = sorted({*RULES, *webhook_kinds.KINDS})
