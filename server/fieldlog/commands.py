"""What may be asked of the enforcement log."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from client_sdk.protocol.entries import field_kinds
from server.core.paging import LIMIT_DEFAULT

# Kinds that people read as lines of the log; an exchange of clocks is not one.
KINDS: Final = frozenset(
    {
        "log.note",
        "duty.handover",
        "capture.lost",
        "capture.recovered",
        "capture.deleted",
        "mission.closed",
        "head.attest",
        *field_kinds(),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFilter:
    """What a case's log is narrowed to; times are corrected ones, ``to`` is exclusive."""

    kinds: Sequence[str] = ()
    officer_id: uuid.UUID | None = None
    device_id: uuid.UUID | None = None
    mission_id: uuid.UUID | None = None
    happened_from: datetime | None = None
    happened_to: datetime | None = None
    cursor: str | None = None
    limit: int = LIMIT_DEFAULT
