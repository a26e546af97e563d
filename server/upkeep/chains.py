"""The devices' chains: links, gaps that nobody explained, and the heads kept of them."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from client_sdk.protocol.records import FIRST_SEQ, GENESIS
from server.audit.models import DeviceChain, DeviceRecord, Event, HeldRecord, OutboxRow
from server.core.db import table_of
from server.identity.models import Device
from server.upkeep.entries import json_object
from server.upkeep.findings import Code, Report

BATCH: Final = 1_000
_events, _heads = table_of(Event), table_of(DeviceChain)
Head = tuple[int, str]


def check(session: Session, report: Report) -> None:
    """Every chain that the log or the table of heads knows."""
    known = {(row.device_id, row.ep): row for row in session.execute(sa.select(_heads))}
    statement = sa.select(_events.c.src, _events.c.ep).where(_events.c.ep.is_not(None))
    logged = set()
    for src, ep in session.execute(statement.distinct()):
        with contextlib.suppress(ValueError):  # an edited source is reported with its entry
            logged.add((uuid.UUID(src), ep))
    for device_id, ep in sorted(logged | known.keys(), key=str):
        where = f"device_chains/{device_id}/{ep}"
        head = _links(session, device_id, ep, report)
        row = known.get((device_id, ep))
        if row is None:
            report.add(Code.ROW_MISSING, where, "the log has records of it")
        else:
            _head(session, row, head, report)
        report.looked_at("chains")


def _links(session: Session, device_id: uuid.UUID, ep: int, report: Report) -> Head:
    """Follow the chain by number; returns its last record."""
    last: Head = (FIRST_SEQ - 1, GENESIS)
    for row in _in_order(session, device_id, ep):
        where = f"events/{row.log_index}"
        if row.seq != last[0] + 1:
            if not _is_explained(session, device_id, ep, row.seq):
                missing = f"{last[0] + 1} to {row.seq - 1}"
                report.add(Code.CHAIN, where, f"the records {missing} before it are not there")
        elif (json_object(row.h) or {}).get("prev") != last[1]:
            report.add(Code.CHAIN, where, "it does not follow the record before it")
        last = (row.seq, row.hid)
    return last


def _in_order(session: Session, device_id: uuid.UUID, ep: int) -> Iterator[Any]:
    columns = (_events.c.log_index, _events.c.seq, _events.c.hid, _events.c.h)
    mine = (_events.c.src == str(device_id), _events.c.ep == ep)
    at = FIRST_SEQ - 1
    while True:
        statement = sa.select(*columns).where(*mine, _events.c.seq > at)
        rows = session.execute(statement.order_by(_events.c.seq).limit(BATCH)).all()
        yield from rows
        if len(rows) < BATCH:
            return
        at = rows[-1].seq


def _is_explained(session: Session, device_id: uuid.UUID, ep: int, seq: int) -> bool:
    statement = sa.select(DeviceRecord.findings).where(
        DeviceRecord.device_id == device_id, DeviceRecord.ep == ep, DeviceRecord.seq == seq
    )
    findings = session.execute(statement).scalar_one_or_none() or ()
    return any(entry.get("code") == "gap" for entry in findings)


def _head(session: Session, row: Any, head: Head, report: Report) -> None:
    where = f"device_chains/{row.device_id}/{row.ep}"
    newest = sa.select(OutboxRow.seq, OutboxRow.hid).where(
        OutboxRow.src == str(row.device_id), OutboxRow.ep == row.ep
    )
    waiting = session.execute(newest.order_by(OutboxRow.seq.desc()).limit(1)).first()
    if waiting is not None and waiting.seq > head[0]:
        head = (waiting.seq, waiting.hid)
    if (row.last_seq, row.head) != head:
        report.add(Code.STATE, where, f"it says {row.last_seq}, the log ends with {head[0]}")
    court = session.execute(sa.select(Device.court_id).where(Device.id == row.device_id)).scalar()
    if court != row.court_id:
        report.add(Code.STATE, where, "court_id is not the device's")
    held = sa.select(sa.func.count()).where(
        HeldRecord.device_id == row.device_id, HeldRecord.ep == row.ep
    )
    if session.execute(held).scalar_one() != row.held_count:
        report.add(Code.STATE, where, "held_count is not the number of held records")
