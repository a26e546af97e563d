"""Invitations, the one browser that redeemed each, its visits, and what the guest said."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from server.core.db import Base, BigId, CourtScoped
from server.guests.kinds import InvitationState, OpinionState


class Invitation(CourtScoped, Base):
    """Leave for one person to watch one mission within a window.

    Link and code are known only by keyed hashes; ``state`` is ``invited``, ``redeemed`` or
    ``revoked``, an expiry follows from the clock.
    """

    __tablename__ = "invitations"
    __table_args__ = (
        sa.Index(None, "court_id", "id"),
        sa.Index(None, "mission_id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    mission_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("missions.id"))
    invitee: Mapped[str]
    invitee_title: Mapped[str | None]
    invitee_kind: Mapped[str]  # npc_deputy | cppcc_member | procurator | other
    window_from: Mapped[datetime]
    window_to: Mapped[datetime]
    replay_until: Mapped[datetime]
    reply_days: Mapped[int]  # within how many days the court answers what this guest says
    token_hash: Mapped[str] = mapped_column(unique=True)
    code_hash: Mapped[str]
    failed_count: Mapped[int] = mapped_column(default=0)
    locked_at: Mapped[datetime | None]  # after too many wrong codes; for good
    state: Mapped[str] = mapped_column(default=InvitationState.INVITED)
    created_by: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"))
    created_at: Mapped[datetime]
    redeemed_at: Mapped[datetime | None]
    revoked_by: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    revoked_at: Mapped[datetime | None]
    revoke_reason: Mapped[str | None]


class GuestSession(CourtScoped, Base):
    """The one browser that redeemed an invitation, and the consent that was given in it."""

    __tablename__ = "guest_sessions"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    invitation_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("invitations.id"), unique=True)
    cookie_hash: Mapped[str] = mapped_column(unique=True)
    consent_version: Mapped[str]  # which text of the rules
    consent_lang: Mapped[str]
    consented_at: Mapped[datetime]
    address: Mapped[str | None]
    agent_digest: Mapped[str]  # keyed; tells whether the browser called itself otherwise later
    note: Mapped[dict[str, Any] | None]  # the newest attendance note: what it says, and signed


class GuestVisit(CourtScoped, Base):
    """One stretch of time that a guest was there; sightings close together are one visit."""

    __tablename__ = "guest_visits"
    __table_args__ = (sa.Index(None, "guest_session_id", "arrived_at"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    guest_session_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("guest_sessions.id"))
    arrived_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    last_position: Mapped[int] = mapped_column(BigId)  # newest place of the live log on the screen


class Opinion(CourtScoped, Base):
    """What a guest said of an entry or of the whole mission, and what the court answered."""

    __tablename__ = "opinions"
    __table_args__ = (
        sa.Index(None, "court_id", "state", "due_at"),
        sa.Index(None, "guest_session_id", "id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    invitation_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("invitations.id"))
    guest_session_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("guest_sessions.id"))
    mission_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("missions.id"))
    entry_id: Mapped[uuid.UUID | None]  # of the live log; none: the whole mission
    kind: Mapped[str]  # opinion | question | praise
    text: Mapped[str | None]
    voice_sha256: Mapped[str | None]
    voice_mime: Mapped[str | None]
    voice_bytes: Mapped[int | None]
    state: Mapped[str] = mapped_column(default=OpinionState.RECEIVED)
    received_at: Mapped[datetime]
    due_at: Mapped[datetime]
    overdue_at: Mapped[datetime | None]  # when somebody was told that the reply is late
    handled_by: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    handled_at: Mapped[datetime | None]
    reply: Mapped[str | None]
    replied_by: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    replied_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)
