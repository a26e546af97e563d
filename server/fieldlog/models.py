"""What officers wrote down in the field."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from server.core.db import Base, BigId, CourtScoped


class LogEntry(CourtScoped, Base):
    """One line of the enforcement log, from one signed record."""

    __tablename__ = "log_entries"
    __table_args__ = (
        sa.UniqueConstraint("device_id", "ep", "seq"),
        sa.Index(None, "court_id", "case_id", "happened_at", "id"),
        sa.Index(None, "device_id", "boot"),
        sa.Index(None, "mission_id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    case_id: Mapped[uuid.UUID | None]
    mission_id: Mapped[uuid.UUID | None]
    device_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("devices.id"))
    ep: Mapped[int]
    seq: Mapped[int] = mapped_column(BigId)
    record_hid: Mapped[str]
    act: Mapped[str]
    text: Mapped[str | None]
    details: Mapped[dict[str, Any] | None]  # what a hand-over or a lost capture is about
    officer_id: Mapped[uuid.UUID | None]
    officer_source: Mapped[str]
    wall: Mapped[str]  # as the device claims, with its zone
    mono_ms: Mapped[int | None] = mapped_column(BigId)
    boot: Mapped[str | None]
    through_suspend: Mapped[bool] = mapped_column(default=False)
    gnss_at: Mapped[str | None]
    happened_at: Mapped[datetime]  # corrected
    error_ms: Mapped[int | None] = mapped_column(BigId)
    clock_class: Mapped[str]
    lat: Mapped[str | None]
    lon: Mapped[str | None]
    geo_datum: Mapped[str | None]
    geo_accuracy_m: Mapped[str | None]
    geo_source: Mapped[str | None]
    geo_reason: Mapped[str | None]
    created_at: Mapped[datetime]
    seal: Mapped[str | None]  # first digest of the row, see server/audit/seals.py
