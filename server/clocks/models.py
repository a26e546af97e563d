"""The clock ledger: how far each device's clock was from a better one, and when."""

from __future__ import annotations

import uuid
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from server.core.db import Base, BigId, CourtScoped


class ClockObservation(CourtScoped, Base):
    """One comparison of a device's clock: ``offset_ms`` = true time − device wall time."""

    __tablename__ = "clock_observations"
    __table_args__ = (
        sa.Index(None, "device_id", "device_wall_ms"),
        sa.Index(None, "device_id", "boot", "mono_ms"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    device_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("devices.id"))
    source: Mapped[str]  # server | gnss | time-qr
    boot: Mapped[str | None]  # boot id: readings of one boot share a monotonic clock
    mono_ms: Mapped[int | None] = mapped_column(BigId)
    through_suspend: Mapped[bool] = mapped_column(default=False)
    device_wall_ms: Mapped[int] = mapped_column(BigId)
    true_ms: Mapped[int] = mapped_column(BigId)
    offset_ms: Mapped[int] = mapped_column(BigId)
    error_ms: Mapped[int] = mapped_column(BigId)
    record_hid: Mapped[str | None]
    observed_at: Mapped[datetime]
    seal: Mapped[str | None]  # first digest of the row, see server/audit/seals.py
