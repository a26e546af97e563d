"""Which redacted derivatives may go with an entry that observers see."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy.orm import Session

from server.core.problem import Kind, Problem
from server.evidence import redactions
from server.live.models import LiveEntry
from server.live.sources import EVIDENCE


def require_released(session: Session, row: LiveEntry, photos: Sequence[uuid.UUID]) -> None:
    """Each must be a finished redacted copy of the very item that the entry is about."""
    for photo in photos:
        found = redactions.released_photo(session, photo)
        if row.source != EVIDENCE or found is None or found.evidence_id != row.source_id:
            raise Problem(Kind.VALIDATION, "a photo has to be a finished redaction of this item")
