"""What people are told inside the application, and what other systems are told by webhook."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from server.core.db import Base, BigId, CourtScoped


class UserNotice(CourtScoped, Base):
    """One thing that a person should know; it holds ids and counts, never names or places."""

    __tablename__ = "notices"
    __table_args__ = (
        sa.Index(None, "user_id", "read_at", "topic"),
        sa.Index(None, "user_id", "id"),
        sa.Index(None, "read_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"))
    topic: Mapped[str]
    subject_type: Mapped[str]
    subject_id: Mapped[str]
    link: Mapped[str]  # a path of the console
    facts: Mapped[dict[str, Any]]
    count: Mapped[int] = mapped_column(default=1)  # how many like it a digest stands for
    created_at: Mapped[datetime]
    read_at: Mapped[datetime | None]


class NoticePreference(CourtScoped, Base):
    """What one person wants to be told; without a row: everything, as a digest."""

    __tablename__ = "notice_preferences"

    user_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"), primary_key=True)
    muted: Mapped[list[Any]]  # topics
    digest: Mapped[bool] = mapped_column(default=True)


class Webhook(CourtScoped, Base):
    """Where another system of the court wants to be told of which events (Standard Webhooks)."""

    __tablename__ = "webhooks"
    __table_args__ = (sa.Index(None, "court_id", "id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    url: Mapped[str]
    kinds: Mapped[list[Any]]
    secret: Mapped[str]  # sealed with the server's data key
    secret_before: Mapped[str | None]  # signs as well until ``secret_before_until``
    secret_before_until: Mapped[datetime | None]
    state: Mapped[str]  # active | paused | failed | ended
    state_reason: Mapped[str | None]
    created_by: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"))
    created_at: Mapped[datetime]
    failing_since: Mapped[datetime | None]
    tried_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)


class WebhookDelivery(CourtScoped, Base):
    """One message for one webhook: its body as it is sent, unchanged, at every attempt."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        sa.UniqueConstraint("webhook_id", "log_index"),
        sa.Index(None, "state", "next_at"),
        sa.Index(None, "webhook_id", "id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    webhook_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("webhooks.id"))
    log_index: Mapped[int | None] = mapped_column(BigId)  # none: a trial asked for by hand
    kind: Mapped[str]
    body: Mapped[str]
    state: Mapped[str]  # waiting | delivered | failed | dropped
    tries: Mapped[int] = mapped_column(default=0)  # since it was last asked for
    next_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class WebhookAttempt(CourtScoped, Base):
    """How one attempt went; nothing of what the receiver answered is kept but its status."""

    __tablename__ = "webhook_attempts"
    __table_args__ = (sa.Index(None, "delivery_id", "id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    delivery_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("webhook_deliveries.id"))
    at: Mapped[datetime]
    duration_ms: Mapped[int]
    status: Mapped[int | None]
    problem: Mapped[str | None]  # a code: why there was no acceptable answer
