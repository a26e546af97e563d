"""How long evidence is kept, what people said about that, and what must not go: all appended."""

from __future__ import annotations

import uuid
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from server.core.db import Base, CourtScoped


class RetentionRule(CourtScoped, Base):
    """One version of a court's rule for a category; the newest is in force."""

    __tablename__ = "retention_rules"
    __table_args__ = (sa.UniqueConstraint("court_id", "category", "version"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    category: Mapped[str]
    version: Mapped[int]
    months: Mapped[int | None]  # none: kept for good
    reason: Mapped[str]
    made_by: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"))
    made_at: Mapped[datetime]


class RetentionClass(CourtScoped, Base):
    """That a person put an item into a category; the newest counts."""

    __tablename__ = "retention_classes"
    __table_args__ = (sa.Index(None, "evidence_id", "id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    evidence_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("evidence.id"))
    category: Mapped[str]
    reason: Mapped[str]
    made_by: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"))
    made_at: Mapped[datetime]


class LineErasure(CourtScoped, Base):
    """A decision of two people to erase one line of the log book, as :class:`Erasure` of items."""

    __tablename__ = "line_erasures"
    __table_args__ = (
        sa.Index(None, "court_id", "state", "id"),
        sa.Index(None, "log_entry_id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    log_entry_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("log_entries.id"))
    legal_basis: Mapped[str]  # the rule whose period is over
    reason: Mapped[str]
    requested_by: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"))
    requested_at: Mapped[datetime]
    state: Mapped[str]  # requested | refused | erased
    decided_by: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    decided_at: Mapped[datetime | None]
    note: Mapped[str | None]


class LegalHold(CourtScoped, Base):
    """That nothing of a case, or of one item, may go until somebody else lifts it.

    Exactly one of ``case_id`` and ``evidence_id`` is set.  ``cause_case_id`` names the objection
    or petition that placed it by itself.
    """

    __tablename__ = "legal_holds"
    __table_args__ = (
        sa.Index(None, "court_id", "lifted_at", "id"),
        sa.Index(None, "case_id"),
        sa.Index(None, "evidence_id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    case_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("cases.id"))
    evidence_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("evidence.id"))
    ground: Mapped[str]  # person | objection | review | supervision | petition
    automatic: Mapped[bool]
    cause_case_id: Mapped[uuid.UUID | None]
    reason: Mapped[str]
    placed_by: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    placed_at: Mapped[datetime]
    lifted_by: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    lifted_at: Mapped[datetime | None]
    lift_reason: Mapped[str | None]
