"""What may be asked of the register."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from server.core.paging import LIMIT_DEFAULT


class ActionState(StrEnum):
    """Where an action stands."""

    PLANNED = "planned"
    STARTED = "started"
    ENDED = "ended"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteEntry:
    """Write something down; ``data`` is checked against the kind.

    :param action_id: the action that it is about; may be new for the kinds that begin one.
    :param amends_id: an entry of the same case and kind whose place it takes.
    """

    kind: str
    data: Mapping[str, Any]
    action_id: uuid.UUID | None = None
    mission_id: uuid.UUID | None = None
    amends_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryFilter:
    """What a case's entries are narrowed to."""

    kind: str | None = None
    action_id: uuid.UUID | None = None
    current: bool = False
    cursor: str | None = None
    limit: int = LIMIT_DEFAULT


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionFilter:
    """What the actions are narrowed to."""

    case_id: uuid.UUID | None = None
    mission_id: uuid.UUID | None = None
    type: str | None = None
    state: str | None = None
    cursor: str | None = None
    limit: int = LIMIT_DEFAULT
