"""Reading the clock ledger."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from client_sdk.protocol.payloads import Instant
from client_sdk.protocol.times import parse_rfc3339, unix_ms
from server.clocks.commands import LedgerFilter
from server.clocks.correction import Reading
from server.clocks.models import ClockObservation
from server.core.context import Context
from server.core.paging import Page, decode_id, page_of
from server.identity.queries import visible_device

NEAR_MAX = 2_000
FEW = 64
_PARTS = 99  # a statement has limits, and a batch may name many boots

_row = ClockObservation.__table__.c
_COLUMNS = (
    _row.device_wall_ms, _row.offset_ms, _row.error_ms, _row.boot, _row.mono_ms,
    _row.through_suspend, _row.source,
)  # fmt: skip


_NEWEST = (
    sa.select(*_COLUMNS)
    .where(_row.device_id == sa.bindparam("device"))
    .order_by(_row.device_wall_ms.desc())
    .limit(FEW)
)


def readings_of(session: Session, device_id: uuid.UUID, boot: str | None = None) -> list[Reading]:
    """Every reading of a device, optionally of one boot, oldest by its own wall clock first."""
    statement = sa.select(*_COLUMNS).where(_row.device_id == device_id)
    if boot is not None:
        statement = statement.where(_row.boot == boot)
    found = session.execute(statement.order_by(_row.device_wall_ms))
    return [Reading(*values) for values in found]


def readings_near(
    session: Session, device_id: uuid.UUID, instants: Iterable[Instant]
) -> list[Reading]:
    """The readings that can matter for ``instants``: between them, and the neighbours outside.

    One statement for a short ledger; else one for each 32 boots, however long the ledger is.
    """
    newest = session.execute(_NEWEST, {"device": device_id}).all()
    if len(newest) < FEW:
        return [Reading(*values) for values in newest]
    walls: list[int] = []
    monos: dict[str, list[int]] = {}
    for instant in instants:
        walls.append(unix_ms(parse_rfc3339(instant.wall)))
        if instant.suspend:
            monos.setdefault(instant.boot, []).append(instant.mono_ms)
    if not walls:
        return []
    mine = _row.device_id == device_id
    parts = _around([mine], _row.device_wall_ms, walls)
    for boot, values in monos.items():
        parts += _around([mine, _row.boot == boot], _row.mono_ms, values)
    found: dict[Reading, None] = {}
    for start in range(0, len(parts), _PARTS):
        union = sa.union(*(sa.select(one.subquery()) for one in parts[start : start + _PARTS]))
        found |= {Reading(*values): None for values in session.execute(union)}
    return list(found)


def observations_of(
    ctx: Context, device_id: uuid.UUID, wanted: LedgerFilter
) -> Page[ClockObservation]:
    """The ledger of one device of the caller's court, newest first; 404 for any other device."""
    device = visible_device(ctx, device_id)
    statement = sa.select(ClockObservation).where(
        ClockObservation.court_id == device.court_id, ClockObservation.device_id == device.id
    )
    if wanted.cursor:
        statement = statement.where(ClockObservation.id < decode_id(wanted.cursor))
    statement = statement.order_by(ClockObservation.id.desc()).limit(wanted.limit + 1)
    rows = ctx.session.execute(statement).scalars().all()
    return page_of(rows, wanted.limit, lambda row: (str(row.id),))


def _around(
    rules: Sequence[sa.ColumnElement[bool]], column: sa.ColumnElement[int], values: list[int]
) -> list[sa.Select[tuple[int, int, int, str, int, bool, str]]]:
    low, high = min(values), max(values)
    base = sa.select(*_COLUMNS).where(*rules)
    return [
        base.where(column.between(low, high)).order_by(column).limit(NEAR_MAX),
        base.where(column < low).order_by(column.desc()).limit(1),
        base.where(column > high).order_by(column).limit(1),
    ]
