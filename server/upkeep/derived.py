"""Rows that must be there because an entry of the log says so."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.audit import seals
from server.audit.chain import OBJECT_KINDS, declared_objects
from server.audit.events import EventKind
from server.audit.models import (
    DeviceRecord,
    Event,
    HeldRecord,
    ReceiptRow,
    RecordConflict,
)
from server.audit.receipts import TOPIC
from server.audit.service import SERVER_SOURCE
from server.core.db import table_of
from server.evidence.models import Evidence
from server.fieldlog.commands import KINDS
from server.fieldlog.models import LogEntry
from server.upkeep.findings import Code, Report

_records, _evidence, _lines = table_of(DeviceRecord), table_of(Evidence), table_of(LogEntry)
_receipts = table_of(ReceiptRow)
_PART: Final = 500
_PLACES: Final = (HeldRecord, DeviceRecord, RecordConflict)
Pair = tuple[Any, Mapping[str, Any] | None]


@dataclass(slots=True)
class Derived:
    """Compares batches of entries with the rows that were made from them."""

    report: Report
    key: bytes
    left_over: dict[str, int] = field(default_factory=dict)  # rows that later events must explain
    _held: dict[tuple[str, int, int, str], str] = field(default_factory=dict)

    def batch(self, session: Session, pairs: Sequence[Pair]) -> None:
        """Check a batch of (entry, payload)."""
        records = [pair for pair in pairs if pair[0].src != SERVER_SOURCE]
        groups: dict[tuple[str, int], list[Pair]] = {}
        for pair in records:
            groups.setdefault((pair[0].src, pair[0].ep), []).append(pair)
        for (src, ep), members in groups.items():
            for start in range(0, len(members), _PART):
                self._records(session, src, ep, members[start : start + _PART])
        for row, payload in pairs:
            if payload is not None and row.src == SERVER_SOURCE:
                self._server(session, row, payload)

    def finish(self, session: Session) -> None:
        """What was held must be held still, or have found its place."""
        for (device, ep, seq, hid), where in self._held.items():
            place = (uuid.UUID(device), ep, seq)
            if not any(
                _is_there(session, table, place, hid)
                for table in (HeldRecord, DeviceRecord, RecordConflict)
            ):
                self.report.add(Code.ROW_MISSING, where, f"the record {seq} it held is nowhere")

    def explain(self, session: Session, known: Mapping[str, int]) -> None:
        """Report indexed records that are not as the server last wrote them.

        :param known: what the whole log says of rows, to its end.
        """
        prefix = f"{_records.name}/"
        told = {name for name, digest in known.items() if digest and name.startswith(prefix)}
        for name in sorted(self.left_over.keys() | told):
            if self._rest_of(session, name) != known.get(name, 0):
                self.report.add(Code.ROW_CHANGED, name, "it is not as the server last wrote it")

    def _rest_of(self, session: Session, name: str) -> int | None:
        device, ep, seq = name.split("/")[1:]
        table, place = _records.c, (uuid.UUID(device), int(ep), int(seq))
        statement = sa.select(_records, Event.actor_id, Event.case_id, Event.mission_id).join(
            Event, sa.and_(Event.src == device, Event.ep == table.ep, Event.seq == table.seq)
        )
        mine = (table.device_id == place[0], table.ep == place[1], table.seq == place[2])
        row = session.execute(statement.where(*mine)).first()
        return None if row is None else self._rest(row, row)

    def _rest(self, row: Any, entry: Any) -> int:
        values = row._asdict()
        digest = seals.row_digest(self.key, _records, values)
        found_out = (entry.actor_id, entry.case_id, entry.mission_id)
        digest ^= seals.entry_digest(self.key, row.hid, *found_out)
        return digest ^ seals.sealed_digest(self.key, values[seals.SEAL])

    # ------------------------------------------------------------------ device records

    def _records(self, session: Session, src: str, ep: int, members: Sequence[Pair]) -> None:
        device = uuid.UUID(src)
        seqs = [row.seq for row, _ in members]
        index = {row.seq: row for row in _rows(session, _records, device, ep, seqs)}
        items: dict[int, list[Any]] = {}
        for item in _rows(session, _evidence, device, ep, seqs):
            items.setdefault(item.seq, []).append(item)
        lines = {line.seq: line for line in _rows(session, _lines, device, ep, seqs)}
        for row, payload in members:
            self._indexed(row, index.get(row.seq))
            if row.kind in OBJECT_KINDS and payload is not None:
                self._declared(row, declared_objects(row.kind, payload), items.get(row.seq, []))
            line = lines.get(row.seq)
            if row.kind in KINDS and (line is None or line.record_hid != row.hid):
                name = f"log_entries of events/{row.log_index}"
                self.report.add(Code.ROW_MISSING, name, "the record has no line in the log book")

    def _indexed(self, row: Any, found: Any) -> None:
        where = f"device_records/{row.src}/{row.ep}/{row.seq}"
        if found is None:
            self.report.add(Code.ROW_MISSING, where, f"events/{row.log_index} is not indexed")
            return
        said = (row.hid, row.kind, row.rx, row.court_id)
        if (found.hid, found.act, found.rx, found.court_id) != said:
            self.report.add(Code.COLUMN, where, f"it differs from events/{row.log_index}")
        if rest := self._rest(found, row):
            self.left_over[seals.row_name(_records, found._asdict())] = rest

    def _declared(
        self, row: Any, objects: Sequence[Mapping[str, Any]], items: Sequence[Any]
    ) -> None:
        there = {item.obj_index: item for item in items}
        for place, thing in enumerate(objects):
            item = there.get(place)
            where = f"evidence of events/{row.log_index}, object {place}"
            if item is None:
                self.report.add(Code.ROW_MISSING, where, "the record declares it")
                continue
            said = (thing["sha256"], thing["size"], row.hid)
            if (item.sha256, item.size_bytes, item.record_hid) != said:
                self.report.add(Code.COLUMN, f"evidence/{item.id}", "it differs from its record")

    # ------------------------------------------------------------------ server events

    def _server(self, session: Session, row: Any, payload: Mapping[str, Any]) -> None:
        facts = payload.get("facts") or {}
        if row.kind == EventKind.RECEIPTS_ISSUED:
            self._issued(session, row, facts)
            self._told(session, row, payload)
        elif row.kind == EventKind.RECORD_CONFLICT:
            place = (uuid.UUID(row.subject_id), facts["ep"], facts["seq"])
            if not _is_there(session, RecordConflict, place, facts["hid"]):
                name = f"record_conflicts of events/{row.log_index}"
                self.report.add(Code.ROW_MISSING, name, "the record that contradicts is not kept")
        elif row.kind == EventKind.RECORD_HELD:
            for seq, hid in facts["held"]:
                where = f"held_records of events/{row.log_index}"
                self._held[row.subject_id, facts["ep"], seq, hid] = where

    def _issued(self, session: Session, row: Any, facts: Mapping[str, Any]) -> None:
        said = {(ep, seq, sha256 or "") for ep, seq, sha256, *_ in facts["receipts"]}
        statement = sa.select(_receipts.c.ep, _receipts.c.seq, _receipts.c.sha256).where(
            _receipts.c.device_id == uuid.UUID(row.subject_id),
            _receipts.c.seq.in_({seq for _, seq, _ in said}),
        )
        for ep, seq, _ in said - {tuple(one) for one in session.execute(statement)}:
            name = f"receipts/{row.subject_id}/{ep}/{seq}"
            self.report.add(Code.ROW_MISSING, name, f"events/{row.log_index} issued it")

    def _told(self, session: Session, row: Any, payload: Mapping[str, Any]) -> None:
        told = {uuid.UUID(one[2]) for one in payload.get("tell") or () if one[1] == TOPIC}
        statement = sa.select(_receipts.c.id).where(_receipts.c.id.in_(told))
        for gone in told - set(session.execute(statement).scalars()):
            self.report.add(Code.ROW_MISSING, f"receipts/{gone}", f"events/{row.log_index} told it")


def _rows(
    session: Session, table: sa.Table, device: uuid.UUID, ep: int, seqs: Iterable[int]
) -> Iterable[Any]:
    statement = sa.select(table).where(
        table.c.device_id == device, table.c.ep == ep, table.c.seq.in_(list(seqs))
    )
    return session.execute(statement).all()


def _is_there(
    session: Session,
    model: type[HeldRecord | DeviceRecord | RecordConflict],
    place: tuple[uuid.UUID, int, int],
    hid: str,
) -> bool:
    device, ep, seq = place
    statement = sa.select(sa.literal(1)).where(
        model.device_id == device, model.ep == ep, model.seq == seq, model.hid == hid
    )
    return session.execute(statement).first() is not None
