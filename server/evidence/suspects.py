"""Items that came from a device after it was lost: kept, shown, and trusted by nobody unseen.

Whoever found the device could have made records with its key until it was revoked.  What the
server received from the loss on is marked, and an acceptance that was given meanwhile is taken
back; a supervisor may accept an item again after a look at it.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from server.audit.events import EventKind
from server.audit.service import Subject, record
from server.core.clock import rfc3339
from server.core.context import Context
from server.evidence.models import Evidence

SUSPECT: Final = "suspect"
_TRUSTED: Final = ("pending", "accepted")  # returned and queried items wait for the officer anyway


def received_since(ctx: Context, device_id: uuid.UUID, since: datetime) -> sa.Select[Evidence]:
    """Items signed by the device, or taken with it, whose record the server got from ``since``."""
    return (
        sa.select(Evidence)
        .where(
            Evidence.court_id == ctx.actor.court_id,
            sa.or_(Evidence.device_id == device_id, Evidence.captured_by == device_id),
            Evidence.created_at >= since,
        )
        .order_by(Evidence.created_at, Evidence.id)
    )


def count_since(ctx: Context, device_id: uuid.UUID, since: datetime) -> int:
    """How many items :func:`received_since` has."""
    found = received_since(ctx, device_id, since).order_by(None).subquery()
    return ctx.session.execute(sa.select(sa.func.count()).select_from(found)).scalar_one()


def quarantine(ctx: Context, device_id: uuid.UUID, since: datetime, reason: str) -> int:
    """Mark what came since the loss as suspect; returns how many items were not marked before."""
    statement = received_since(ctx, device_id, since).with_for_update()
    items: Sequence[Evidence] = ctx.session.execute(statement).scalars().all()
    marked = [item for item in items if not is_suspect(item)]
    for item in marked:
        before = item.review_state
        detail = f"received after the device was lost at {rfc3339(since)}"
        item.findings = [*item.findings, {"code": SUSPECT, "detail": detail}]
        item.version += 1
        if before in _TRUSTED:
            item.review_state, item.review_reason = SUSPECT, None
        facts = {
            "sha256": item.sha256,
            "device": str(device_id),
            "lost_at": rfc3339(since),
            "reason": reason,
            "state": {"from": before, "to": item.review_state},
        }
        record(
            ctx,
            EventKind.EVIDENCE_SUSPECTED,
            Subject("evidence", item.id),
            facts,
            case_id=item.case_id,
            mission_id=item.mission_id,
            court_id=item.court_id,
        )
    return len(marked)


def is_suspect(item: Evidence) -> bool:
    """Whether the item bears the mark."""
    return any(one["code"] == SUSPECT for one in item.findings)
