"""A device's chain as people look at it: what is there, what is missing, who has bound it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from client_sdk.protocol.errors import PayloadError
from client_sdk.protocol.payloads import Instant, RecordKind
from server.audit import attestations, binding
from server.audit.device_models import DeviceKey
from server.audit.models import DeviceChain, DeviceRecord, Event, OutboxRow, RecordConflict
from server.clocks import queries as clocks
from server.clocks.correction import Corrected, Ledger
from server.core.bulk import among
from server.core.context import Context
from server.core.problem import not_found
from server.identity.models import Device
from server.identity.queries import visible_device
from server.sync.commands import ChainQuery
from server.sync.custody import SUSPECT


def view(ctx: Context, device_id: uuid.UUID, wanted: ChainQuery) -> dict[str, Any]:
    """The chain of one enrolment generation, with a page of its records."""
    device = visible_device(ctx, device_id)
    ep = wanted.ep or device.ep
    chain = ctx.session.get(DeviceChain, (device_id, ep))
    if chain is None and ep != device.ep:
        raise not_found("this device had no such enrolment")
    last = chain.last_seq if chain else 0
    missing = binding.gaps(ctx.session, device_id, ep)
    rows = _page(ctx, device_id, ep, wanted)
    shown = rows[: wanted.limit]
    return {
        "device_id": device_id,
        "ep": ep,
        "eps": _generations(ctx, device_id, device.ep),
        "head": {"seq": last, "hid": chain.head if chain else None},
        "ranges": binding.ranges(missing, last),
        "gaps": missing,
        "held_count": chain.held_count if chain else 0,
        "conflict_count": _conflicts(ctx, device_id, ep),
        "open_end": _open_end(ctx, device, ep, last),
        "keys": _keys(ctx, device_id, ep),
        "attestations": _attestations(ctx, device_id, ep),
        "records": _records(ctx, device_id, ep, shown),
        "next_after": shown[-1].seq if len(rows) > wanted.limit else None,
    }


def _page(
    ctx: Context, device_id: uuid.UUID, ep: int, wanted: ChainQuery
) -> Sequence[DeviceRecord]:
    row = DeviceRecord
    statement = (
        sa.select(row)
        .where(row.device_id == device_id, row.ep == ep, row.seq > wanted.after)
        .order_by(row.seq)
        .limit(wanted.limit + 1)
    )
    return ctx.session.execute(statement).scalars().all()


def _generations(ctx: Context, device_id: uuid.UUID, current: int) -> list[int]:
    statement = sa.select(DeviceChain.ep).where(DeviceChain.device_id == device_id)
    return sorted({*ctx.session.execute(statement).scalars(), current})


def _conflicts(ctx: Context, device_id: uuid.UUID, ep: int) -> int:
    row = RecordConflict
    statement = sa.select(sa.func.count()).select_from(row)
    return ctx.session.execute(
        statement.where(row.device_id == device_id, row.ep == ep)
    ).scalar_one()


def _open_end(ctx: Context, device: Device, ep: int, last: int) -> dict[str, Any] | None:
    """What nobody can say: whether there were records after the last one that came.

    None when the chain ends in a closed mission, or went on under a new enrolment.
    """
    row = ctx.session.get(DeviceRecord, (device.id, ep, last)) if last else None
    if ep < device.ep or (row is not None and row.act == RecordKind.MISSION_CLOSED):
        return None
    return {
        "after_seq": last,
        "last_rx": row.rx if row else None,
        "lost": device.revoked_at is not None,
        "revoked_at": device.revoked_at,
        "revoked_reason": device.revoked_reason,
    }


def _keys(ctx: Context, device_id: uuid.UUID, ep: int) -> Sequence[DeviceKey]:
    row = DeviceKey
    statement = sa.select(row).where(row.device_id == device_id, row.ep == ep, row.from_seq > 0)
    return ctx.session.execute(statement.order_by(row.from_seq)).scalars().all()


def _attestations(ctx: Context, device_id: uuid.UUID, ep: int) -> list[dict[str, Any]]:
    found = attestations.of_chain(ctx.session, device_id, ep)
    statement = sa.select(DeviceRecord.seq, DeviceRecord.hid).where(
        DeviceRecord.device_id == device_id,
        DeviceRecord.ep == ep,
        among(ctx.session, DeviceRecord.seq, sorted({row.seq for row in found})),
    )
    known = dict(ctx.session.execute(statement).all()) if found else {}
    return [
        {
            "seq": row.seq,
            "hid": row.hid,
            "by_device_id": row.by_device_id,
            "by_seq": row.by_seq,
            "attested_at": row.attested_at,
            "agrees": None if row.seq not in known else known[row.seq] == row.hid,
        }
        for row in found
    ]


def _records(
    ctx: Context, device_id: uuid.UUID, ep: int, rows: Sequence[DeviceRecord]
) -> list[dict[str, Any]]:
    seqs = [row.seq for row in rows]
    bound = binding.bounds(ctx.session, device_id, ep, seqs)
    times = _times(ctx, device_id, ep, seqs)
    return [_record(row, times.get(row.seq), bound.get(row.seq)) for row in rows]


def _record(
    row: DeviceRecord, time: Corrected | None, bound: binding.Bound | None
) -> dict[str, Any]:
    window = None
    if time is not None and bound is not None:
        window = max(0, int((bound.at - time.at).total_seconds()))
    findings = row.findings or []
    return {
        "seq": row.seq,
        "hid": row.hid,
        "act": row.act,
        "rx": row.rx,
        "happened_at": time.at if time else None,
        "error_ms": time.error_ms if time else None,
        "clock_class": time.clock_class if time else None,
        "bound_at": bound.at if bound else None,
        "bound_by": bound.by if bound else None,
        "unattested_seconds": window,
        "suspect": any(one["code"] == SUSPECT for one in findings),
        "findings": findings,
    }


def _times(
    ctx: Context, device_id: uuid.UUID, ep: int, seqs: Sequence[int]
) -> dict[int, Corrected]:
    """When each record was, by the device's clock ledger; erased ones have no time."""
    instants: dict[int, Instant] = {}
    for table in (OutboxRow, Event):
        statement = sa.select(table.seq, table.p).where(
            table.src == str(device_id), table.ep == ep, among(ctx.session, table.seq, seqs)
        )
        for seq, text in ctx.session.execute(statement) if seqs else ():
            instant = _instant(json.loads(text) if text else {})
            if seq is not None and instant is not None:
                instants[seq] = instant
    ledger = Ledger(clocks.readings_near(ctx.session, device_id, list(instants.values())))
    return {seq: ledger.correct(instant) for seq, instant in instants.items()}


def _instant(payload: Mapping[str, Any]) -> Instant | None:
    try:
        return Instant.from_value(payload.get("t"))
    except PayloadError:
        return None
