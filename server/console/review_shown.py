"""What the pages of review show: gathered here, so that the views stay short."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from server.audit.events import EventKind
from server.cases.models import Case
from server.console import court_names
from server.core.context import Context
from server.core.paging import Page
from server.core.problem import Problem
from server.core.recording import recorded
from server.evidence import listing
from server.evidence import queries as evidence
from server.evidence import service as evidence_service
from server.evidence.checks import Check, checks_of
from server.evidence.models import Evidence
from server.review import policy, queries, queue, reversal, seen
from server.review.commands import EntryFilter, QueueFilter
from server.review.models import ReviewEntry, ReviewMarker
from server.review.queue import Neighbours
from server.review.reasons import REASONS, Reason


@dataclass(frozen=True, slots=True)
class Labels:
    """Names of people, devices and cases of the court."""

    people: dict[uuid.UUID, court_names.Named]
    devices: dict[uuid.UUID, court_names.Named]
    reasons: dict[str, Reason]
    ctx: Context

    def person(self, user_id: uuid.UUID | str | None) -> str | None:
        """A person's name."""
        found = self.people.get(_id(user_id)) if user_id else None
        return found.name if found else None

    def device(self, device_id: uuid.UUID | None) -> str | None:
        """A device's name."""
        found = self.devices.get(device_id) if device_id else None
        return found.name if found else None

    def case(self, case_id: uuid.UUID | None) -> str | None:
        """A case's number."""
        found = self.ctx.session.get(Case, case_id) if case_id else None
        return found.case_no if found and found.court_id == self.ctx.actor.court_id else None


@dataclass(frozen=True, slots=True)
class Pane:
    """One item before the reviewer."""

    item: Evidence
    detail: dict[str, Any]
    checks: Sequence[Check]
    entries: Sequence[ReviewEntry]
    markers: Sequence[ReviewMarker]
    beside: Neighbours
    standing: ReviewEntry | None
    undo_explained: bool
    may_decide: bool


@dataclass(frozen=True, slots=True)
class Done:
    """What was decided just now, and whether it can be taken back."""

    item: Evidence
    entry: ReviewEntry
    undoable: bool


def labels(ctx: Context) -> Labels:
    """Names for a page."""
    return Labels(court_names.people(ctx), court_names.devices(ctx), dict(REASONS), ctx)


def pane(ctx: Context, wanted: QueueFilter, item: Evidence) -> Pane:
    """The item with its facts, once :func:`note` has recorded that it is looked at."""
    standing = queries.standing_decision(ctx.session, item)
    return Pane(
        item=item,
        detail=evidence.detail_of(ctx.session, item),
        checks=checks_of(ctx, item),
        entries=queries.entries_of(ctx, item.id, EntryFilter(limit=100)).items,
        markers=queries.markers_of(ctx, item),
        beside=queue.neighbours(ctx, wanted, item),
        standing=standing,
        undo_explained=standing is not None and _explained(ctx, item, standing),
        may_decide=item.officer_id is None or item.officer_id != ctx.actor.user_id,
    )


def done(ctx: Context, evidence_id: uuid.UUID | None) -> Done | None:
    """What was decided on an item just now by the caller, for the line that offers to undo it."""
    if evidence_id is None:
        return None
    try:
        item = evidence.visible_evidence(ctx, evidence_id)
    except Problem:
        return None
    entry = queries.standing_decision(ctx.session, item)
    if entry is None or entry.author_id != ctx.actor.user_id:
        return None
    return Done(item, entry, not _explained(ctx, item, entry))


def following(ctx: Context, wanted: QueueFilter, item: Evidence | None) -> Page[Evidence]:
    """A page of the queue from the item on."""
    return queue.page_from(ctx, wanted, item) if item else queue.page(ctx, wanted)


def note(ctx: Context, item: Evidence | None, found: Page[Evidence] | None) -> None:
    """Record that this item is looked at and this page of the queue listed."""
    if item is None and not (found and found.items):
        return
    with recorded(ctx):
        if item is not None:
            visible = evidence.visible_evidence(ctx, item.id)
            seen.note(ctx, [visible.id])
            evidence_service.read(ctx, visible, EventKind.EVIDENCE_VIEWED)
        if found is not None:
            listing.listed(ctx, found.items)


def case_numbers(ctx: Context, items: Sequence[Evidence]) -> dict[uuid.UUID, str]:
    """Numbers of the cases of a list, by case."""
    statement = sa.select(Case.id, Case.case_no).where(
        Case.court_id == ctx.actor.court_id,
        Case.id.in_({one.case_id for one in items if one.case_id is not None}),
    )
    return dict(ctx.session.execute(statement).all())


def choices(known: Labels) -> dict[str, Any]:
    """People and devices to choose from in the filter."""
    return {
        "people": [one.choice for one in known.people.values()],
        "devices": [one.choice for one in known.devices.values()],
    }


def _explained(ctx: Context, item: Evidence, entry: ReviewEntry) -> bool:
    gone = reversal.left_house(ctx, item, entry)
    return policy.needs_reason(ctx.actor, entry, ctx.clock.now(), left_house=gone)


def _id(given: uuid.UUID | str) -> uuid.UUID:
    return given if isinstance(given, uuid.UUID) else uuid.UUID(given)
