"""Markers: what is to be seen where in an item; appended, the original is untouched."""

from __future__ import annotations

import uuid

from server.audit import service as audit
from server.audit.events import EventKind
from server.audit.service import Subject
from server.core.context import Context
from server.evidence import queries as evidence_queries
from server.review.commands import AddMarker
from server.review.models import ReviewMarker


def add(ctx: Context, evidence_id: uuid.UUID, command: AddMarker) -> ReviewMarker:
    """Set a marker on a visible item."""
    item = evidence_queries.visible_evidence(ctx, evidence_id)
    marker = ReviewMarker(
        id=ctx.new_id(),
        court_id=item.court_id,
        evidence_id=item.id,
        from_ms=command.from_ms,
        to_ms=command.to_ms,
        region=list(command.region) if command.region else None,
        text=command.text,
        author_id=ctx.actor.user(),
        created_at=ctx.clock.now(),
    )
    ctx.session.add(marker)
    audit.record(
        ctx,
        EventKind.REVIEW_MARKED,
        Subject("evidence", item.id),
        {
            "marker": str(marker.id),
            "from_ms": command.from_ms,
            "to_ms": command.to_ms,
            "region": marker.region,
            "text": command.text,
            "sha256": item.sha256,
        },
        case_id=item.case_id,
        mission_id=item.mission_id,
    )
    return marker
