"""Receipts: signed statements that a record, and the bytes it names, are durable.

Issued from the log, never beside it: by the worker, once the record's own entry (no objects) or
the verification of its bytes has its place.  One for each (device, ``ep``, ``seq``, digest).
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final, cast

import sqlalchemy as sa

from client_sdk.protocol.statements import Receipt, StatementKind, sign
from client_sdk.protocol.times import parse_rfc3339
from server.audit.chain import declared_objects
from server.audit.events import EventKind
from server.audit.models import Event, ReceiptRow
from server.audit.service import Notice, Subject, record
from server.core.bulk import insert_rows
from server.core.context import Context
from server.core.keyring import EVENT

BATCH: Final = 500
TOPIC: Final = "receipt"
_NOTICES_MAX: Final = 200
_table = cast("sa.Table", ReceiptRow.__table__)
Place = tuple[uuid.UUID, int, int]


@dataclass(frozen=True, slots=True)
class _Due:
    """What a receipt has to say, besides what the record's own log entry knows."""

    court_id: uuid.UUID
    device_id: uuid.UUID
    ep: int
    seq: int
    sha256: str | None = None
    size_bytes: int | None = None
    copies: int = 1

    @property
    def place(self) -> Place:
        return self.device_id, self.ep, self.seq

    @property
    def key(self) -> tuple[uuid.UUID, int, int, str]:
        return *self.place, self.sha256 or ""


def issue_pending(ctx: Context, after: int, limit: int = BATCH) -> int:
    """Read up to ``limit`` log entries beyond ``after``, write the receipts that are due.

    Returns the index up to which the log has been read; the caller keeps it in the same
    transaction, so that nothing is skipped and nothing is issued twice.
    """
    row = Event
    entries = ctx.session.execute(
        sa.select(row.log_index, row.court_id, row.kind, row.src, row.ep, row.seq, row.p)
        .where(row.log_index > after)
        .order_by(row.log_index)
        .limit(limit)
    ).all()
    due = [found for entry in entries if (found := _due(entry)) is not None]
    if due:
        _issue(ctx, due)
    return entries[-1].log_index if entries else after


def _due(entry: Any) -> _Due | None:
    if entry.ep is not None and entry.seq is not None:
        objects = declared_objects(entry.kind, json.loads(entry.p or "{}"))
        if objects:
            return None  # receipted when their bytes have been verified
        return _Due(entry.court_id, uuid.UUID(entry.src), entry.ep, entry.seq)
    if entry.kind == EventKind.EVIDENCE_VERIFIED and entry.p:
        facts = json.loads(entry.p)["facts"]
        return _Due(
            entry.court_id,
            uuid.UUID(facts["device"]),
            facts["ep"],
            facts["seq"],
            facts["sha256"],
            int(facts["size"]),
            facts["copies"],
        )
    return None


def _issue(ctx: Context, due: Sequence[_Due]) -> None:
    entries = _record_entries(ctx, due)
    there = _there(ctx, due)
    made: list[dict[str, Any]] = []
    for one in due:
        entry = entries.get(one.place)
        if entry is not None and one.key not in there:
            there.add(one.key)
            made.append(_receipt(ctx, one, entry))
    insert_rows(ctx.session, _table, made)
    made.sort(key=lambda row: (row["court_id"], row["device_id"]))
    for (court_id, device_id), rows in groupby(
        made, key=lambda row: (row["court_id"], row["device_id"])
    ):
        _tell(ctx, court_id, device_id, list(rows))


def _record_entries(ctx: Context, due: Iterable[_Due]) -> dict[Place, Any]:
    """Log entries of the records themselves."""
    row = Event
    found: dict[Place, Any] = {}
    seqs: dict[tuple[str, int], set[int]] = {}
    for one in due:
        seqs.setdefault((str(one.device_id), one.ep), set()).add(one.seq)
    for (src, ep), wanted in seqs.items():
        statement = sa.select(row.seq, row.hid, row.rx, row.log_index).where(
            row.src == src, row.ep == ep, row.seq.in_(sorted(wanted))
        )
        for entry in ctx.session.execute(statement):
            found[uuid.UUID(src), ep, entry.seq] = entry
    return found


def _there(ctx: Context, due: Iterable[_Due]) -> set[tuple[uuid.UUID, int, int, str]]:
    row = ReceiptRow
    seqs: dict[tuple[uuid.UUID, int], set[int]] = {}
    for one in due:
        seqs.setdefault((one.device_id, one.ep), set()).add(one.seq)
    found: set[tuple[uuid.UUID, int, int, str]] = set()
    for (device_id, ep), wanted in seqs.items():
        statement = sa.select(row.seq, row.sha256).where(
            row.device_id == device_id, row.ep == ep, row.seq.in_(sorted(wanted))
        )
        found |= {(device_id, ep, seq, sha256) for seq, sha256 in ctx.session.execute(statement)}
    return found


def _receipt(ctx: Context, due: _Due, entry: Any) -> dict[str, Any]:
    now = ctx.clock.now()
    key = ctx.runtime.keyring.active(EVENT)
    receipt = Receipt(
        court=str(due.court_id),
        device=str(due.device_id),
        ep=due.ep,
        seq=due.seq,
        hid=entry.hid,
        sha256=due.sha256,
        size_bytes=due.size_bytes,
        copies=due.copies,
        log_index=entry.log_index,
        rx=parse_rfc3339(entry.rx),
        issued=now,
    )
    signed = sign(StatementKind.RECEIPT, receipt.to_body(), key.private, key.kid)
    return {
        "id": ctx.new_id(),
        "court_id": due.court_id,
        "device_id": due.device_id,
        "ep": due.ep,
        "seq": due.seq,
        "sha256": due.sha256 or "",
        "generation": 1,
        "s": signed.s,
        "sig": signed.sig,
        "k": signed.k,
        "issued_at": now,
    }


def _tell(
    ctx: Context, court_id: uuid.UUID, device_id: uuid.UUID, rows: Sequence[dict[str, Any]]
) -> None:
    for start in range(0, len(rows), _NOTICES_MAX):
        part = rows[start : start + _NOTICES_MAX]
        record(
            ctx,
            EventKind.RECEIPTS_ISSUED,
            Subject("device", device_id),
            {"receipts": [[row["ep"], row["seq"], row["sha256"] or None] for row in part]},
            court_id=court_id,
            notices=[Notice(f"device:{device_id}", TOPIC, str(row["id"])) for row in part],
        )
