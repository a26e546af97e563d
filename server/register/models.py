"""The register: what was written down about cases and actions, appended and never edited."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from server.core.db import Base, BigId, CourtScoped


class Action(CourtScoped, Base):
    """One enforcement measure in one case; state and times follow from its entries."""

    __tablename__ = "actions"
    __table_args__ = (
        sa.Index(None, "court_id", "case_id", "id"),
        sa.Index(None, "court_id", "begins_at", "id"),
        sa.Index(None, "mission_id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    case_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("cases.id"))
    mission_id: Mapped[uuid.UUID | None]
    type: Mapped[str]
    state: Mapped[str]  # planned | started | ended | cancelled
    place: Mapped[str | None]
    planned_at: Mapped[datetime | None]  # for when it was planned
    begins_at: Mapped[datetime | None]  # corrected
    ends_at: Mapped[datetime | None]  # corrected
    created_by: Mapped[uuid.UUID | None]
    created_at: Mapped[datetime]


class Entry(CourtScoped, Base):
    """One entry; ``data`` holds the fields of its kind (client_sdk/protocol/entries.py).

    Of a device's record: its place in the device's chain, and the clocks by which ``happened_at``
    is computed anew when more is known of them.
    """

    __tablename__ = "register_entries"
    __table_args__ = (
        sa.UniqueConstraint("record_hid"),
        sa.Index(None, "court_id", "case_id", "happened_at", "id"),
        sa.Index(None, "action_id"),
        sa.Index(None, "device_id", "boot"),
        sa.Index(None, "court_id", "kind", "on_day"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    case_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("cases.id"))
    action_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("actions.id"))
    kind: Mapped[str]
    data: Mapped[dict[str, Any]]
    on_day: Mapped[date | None]  # its day, where the kind has one
    happened_at: Mapped[datetime]  # corrected, of a device; otherwise when it was written down
    amends_id: Mapped[uuid.UUID | None]  # the entry whose place it takes
    written_by: Mapped[uuid.UUID | None]
    device_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("devices.id"))
    record_hid: Mapped[str | None]
    wall: Mapped[str | None]
    mono_ms: Mapped[int | None] = mapped_column(BigId)
    boot: Mapped[str | None]
    through_suspend: Mapped[bool] = mapped_column(default=False)
    gnss_at: Mapped[str | None]
    error_ms: Mapped[int | None] = mapped_column(BigId)
    clock_class: Mapped[str | None]
    created_at: Mapped[datetime]
