"""The enforcement log: lines from signed records, appended and never edited."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa

from client_sdk.protocol.payloads import MAX_TEXT_CHARS, Instant
from server.audit import seals
from server.audit.chain import FieldRecord
from server.clocks import queries as clocks
from server.clocks.correction import Ledger
from server.core.bulk import insert_rows, storable
from server.core.context import Context
from server.core.db import table_of
from server.fieldlog.commands import KINDS
from server.fieldlog.models import LogEntry

_DETAILS: Final = ("ref", "to", "booking", "media", "closing", "head")
_SHARED: Final = (
    "court_id", "case_id", "mission_id", "device_id", "ep", "seq", "act", "officer_id",
    "officer_source", "wall", "mono_ms", "boot", "through_suspend", "gnss_at", "happened_at",
    "error_ms", "clock_class", "lat", "lon", "geo_datum", "geo_accuracy_m", "geo_source",
    "geo_reason",
)  # fmt: skip


def append(ctx: Context, records: Sequence[FieldRecord]) -> None:
    """Add a line for each record whose kind is one of the log's; others are passed over."""
    rows = [_row(ctx, entry) for entry in records if entry.act in KINDS]
    insert_rows(ctx.session, LogEntry.__table__, rows)


def recorrect(ctx: Context, device_id: uuid.UUID, boot: str | None) -> None:
    """New readings of a device's clock came: compute its lines' times again.

    :param boot: only lines of this boot; ``None`` for every line of the device.
    """
    statement = sa.select(LogEntry).where(LogEntry.device_id == device_id)
    if boot is not None:
        statement = statement.where(LogEntry.boot == boot)
    entries = ctx.session.execute(statement).scalars().all()
    if not entries:
        return
    ledger = Ledger(clocks.readings_of(ctx.session, device_id))
    for entry in entries:
        instant = Instant(
            wall=entry.wall, mono_ms=entry.mono_ms or 0, boot=entry.boot or "",
            suspend=entry.through_suspend, gnss=entry.gnss_at,
        )  # fmt: skip
        corrected = ledger.correct(instant)
        entry.happened_at = corrected.at
        entry.error_ms = corrected.error_ms
        entry.clock_class = corrected.clock_class


def _row(ctx: Context, entry: FieldRecord) -> dict[str, Any]:
    payload = entry.payload
    text = payload.get("text")
    details = {name: payload[name] for name in _DETAILS if payload.get(name) is not None}
    row = {
        **{name: getattr(entry, name) for name in _SHARED},
        "id": ctx.new_id(),
        "record_hid": entry.hid,
        "text": storable(text[:MAX_TEXT_CHARS]) if isinstance(text, str) else None,
        "details": details or None,
        "created_at": ctx.clock.now(),
    }
    key = seals.seal_key(ctx.runtime.keyring)
    return {**row, "seal": seals.first_seal(key, table_of(LogEntry), row)}
