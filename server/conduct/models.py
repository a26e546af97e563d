"""Checks of conduct, findings that people have to answer, and what a court rules besides."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from server.core.db import Base, CourtScoped


class ConductCheck(CourtScoped, Base):
    """What a rule came to for an action when it was last judged; computed, never edited."""

    __tablename__ = "conduct_checks"
    __table_args__ = (
        sa.Index(None, "case_id"),
        sa.Index(None, "court_id", "outcome", "rule"),
    )

    action_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("actions.id"), primary_key=True)
    rule: Mapped[str] = mapped_column(primary_key=True)
    case_id: Mapped[uuid.UUID]
    outcome: Mapped[str]  # pass | fail | warn | not_applicable | unknown
    reasons: Mapped[list[Any]]  # [{"code", "values", "evidence"}]
    judged_at: Mapped[datetime]  # when it came out so


class Finding(CourtScoped, Base):
    """A rule that an action broke, and what people made of it.

    One that was cleared stays; should the rule be broken again, the next ``number`` begins.
    """

    __tablename__ = "findings"
    __table_args__ = (
        sa.UniqueConstraint("action_id", "rule", "number"),
        sa.Index(None, "court_id", "state", "id"),
        sa.Index(None, "case_id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    case_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("cases.id"))
    action_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("actions.id"))
    rule: Mapped[str]
    number: Mapped[int]
    outcome: Mapped[str]  # fail | warn
    reasons: Mapped[list[Any]]
    state: Mapped[str]  # open | explained | rectified | upheld | cleared
    opened_at: Mapped[datetime]
    explained_by: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    explained_at: Mapped[datetime | None]
    explanation: Mapped[str | None]
    decided_by: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    decided_at: Mapped[datetime | None]
    decision: Mapped[str | None]
    cleared_at: Mapped[datetime | None]


class DueAction(CourtScoped, Base):
    """That an action is to be judged again, from when on.

    It refers to the action by its id alone: a foreign key would lock the action's row for whoever
    marks it, in another order than those lock it who write about it.
    """

    __tablename__ = "conduct_due"
    __table_args__ = (sa.Index(None, "run_after"),)

    action_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    run_after: Mapped[datetime]


class CourtRules(CourtScoped, Base):
    """One version of a court's own numbers and rules, as TOML; the newest is in force."""

    __tablename__ = "court_rules"
    __table_args__ = (sa.UniqueConstraint("court_id", "version"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    text: Mapped[str]
    reason: Mapped[str]
    made_by: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"))
    made_at: Mapped[datetime]
