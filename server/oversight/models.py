"""Weekly supervision, tasks, alerts and campaigns; what people wrote is appended."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from server.core.db import Base, CourtScoped


class OversightRule(CourtScoped, Base):
    """One version of a court's thresholds; the newest is in force."""

    __tablename__ = "oversight_rules"
    __table_args__ = (sa.UniqueConstraint("court_id", "version"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    idle_days: Mapped[int]
    explain_days: Mapped[int]  # working days to explain an alert
    reason: Mapped[str]
    made_by: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"))
    made_at: Mapped[datetime]


class WeeklyMeeting(CourtScoped, Base):
    """A court's meeting of one week; ``agenda`` keeps what lay on the table when it was held."""

    __tablename__ = "weekly_meetings"
    __table_args__ = (sa.UniqueConstraint("court_id", "week"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    week: Mapped[str]  # ISO 8601, such as 2025-W39
    meets_on: Mapped[date]
    chair_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"))
    state: Mapped[str]  # agenda | held | minuted
    agenda: Mapped[dict[str, Any] | None]
    attendees: Mapped[list[Any] | None]  # ids of people
    minutes: Mapped[str | None]
    called_by: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    called_at: Mapped[datetime]
    held_at: Mapped[datetime | None]
    minuted_by: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    minuted_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)


class WeeklyPlan(CourtScoped, Base):
    """One version of what an officer has done and plans for a week; the newest counts."""

    __tablename__ = "weekly_plans"
    __table_args__ = (sa.UniqueConstraint("court_id", "week", "officer_id", "version"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    week: Mapped[str]
    officer_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"))
    version: Mapped[int]
    progress: Mapped[str | None]
    steps: Mapped[list[Any]]  # lines
    written_by: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"))
    written_at: Mapped[datetime]


class InspectionNotice(CourtScoped, Base):
    """What the bureau head found when inspecting the work of a week; about one case, or all."""

    __tablename__ = "inspection_notices"
    __table_args__ = (sa.Index(None, "court_id", "week", "id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    week: Mapped[str]  # the week that was inspected
    case_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("cases.id"))
    text: Mapped[str]
    written_by: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"))
    written_at: Mapped[datetime]


class OversightTask(CourtScoped, Base):
    """Something that somebody has to have done by a day."""

    __tablename__ = "oversight_tasks"
    __table_args__ = (
        sa.Index(None, "court_id", "state", "due_on", "id"),
        sa.Index(None, "owner_id", "state"),
        sa.Index(None, "case_id"),
        sa.Index(None, "meeting_id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    meeting_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("weekly_meetings.id"))
    case_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("cases.id"))
    owner_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"))
    text: Mapped[str]
    due_on: Mapped[date]
    state: Mapped[str]  # open | overdue | done
    given_by: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"))
    given_at: Mapped[datetime]
    overdue_at: Mapped[datetime | None]
    done_by: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    done_at: Mapped[datetime | None]
    result: Mapped[str | None]
    version: Mapped[int] = mapped_column(default=1)


class OversightAlert(CourtScoped, Base):
    """One thing that a detector found; ``key`` names it, so that it is raised once."""

    __tablename__ = "oversight_alerts"
    __table_args__ = (
        sa.UniqueConstraint("court_id", "key"),
        sa.Index(None, "court_id", "state", "kind", "id"),
        sa.Index(None, "case_id", "state"),
        sa.Index(None, "owner_id", "state"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    key: Mapped[str]
    case_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("cases.id"))
    task_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("oversight_tasks.id"))
    owner_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    since_on: Mapped[date]  # since when it is so; of a measure, the day on which it expires
    state: Mapped[str]  # raised | explained | escalated | cleared
    raised_at: Mapped[datetime]
    explain_by: Mapped[date]
    explanation: Mapped[str | None]
    explained_by: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    explained_at: Mapped[datetime | None]
    escalated_by: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    escalated_at: Mapped[datetime | None]
    escalation: Mapped[str | None]  # why; none when nobody explained it in time
    cleared_by: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    cleared_at: Mapped[datetime | None]
    clearance: Mapped[str | None]  # why; none when it is not so any more
    version: Mapped[int] = mapped_column(default=1)


class ConductTally(CourtScoped, Base):
    """How often each rule of conduct came to each outcome, counted every few minutes."""

    __tablename__ = "conduct_tallies"
    __table_args__ = (sa.UniqueConstraint("court_id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    counts: Mapped[dict[str, Any]]  # rule → outcome → how many actions
    counted_at: Mapped[datetime]


class Campaign(CourtScoped, Base):
    """An undertaking over many cases and actions."""

    __tablename__ = "campaigns"
    __table_args__ = (sa.Index(None, "court_id", "state", "id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    purpose: Mapped[str | None]
    begins_on: Mapped[date]
    ends_on: Mapped[date]
    state: Mapped[str]  # planned | running | closed
    result: Mapped[str | None]
    made_by: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"))
    made_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)


class CampaignCase(CourtScoped, Base):
    """A case that a campaign takes in."""

    __tablename__ = "campaign_cases"

    campaign_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("campaigns.id"), primary_key=True)
    case_id: Mapped[uuid.UUID] = mapped_column(
        sa.ForeignKey("cases.id"), primary_key=True, index=True
    )
    added_by: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"))
    added_at: Mapped[datetime]


class CampaignAction(CourtScoped, Base):
    """An action that was part of a campaign."""

    __tablename__ = "campaign_actions"

    campaign_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("campaigns.id"), primary_key=True)
    action_id: Mapped[uuid.UUID] = mapped_column(
        sa.ForeignKey("actions.id"), primary_key=True, index=True
    )
    added_by: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"))
    added_at: Mapped[datetime]
