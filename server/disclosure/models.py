"""Exports: what was asked for, how far the package is, what came of it."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from client_sdk.protocol.ids import short_code
from server.core.db import Base, BigId, CourtScoped


class Export(CourtScoped, Base):
    """One export.  The row is progress and address; what counts is in the log and the package.

    ``upto`` is the last log index the package is decided on, ``event_hid`` the header id of its
    ``custody.exported``; both move on when the case went on while objects were copied.
    """

    __tablename__ = "exports"
    __table_args__ = (sa.Index(None, "court_id", "case_id", "id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    case_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("cases.id"))
    evidence_ids: Mapped[list[Any] | None]  # none: the whole case
    purpose: Mapped[str]
    recipient: Mapped[str]
    requested_by: Mapped[uuid.UUID | None]
    requested_at: Mapped[datetime]

    state: Mapped[str]  # queued | copying | signing | packing | done | failed
    files_total: Mapped[int] = mapped_column(default=0)
    files_done: Mapped[int] = mapped_column(default=0)
    bytes_total: Mapped[int] = mapped_column(BigId, default=0)
    bytes_done: Mapped[int] = mapped_column(BigId, default=0)
    waits_for: Mapped[str | None]  # what is not there yet, in words
    problem: Mapped[str | None]
    rounds: Mapped[int] = mapped_column(default=0)  # how often it was decided anew
    upto: Mapped[int | None] = mapped_column(BigId)
    event_hid: Mapped[str | None]
    event_at: Mapped[datetime | None]
    event_index: Mapped[int | None] = mapped_column(BigId)
    checkpoint_size: Mapped[int | None] = mapped_column(BigId)
    level: Mapped[str | None]  # L1 | L2 | L3 of the package's checkpoint
    sha256: Mapped[str | None]  # of the finished package
    size_bytes: Mapped[int | None] = mapped_column(BigId)
    finished_at: Mapped[datetime | None]

    @property
    def code(self) -> str:
        """What can be read over radio."""
        return short_code(self.id)
