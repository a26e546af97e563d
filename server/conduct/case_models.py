"""Where each case stands: one row a case, computed from its entries, for lists and dashboards."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from server.core.db import Base, BigId, CourtScoped


class CaseStanding(CourtScoped, Base):
    """A projection: computed when something is written and once a day, never edited."""

    __tablename__ = "case_states"
    __table_args__ = (
        sa.Index(None, "court_id", "status", "deadline_on"),
        sa.Index(None, "court_id", "overdue"),
        sa.Index(None, "refresh_on"),
    )

    case_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("cases.id"), primary_key=True)
    status: Mapped[str]
    closing: Mapped[str | None]  # way of closing
    closed_on: Mapped[date | None]
    claimed_fen: Mapped[int | None] = mapped_column(BigId)
    controlled_fen: Mapped[int] = mapped_column(BigId, default=0)
    received_fen: Mapped[int] = mapped_column(BigId, default=0)
    disbursed_fen: Mapped[int] = mapped_column(BigId, default=0)
    deadline_on: Mapped[date | None]  # for completing it, exclusions and extensions counted
    deadline_standing: Mapped[str | None]
    extended_to: Mapped[date | None]
    next_due_on: Mapped[date | None]  # of the limits that the court still has to keep
    next_renewal_on: Mapped[date | None]  # of the seizures in force
    overdue: Mapped[int] = mapped_column(default=0)  # limits that the court has let pass
    due_soon: Mapped[int] = mapped_column(default=0)
    last_activity_on: Mapped[date | None]
    settlement: Mapped[str | None]
    broken_promises: Mapped[int] = mapped_column(default=0)
    open_petitions: Mapped[int] = mapped_column(default=0)
    alarms: Mapped[list[Any]]  # [{"kind", "late", "on", "clock", "entry"}]
    key_state: Mapped[str]  # none | suggested | confirmed | released
    key_categories: Mapped[list[Any]]  # confirmed ones
    key_suggested: Mapped[list[Any]]
    responsibility: Mapped[str]  # none | incomplete | in_force | overdue | met | missed
    key_deadline_on: Mapped[date | None]
    computed_on: Mapped[date | None]  # the court's day that it holds for
    refresh_on: Mapped[date | None]  # the next day on which something may be different
    computed_at: Mapped[datetime | None]
