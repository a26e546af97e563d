"""What a lawful erasure leaves of redacted copies: that there were some, and nothing of them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa

from server.core.context import Context
from server.evidence.redaction_models import Redaction

ERASED: Final = "erased"


def forget(ctx: Context, evidence_ids: Sequence[uuid.UUID]) -> list[str]:
    """Empty the copies of these items; returns the digests of their bytes.

    Where something was covered tells of the content as well, so the recipe goes; its digest stays,
    as the entries of the log name it.
    """
    statement = sa.select(Redaction).where(Redaction.evidence_id.in_(list(evidence_ids)))
    digests = []
    for row in ctx.session.execute(statement).scalars():
        if row.sha256 is not None:
            digests.append(row.sha256)
        row.state, row.recipe, row.reason, row.discard_reason = ERASED, {}, "", None
        row.sha256 = row.size_bytes = row.width = row.height = row.duration_ms = None
    ctx.session.flush()
    return digests
