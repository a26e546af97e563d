"""What may be asked of the release desk."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from server.core.problem import Kind, Problem
from server.live.redaction import ReleaseRules

ENTRIES_MAX: Final = 500


class Decision(StrEnum):
    """What a person at the release desk does to an entry."""

    HOLD = "hold"
    REDACT = "redact"
    RELEASE = "release"
    WITHDRAW = "withdraw"


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryFilter:
    """Which entries of a mission are wanted: those that changed beyond a turn."""

    after: int = 0
    limit: int = ENTRIES_MAX


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskFilter:
    """A page of the desk, the newest first; ``before`` is the last entry of the page before."""

    state: str | None = None
    before: uuid.UUID | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Decide:
    """One decision on one entry.

    :param version: of the entry as its author saw it; a decision on something else is refused.
    :param reason: needed for an early release and a withdrawal.
    :param text: of a redaction, what observers get instead; masked as everything is.
    :param photos: of a redaction, redacted derivatives that go with it.
    """

    decision: Decision
    version: int | None = None
    reason: str | None = None
    text: str | None = None
    photos: tuple[uuid.UUID, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SetRules:
    """A new version of a court's rules of release.

    :param version: the version that its author had before their eyes.
    """

    version: int
    reason: str
    rules: ReleaseRules = field(default_factory=ReleaseRules)

    def require_version(self, current: int) -> None:
        """Refuse a change of rules that somebody else has changed meanwhile."""
        if self.version != current:
            raise Problem(Kind.CONFLICT, f"version {current} is in force now; read it first")
