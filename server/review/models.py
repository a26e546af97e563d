"""Decisions of supervisors on evidence: appended, never edited."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from server.core.db import Base, BigId, CourtScoped


class ReviewEntry(CourtScoped, Base):
    """One decision, query, comment or reversal.

    ``state_before`` and ``reason_before`` are what a reversal puts back.
    """

    __tablename__ = "review_entries"
    __table_args__ = (sa.Index(None, "evidence_id", "id"), sa.Index(None, "court_id", "id"))

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    evidence_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("evidence.id"))
    decision: Mapped[str]  # accept | return | query | comment | reverse
    reason_code: Mapped[str | None]
    text: Mapped[str | None]
    state_before: Mapped[str | None]
    reason_before: Mapped[str | None]
    reverses_id: Mapped[uuid.UUID | None] = mapped_column(
        sa.ForeignKey("review_entries.id"), unique=True
    )
    author_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"))
    created_at: Mapped[datetime]


class ReviewMarker(CourtScoped, Base):
    """A place in an item and what is to be seen there; appended, never edited.

    A stretch of a recording in milliseconds, a region of a picture in thousandths of its width and
    height as shown, or neither: the whole item.
    """

    __tablename__ = "review_markers"
    __table_args__ = (sa.Index(None, "evidence_id", "id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    evidence_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("evidence.id"))
    from_ms: Mapped[int | None] = mapped_column(BigId)
    to_ms: Mapped[int | None] = mapped_column(BigId)
    region: Mapped[list[Any] | None]  # [x, y, width, height]
    text: Mapped[str]
    author_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"))
    created_at: Mapped[datetime]


class ReviewSeen(CourtScoped, Base):
    """That a person has had an item before them; it decides nothing."""

    __tablename__ = "review_seen"

    user_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"), primary_key=True)
    evidence_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("evidence.id"), primary_key=True)
    seen_at: Mapped[datetime]


class ReviewGoal(CourtScoped, Base):
    """How many accepted items a court looks at a second time each week."""

    __tablename__ = "review_goals"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)  # the court's
    per_week: Mapped[int]
    version: Mapped[int] = mapped_column(default=1)
    changed_by: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"))
    changed_at: Mapped[datetime]


class ReviewDraw(CourtScoped, Base):
    """One week's draw: from what, with which seed (see ``sampling``)."""

    __tablename__ = "review_draws"
    __table_args__ = (sa.UniqueConstraint("court_id", "week"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    week: Mapped[str]  # 2026-W48
    goal: Mapped[int]
    population: Mapped[int]
    log_index: Mapped[int] = mapped_column(BigId)
    seed: Mapped[str]
    drawn_at: Mapped[datetime]


class ReviewSample(CourtScoped, Base):
    """An item drawn for a second look, and what came of it."""

    __tablename__ = "review_samples"
    __table_args__ = (sa.Index(None, "draw_id"), sa.Index(None, "evidence_id"))

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    draw_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("review_draws.id"))
    evidence_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("evidence.id"))
    entry_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("review_entries.id"))
    first_by: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"))
    outcome: Mapped[str | None]  # agree | disagree
    text: Mapped[str | None]
    second_by: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    decided_at: Mapped[datetime | None]
