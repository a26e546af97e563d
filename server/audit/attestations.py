"""Heads of one device in the chain of another, and what the log has at these places."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from client_sdk.protocol.heads import HeadText
from server.audit.chain import FieldRecord
from server.audit.device_models import HeadAttestation
from server.audit.models import DeviceRecord, Event, OutboxRow
from server.core.bulk import insert_rows
from server.core.context import Context
from server.core.db import table_of

_MARKS_MAX: Final = 500
_heads = table_of(HeadAttestation)
# Built once: every push asks it.
_BETWEEN = (
    sa.select(_heads)
    .where(
        _heads.c.device_id == sa.bindparam("device"),
        _heads.c.ep == sa.bindparam("at_ep"),
        _heads.c.seq >= sa.bindparam("first", type_=sa.BigInteger()),
        _heads.c.seq <= sa.bindparam("last", type_=sa.BigInteger()),
    )
    .order_by(_heads.c.seq, _heads.c.attested_at)
)


def keep(ctx: Context, entry: FieldRecord, head: HeadText) -> None:
    """Remember what a ``head.attest`` record says; its signature has been verified."""
    row = {
        "court_id": entry.court_id, "by_device_id": entry.device_id, "by_ep": entry.ep,
        "by_seq": entry.seq, "by_hid": entry.hid, "device_id": head.device, "ep": head.ep,
        "seq": head.seq, "hid": head.hid, "shown_ms": head.unix_ms,
        "attested_at": entry.happened_at, "rx": entry.rx,
    }  # fmt: skip
    insert_rows(ctx.session, table_of(HeadAttestation), [row])


def between(
    session: Session, device_id: uuid.UUID, ep: int, first: int, last: int
) -> Sequence[Any]:
    """Attested heads of a chain within a range of numbers: rows with the columns of the table."""
    place = {"device": device_id, "at_ep": ep, "first": first, "last": last}
    return session.connection().execute(_BETWEEN, place).all()


def of_chain(session: Session, device_id: uuid.UUID, ep: int) -> Sequence[HeadAttestation]:
    """All attested heads of a chain, by number."""
    row = HeadAttestation
    statement = sa.select(row).where(row.device_id == device_id, row.ep == ep)
    return session.execute(statement.order_by(row.seq, row.attested_at)).scalars().all()


def hid_at(session: Session, device_id: uuid.UUID, ep: int, seq: int) -> str | None:
    """What the log has at a place; None when nothing came yet."""
    statement = sa.select(DeviceRecord.hid).where(
        DeviceRecord.device_id == device_id, DeviceRecord.ep == ep, DeviceRecord.seq == seq
    )
    return session.execute(statement).scalar_one_or_none()


def marks_of(
    session: Session, device_id: uuid.UUID, ep: int, kinds: Sequence[str]
) -> Iterator[dict[str, Any]]:
    """Payloads of a chain's newest records of some kinds, the newest first."""
    for table in (OutboxRow, Event):  # what waits for the log is newer than what is in it
        statement = (
            sa.select(table.p)
            .where(
                table.src == str(device_id),
                table.ep == ep,
                table.kind.in_(kinds),
                table.p.is_not(None),
            )
            .order_by(table.seq.desc())
            .limit(_MARKS_MAX)
        )
        for text in session.execute(statement).scalars():
            yield json.loads(text or "{}")
