"""Lawful erasures: who asked, who agreed, what is gone."""

from __future__ import annotations

import uuid
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from server.core.db import Base, CourtScoped


class Erasure(CourtScoped, Base):
    """A decision of two people to erase one record and what it declares."""

    __tablename__ = "erasures"
    __table_args__ = (sa.Index(None, "court_id", "state", "id"), sa.Index(None, "evidence_id"))

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    evidence_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("evidence.id"))
    legal_basis: Mapped[str]  # the provision that demands or allows it
    reason: Mapped[str]
    requested_by: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"))
    requested_at: Mapped[datetime]
    state: Mapped[str]  # requested | refused | erased
    decided_by: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    decided_at: Mapped[datetime | None]
    note: Mapped[str | None]  # of whoever decided


class ErasedDigest(Base):
    """Bytes that an erasure removes: what is left to do after a crash, and what may not linger.

    ``unlinked_at`` is empty until no place holds them any more.
    """

    __tablename__ = "erased_digests"

    sha256: Mapped[str] = mapped_column(primary_key=True)
    erased_at: Mapped[datetime]
    unlinked_at: Mapped[datetime | None]
