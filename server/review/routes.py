"""Routes of the review slice."""

from __future__ import annotations

import uuid

from flask import Blueprint

from server.core.context import Context
from server.core.endpoint import endpoint
from server.core.paging import Page
from server.core.permissions import Permission
from server.review import queries, service
from server.review.commands import EntryFilter, Review
from server.review.models import ReviewEntry
from server.review.reasons import REASONS, Reason
from server.review.schemas import EntryQuery, ReasonOut, ReviewBody, ReviewEntryOut

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


@blueprint.get("/review-reasons")
@endpoint(Permission.SIGNED_IN, dump=ReasonOut)
def list_reasons(_ctx: Context) -> Page[Reason]:
    """List the reasons for a return, in Chinese and English."""
    return Page(list(REASONS.values()))
