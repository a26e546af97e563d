"""Receipts: signed statements that a record, and the bytes it names, are durable.

Issued from the log, never beside it: by the worker, once the record's own entry (no objects) or
the verification of its bytes has its place.  One for each (device, ``ep``, ``seq``, digest).

Each is superseded once: when the record's entry is under a witnessed checkpoint (a signed one,
where no witnesses are asked), by a receipt that carries the proof.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, Final, cast

import sqlalchemy as sa
import structlog

from client_sdk.protocol.errors import ProofError, ProtocolError, StatementError
from client_sdk.protocol.statements import (
    Receipt,
    SignedStatement,
    StatementKind,
    sign,
    verify_with,
)
from client_sdk.protocol.times import parse_rfc3339
from client_sdk.protocol.tlog.checkpoints import parse_checkpoint
from client_sdk.protocol.tlog.merkle import leaf_hash
from client_sdk.protocol.tlog.notes import parse_note
from server.audit import log
from server.audit.chain import declared_objects
from server.audit.cosigning import load_policy
from server.audit.events import EventKind
from server.audit.log import StoredCheckpoint
from server.audit.models import Event, ReceiptRow
from server.audit.service import Notice, Subject, record
from server.core.bulk import among, insert_rows
from server.core.context import Context
from server.core.keyring import EVENT

BATCH: Final = 500
SUPERSEDED_MAX: Final = 200
TOPIC: Final = "receipt"
_NOTICES_MAX: Final = 200
_table = cast("sa.Table", ReceiptRow.__table__)
Place = tuple[uuid.UUID, int, int]

_log = structlog.get_logger("receipts")


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
    _tell_all(ctx, made)


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
        "waits_for": entry.log_index,
        "s": signed.s,
        "sig": signed.sig,
        "k": signed.k,
        "issued_at": now,
    }


def supersede(ctx: Context, limit: int = SUPERSEDED_MAX) -> int:
    """Give up to ``limit`` receipts their successors with checkpoint and proof; returns how many.

    What a receipt says is verified anew before it is signed again.  One that was altered gets no
    successor; one whose entry cannot be proven waits until the log has been put right.
    """
    at = log.newest_checkpoint(ctx.session, 2 if ctx.settings.witness_policy else 1)
    level = None if at is None else _level(ctx, at)
    if at is None or level is None:
        return 0
    due = ctx.session.execute(
        sa.select(_table)
        .where(_table.c.waits_for < at.size)
        .order_by(_table.c.waits_for)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    if not due:
        return 0
    indices = sorted({row.waits_for for row in due})
    statement = sa.select(*log.LEAF_COLUMNS, Event.hid).where(
        among(ctx.session, Event.log_index, indices)
    )
    entries = {entry.log_index: entry for entry in ctx.session.execute(statement)}
    prover = log.Prover(ctx.session, at)
    made, settled = [], []
    for one in due:
        try:
            made.append(_successor(ctx, one, entries.get(one.waits_for), prover, level))
        except StatementError as error:
            _log.critical("an altered receipt is not signed again", id=str(one.id), why=str(error))
        except ProtocolError as error:
            _log.critical("the log does not prove an entry", index=one.waits_for, why=str(error))
            continue
        settled.append(one.id)
    insert_rows(ctx.session, _table, made)
    ctx.session.execute(
        sa.update(_table).where(among(ctx.session, _table.c.id, settled)).values(waits_for=None)
    )
    _tell_all(ctx, made)
    return len(settled)


def _level(ctx: Context, at: StoredCheckpoint) -> str | None:
    """Level of a checkpoint by the signatures under it; ``None`` where its witnesses are missing.

    Devices delete originals on the strength of it: what a row says of itself is not enough.
    """
    path = ctx.settings.witness_policy
    if not path:
        return "L1"  # nobody is asked
    try:
        policy = load_policy(path)
        if policy.judge(parse_note(at.note)).accepted and not policy.met_by(()):
            return at.level
    except ProtocolError as error:
        _log.error("the policy of witnesses cannot be used", error=str(error))
        return None
    _log.error("no quorum of the policy is under a checkpoint called witnessed", size=at.size)
    return None


def _successor(
    ctx: Context, row: Any, entry: Any, prover: log.Prover, level: str
) -> dict[str, Any]:
    """The superseding receipt; raises :class:`ProtocolError` when row or log were altered."""
    older = _verified(ctx, row)
    if entry is None or older.hid != entry.hid or older.log_index != entry.log_index:
        raise ProofError("the log has another entry in its place")
    text = log.leaf_of(entry).encode()
    # The device knows its record, not its place in the case: the entry travels along.
    proof = replace(prover.proof_of(entry.log_index), extra=text)
    proof.verify(leaf_hash(text), parse_checkpoint(proof.checkpoint_note.text))
    now, key = ctx.clock.now(), ctx.runtime.keyring.active(EVENT)
    newer = replace(
        older, issued=now, level=level, checkpoint=prover.at.note, proof=proof.to_text()
    )
    signed = sign(StatementKind.RECEIPT, newer.to_body(), key.private, key.kid)
    return {
        **{name: getattr(row, name) for name in ("court_id", "device_id", "ep", "seq", "sha256")},
        "id": ctx.new_id(),
        "generation": 2,
        "waits_for": None,
        "s": signed.s,
        "sig": signed.sig,
        "k": signed.k,
        "issued_at": now,
    }


def _verified(ctx: Context, row: Any) -> Receipt:
    key = ctx.runtime.keyring.event_key(row.k)
    if key is None:
        raise StatementError("signed by a key that is not ours")
    statement = SignedStatement(row.s, row.sig, row.k)
    receipt = Receipt.from_body(verify_with(StatementKind.RECEIPT, statement, key))
    said = (receipt.device, receipt.ep, receipt.seq, receipt.sha256 or "")
    if said != (str(row.device_id), row.ep, row.seq, row.sha256):
        raise StatementError("the row and its statement name different records")
    return receipt


def _tell_all(ctx: Context, made: list[dict[str, Any]]) -> None:
    def whose(row: dict[str, Any]) -> tuple[uuid.UUID, uuid.UUID]:
        return row["court_id"], row["device_id"]

    for (court_id, device_id), rows in groupby(sorted(made, key=whose), key=whose):
        _tell(ctx, court_id, device_id, list(rows))


def _tell(
    ctx: Context, court_id: uuid.UUID, device_id: uuid.UUID, rows: Sequence[dict[str, Any]]
) -> None:
    for start in range(0, len(rows), _NOTICES_MAX):
        part = rows[start : start + _NOTICES_MAX]
        record(
            ctx,
            EventKind.RECEIPTS_ISSUED,
            Subject("device", device_id),
            {"receipts": [_named(row) for row in part]},
            court_id=court_id,
            notices=[Notice(f"device:{device_id}", TOPIC, str(row["id"])) for row in part],
        )


def _named(row: dict[str, Any]) -> list[Any]:
    """Place of a receipt in an event; a superseding one says so."""
    place = [row["ep"], row["seq"], row["sha256"] or None]
    return place if row["generation"] == 1 else [*place, row["generation"]]
