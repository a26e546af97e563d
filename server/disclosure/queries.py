"""Reading exports, and which case an item belongs to by the log."""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection
from datetime import timedelta

import sqlalchemy as sa

from server.audit.events import EventKind
from server.audit.models import Event, OutboxRow
from server.cases import queries as cases
from server.core.clock import rfc3339
from server.core.context import Context
from server.core.paging import Page, decode_id, page_of
from server.core.problem import not_found
from server.disclosure.commands import ExportFilter
from server.disclosure.models import Export

ONE_READING = timedelta(minutes=10)  # ranges of one package by one person within it are one event


def visible_export(ctx: Context, export_id: uuid.UUID) -> Export:
    """The export, if the caller may see its case; 404 otherwise."""
    statement = sa.select(Export).where(
        Export.id == export_id,
        Export.court_id == ctx.actor.court_id,
        Export.case_id.in_(cases.visible_case_ids(ctx.actor)),
    )
    found = ctx.session.execute(statement).scalar_one_or_none()
    if found is None:
        raise not_found()
    return found


def exports_of_case(ctx: Context, case_id: uuid.UUID, wanted: ExportFilter) -> Page[Export]:
    """Exports of a visible case, the newest first."""
    cases.visible_case(ctx, case_id)
    rules = [Export.court_id == ctx.actor.court_id, Export.case_id == case_id]
    if wanted.cursor:
        rules.append(Export.id < decode_id(wanted.cursor))
    statement = sa.select(Export).where(*rules).order_by(Export.id.desc()).limit(wanted.limit + 1)
    rows = ctx.session.execute(statement).scalars().all()
    return page_of(rows, wanted.limit, lambda row: (str(row.id),))


def cases_of_items(ctx: Context, items: Collection[uuid.UUID]) -> dict[uuid.UUID, uuid.UUID | None]:
    """The case to which each received item belongs now, by its last event that says so.

    Items that the log does not know as verified in the caller's court are left out.
    """
    found: dict[uuid.UUID, uuid.UUID | None] = {}
    kinds = (EventKind.EVIDENCE_VERIFIED, EventKind.EVIDENCE_REBOUND)
    for table in (Event, OutboxRow):  # what the sequencer has not moved yet came later
        order = table.log_index if table is Event else OutboxRow.id
        statement = (
            sa.select(table.subject_id, table.kind, table.case_id, table.p)
            .where(
                table.court_id == ctx.actor.court_id,
                table.subject_type == "evidence",
                table.subject_id.in_([str(item) for item in items]),
                table.kind.in_(kinds),
            )
            .order_by(order)
        )
        for row in ctx.session.execute(statement):
            item, case_id = uuid.UUID(row.subject_id), row.case_id
            if row.kind == EventKind.EVIDENCE_REBOUND:
                after = json.loads(row.p or "{}").get("facts", {}).get("after", {}).get("case")
                case_id = uuid.UUID(after) if after else None
                if item not in found:
                    continue  # it was moved before its bytes came
            found[item] = case_id
    return found


def packed_digests(ctx: Context, export: Export) -> set[str]:
    """Digests of what was packed for the export, as the log says."""
    found: set[str] = set()
    for table in (OutboxRow, Event):
        statement = sa.select(table.p).where(
            table.court_id == export.court_id,
            table.case_id == export.case_id,
            table.subject_id == str(export.id),
            table.kind == EventKind.EXPORT_PACKED.value,
        )
        for text in ctx.session.execute(statement).scalars():
            found.add(str(json.loads(text or "{}").get("facts", {}).get("sha256")))
    return found


def read_recently(ctx: Context, export_id: uuid.UUID) -> bool:
    """True when the caller's last download of the package is younger than ten minutes."""
    since = rfc3339(ctx.clock.now() - ONE_READING)
    for table in (OutboxRow, Event):
        statement = sa.select(sa.literal(1)).where(
            table.court_id == ctx.actor.court_id,
            table.subject_id == str(export_id),
            table.kind == EventKind.EXPORT_DOWNLOADED.value,
            table.actor_id == (ctx.actor.user_id or ctx.actor.device_id),
            table.rx > since,
        )
        if ctx.session.execute(statement.limit(1)).first() is not None:
            return True
    return False
