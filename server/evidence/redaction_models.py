"""Redacted copies: what was asked for, what came of it, and where the copy is."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from server.core.db import Base, BigId, CourtScoped


class Redaction(CourtScoped, Base):
    """One redacted copy of one item; a better one is another row, and none is taken away."""

    __tablename__ = "redactions"
    __table_args__ = (
        sa.UniqueConstraint("evidence_id", "number"),
        sa.Index(None, "court_id", "state", "id"),
        sa.Index(None, "sha256"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    evidence_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("evidence.id"))
    number: Mapped[int]  # 1, 2, 3 … of its item
    kind: Mapped[str]  # photo | video | audio
    recipe: Mapped[dict[str, Any]]  # see server/evidence/recipes.py
    recipe_sha256: Mapped[str]  # of the recipe as JCS
    reason: Mapped[str]
    asked_by: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"))
    asked_at: Mapped[datetime]
    state: Mapped[str]  # asked | made | failed | discarded | erased
    problem: Mapped[str | None]  # why it failed
    source_sha256: Mapped[str]
    sha256: Mapped[str | None]
    size_bytes: Mapped[int | None] = mapped_column(BigId)
    mime: Mapped[str | None]
    width: Mapped[int | None]
    height: Mapped[int | None]
    duration_ms: Mapped[int | None] = mapped_column(BigId)
    complete: Mapped[bool | None]  # the original could be read to its end
    finished_at: Mapped[datetime | None]
    discarded_by: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    discarded_at: Mapped[datetime | None]
    discard_reason: Mapped[str | None]
