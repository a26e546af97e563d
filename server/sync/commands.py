"""What may be asked of the sync slice."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

RECORDS_MAX: Final = 500
OBJECTS_MAX: Final = 1_000
PULL_LIMIT_DEFAULT: Final = 200


@dataclass(frozen=True, slots=True)
class Push:
    """Records as they came; each is judged on its own."""

    records: Sequence[object]


@dataclass(frozen=True, slots=True)
class Wanted:
    """An object that a device holds."""

    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Missing:
    """Objects that may still have to be sent."""

    objects: Sequence[Wanted]


@dataclass(frozen=True, slots=True)
class PullQuery:
    """A page of the feed."""

    cursor: str | None = None
    limit: int = PULL_LIMIT_DEFAULT


@dataclass(frozen=True, slots=True)
class ReadClock:
    """First timestamp of an exchange, Unix milliseconds of the device."""

    t1: int


@dataclass(frozen=True, slots=True)
class AskTicket:
    """Leave to start a mission after record ``seq`` with head ``head`` (``GENESIS`` for none)."""

    mission_id: uuid.UUID
    ep: int
    seq: int
    head: str


@dataclass(frozen=True, slots=True)
class HeldQuery:
    """A page of held records."""

    cursor: str | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True)
class ChainQuery:
    """A page of a device's chain; without ``ep`` of its newest enrolment."""

    ep: int | None = None
    after: int = 0
    limit: int = 50


@dataclass(frozen=True, slots=True)
class ReleaseHeld:
    """Why a held record enters the log although its predecessor is missing."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeBundle:
    """Command: the caller's finished upload with this digest is a bundle; enter it."""

    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DockedFile:
    """A file of a card: its own time, and the case that a person named for it."""

    at: datetime
    case_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchFiles:
    """Command: to whom do these files belong; without a camera, to whatever was booked then."""

    files: Sequence[DockedFile]
    camera_id: uuid.UUID | None = None
