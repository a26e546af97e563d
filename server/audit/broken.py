"""Chains of a court that have holes: released with a gap finding, for people to explain."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa

from server.audit import binding
from server.audit.models import DeviceChain, DeviceRecord, HeldRecord
from server.core.context import Context


@dataclass(frozen=True, slots=True)
class BrokenChain:
    """A chain and the numbers it lacks."""

    device_id: uuid.UUID
    ep: int
    last_seq: int
    gaps: tuple[binding.Gap, ...]


@dataclass(frozen=True, slots=True)
class Waiting:
    """Records of a chain that are held until what comes before them arrives."""

    device_id: uuid.UUID
    ep: int
    records: int
    first_seq: int
    last_seq: int
    after_seq: int  # the last number that is in the log


def broken_chains(
    ctx: Context, device_ids: Collection[uuid.UUID] | None = None
) -> list[BrokenChain]:
    """Chains with numbers missing, by device; ``device_ids`` narrows them."""
    row = DeviceRecord
    rules = [row.court_id == ctx.actor.court_id]
    if device_ids is not None:
        rules.append(row.device_id.in_(device_ids))
    statement = (
        sa.select(row.device_id, row.ep, sa.func.max(row.seq))
        .where(*rules)
        .group_by(row.device_id, row.ep)
        .having(sa.func.count() != sa.func.max(row.seq))
        .order_by(row.device_id, row.ep)
    )
    return [
        BrokenChain(device, ep, last, tuple(binding.gaps(ctx.session, device, ep)))
        for device, ep, last in ctx.session.execute(statement).all()
    ]


def waiting(ctx: Context, device_ids: Collection[uuid.UUID] | None = None) -> list[Waiting]:
    """Chains with held records, by device; ``device_ids`` narrows them."""
    row = HeldRecord
    rules = [row.court_id == ctx.actor.court_id]
    if device_ids is not None:
        rules.append(row.device_id.in_(device_ids))
    statement = (
        sa.select(
            row.device_id, row.ep, sa.func.count(), sa.func.min(row.seq), sa.func.max(row.seq),
            sa.func.max(sa.func.coalesce(DeviceChain.last_seq, 0)),
        )
        .outerjoin(
            DeviceChain,
            sa.and_(DeviceChain.device_id == row.device_id, DeviceChain.ep == row.ep),
        )
        .where(*rules)
        .group_by(row.device_id, row.ep)
        .order_by(row.device_id, row.ep)
    )  # fmt: skip
    return [Waiting(*found) for found in ctx.session.execute(statement)]
