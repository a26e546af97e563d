"""What a batch of records is judged against, in one statement per question, not per record."""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from client_sdk.protocol.jcs import INT_LIMIT
from server.audit.events import EventKind
from server.audit.models import DeviceChain, DeviceRecord, Event, HeldRecord, OutboxRow
from server.cases.models import Case, Mission, MissionCase
from server.core.bulk import among
from server.core.context import Context
from server.core.paging import Page, decode_cursor, page_of
from server.core.problem import Kind, Problem
from server.identity.models import Device, DutyBooking, User

CASE, MISSION, USER, DEVICE = "case", "mission", "user", "device"
_TABLES: Mapping[str, Any] = {CASE: Case, MISSION: Mission, USER: User, DEVICE: Device}


_NOTHING = uuid.UUID(int=0)
_SLOTS = 3  # most batches name one case, one mission, one officer
# Built once: building a statement costs more than running it.
_EXISTING = sa.union_all(
    *(
        sa.select(sa.literal(kind), table.id).where(
            table.court_id == sa.bindparam("court"),
            table.id.in_(
                [sa.bindparam(f"{kind}_{slot}", type_=sa.Uuid()) for slot in range(_SLOTS)]
            ),
        )
        for kind, table in _TABLES.items()
    )
)
_BOOKINGS = (
    sa.select(
        DutyBooking.id,
        DutyBooking.device_id,
        DutyBooking.user_id,
        DutyBooking.starts_at,
        DutyBooking.ends_at,
    )
    .where(
        DutyBooking.court_id == sa.bindparam("court"),
        DutyBooking.device_id == sa.bindparam("device"),
        DutyBooking.starts_at <= sa.bindparam("latest"),
        DutyBooking.ends_at > sa.bindparam("earliest"),
    )
    .order_by(DutyBooking.starts_at.desc(), DutyBooking.id.desc())
)


@dataclass(frozen=True, slots=True)
class Booking:
    """Who carried a device in a span of time; ``ends_at`` is exclusive."""

    id: uuid.UUID
    device_id: uuid.UUID
    user_id: uuid.UUID
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class IssuedTicket:
    """What a ticket allowed: records of this device after ``seq``, the first one upon ``head``."""

    device: str
    mission: str
    seq: int
    head: str
    expires: str


def existing(
    ctx: Context, court_id: uuid.UUID, wanted: Mapping[str, Collection[uuid.UUID]]
) -> dict[str, set[uuid.UUID]]:
    """Those ids that exist in the court, by what they are; a foreign court's ids do not."""
    found: dict[str, set[uuid.UUID]] = {kind: set() for kind in wanted}
    if all(len(ids) <= _SLOTS for ids in wanted.values()):
        places = {name: one for kind, ids in wanted.items() for name, one in _placed(kind, ids)}
        rows = ctx.session.execute(_EXISTING, {"court": court_id, **places})
    else:
        rows = ctx.session.execute(
            sa.union_all(
                *(
                    sa.select(sa.literal(kind), _TABLES[kind].id).where(
                        _TABLES[kind].court_id == court_id,
                        among(ctx.session, _TABLES[kind].id, ids),
                    )
                    for kind, ids in wanted.items()
                )
            )
        )
    for kind, one in rows:
        found[kind].add(one)
    return found


def _placed(kind: str, ids: Collection[uuid.UUID]) -> Iterator[tuple[str, uuid.UUID]]:
    """Values of a kind's slots; what is left over asks for an id that nothing has."""
    spare = [_NOTHING] * (_SLOTS - len(ids))
    return ((f"{kind}_{slot}", one) for slot, one in enumerate([*ids, *spare]))


def bookings_between(
    ctx: Context,
    court_id: uuid.UUID,
    devices: Collection[uuid.UUID],
    earliest: datetime,
    latest: datetime,
) -> list[Booking]:
    """Bookings of these devices that touch a span, the latest begun first."""
    span = {"court": court_id, "earliest": earliest, "latest": latest}
    return [
        Booking(*values)
        for device_id in devices
        for values in ctx.session.execute(_BOOKINGS, {**span, "device": device_id})
    ]


def tickets(ctx: Context, court_id: uuid.UUID, nonces: Iterable[str]) -> dict[str, IssuedTicket]:
    """Tickets of the court by nonce, as the log has them."""
    found: dict[str, IssuedTicket] = {}
    for table in (OutboxRow, Event):
        statement = sa.select(table.subject_id, table.p).where(
            table.court_id == court_id,
            table.kind == EventKind.TICKET_ISSUED.value,
            table.subject_id.in_(sorted(nonces)),
        )
        for nonce, text in ctx.session.execute(statement):
            facts = json.loads(text)["facts"] if text else {}
            if nonce and facts:
                found[nonce] = IssuedTicket(
                    facts["device"],
                    facts["mission"],
                    facts["seq"],
                    facts["head"],
                    facts["expires"],
                )
    return found


def known_hid(ctx: Context, device_id: uuid.UUID, ep: int, seq: int) -> str | None:
    """``hid`` of the record that has this place in the log."""
    statement = sa.select(DeviceRecord.hid).where(
        DeviceRecord.device_id == device_id, DeviceRecord.ep == ep, DeviceRecord.seq == seq
    )
    return ctx.session.execute(statement).scalar_one_or_none()


def cases_of_mission(ctx: Context, mission_id: uuid.UUID) -> list[str]:
    """Ids of the cases that a mission serves."""
    statement = sa.select(MissionCase.case_id).where(MissionCase.mission_id == mission_id)
    return sorted(str(one) for one in ctx.session.execute(statement).scalars())


def held_records(ctx: Context, limit: int, cursor: str | None) -> Page[HeldRecord]:
    """Records of the court that wait for a predecessor, by device and place."""
    row = HeldRecord
    statement = sa.select(row).where(row.court_id == ctx.actor.court_id)
    if cursor:
        device, ep, seq = decode_cursor(cursor, str, int, int)
        if abs(ep) >= 2**31 or abs(seq) >= INT_LIMIT:
            raise Problem(Kind.CURSOR_INVALID)
        place = sa.tuple_(sa.literal(_uuid(device), sa.Uuid()), sa.literal(ep), sa.literal(seq))
        statement = statement.where(sa.tuple_(row.device_id, row.ep, row.seq) > place)
    ordered = statement.order_by(row.device_id, row.ep, row.seq).limit(limit + 1)
    rows = ctx.session.execute(ordered).scalars().all()
    return page_of(rows, limit, lambda held: (str(held.device_id), held.ep, held.seq))


def held_of_device(ctx: Context, device_id: uuid.UUID, limit: int) -> Sequence[HeldRecord]:
    """The first held records of one device of the court, by place."""
    row = HeldRecord
    statement = sa.select(row).where(row.court_id == ctx.actor.court_id, row.device_id == device_id)
    return ctx.session.execute(statement.order_by(row.ep, row.seq).limit(limit)).scalars().all()


def head_seqs(ctx: Context, places: Collection[tuple[uuid.UUID, int]]) -> dict[Any, int]:
    """Last place in the log of each chain."""
    row = DeviceChain
    statement = sa.select(row.device_id, row.ep, row.last_seq).where(
        row.device_id.in_({device for device, _ in places})
    )
    return {(device, ep): seq for device, ep, seq in ctx.session.execute(statement)}


def overdue_chains(
    ctx: Context, held_before: datetime, limit: int
) -> list[tuple[uuid.UUID, uuid.UUID, int, int]]:
    """(court, device, ep, last place) of chains with records held since before a moment."""
    row = HeldRecord
    statement = (
        sa.select(row.court_id, row.device_id, row.ep, sa.func.max(row.seq))
        .where(row.held_since < held_before)
        .group_by(row.court_id, row.device_id, row.ep)
        .limit(limit)
    )
    return [(c, d, ep, seq) for c, d, ep, seq in ctx.session.execute(statement)]


def _uuid(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise Problem(Kind.CURSOR_INVALID) from None
