"""Rules of release, and what of a mission may be shown to invited observers."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from server.core.db import Base, BigId, CourtScoped


class ReleaseRulesRow(CourtScoped, Base):
    """One version of a court's rules of release; the highest is in force, none is ever changed."""

    __tablename__ = "release_rules"

    court_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("courts.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    delay_seconds: Mapped[int]
    round_seconds: Mapped[int]  # times are shown rounded down to this
    place: Mapped[str]  # town | cell
    cell_m: Mapped[int]
    mask_staff: Mapped[bool]
    automatic: Mapped[bool]  # what no rule holds back is released when its delay is over
    author_id: Mapped[uuid.UUID | None]
    reason: Mapped[str]
    created_at: Mapped[datetime]


class LiveMission(CourtScoped, Base):
    """A mission that started: its counters; the row's lock puts its entries in one order.

    ``last_position`` counts what observers can notice, ``last_turn`` every change; a shared counter
    would tell observers how much they do not see.
    """

    __tablename__ = "live_missions"
    __table_args__ = (sa.Index(None, "court_id", "began_at"),)

    mission_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("missions.id"), primary_key=True)
    last_position: Mapped[int] = mapped_column(BigId, default=0)
    last_turn: Mapped[int] = mapped_column(BigId, default=0)
    began_at: Mapped[datetime]  # when the server learnt that it had started


class LiveEntry(CourtScoped, Base):
    """What is decided about one line of the log or one capture of a mission that started.

    ``id`` is random: an id with a time in it would tell observers when something happened.  The
    columns ``shown_*`` and ``photos`` are all that observers ever get of it, and only once
    ``position`` is set.
    """

    __tablename__ = "live_entries"
    __table_args__ = (
        sa.UniqueConstraint("mission_id", "source", "source_id"),
        sa.Index(None, "source_id"),
        sa.Index(None, "mission_id", "position"),
        sa.Index(None, "mission_id", "turn"),
        sa.Index(None, "due_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    mission_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("live_missions.mission_id"))
    case_id: Mapped[uuid.UUID | None]
    source: Mapped[str]  # log | evidence
    source_id: Mapped[uuid.UUID]
    act: Mapped[str]  # note | photo | video | audio | document | closed
    happened_at: Mapped[datetime]
    arrived_at: Mapped[datetime]
    categories: Mapped[list[Any]]  # never shown as it is; see redaction.Category
    rules_version: Mapped[int]
    state: Mapped[str]  # waiting | held | redacted | released | withdrawn
    due_at: Mapped[datetime | None]  # none once observers were told of it
    automatic: Mapped[bool]  # released when due, if it still waits then
    position: Mapped[int | None] = mapped_column(BigId)
    turn: Mapped[int] = mapped_column(BigId)
    announced_at: Mapped[datetime | None]
    shown_at: Mapped[str | None]  # already coarse
    shown_place: Mapped[str | None]
    shown_stage: Mapped[str | None]
    shown_text: Mapped[str | None]  # masked, or as a person rewrote it
    photos: Mapped[list[Any]]  # ids of redacted derivatives
    reason: Mapped[str | None]  # why a person decided so
    decided_by: Mapped[uuid.UUID | None]
    decided_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)
