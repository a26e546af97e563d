"""What callers ask of this slice, already checked for shape; frozen."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from server.cases.parties import PartyKind, PartyRole
from server.cases.states import CaseStatus
from server.core.paging import LIMIT_DEFAULT


@dataclass(frozen=True, slots=True, kw_only=True)
class PartyCommand:
    """A party as given; ``details`` holds the names of ``parties.DETAILS`` without the masked one.

    ``id_no`` is the full number of an identity document; it is sealed, never stored open.
    """

    role: PartyRole
    kind: PartyKind
    name: str
    id_no: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AddCase:
    """A case to be filed; ``case_no`` in any customary writing."""

    case_no: str
    cause: str | None = None
    filed_on: date | None = None
    deadline_on: date | None = None
    handler_id: uuid.UUID | None = None
    status: CaseStatus = CaseStatus.ENFORCING
    basis: Mapping[str, Any] | None = None
    claim_fen: int | None = None
    parties: tuple[PartyCommand, ...] = ()
    officer_ids: tuple[uuid.UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """Only the fields that were sent, with their new values; ``None`` empties a field."""

    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Assign:
    """People to add to a case."""

    officer_ids: tuple[uuid.UUID, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AddMission:
    """An outing to be planned; ``place`` carries WGS-84 decimals as text."""

    title: str
    case_ids: tuple[uuid.UUID, ...]
    starts_at: datetime
    ends_at: datetime
    place: Mapping[str, Any] | None = None
    officer_ids: tuple[uuid.UUID, ...] = ()
    device_ids: tuple[uuid.UUID, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFilter:
    """What a list of cases is narrowed to; ``text`` is a part of the number or a party's name."""

    text: str | None = None
    case_no: str | None = None
    status: str | None = None
    type_code: str | None = None
    handler_id: uuid.UUID | None = None
    year: int | None = None
    cursor: str | None = None
    limit: int = LIMIT_DEFAULT


@dataclass(frozen=True, slots=True, kw_only=True)
class MissionFilter:
    """What a list of missions is narrowed to; the window is that of an overlap."""

    state: str | None = None
    case_id: uuid.UUID | None = None
    officer_id: uuid.UUID | None = None
    device_id: uuid.UUID | None = None
    overlaps_from: datetime | None = None
    overlaps_to: datetime | None = None
    cursor: str | None = None
    limit: int = LIMIT_DEFAULT
