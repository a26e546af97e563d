"""What callers ask of this slice, already checked for shape; frozen."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from server.core.paging import LIMIT_DEFAULT
from server.guests.kinds import InviteeKind, OpinionKind

REPLY_DAYS_MAX: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Invite:
    """An invitation as it was asked for; without a mission it waits to be given one."""

    invitee: str
    invitee_kind: InviteeKind
    window_from: datetime
    window_to: datetime
    mission_id: uuid.UUID | None = None
    invitee_title: str | None = None
    replay_until: datetime | None = None
    reply_days: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Redeem:
    """What comes from the browser that redeems."""

    code: str
    consent_version: str
    lang: str
    address: str | None
    agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """A recording whose bytes are stored."""

    sha256: str
    size_bytes: int
    mime: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """What a guest says: a text, or a recording."""

    kind: OpinionKind
    entry_id: uuid.UUID | None = None
    text: str | None = None
    voice: Voice | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationFilter:
    """A page of a court's invitations."""

    mission_id: uuid.UUID | None = None
    state: str | None = None
    cursor: str | None = None
    limit: int = LIMIT_DEFAULT


@dataclass(frozen=True, slots=True, kw_only=True)
class OpinionFilter:
    """A page of what guests said."""

    state: str | None = None
    mission_id: uuid.UUID | None = None
    cursor: str | None = None
    limit: int = LIMIT_DEFAULT
