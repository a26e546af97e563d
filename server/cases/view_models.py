"""Saved views: a list with its filters under a name."""

from __future__ import annotations

import uuid
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from server.core.db import Base, CourtScoped


class SavedView(CourtScoped, Base):
    """A page's query string that somebody keeps; shared ones are shown to the whole court."""

    __tablename__ = "saved_views"
    __table_args__ = (sa.Index(None, "court_id", "page", "id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    owner_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"))
    page: Mapped[str]  # cases | missing | …
    name: Mapped[str]
    query: Mapped[str]  # without the question mark, without a cursor
    shared: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
