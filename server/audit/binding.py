"""From when on a device's records could not be rewritten unnoticed, and where its chain has gaps.

Until something outside the device names a record, or a later one of its chain, its holder could
have rewritten it: that is its unattested window.  What ends it is the first of: another device's
``head.attest``, a receipt, a signed checkpoint.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.audit import attestations
from server.audit.models import CheckpointRow, DeviceRecord, Event, ReceiptRow
from server.core.bulk import among

BY_DEVICE: Final = "device"
BY_RECEIPT: Final = "receipt"
BY_CHECKPOINT: Final = "checkpoint"


@dataclass(frozen=True, slots=True, order=True)
class Bound:
    """When something outside the device first named a record or a later one, and what it was."""

    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class Gap:
    """Numbers of a chain that are missing, first and last."""

    first: int
    last: int


def bounds(
    session: Session, device_id: uuid.UUID, ep: int, seqs: Collection[int]
) -> dict[int, Bound]:
    """The first binding of each of these records; one that nothing binds is left out."""
    if not seqs:
        return {}
    found = [
        *_by_devices(session, device_id, ep, min(seqs)),
        *_by_receipts(session, device_id, ep, min(seqs), max(seqs)),
        *_by_checkpoints(session, device_id, ep, seqs),
    ]
    return _earliest_from(seqs, found)


def _earliest_from(seqs: Collection[int], found: Iterable[tuple[int, Bound]]) -> dict[int, Bound]:
    """What binds a record binds every one before it."""
    ends: dict[int, Bound] = {}
    best: Bound | None = None
    waiting = sorted(found, key=lambda entry: entry[0])
    for seq in sorted(seqs, reverse=True):
        while waiting and waiting[-1][0] >= seq:
            candidate = waiting.pop()[1]
            best = candidate if best is None else min(best, candidate)
        if best is not None:
            ends[seq] = best
    return ends


def _by_devices(
    session: Session, device_id: uuid.UUID, ep: int, first: int
) -> Iterable[tuple[int, Bound]]:
    """Only heads that the log agrees with."""
    rows = [row for row in attestations.of_chain(session, device_id, ep) if row.seq >= first]
    statement = sa.select(DeviceRecord.seq, DeviceRecord.hid).where(
        DeviceRecord.device_id == device_id,
        DeviceRecord.ep == ep,
        among(session, DeviceRecord.seq, sorted({row.seq for row in rows})),
    )
    known = dict(session.execute(statement).all()) if rows else {}
    return [
        (row.seq, Bound(row.attested_at, BY_DEVICE))
        for row in rows
        if known.get(row.seq) == row.hid
    ]


def _by_receipts(
    session: Session, device_id: uuid.UUID, ep: int, first: int, last: int
) -> Iterable[tuple[int, Bound]]:
    """Each record's first receipt, and the first one of any later record."""
    row = ReceiptRow
    mine = (row.device_id == device_id, row.ep == ep)
    statement = (
        sa.select(row.seq, sa.func.min(row.issued_at))
        .where(*mine, row.seq >= first, row.seq <= last)
        .group_by(row.seq)
    )
    found = [(seq, Bound(at, BY_RECEIPT)) for seq, at in session.execute(statement)]
    later = sa.select(sa.func.min(row.issued_at)).where(*mine, row.seq > last)
    at = session.execute(later).scalar()
    return found if at is None else [*found, (last + 1, Bound(at, BY_RECEIPT))]


def _by_checkpoints(
    session: Session, device_id: uuid.UUID, ep: int, seqs: Collection[int]
) -> Iterable[tuple[int, Bound]]:
    """The first checkpoint over each record's entry."""
    covering = (
        sa.select(CheckpointRow.signed_at)
        .where(CheckpointRow.size > Event.log_index)
        .order_by(CheckpointRow.size)
        .limit(1)
        .scalar_subquery()
    )
    statement = sa.select(Event.seq, covering).where(
        Event.src == str(device_id), Event.ep == ep, among(session, Event.seq, sorted(seqs))
    )
    rows: Sequence[Any] = session.execute(statement).all()
    return [(seq, Bound(at, BY_CHECKPOINT)) for seq, at in rows if at is not None]


def gaps(session: Session, device_id: uuid.UUID, ep: int, upto: int | None = None) -> list[Gap]:
    """Missing numbers of a chain, from 1 to its last record (or ``upto``)."""
    rows = DeviceRecord
    if not _is_broken(session, device_id, ep, upto):
        return []
    before = sa.func.lag(rows.seq, 1, 0).over(order_by=rows.seq)
    inner = sa.select(rows.seq.label("seq"), before.label("before")).where(
        rows.device_id == device_id, rows.ep == ep
    )
    if upto is not None:
        inner = inner.where(rows.seq <= upto)
    table = inner.subquery()
    statement = sa.select(table.c.before, table.c.seq).where(table.c.seq > table.c.before + 1)
    found = session.execute(statement.order_by(table.c.seq)).all()
    return [Gap(before + 1, seq - 1) for before, seq in found]


def _is_broken(session: Session, device_id: uuid.UUID, ep: int, upto: int | None) -> bool:
    """Whether any number is missing; counting costs a fraction of looking at neighbours."""
    rows = DeviceRecord
    statement = sa.select(sa.func.count(), sa.func.max(rows.seq)).where(
        rows.device_id == device_id, rows.ep == ep
    )
    if upto is not None:
        statement = statement.where(rows.seq <= upto)
    count, last = session.execute(statement).one()
    return bool(count != (last or 0))


def ranges(found: Sequence[Gap], last: int) -> list[Gap]:
    """What is there: the stretches between the gaps, up to the last record."""
    stretches, first = [], 1
    for gap in found:
        if gap.first > first:
            stretches.append(Gap(first, gap.first - 1))
        first = gap.last + 1
    return [*stretches, Gap(first, last)] if last >= first else stretches


def custody_facts(
    session: Session, place: tuple[uuid.UUID, int, int], captured_at: datetime
) -> dict[str, Any]:
    """What a record's place in its chain tells: gaps before it and its unattested window."""
    device_id, ep, seq = place
    bound = bounds(session, device_id, ep, [seq]).get(seq)
    seconds = None if bound is None else (bound.at - captured_at).total_seconds()
    return {
        "gaps_before": gaps(session, device_id, ep, seq),
        "bound_at": bound.at if bound else None,
        "bound_by": bound.by if bound else None,
        # A head can be attested before clocks are corrected: a window is never negative.
        "unattested_seconds": None if seconds is None else max(0, int(seconds)),
    }
