"""Whether a device that was there may still have something to send.

Records of a device are numbered: a missing number between records from before and after the action
may be one of it.  A device of the mission that has not been heard of since is waited for as long
as recordings may be brought in.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from client_sdk.protocol.errors import ProtocolError
from client_sdk.protocol.payloads import Instant
from server.audit import binding
from server.audit.models import DeviceChain, DeviceRecord, Event, OutboxRow
from server.cases.models import MissionDevice
from server.clocks import queries as clocks
from server.clocks.correction import Ledger
from server.conduct.materials import Window
from server.core.bulk import among
from server.core.clock import rfc3339
from server.evidence.models import Evidence


def something_missing(session: Session, devices: Collection[uuid.UUID], window: Window) -> bool:
    """Whether a number is missing that may belong to these times."""
    for device_id in sorted(devices, key=str):
        chains = sa.select(DeviceChain).where(DeviceChain.device_id == device_id)
        for chain in session.execute(chains).scalars():
            if chain.held_count or _gap_within(session, device_id, chain.ep, window):
                return True
    return False


def unheard(session: Session, mission_id: uuid.UUID | None, since: datetime) -> bool:
    """Whether a device of the mission has sent nothing since then."""
    if mission_id is None:
        return False
    devices = sa.select(MissionDevice.device_id).where(MissionDevice.mission_id == mission_id)
    taken = set(session.execute(devices).scalars())
    if not taken:
        return False
    spoke = sa.select(DeviceRecord.device_id).where(
        among(session, DeviceRecord.device_id, sorted(taken, key=str)),
        DeviceRecord.rx >= rfc3339(since),
    )
    brought = sa.select(Evidence.captured_by).where(
        among(session, Evidence.captured_by, sorted(taken, key=str)), Evidence.created_at >= since
    )
    heard = set(session.execute(spoke.distinct()).scalars())
    return bool(taken - heard - set(session.execute(brought.distinct()).scalars()))


def _gap_within(session: Session, device_id: uuid.UUID, ep: int, window: Window) -> bool:
    gaps = binding.gaps(session, device_id, ep)
    if not gaps:
        return False
    around = {seq for gap in gaps for seq in (gap.first - 1, gap.last + 1)}
    times = _times(session, device_id, ep, around)
    for gap in gaps:
        before, after = times.get(gap.first - 1), times.get(gap.last + 1)
        is_earlier = after is not None and after < window.begins_at
        is_later = before is not None and before > window.ends_at
        if not is_earlier and not is_later:
            return True
    return False


def _times(
    session: Session, device_id: uuid.UUID, ep: int, seqs: Iterable[int]
) -> dict[int, datetime]:
    """When records of a device were, by its clock ledger."""
    instants: dict[int, Instant] = {}
    for table in (OutboxRow, Event):
        statement = sa.select(table.seq, table.p).where(
            table.src == str(device_id), table.ep == ep, among(session, table.seq, sorted(seqs))
        )
        for seq, text in session.execute(statement):
            instant = _instant(json.loads(text) if text else {})
            if seq is not None and instant is not None:
                instants[seq] = instant
    ledger = Ledger(clocks.readings_near(session, device_id, list(instants.values())))
    return {seq: ledger.correct(instant).at for seq, instant in instants.items()}


def _instant(payload: Mapping[str, Any]) -> Instant | None:
    try:
        return Instant.from_value(payload.get("t"))
    except ProtocolError:
        return None
