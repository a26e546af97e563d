"""Pictures by their perceptual hash, and pairs of items that look like a reuse."""

from __future__ import annotations

import uuid
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from server.core.db import Base, CourtScoped


class PictureMark(Base):
    """The perceptual hash of a court's picture, cut into four bands that can be looked up."""

    __tablename__ = "picture_marks"
    __table_args__ = tuple(sa.Index(None, "court_id", f"band{band}") for band in range(4))

    court_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("courts.id"), primary_key=True)
    sha256: Mapped[str] = mapped_column(primary_key=True)
    phash: Mapped[str]  # 16 hex digits
    band0: Mapped[int]
    band1: Mapped[int]
    band2: Mapped[int]
    band3: Mapped[int]


class ReuseAlarm(CourtScoped, Base):
    """The same or a near-identical picture in another case or on another day."""

    __tablename__ = "reuse_alarms"
    __table_args__ = (sa.Index(None, "court_id", "evidence_id"), sa.Index(None, "other_id"))

    evidence_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)  # the later one
    other_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]  # same | alike
    distance: Mapped[int]  # bits of 64 that differ
    found_at: Mapped[datetime]
