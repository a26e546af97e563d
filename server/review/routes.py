"""Routes of the review slice."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Blueprint

from server.core.context import Context
from server.core.endpoint import endpoint
from server.core.paging import Page
from server.core.permissions import Permission
from server.core.recording import recorded
from server.evidence import queries as evidence
from server.evidence.listing import listed
from server.evidence.models import Evidence
from server.review import bulk, markers, queries, queue, reversal, service
from server.review.commands import AddMarker, Bulk, EntryFilter, QueueFilter, Reverse, Review
from server.review.models import ReviewEntry, ReviewMarker
from server.review.reasons import REASONS, Reason
from server.review.schemas import (
    BulkBody,
    BulkOut,
    EntryQuery,
    MarkerBody,
    MarkerOut,
    QueuedOut,
    QueueQuery,
    ReasonOut,
    ReviewBody,
    ReviewEntryOut,
    UndoBody,
)

blueprint = Blueprint("review", __name__)


@blueprint.post("/evidence/<uuid:evidence_id>/review")
@endpoint(Permission.EVIDENCE_COMMENT, load=ReviewBody, dump=ReviewEntryOut, status=201)
def review_evidence(ctx: Context, evidence_id: uuid.UUID, command: Review) -> ReviewEntry:
    """Accept, return, query or comment on an item; the first three need a reviewer."""
    return service.decide(ctx, evidence_id, command)


@blueprint.get("/evidence/<uuid:evidence_id>/review")
@endpoint(Permission.EVIDENCE_VIEW, query=EntryQuery, dump=ReviewEntryOut)
def list_review(ctx: Context, evidence_id: uuid.UUID, query: EntryFilter) -> Page[ReviewEntry]:
    """List what was decided and said about an item, oldest first."""
    return queries.entries_of(ctx, evidence_id, query)


@blueprint.post("/evidence/<uuid:evidence_id>/review/undo")
@endpoint(Permission.EVIDENCE_REVIEW, load=UndoBody, dump=ReviewEntryOut, status=201)
def undo_review(ctx: Context, evidence_id: uuid.UUID, command: Reverse) -> ReviewEntry:
    """Take the standing decision back; a logged reversal restores what was before."""
    return reversal.reverse(ctx, evidence_id, command)


@blueprint.post("/evidence/<uuid:evidence_id>/markers")
@endpoint(Permission.EVIDENCE_COMMENT, load=MarkerBody, dump=MarkerOut, status=201)
def add_marker(ctx: Context, evidence_id: uuid.UUID, command: AddMarker) -> ReviewMarker:
    """Mark a stretch, a region or the whole of an item; the original is untouched."""
    return markers.add(ctx, evidence_id, command)


@blueprint.get("/evidence/<uuid:evidence_id>/markers")
@endpoint(Permission.EVIDENCE_VIEW, dump=MarkerOut)
def list_markers(ctx: Context, evidence_id: uuid.UUID) -> Page[ReviewMarker]:
    """List an item's markers."""
    return Page(queries.markers_of(ctx, evidence.visible_evidence(ctx, evidence_id)))


@blueprint.get("/review-queue")
@endpoint(Permission.EVIDENCE_VIEW, query=QueueQuery, dump=QueuedOut, reads_evidence=True)
def review_queue(ctx: Context, query: QueueFilter) -> Page[Evidence]:
    """List evidence by any filter, in the order of capture; the listing is recorded."""
    page = queue.page(ctx, query)
    with recorded(ctx):
        listed(ctx, page.items)
    return page


@blueprint.post("/review-queue/preview")
@endpoint(Permission.EVIDENCE_REVIEW, load=BulkBody, dump=BulkOut, idempotent=False)
def preview_bulk(ctx: Context, command: Bulk) -> dict[str, Any]:
    """What one decision on several items would change, and what it would skip and why."""
    return _outcome(bulk.preview(ctx, command))


@blueprint.post("/review-queue/decide")
@endpoint(Permission.EVIDENCE_REVIEW, load=BulkBody, dump=BulkOut)
def decide_bulk(ctx: Context, command: Bulk) -> dict[str, Any]:
    """Decide on several items at once; each is an entry of the log."""
    return _outcome(bulk.apply(ctx, command)[1])


def _outcome(found: bulk.Preview) -> dict[str, Any]:
    return {"change": [item.id for item in found.change], "skip": found.skip}


@blueprint.get("/review-reasons")
@endpoint(Permission.SIGNED_IN, dump=ReasonOut)
def list_reasons(_ctx: Context) -> Page[Reason]:
    """List the reasons for a return, in Chinese and English."""
    return Page(list(REASONS.values()))
