"""What the SDK hands out: frozen values, nothing that talks to the network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Self, TypeAlias
from uuid import UUID

from client_sdk.protocol.ids import short_code
from client_sdk.protocol.times import parse_rfc3339


class ItemState(StrEnum):
    """Where an outbox item is, as people see it."""

    ON_DEVICE = "on-device"  # ○
    SENDING = "sending"  # ◔
    RECEIVED = "received"  # ✓ all bytes and the record are there
    CONFIRMED = "confirmed"  # ✓✓ a signed receipt was verified
    HELD = "held"  # the server waits for an earlier record
    NEEDS_YOU = "needs-you"  # ! refused, in conflict or lost

    @property
    def sign(self) -> str:
        """A short sign for lists."""
        return {
            ItemState.ON_DEVICE: "○",
            ItemState.SENDING: "◔",
            ItemState.RECEIVED: "✓",
            ItemState.CONFIRMED: "✓✓",
            ItemState.HELD: "…",
            ItemState.NEEDS_YOU: "!",
        }[self]


@dataclass(frozen=True, slots=True)
class Captured:
    """A capture or log entry that is durable on this device.

    `sha256` None: no bytes. `case` None: nobody said to which case it belongs.
    """

    ep: int
    seq: int
    hid: str
    act: str
    wall: str
    sha256: str | None = None
    size_bytes: int | None = None
    case: str | None = None
    mission: str | None = None


@dataclass(frozen=True, slots=True)
class ClosedMission:
    """A closed mission: count and head of its records, for paper, and the closing record."""

    mission: str
    count: int
    head: str
    seq: int
    hid: str


@dataclass(frozen=True, slots=True)
class Entered:
    """Something written down about a case or an action, durable on this device."""

    kind: str
    case: str
    action: str | None
    ep: int
    seq: int
    hid: str
    wall: str


@dataclass(frozen=True, slots=True)
class FieldAction:
    """An enforcement action as this device knows it; times as they were written down.

    `state` is planned, started, ended or cancelled. `entries` are those that count, by time, each
    with `kind`, `data`, `at` and `hid` (None: not written on a device).
    """

    id: str
    case: str
    mission: str | None
    type: str
    state: str
    place: str | None
    planned_at: str | None
    begins_at: str | None
    ends_at: str | None
    known_at: str
    entries: tuple[Mapping[str, Any], ...]

    @property
    def code(self) -> str:
        """Short code that can be read over radio."""
        return short_code(UUID(self.id))

    @property
    def open(self) -> bool:
        """Whether it is planned or under way."""
        return self.state in ("planned", "started")

    def has(self, kind: str) -> bool:
        """Whether an entry of this kind counts."""
        return any(entry["kind"] == kind for entry in self.entries)


@dataclass(frozen=True, slots=True)
class OutboxObject:
    """Bytes of an outbox item; `offset_bytes` is what the server acknowledged."""

    sha256: str
    size_bytes: int
    offset_bytes: int
    name: str
    mime: str
    media: str
    state: str
    problem: str | None


@dataclass(frozen=True, slots=True)
class OutboxItem:
    """One record with its objects."""

    ep: int
    seq: int
    hid: str
    act: str
    wall: str
    state: ItemState
    problem: str | None
    objects: tuple[OutboxObject, ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that needs a person; `code` is a problem slug or an SDK code."""

    code: str
    detail: str
    ep: int | None = None
    seq: int | None = None
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Pending:
    """What is still to come before everything is confirmed."""

    records: int = 0
    objects: int = 0
    size_bytes: int = 0
    receipts: int = 0

    @property
    def nothing(self) -> bool:
        """Whether all is confirmed."""
        return not (self.records or self.objects or self.receipts)


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What one sync did. `paused` names the trouble when the network went away."""

    pushed: int = 0
    held: int = 0
    uploaded: int = 0
    uploaded_bytes: int = 0
    receipts: int = 0
    pulled: int = 0
    paused: str | None = None
    problems: tuple[Problem, ...] = ()
    pending: Pending = field(default_factory=Pending)

    @property
    def complete(self) -> bool:
        """Whether everything on this device is confirmed by verified receipts."""
        return self.paused is None and not self.problems and self.pending.nothing


@dataclass(frozen=True, slots=True)
class Mission:
    """A mission's extract as pulled; `data` is all of it."""

    id: str
    data: Mapping[str, Any]

    @property
    def code(self) -> str:
        """Short code that can be read over radio, the id where it has none."""
        return str(self.data.get("code") or self.id)

    @property
    def title(self) -> str:
        """Its name, empty when it has none."""
        return str(self.data.get("title") or "")

    @property
    def case_ids(self) -> tuple[str, ...]:
        """The cases it serves."""
        listed = self.data.get("case_ids")
        if isinstance(listed, list):
            return tuple(str(item) for item in listed)
        cases = self.data.get("cases")
        if not isinstance(cases, list):
            return ()
        return tuple(str(case["id"]) for case in cases if isinstance(case, dict) and "id" in case)

    @property
    def officer_ids(self) -> tuple[str, ...]:
        """Who takes part."""
        return _ids(self.data, "officer_ids", "officers")

    @property
    def device_ids(self) -> tuple[str, ...]:
        """What is carried."""
        return _ids(self.data, "device_ids", "devices")

    @property
    def device_kinds(self) -> Mapping[str, str]:
        """Kind of each device that is carried, where the extract tells it."""
        nested = self.data.get("devices")
        if not isinstance(nested, list):
            return {}
        found = (item for item in nested if isinstance(item, dict))
        return {
            str(item["id"]): str(item["kind"]) for item in found if {"id", "kind"} <= item.keys()
        }

    @property
    def starts_at(self) -> datetime | None:
        """Begin of its window."""
        return _time(self.data.get("starts_at"))

    @property
    def ends_at(self) -> datetime | None:
        """End of its window."""
        return _time(self.data.get("ends_at"))


@dataclass(frozen=True, slots=True)
class Booking:
    """Who carries which device from when to when."""

    id: str
    device_id: str
    user_id: str
    mission_id: str | None
    starts_at: datetime
    ends_at: datetime | None
    device_name: str = ""
    device_kind: str = ""
    user_name: str = ""

    @classmethod
    def from_data(cls, identifier: str, data: Mapping[str, Any]) -> Self | None:
        """Booking of a pulled change; None when it lacks what matching needs."""
        starts = _time(data.get("starts_at"))
        if starts is None or not data.get("device_id") or not data.get("user_id"):
            return None
        mission = data.get("mission_id")
        return cls(
            identifier,
            str(data["device_id"]),
            str(data["user_id"]),
            str(mission) if mission else None,
            starts,
            _time(data.get("ends_at")),
            str(data.get("device_name") or ""),
            str(data.get("device_kind") or ""),
            str(data.get("user_name") or ""),
        )


def _time(value: object) -> datetime | None:
    try:
        return parse_rfc3339(value)
    except ValueError:
        return None


def _ids(data: Mapping[str, Any], ids: str, members: str) -> tuple[str, ...]:
    listed = data.get(ids)
    if isinstance(listed, list):
        return tuple(str(item) for item in listed)
    nested = data.get(members)
    if not isinstance(nested, list):
        return ()
    return tuple(str(item["id"]) for item in nested if isinstance(item, dict) and "id" in item)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one step is. `step`: copy, push, upload, receipts, waiting."""

    step: str
    name: str = ""
    done_bytes: int = 0
    total_bytes: int = 0
    path: Path | None = None


OnProgress: TypeAlias = Callable[[Progress], None]


def no_progress(event: Progress) -> None:
    """Listens to nothing."""
    del event
