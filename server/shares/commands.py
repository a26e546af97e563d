"""What callers ask of this slice, already checked for shape; frozen."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from server.core.paging import LIMIT_DEFAULT

DAYS_DEFAULT: Final = 14
DAYS_MAX: Final = 90
ITEMS_MAX: Final = 200


class Mode(StrEnum):
    """What somebody outside may do with the items."""

    VIEW = "view"
    DOWNLOAD = "download"


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeShare:
    """Share these items of a case.

    :param originals: items whose original is shared although a redacted copy of them exists.
    :param days: how long the share lasts.
    :param with_code: a code by another channel is asked for; always so for downloads.
    """

    case_id: uuid.UUID
    evidence_ids: tuple[uuid.UUID, ...]
    recipient: str
    purpose: str
    mode: Mode
    days: int
    originals: frozenset[uuid.UUID] = frozenset()
    openings_max: int | None = None
    with_code: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareFilter:
    """A page of shares."""

    case_id: uuid.UUID | None = None
    state: str | None = None  # live | ended
    cursor: str | None = None
    limit: int = LIMIT_DEFAULT


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenShare:
    """What a browser brings to open a share."""

    code: str
    terms: str
