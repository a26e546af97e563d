"""Entries of the log as the export reads them: light rows, payloads opened when asked for."""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from client_sdk.protocol.tlog.leaves import CaseLink, leaf_text
from server.audit.models import Event
from server.audit.service import SERVER_SOURCE

_COLUMNS: Final = (
    Event.log_index, Event.kind, Event.src, Event.ep, Event.seq, Event.hid, Event.h, Event.k,
    Event.sig, Event.rx, Event.p, Event.salt, Event.subject_type, Event.subject_id, Event.actor_id,
    Event.mission_id, Event.case_id, Event.case_tag, Event.case_seq, Event.case_prev,
    Event.leaf_hash,
)  # fmt: skip
_PART: Final = 500


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the log; ``tag``, ``place`` and ``before`` link it into its case's chain."""

    index: int
    kind: str
    src: str
    ep: int | None
    seq: int | None
    hid: str
    h: str
    k: str
    sig: str
    rx: str
    p: str | None
    salt: str | None
    subject_type: str | None
    subject_id: str | None
    actor_id: uuid.UUID | None
    mission_id: uuid.UUID | None
    case_id: uuid.UUID | None
    tag: str | None
    place: int | None
    before: str | None
    leaf_hash: bytes

    @property
    def of_device(self) -> bool:
        """A record of a device, not an event of the server."""
        return self.src != SERVER_SOURCE

    @property
    def chain(self) -> tuple[str, int]:
        """Device and enrolment generation of a record."""
        return self.src, self.ep or 0

    @property
    def payload(self) -> dict[str, Any]:
        """What was signed; empty when it was lawfully erased."""
        found: dict[str, Any] = json.loads(self.p) if self.p is not None else {}
        return found

    @property
    def facts(self) -> dict[str, Any]:
        """Facts of a server event."""
        found: dict[str, Any] = self.payload.get("facts") or {}
        return found

    @property
    def leaf(self) -> str:
        """The text that is the leaf of the tree."""
        link = None
        if self.tag is not None and self.place is not None:
            link = CaseLink(self.tag, self.place, self.before)
        return leaf_text(k=self.k, h=self.h, s=self.sig, rx=self.rx, case=link)


def entries(session: Session, *rules: sa.ColumnElement[bool]) -> list[Entry]:
    """Entries that keep all ``rules``, in log order."""
    statement = sa.select(*_COLUMNS).where(*rules).order_by(Event.log_index)
    rows: Any = session.execute(statement)
    return [Entry(*row) for row in rows]


def at_indexes(session: Session, indexes: Collection[int]) -> Iterator[Entry]:
    """The entries with these indexes, in order, read in parts."""
    ordered = sorted(indexes)
    for start in range(0, len(ordered), _PART):
        yield from entries(session, Event.log_index.in_(ordered[start : start + _PART]))


def in_parts(
    session: Session, column: Any, values: Collection[Any], *rules: sa.ColumnElement[bool]
) -> list[Entry]:
    """Entries whose ``column`` has one of ``values``, asked for in parts; in log order."""
    ordered, found = sorted(values), []
    for start in range(0, len(ordered), _PART):
        found += entries(session, column.in_(ordered[start : start + _PART]), *rules)
    return sorted(found, key=lambda entry: entry.index)


def headers(session: Session, src: str, ep: int, first: int, last: int, upto: int) -> list[Entry]:
    """Records of one chain between two numbers, up to a log index, by their number."""
    found = entries(
        session,
        Event.src == src,
        Event.ep == ep,
        Event.seq >= first,
        Event.seq <= last,
        Event.log_index <= upto,
    )
    return sorted(found, key=lambda entry: entry.seq or 0)
