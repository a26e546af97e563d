"""Decisions of supervisors on evidence: appended, never edited."""

from __future__ import annotations

import uuid
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from server.core.db import Base, CourtScoped


class ReviewEntry(CourtScoped, Base):
    """One decision, query or comment."""

    __tablename__ = "review_entries"
    __table_args__ = (sa.Index(None, "evidence_id", "id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    evidence_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("evidence.id"))
    decision: Mapped[str]  # accept | return | query | comment
    reason_code: Mapped[str | None]
    text: Mapped[str | None]
    author_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"))
    created_at: Mapped[datetime]
