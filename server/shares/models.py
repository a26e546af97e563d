"""Chosen items of a case, lent to somebody outside for a while."""

from __future__ import annotations

import uuid
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from server.core.db import Base, CourtScoped


class Share(CourtScoped, Base):
    """What is shared with whom, how, and until when; of link and code only keyed hashes stay."""

    __tablename__ = "shares"
    __table_args__ = (
        sa.Index(None, "court_id", "id"),
        sa.Index(None, "case_id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    case_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("cases.id"))
    recipient: Mapped[str]
    purpose: Mapped[str]
    mode: Mapped[str]  # view | download
    token_hash: Mapped[str] = mapped_column(unique=True)
    code_hash: Mapped[str | None]
    code_failures: Mapped[int] = mapped_column(default=0)
    terms: Mapped[str]  # version of the text that is accepted
    openings_max: Mapped[int | None]
    openings: Mapped[int] = mapped_column(default=0)
    expires_at: Mapped[datetime]
    created_by: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"))
    created_at: Mapped[datetime]
    revoked_by: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    revoked_at: Mapped[datetime | None]


class ShareItem(CourtScoped, Base):
    """One item of a share: its original, or the redacted copy that was chosen for it.

    What goes out is decided at each request (``policy.form_of``), since copies come and go.
    """

    __tablename__ = "share_items"
    __table_args__ = (sa.Index(None, "evidence_id"),)

    share_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("shares.id"), primary_key=True)
    evidence_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("evidence.id"), primary_key=True)
    position: Mapped[int]
    redaction_id: Mapped[uuid.UUID | None]
    original_named: Mapped[bool] = mapped_column(default=False)  # although there was a copy


class ShareOpening(CourtScoped, Base):
    """One browser that opened a share and accepted its terms; the cookie's hash lets it in."""

    __tablename__ = "share_openings"
    __table_args__ = (sa.Index(None, "share_id", "id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    share_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("shares.id"))
    cookie_hash: Mapped[str] = mapped_column(unique=True)
    terms: Mapped[str]
    address: Mapped[str | None]
    opened_at: Mapped[datetime]


class ShareReading(CourtScoped, Base):
    """When an opening last caused a custody event for an item: ranges within a while are one."""

    __tablename__ = "share_readings"

    opening_id: Mapped[uuid.UUID] = mapped_column(
        sa.ForeignKey("share_openings.id"), primary_key=True
    )
    evidence_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)  # viewed | downloaded
    first_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    times: Mapped[int] = mapped_column(default=1)
