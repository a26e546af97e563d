"""The outbox as people see it."""

from __future__ import annotations

from collections.abc import Iterator

from client_sdk._ledger import SAFE, Ledger, ObjectRow, ObjectState, RecordRow, RecordState
from client_sdk.models import ItemState, OutboxItem, OutboxObject


def outbox_items(ledger: Ledger) -> Iterator[OutboxItem]:
    """Every record with its objects, oldest first."""
    by_record: dict[tuple[int, int], list[ObjectRow]] = {}
    for row in ledger.objects():
        by_record.setdefault((row.ep, row.seq), []).append(row)
    for record in ledger.records():
        rows = by_record.get((record.ep, record.seq), [])
        yield OutboxItem(
            ep=record.ep,
            seq=record.seq,
            hid=record.hid,
            act=record.act,
            wall=record.wall,
            state=item_state(record, rows),
            problem=record.problem or next((r.problem for r in rows if r.problem), None),
            objects=tuple(_object(row) for row in rows),
        )


def _object(row: ObjectRow) -> OutboxObject:
    return OutboxObject(
        sha256=row.sha256,
        size_bytes=row.size_bytes,
        offset_bytes=row.offset_bytes,
        name=row.name.decode("utf-8", "replace"),
        mime=row.mime,
        media=row.media,
        state=row.state.value,
        problem=row.problem,
    )


def item_state(record: RecordRow, rows: list[ObjectRow]) -> ItemState:
    """One state for a record and its objects: the one furthest from done."""
    states = {row.state for row in rows}
    if record.state in (RecordState.PARKED, RecordState.CONFLICT) or states & {
        ObjectState.PARKED,
        ObjectState.LOST,
    }:
        return ItemState.NEEDS_YOU
    if record.state is RecordState.CONFIRMED and states <= set(SAFE):
        return ItemState.CONFIRMED
    if record.state is RecordState.NEW and not states & {ObjectState.SENDING, ObjectState.SENT}:
        return ItemState.ON_DEVICE
    if record.state is RecordState.HELD:
        return ItemState.HELD
    if record.state is RecordState.NEW or states & {ObjectState.WAITING, ObjectState.SENDING}:
        return ItemState.SENDING
    return ItemState.RECEIVED
