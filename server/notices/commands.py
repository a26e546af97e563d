"""What callers ask of this slice, already checked for shape; frozen."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from server.core.paging import LIMIT_DEFAULT


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeFilter:
    """A page of one's own notices."""

    unread: bool = False
    topic: str | None = None
    cursor: str | None = None
    limit: int = LIMIT_DEFAULT


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadNotices:
    """Notices that were seen; none named means all."""

    ids: tuple[uuid.UUID, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """What a person wants to be told."""

    muted: tuple[str, ...] = ()
    digest: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class AddWebhook:
    """A new subscription."""

    name: str
    url: str
    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeWebhook:
    """Changes of a subscription; what is ``None`` stays."""

    name: str | None = None
    url: str | None = None
    kinds: tuple[str, ...] | None = None
    state: str | None = None  # active | paused | ended


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryFilter:
    """A page of a webhook's deliveries."""

    cursor: str | None = None
    limit: int = LIMIT_DEFAULT
