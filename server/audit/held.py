"""Records that wait for a predecessor, and records that contradict the chain: kept and shown."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any, Final, cast

import sqlalchemy as sa

from client_sdk.protocol.jcs import INT_LIMIT
from client_sdk.protocol.records import open_record
from server.audit import seals
from server.audit.events import EventKind
from server.audit.models import HeldRecord, RecordConflict
from server.audit.ordering import Entry, Line, Verdict
from server.audit.service import Subject, record
from server.core.bulk import insert_rows
from server.core.context import Context
from server.core.db import table_of
from server.core.problem import not_found

_WINDOW: Final = 500
_EP_LIMIT: Final = 2**31
_held = cast("sa.Table", HeldRecord.__table__)


class HeldRecords:
    """The held records of one chain; their texts are read only when their turn comes."""

    def __init__(self, ctx: Context, line: Line) -> None:
        self._ctx = ctx
        self._mine = (_held.c.device_id == line.device_id, _held.c.ep == line.ep)
        self._hids: dict[int, str] = {}
        self._wires: dict[int, Entry] = {}
        if line.held_count:
            statement = sa.select(_held.c.seq, _held.c.hid).where(*self._mine)
            self._hids = dict(ctx.session.execute(statement).all())

    def hid_at(self, seq: int) -> str | None:
        """``hid`` of the record held for a place."""
        return self._hids.get(seq)

    def lowest(self) -> int | None:
        """Lowest place for which a record is held."""
        return min(self._hids, default=None)

    def take(self, seq: int) -> Entry | None:
        """The record held for a place; it is held no longer."""
        if self._hids.pop(seq, None) is None:
            return None
        if seq not in self._wires:
            self._read(seq)
        return self._wires.pop(seq)

    def _read(self, first: int) -> None:
        statement = (
            sa.select(_held.c.seq, _held.c.wire, _held.c.rx)
            .where(*self._mine, _held.c.seq >= first)
            .order_by(_held.c.seq)
            .limit(_WINDOW)
        )
        for seq, wire, rx in self._ctx.session.execute(statement):
            self._wires[seq] = Entry(open_record(wire), rx, was_held=True)


def released(ctx: Context, line: Line, verdict: Verdict, reason: str) -> None:
    """Record that held records entered the log although predecessors are missing."""
    gaps = [
        {"seq": a.entry.seq, "hid": a.entry.opened.hid, "detail": f["detail"]}
        for a in verdict.accepted
        for f in a.findings
        if f["code"] == "gap"
    ]
    record(
        ctx,
        EventKind.RECORD_RELEASED,
        Subject("device", line.device_id),
        {"ep": line.ep, "reason": reason, "gaps": gaps, "records": len(verdict.accepted)},
        court_id=line.court_id,
    )


def held_seq(ctx: Context, device_id: uuid.UUID, ep: int, seq: int) -> int:
    """The place, if a record of the caller's court is held for it; 404 otherwise."""
    if ep >= _EP_LIMIT or seq >= INT_LIMIT:
        raise not_found("no record is held there")
    statement = sa.select(HeldRecord.seq).where(
        HeldRecord.court_id == ctx.actor.court_id,
        HeldRecord.device_id == device_id,
        HeldRecord.ep == ep,
        HeldRecord.seq == seq,
    )
    if ctx.session.execute(statement).first() is None:
        raise not_found("no record is held there")
    return seq


def unhold(ctx: Context, line: Line, seqs: Sequence[int]) -> None:
    """Remove what has been taken."""
    for start in range(0, len(seqs), _WINDOW):
        ctx.session.execute(
            sa.delete(_held).where(
                _held.c.device_id == line.device_id,
                _held.c.ep == line.ep,
                _held.c.seq.in_(seqs[start : start + _WINDOW]),
            )
        )


def hold(ctx: Context, line: Line, entries: Sequence[Entry]) -> None:
    """Keep records until their predecessors come; one event for the batch."""
    now = ctx.clock.now()
    rows = [{**_place(line, entry), "held_since": now} for entry in entries]
    insert_rows(ctx.session, _held, _sealed(ctx, _held, rows))
    facts = {"ep": line.ep, "held": [[e.seq, e.opened.hid] for e in entries]}
    record(
        ctx, EventKind.RECORD_HELD, Subject("device", line.device_id), facts, court_id=line.court_id
    )


def keep_conflicts(ctx: Context, line: Line, verdict: Verdict) -> None:
    """Keep what contradicts the chain; one event for each record, however often it comes."""
    table = table_of(RecordConflict)
    found = {(c.entry.seq, c.entry.opened.hid): c for c in verdict.conflicts}
    known = ctx.session.execute(
        sa.select(table.c.seq, table.c.hid).where(
            table.c.device_id == line.device_id,
            table.c.ep == line.ep,
            table.c.seq.in_({seq for seq, _ in found}),
        )
    )
    for seq, hid in known:
        found.pop((seq, hid), None)
    now = ctx.clock.now()
    rows = [
        {**_place(line, conflict.entry), "reason": conflict.reason, "found_at": now}
        for conflict in found.values()
    ]
    insert_rows(ctx.session, table, _sealed(ctx, table, rows))
    for (seq, hid), conflict in found.items():
        record(
            ctx,
            EventKind.RECORD_CONFLICT,
            Subject("device", line.device_id),
            {"ep": line.ep, "seq": seq, "hid": hid, "reason": conflict.reason},
            court_id=line.court_id,
        )


def _place(line: Line, entry: Entry) -> dict[str, Any]:
    return {
        "court_id": line.court_id,
        "device_id": line.device_id,
        "ep": line.ep,
        "seq": entry.seq,
        "hid": entry.opened.hid,
        "wire": entry.opened.wire.to_dict(),
        "rx": entry.rx,
    }


def _sealed(ctx: Context, table: sa.Table, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    key = seals.seal_key(ctx.runtime.keyring)
    return [{**row, "seal": seals.first_seal(key, table, row)} for row in rows]
