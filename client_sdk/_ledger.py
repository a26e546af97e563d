"""Rows of the store: records, their objects, their receipts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from client_sdk._store import Store
from client_sdk.protocol.payloads import Instant, Media, ObjectRef, Payload
from client_sdk.protocol.records import GENESIS, Sealed
from client_sdk.protocol.statements import Receipt, SignedStatement

_SMALL_BYTES: Final = 16 * 1024 * 1024


class RecordState(StrEnum):
    """Where a record is."""

    NEW = "new"  # only here
    SENT = "sent"  # the server has it
    HELD = "held"  # the server has it and waits for its predecessor
    CONFIRMED = "confirmed"  # a verified receipt came
    CONFLICT = "conflict"  # the server has another record of this number
    PARKED = "parked"  # refused: needs a person


class ObjectState(StrEnum):
    """Where the bytes of an object are."""

    WAITING = "waiting"  # only here
    SENDING = "sending"  # partly there
    SENT = "sent"  # all there, hash matched by the server
    CONFIRMED = "confirmed"  # a verified receipt came
    PARKED = "parked"  # refused: needs a person
    LOST = "lost"  # the file vanished here before it was sent
    WIPED = "wiped"  # deleted here after it was proven to be there


class Lane(StrEnum):
    """Order of sending after the records: small photos, audio, video and other large files."""

    SMALL = "1"
    AUDIO = "2"
    LARGE = "3"


def lane_of(media: Media | None, size_bytes: int) -> Lane:
    """Lane of an object."""
    if media is Media.AUDIO:
        return Lane.AUDIO
    if media is Media.VIDEO or size_bytes > _SMALL_BYTES:
        return Lane.LARGE
    return Lane.SMALL


@dataclass(frozen=True, slots=True)
class Head:
    """Newest record of an enrolment generation; `seq` 0 before the first."""

    ep: int
    seq: int
    hid: str
    boot: str
    mono_ms: int

    def may_precede(self, at: Instant) -> bool:
        """Whether `at` may follow: within a boot the monotonic clock never goes back."""
        return self.boot != at.boot or at.mono_ms >= self.mono_ms


@dataclass(frozen=True, slots=True)
class RecordRow:
    """A record as it is kept."""

    ep: int
    seq: int
    hid: str
    act: str
    wall: str
    state: RecordState
    problem: str | None


@dataclass(frozen=True, slots=True)
class ObjectRow:
    """An object as it is kept."""

    ep: int
    seq: int
    sha256: str
    size_bytes: int
    media: str
    state: ObjectState
    upload_url: str | None
    offset_bytes: int
    problem: str | None
    name: bytes
    mime: str

    @property
    def key(self) -> str:
        """Idempotency key of its upload."""
        return f"{self.ep}-{self.seq}-{self.sha256}"


SAFE: Final = (ObjectState.CONFIRMED, ObjectState.WIPED)
_RECORD_COLUMNS: Final = "ep, seq, hid, act, wall, state, problem"
_OBJECT_COLUMNS: Final = (
    "ep, seq, sha256, size_bytes, media, state, upload_url, offset_bytes, problem, details"
)
_UNSENT: Final = (ObjectState.WAITING.value, ObjectState.SENDING.value)


class Ledger:
    """Reads and writes the rows; the caller owns the transaction."""

    def __init__(self, store: Store) -> None:
        self.store = store

    # -- records

    def head(self, ep: int) -> Head:
        """Newest record of generation `ep`."""
        row = self.store.one(
            "SELECT seq, hid, boot, mono_ms FROM records WHERE ep=? ORDER BY seq DESC LIMIT 1", ep
        )
        return Head(ep, *row) if row else Head(ep, 0, GENESIS, "", 0)

    def add(self, sealed: Sealed, payload: Payload) -> None:
        """Insert a new record with its objects."""
        header, at = sealed.header, payload.t
        wire = sealed.record.to_dict()
        self.store.run(
            "INSERT INTO records VALUES (?,?,?,?,?,?,?,?,?,?,NULL)",
            header.ep,
            header.seq,
            sealed.hid,
            payload.act.value,
            at.boot,
            at.mono_ms,
            at.wall,
            self.store.seal(wire, f"record:{header.ep}:{header.seq}"),
            sum(len(text.encode()) for text in wire.values()),
            RecordState.NEW.value,
        )
        for ref in payload.obj:
            self._add_object(header.ep, header.seq, ref, payload.media)

    def _add_object(self, ep: int, seq: int, ref: ObjectRef, media: Media | None) -> None:
        details = {"mime": ref.mime, "name_hex": ref.name.hex()}
        self.store.run(
            "INSERT INTO objects (ep, seq, sha256, size_bytes, media, lane, details, state)"
            " VALUES (?,?,?,?,?,?,?,?)",
            ep,
            seq,
            ref.sha256,
            ref.size_bytes,
            media.value if media else "",
            int(lane_of(media, ref.size_bytes)),
            self.store.seal(details, f"object:{ep}:{seq}:{ref.sha256}"),
            ObjectState.WAITING.value,
        )

    def unsent_records(self, limit: int, limit_bytes: int) -> list[tuple[int, int, dict[str, str]]]:
        """Oldest new records as (ep, seq, wire), at least one if there is any."""
        rows = self.store.all(
            "SELECT ep, seq, wire, wire_bytes FROM records WHERE state=? ORDER BY ep, seq LIMIT ?",
            RecordState.NEW.value,
            limit,
        )
        batch: list[tuple[int, int, dict[str, str]]] = []
        for ep, seq, wire, wire_bytes in rows:
            limit_bytes -= wire_bytes
            if batch and limit_bytes < 0:
                break
            batch.append((ep, seq, self.store.unseal(wire, f"record:{ep}:{seq}")))
        return batch

    def mark_record(
        self, ep: int, seq: int, state: RecordState, problem: str | None = None
    ) -> None:
        """Set a record's state; a confirmed one stays confirmed."""
        self.store.run(
            "UPDATE records SET state=?, problem=? WHERE ep=? AND seq=? AND state<>?",
            state.value,
            problem,
            ep,
            seq,
            RecordState.CONFIRMED.value,
        )

    def known_to_server(self, ep: int) -> int:
        """Highest number that the server has acknowledged in generation `ep`; 0 for none."""
        row = self.store.one(
            "SELECT max(seq) FROM records WHERE ep=? AND state IN (?,?)",
            ep,
            RecordState.SENT.value,
            RecordState.CONFIRMED.value,
        )
        return int(row[0] or 0) if row else 0

    def resend(self, ep: int, seqs: range) -> None:
        """Send again records that the server had and lost.

        Their objects count as sent until the server is asked about them.
        """
        place = (ep, seqs.start, seqs.stop)
        self.store.run(
            "UPDATE objects SET state=? WHERE ep=? AND seq>=? AND seq<? AND state=?",
            ObjectState.SENT.value,
            *place,
            ObjectState.CONFIRMED.value,
        )
        self.store.run(
            "UPDATE records SET state=? WHERE ep=? AND seq>=? AND seq<? AND state IN (?,?)",
            RecordState.NEW.value,
            *place,
            RecordState.SENT.value,
            RecordState.CONFIRMED.value,
        )

    def record(self, ep: int, seq: int) -> RecordRow | None:
        """One record."""
        row = self.store.one(
            f"SELECT {_RECORD_COLUMNS} FROM records WHERE ep=? AND seq=?",  # noqa: S608 - constant
            ep,
            seq,
        )
        return None if row is None else _record_row(row)

    def records(self) -> Iterator[RecordRow]:
        """All records, oldest first."""
        rows = self.store.all(f"SELECT {_RECORD_COLUMNS} FROM records ORDER BY ep, seq")  # noqa: S608 - constant
        return (_record_row(row) for row in rows)

    # -- objects

    def objects(self, *states: ObjectState) -> list[ObjectRow]:
        """Objects in any of the states (all without one), in the order of sending."""
        names = [state.value for state in states or ObjectState]
        marks = ",".join("?" * len(names))
        rows = self.store.all(
            f"SELECT {_OBJECT_COLUMNS} FROM objects WHERE state IN ({marks})"  # noqa: S608 - marks
            " ORDER BY lane, ep, seq, sha256",
            *names,
        )
        return [self._object_row(row) for row in rows]

    def next_object(self) -> ObjectRow | None:
        """What to send next."""
        row = self.store.one(
            f"SELECT {_OBJECT_COLUMNS} FROM objects WHERE state IN (?,?)"  # noqa: S608 - constant
            " ORDER BY lane, ep, seq, sha256 LIMIT 1",
            *_UNSENT,
        )
        return None if row is None else self._object_row(row)

    def objects_of(self, ep: int, seq: int) -> list[ObjectRow]:
        """Objects of one record."""
        rows = self.store.all(
            f"SELECT {_OBJECT_COLUMNS} FROM objects WHERE ep=? AND seq=?",  # noqa: S608 - constant
            ep,
            seq,
        )
        return [self._object_row(row) for row in rows]

    def mark_object(self, row: ObjectRow, state: ObjectState, problem: str | None = None) -> None:
        """Set an object's state; a confirmed one stays confirmed."""
        self.store.run(
            "UPDATE objects SET state=?, problem=? WHERE ep=? AND seq=? AND sha256=? AND state<>?",
            state.value,
            problem,
            row.ep,
            row.seq,
            row.sha256,
            ObjectState.CONFIRMED.value,
        )

    def mark_digest_sent(self, sha256: str) -> None:
        """The server has these bytes from this device: no record of them needs sending."""
        self.store.run(
            "UPDATE objects SET state=?, offset_bytes=size_bytes, problem=NULL"
            " WHERE sha256=? AND state IN (?,?)",
            ObjectState.SENT.value,
            sha256,
            *_UNSENT,
        )

    def note_upload(self, row: ObjectRow, upload_url: str | None, offset_bytes: int) -> None:
        """Remember where an upload is and how far the server acknowledged it."""
        self.store.run(
            "UPDATE objects SET state=?, upload_url=?, offset_bytes=?"
            " WHERE ep=? AND seq=? AND sha256=? AND state IN (?,?)",
            (ObjectState.SENDING if offset_bytes else ObjectState.WAITING).value,
            upload_url,
            offset_bytes,
            row.ep,
            row.seq,
            row.sha256,
            *_UNSENT,
        )

    def unpark(self) -> int:
        """Try everything again that was refused; how many."""
        with self.store.transaction():
            records = self.store.run(
                "UPDATE records SET state=?, problem=NULL WHERE state=?",
                RecordState.NEW.value,
                RecordState.PARKED.value,
            )
            objects = self.store.run(
                "UPDATE objects SET state=?, problem=NULL, upload_url=NULL, offset_bytes=0"
                " WHERE state=?",
                ObjectState.WAITING.value,
                ObjectState.PARKED.value,
            )
        return records + objects

    def known_digests(self) -> set[str]:
        """Digests that some row speaks of."""
        return {row[0] for row in self.store.all("SELECT DISTINCT sha256 FROM objects")}

    # -- receipts

    def add_receipt(self, receipt: Receipt, statement: SignedStatement, issued: str) -> None:
        """Keep a verified receipt; a later one supersedes. Confirms what it covers."""
        self.store.run(
            "INSERT INTO receipts VALUES (?,?,?,?,?,?,?)"
            " ON CONFLICT (ep, seq, sha256) DO UPDATE SET copies=excluded.copies,"
            " log_index=excluded.log_index, issued=excluded.issued, statement=excluded.statement"
            " WHERE excluded.issued >= issued",
            receipt.ep,
            receipt.seq,
            receipt.sha256 or "",
            receipt.copies,
            receipt.log_index,
            issued,
            json.dumps(statement.to_dict()),
        )
        if receipt.sha256:
            self.store.run(
                "UPDATE objects SET state=?, offset_bytes=size_bytes, problem=NULL"
                " WHERE ep=? AND seq=? AND sha256=? AND state<>?",
                ObjectState.CONFIRMED.value,
                receipt.ep,
                receipt.seq,
                receipt.sha256,
                ObjectState.WIPED.value,
            )
        if all(o.state in SAFE for o in self.objects_of(receipt.ep, receipt.seq)):
            self.mark_record(receipt.ep, receipt.seq, RecordState.CONFIRMED)

    def receipts(self) -> list[tuple[Receipt, SignedStatement]]:
        """All kept receipts, by record."""
        rows = self.store.all("SELECT statement FROM receipts ORDER BY ep, seq, sha256")
        statements = [SignedStatement.from_dict(json.loads(row[0])) for row in rows]
        return [(Receipt.from_body(statement.body()), statement) for statement in statements]

    def docked(self, place: str) -> tuple[str, int, int] | None:
        """(digest, ep, seq) of a card's file that was captured before."""
        row = self.store.one("SELECT sha256, ep, seq FROM docked WHERE place=?", place)
        return None if row is None else (row[0], row[1], row[2])

    def add_docked(self, place: str, sha256: str, ep: int, seq: int) -> None:
        """Remember that a card's file is captured."""
        self.store.run("INSERT OR REPLACE INTO docked VALUES (?,?,?,?)", place, sha256, ep, seq)

    def counts(self) -> Mapping[str, int]:
        """How many records and objects are in each state, as `record.new`, `object.sent` …."""
        rows = self.store.all(
            "SELECT 'record.' || state, count(*) FROM records GROUP BY state"
            " UNION ALL SELECT 'object.' || state, count(*) FROM objects GROUP BY state"
        )
        return dict(rows)

    def _object_row(self, row: tuple[Any, ...]) -> ObjectRow:
        ep, seq, sha256, size, media, state, url, offset, problem, sealed = row
        details = self.store.unseal(sealed, f"object:{ep}:{seq}:{sha256}")
        return ObjectRow(
            ep=ep,
            seq=seq,
            sha256=sha256,
            size_bytes=size,
            media=media,
            state=ObjectState(state),
            upload_url=url,
            offset_bytes=offset,
            problem=problem,
            name=bytes.fromhex(details["name_hex"]),
            mime=details["mime"],
        )


def _record_row(row: tuple[Any, ...]) -> RecordRow:
    ep, seq, hid, act, wall, state, problem = row
    return RecordRow(ep, seq, hid, act, wall, RecordState(state), problem)
