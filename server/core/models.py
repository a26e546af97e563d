"""Tables of the request machinery itself."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from server.core.db import Base


class IdempotentReply(Base):
    """The first answer to a write, replayed when the client asks again (Idempotency-Key)."""

    __tablename__ = "idempotent_replies"

    principal: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    route: Mapped[str]
    fingerprint: Mapped[str]
    status: Mapped[int]
    body: Mapped[str]
    headers: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(index=True)
