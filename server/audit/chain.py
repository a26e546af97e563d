"""The chains of the devices: one writer per chain, few statements per batch.

Push locks the chain, asks :func:`classify` where each record belongs, builds a
:class:`FieldRecord` for each accepted one, and hands both to :func:`enter`, which writes the log's
rows, what is held, what conflicts, and the new head.  Signatures have been verified before.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from client_sdk.protocol.errors import PayloadError
from client_sdk.protocol.payloads import MAX_OBJECTS, ObjectRef
from server.audit import seals
from server.audit.held import HeldRecords, hold, keep_conflicts, unhold
from server.audit.models import (
    DeviceChain,
    DeviceRecord,
    Event,
    OutboxRow,
)
from server.audit.ordering import (
    CHAIN_BREAK,
    SAME_SEQ,
    Accepted,
    Entry,
    Head,
    Keys,
    Line,
    Outcome,
    Places,
    Verdict,
    judge,
)
from server.audit.outbox import entry_mac, mac_key
from server.core.bulk import among, insert_split
from server.core.context import Context
from server.core.db import table_of

RECORD_SUBJECT: Final = "record"
OBJECT_KINDS: Final = frozenset({"capture.recorded", "capture.recovered", "log.note"})
_WINDOW: Final = 500


class FieldRecord(NamedTuple):
    """An accepted record, understood: what the slices get to make rows from.

    ``payload`` is the record's own, but ``obj`` holds only well-formed objects.  ``case_id``,
    ``mission_id`` and ``officer_id`` exist in the court or are ``None``; ``happened_at`` is the
    corrected time; positions are decimal text as given.  ``findings`` are shown to people.
    A named tuple, since a push makes hundreds of them.
    """

    court_id: uuid.UUID
    device_id: uuid.UUID
    captured_by: uuid.UUID
    ep: int
    seq: int
    hid: str
    act: str
    payload: dict[str, Any]
    rx: str
    wall: str
    mono_ms: int | None
    boot: str | None
    happened_at: datetime
    error_ms: int | None
    clock_class: str
    zone_source: str
    case_id: uuid.UUID | None = None
    mission_id: uuid.UUID | None = None
    officer_id: uuid.UUID | None = None
    officer_source: str = "none"  # booking | record | none
    booking_id: uuid.UUID | None = None
    through_suspend: bool = False
    gnss_at: str | None = None
    lat: str | None = None
    lon: str | None = None
    geo_datum: str | None = None
    geo_accuracy_m: str | None = None
    geo_source: str | None = None
    geo_reason: str | None = None
    findings: Sequence[dict[str, Any]] = ()


def lock_chain(ctx: Context, court_id: uuid.UUID, device_id: uuid.UUID, ep: int) -> Line:
    """The chain of a device's enrolment generation, locked until the transaction ends."""
    place = {"device": device_id, "ep": ep}
    row = ctx.session.execute(_LOCK, place).mappings().first()
    if row is None:
        _start(ctx, court_id, device_id, ep)
        row = ctx.session.execute(_LOCK, place).mappings().one()
    clock = None
    if row["last_boot"] is not None:
        clock = (row["last_boot"], row["last_mono_ms"], row["last_wall_ms"])
    head = Head(row["last_seq"], row["head"])
    return Line(court_id, device_id, ep, head, row["held_count"], clock)


def classify(
    ctx: Context,
    line: Line,
    batch: Sequence[Entry],
    *,
    release_to: int = 0,
    keys: Keys | None = None,
) -> Verdict:
    """Where each record belongs; reads only what the batch touches, writes nothing."""
    touched = {entry.seq for entry in batch if entry.seq <= line.head.seq}
    places = Places({}, {})
    if touched:
        around = touched | {seq - 1 for seq in touched} | {seq + 1 for seq in touched}
        hids = _hids(ctx, line, around)
        missing = touched - hids.keys()
        prevs = _prevs(ctx, line, {seq + 1 for seq in missing} & hids.keys()) if missing else {}
        places = Places(hids, prevs)
    return judge(line.head, batch, places, HeldRecords(ctx, line), release_to, keys)


def enter(
    ctx: Context,
    line: Line,
    verdict: Verdict,
    records: Sequence[FieldRecord],
    key_id: Callable[[int], str],
) -> None:
    """Write a verdict: log rows, held and conflicting records, the chain's new head.

    :param records: one for each of ``verdict.accepted``, in its order.
    :param key_id: id of the key that signs a number of the chain.
    """
    mac, seal = mac_key(ctx.runtime.keyring), seals.seal_key(ctx.runtime.keyring)
    rows = [
        _sealed(_row(a, r, key_id(a.entry.seq), mac), seal)
        for a, r in zip(verdict.accepted, records, strict=True)
    ]
    insert_split(ctx.session, rows, _PARTS)
    if verdict.unheld:
        unhold(ctx, line, verdict.unheld)
    if verdict.held:
        hold(ctx, line, verdict.held)
    if verdict.conflicts:
        keep_conflicts(ctx, line, verdict)
    line.held_count += len(verdict.held) - len(verdict.unheld)
    line.head = verdict.head
    boot, mono_ms, wall_ms = line.last_clock or (None, None, None)
    values = {
        "at_device": line.device_id, "at_ep": line.ep, "last_seq": line.head.seq,
        "head": line.head.hid, "held_count": line.held_count, "last_boot": boot,
        "last_mono_ms": mono_ms, "last_wall_ms": wall_ms,
    }  # fmt: skip
    ctx.session.connection().execute(_MOVE, values)


_chain = table_of(DeviceChain)
# Built once: building a statement costs more than running it.
_LOCK = (
    sa.select(_chain)
    .where(_chain.c.device_id == sa.bindparam("device"), _chain.c.ep == sa.bindparam("ep"))
    .with_for_update()
)
_MOVE = (
    sa.update(_chain)
    .where(_chain.c.device_id == sa.bindparam("at_device"), _chain.c.ep == sa.bindparam("at_ep"))
    .values(
        {
            name: sa.bindparam(name)
            for name in (
                "last_seq", "head", "held_count", "last_boot", "last_mono_ms", "last_wall_ms",
            )
        }
    )
)  # fmt: skip
_PARTS = {
    table_of(OutboxRow): {
        name: name
        for name in (
            "court_id", "kind", "src", "ep", "seq", "hid", "h", "p", "salt", "sig", "k", "rx",
            "actor_id", "subject_type", "subject_id", "case_id", "mission_id", "changes", "mac",
        )
    },
    table_of(DeviceRecord): {
        "court_id": "court_id", "device_id": "device_id", "ep": "ep", "seq": "seq", "hid": "hid",
        "act": "kind", "rx": "rx", "findings": "findings", "seal": "seal",
    },
}  # fmt: skip


def _start(ctx: Context, court_id: uuid.UUID, device_id: uuid.UUID, ep: int) -> None:
    dialect = ctx.session.get_bind().dialect.name
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    first = Head()
    ctx.session.execute(
        insert(_chain)
        .values(
            court_id=court_id, device_id=device_id, ep=ep,
            last_seq=first.seq, head=first.hid, held_count=0,
        )
        .on_conflict_do_nothing()
    )  # fmt: skip


def _hids(ctx: Context, line: Line, seqs: Iterable[int]) -> dict[int, str]:
    table = table_of(DeviceRecord)
    statement = sa.select(table.c.seq, table.c.hid).where(
        table.c.device_id == line.device_id,
        table.c.ep == line.ep,
        among(ctx.session, table.c.seq, sorted(seqs)),
    )
    return dict(ctx.session.execute(statement).all())


def _prevs(ctx: Context, line: Line, seqs: Iterable[int]) -> dict[int, str]:
    """What the records at these places name as their predecessor; needed only to fill gaps."""
    found: dict[int, str] = {}
    wanted = sorted(seqs)
    for table in (OutboxRow.__table__, Event.__table__):  # the sequencer moves rows this way
        statement = sa.select(table.c.seq, table.c.h).where(
            table.c.src == str(line.device_id), table.c.ep == line.ep, table.c.seq.in_(wanted)
        )
        found |= {seq: json.loads(h)["prev"] for seq, h in ctx.session.execute(statement)}
    return found


def _row(accepted: Accepted, entry: FieldRecord, key_id: str, mac: bytes) -> dict[str, Any]:
    wire = accepted.entry.opened.wire
    row = {
        "court_id": entry.court_id,
        "kind": entry.act,
        "src": accepted.entry.opened.header.src,
        "ep": entry.ep,
        "seq": entry.seq,
        "hid": entry.hid,
        "h": wire.h,
        "p": wire.p,
        "salt": wire.salt,
        "sig": wire.sig,
        "k": key_id,
        "rx": entry.rx,
        "actor_id": entry.officer_id,
        "subject_type": RECORD_SUBJECT,
        "subject_id": entry.hid,
        "case_id": entry.case_id,
        "mission_id": entry.mission_id,
        "changes": [],
        "device_id": entry.device_id,
        "findings": entry.findings or None,
    }
    row["mac"] = entry_mac(mac, row)
    return row


def _sealed(row: dict[str, Any], key: bytes) -> dict[str, Any]:
    """The row with the seal of its place in ``device_records``."""
    index = {**row, "act": row["kind"]}
    digest = seals.row_digest(key, table_of(DeviceRecord), index)
    found_out = (row["actor_id"], row["case_id"], row["mission_id"])
    digest ^= seals.entry_digest(key, row["hid"], *found_out)
    return {**row, "seal": seals.seal_of(key, digest)}


def declared_objects(act: str, payload: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The well-formed objects that a record declares: one piece of evidence for each."""
    objects = payload.get("obj")
    if act not in OBJECT_KINDS or not isinstance(objects, list):
        return []
    found: dict[str, dict[str, Any]] = {}
    for thing in objects[:MAX_OBJECTS]:
        try:
            digest = ObjectRef.from_value(thing).sha256
        except PayloadError:
            continue
        found.setdefault(digest, thing)
    return list(found.values())


__all__ = [
    "CHAIN_BREAK", "OBJECT_KINDS", "RECORD_SUBJECT", "SAME_SEQ", "Accepted", "Entry",
    "FieldRecord", "Head", "Line", "Outcome", "Verdict", "classify", "declared_objects", "enter",
    "lock_chain",
]  # fmt: skip
