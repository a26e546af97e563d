"""Which bytes a device has sent already, so that nothing is sent twice (``/blobs/missing``).

Answers only from the device's own uploads: knowing a digest tells nobody what others hold.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from server.core.context import Context
from server.evidence.models import Upload
from storage.errors import PartialNotFound

PRESENT: Final = "present"
PARTIAL: Final = "partial"
NEEDED: Final = "needed"


@dataclass(frozen=True, slots=True)
class Possession:
    """State of one digest; ``offset`` bytes are durable in the upload ``upload_id``."""

    state: str
    offset: int | None = None
    upload_id: uuid.UUID | None = None


def of_device(ctx: Context, device_id: uuid.UUID, digests: Sequence[str]) -> dict[str, Possession]:
    """What the server has of each digest from this device; every digest asked for is answered."""
    statement = (
        sa.select(Upload.id, Upload.sha256, Upload.state, Upload.principal)
        .where(
            Upload.court_id == ctx.actor.court_id,
            Upload.device_id == device_id,
            Upload.sha256.in_(sorted(set(digests))),
            Upload.state.in_(("complete", "receiving")),
            Upload.concat.is_(None) | (Upload.concat == "final"),
        )
        .order_by(Upload.id)
    )
    found: dict[str, Possession] = {}
    for row in ctx.session.execute(statement):
        if row.state == "complete":
            found[row.sha256] = Possession(PRESENT)
        elif row.principal == f"device:{device_id}" and found.get(row.sha256) is None:
            found[row.sha256] = _under_way(ctx, row.id)
    return {digest: found.get(digest, Possession(NEEDED)) for digest in digests}


def _under_way(ctx: Context, upload_id: uuid.UUID) -> Possession:
    try:
        offset = ctx.runtime.stores.uploads.durable_length(str(upload_id))
    except PartialNotFound:
        return Possession(NEEDED)
    return Possession(PARTIAL, offset, upload_id)
