"""Work that follows from events; the row is the job, so nothing is lost when a worker dies."""

from __future__ import annotations

import uuid
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from server.core.db import Base, BigId


class Job(Base):
    """One handler called for one event."""

    __tablename__ = "jobs"
    __table_args__ = (
        sa.UniqueConstraint("handler", "log_index"),
        sa.Index(None, "state", "run_after"),
        sa.Index(None, "state", "lease_until"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    handler: Mapped[str]
    log_index: Mapped[int] = mapped_column(BigId)
    subject_id: Mapped[str]
    state: Mapped[str]  # ready | running | done | failed
    attempts: Mapped[int] = mapped_column(default=0)
    run_after: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    last_error: Mapped[str | None]
    finished_at: Mapped[datetime | None]


class WorkerCursor(Base):
    """How far a reader of the log has come."""

    __tablename__ = "worker_cursors"

    name: Mapped[str] = mapped_column(primary_key=True)
    log_index: Mapped[int] = mapped_column(BigId)


class PeriodicRun(Base):
    """When a periodic task is due; whoever moves the time on runs it."""

    __tablename__ = "periodic_runs"

    name: Mapped[str] = mapped_column(primary_key=True)
    next_at: Mapped[datetime]
