"""Sync besides pushing records: clock, tickets, missing bytes, held records."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from client_sdk.protocol.records import FIRST_SEQ, GENESIS
from client_sdk.protocol.statements import (
    ClockReading,
    SignedStatement,
    StatementKind,
    Ticket,
    sign,
)
from server.audit import chain, log
from server.audit.events import EventKind
from server.audit.held import held_seq, released
from server.audit.models import HeldRecord
from server.audit.service import Subject, record
from server.cases import queries as cases
from server.core.clock import unix_ms
from server.core.context import Context
from server.core.keyring import EVENT
from server.core.paging import Page
from server.core.problem import Kind, Problem, not_found
from server.evidence import possessions
from server.identity import queries as identity
from server.sync import queries
from server.sync.commands import AskTicket, HeldQuery, Missing, ReadClock
from server.sync.push import accept, keys_from

NONCE_BYTES = 16
UPLOADS = "/api/v1/uploads"


@dataclass(frozen=True, slots=True)
class Held:
    """A held record as people see it."""

    device_id: uuid.UUID
    ep: int
    seq: int
    hid: str
    rx: str
    held_since: datetime
    missing_from: int
    enters_at: datetime


@dataclass(frozen=True, slots=True)
class Released:
    """What a release let into the log."""

    records: int
    head: dict[str, Any]


def read_clock(ctx: Context, command: ReadClock) -> SignedStatement:
    """The server's half of a four-timestamp exchange, signed and logged."""
    arrived = ctx.clock.now()
    device_id = ctx.actor.device()
    reading = ClockReading(
        device=str(device_id),
        t1=command.t1,
        t2=unix_ms(arrived),
        t3=unix_ms(ctx.clock.now()),
        nonce=_nonce(ctx),
    )
    record(ctx, EventKind.CLOCK_EXCHANGED, Subject("device", device_id), reading.to_body())
    return _signed(ctx, StatementKind.CLOCK, reading.to_body())


def issue_ticket(ctx: Context, command: AskTicket) -> SignedStatement:
    """Leave to start a mission: what is recorded under it is newer than this."""
    device_id = ctx.actor.device()
    device = identity.device_in_court(ctx.session, ctx.actor.court_id, device_id)
    if device is None:
        raise not_found("the device")
    if command.ep != device.ep:
        raise Problem(Kind.RECORD_EPOCH, f"this device's enrolment is number {device.ep}")
    mission = cases.visible_mission(ctx, command.mission_id)
    _require_true_head(ctx, device_id, command)
    latest = max(mission.ends_at, ctx.clock.now())
    newest = log.newest_checkpoint(ctx.session, 2) or log.newest_checkpoint(ctx.session)
    ticket = Ticket(
        court=str(ctx.actor.court_id),
        device=str(device_id),
        mission=str(mission.id),
        cases=tuple(queries.cases_of_mission(ctx, mission.id)) or None,
        seq=command.seq,
        head=command.head,
        nonce=_nonce(ctx),
        expires=latest + timedelta(hours=ctx.settings.ticket_hours),
        checkpoint=newest.note if newest else None,
    )
    body = ticket.to_body()
    record(
        ctx, EventKind.TICKET_ISSUED, Subject("ticket", ticket.nonce), body, mission_id=mission.id
    )
    return _signed(ctx, StatementKind.TICKET, body)


def missing_blobs(ctx: Context, command: Missing) -> dict[str, Any]:
    """Which objects this device still has to send; says nothing about anyone else's (00)."""
    wanted = [one.sha256 for one in command.objects]
    known = possessions.of_device(ctx, ctx.actor.device(), wanted)
    answers = []
    for sha256 in wanted:
        found = known.get(sha256)
        answer: dict[str, Any] = {"sha256": sha256, "state": found.state if found else "needed"}
        if found is not None and found.state == "partial":
            answer |= {"offset": found.offset, "upload_url": f"{UPLOADS}/{found.upload_id}"}
        answers.append(answer)
    return {"objects": answers}


def held(ctx: Context, wanted: HeldQuery) -> Page[Held]:
    """Records of the court that wait for a predecessor, and when they will enter without it."""
    page = queries.held_records(ctx, wanted.limit, wanted.cursor)
    heads = queries.head_seqs(ctx, {(row.device_id, row.ep) for row in page.items})
    rows = [_held(ctx, row, heads[row.device_id, row.ep]) for row in page.items]
    return Page(rows, page.next_cursor)


def held_of_device(ctx: Context, device_id: uuid.UUID, limit: int) -> list[Held]:
    """The first records of one device of the court that wait for a predecessor."""
    rows = queries.held_of_device(ctx, device_id, limit)
    heads = queries.head_seqs(ctx, {(row.device_id, row.ep) for row in rows})
    return [_held(ctx, row, heads[row.device_id, row.ep]) for row in rows]


def release(ctx: Context, device_id: uuid.UUID, ep: int, seq: int, reason: str) -> Released:
    """Let a held record, and those held before it, into the log with a ``gap`` finding."""
    held_seq(ctx, device_id, ep, seq)
    return _release(ctx, ctx.actor.court_id, (device_id, ep, seq), reason)


def release_overdue(ctx: Context, chains_max: int = 100) -> int:
    """Let in what has been held for ``held_days``; for the worker.  Returns how many chains."""
    before = ctx.clock.now() - timedelta(days=ctx.settings.held_days)
    overdue = queries.overdue_chains(ctx, before, chains_max)
    for court_id, device_id, ep, seq in overdue:
        _release(ctx, court_id, (device_id, ep, seq), f"held for {ctx.settings.held_days} days")
    return len(overdue)


def _release(
    ctx: Context, court_id: uuid.UUID, place: tuple[uuid.UUID, int, int], reason: str
) -> Released:
    device_id, ep, seq = place
    device = identity.device_in_court(ctx.session, court_id, device_id)
    if device is None:
        raise not_found("the device")
    line = chain.lock_chain(ctx, court_id, device_id, ep)
    keys = keys_from(ctx, device, [line.head.seq + 1])
    verdict = chain.classify(ctx, line, [], release_to=seq, keys=keys)
    accept(ctx, line, verdict, keys)
    if verdict.accepted:
        released(ctx, line, verdict, reason)
    head = {"ep": line.ep, "seq": line.head.seq, "hid": line.head.hid}
    return Released(len(verdict.accepted), head)


def _held(ctx: Context, row: HeldRecord, head_seq: int) -> Held:
    return Held(
        device_id=row.device_id,
        ep=row.ep,
        seq=row.seq,
        hid=row.hid,
        rx=row.rx,
        held_since=row.held_since,
        missing_from=head_seq + 1,
        enters_at=row.held_since + timedelta(days=ctx.settings.held_days),
    )


def _require_true_head(ctx: Context, device_id: uuid.UUID, command: AskTicket) -> None:
    """What the log knows of the device's chain must agree; the device may be further."""
    if command.seq < FIRST_SEQ:
        known: str | None = GENESIS
    else:
        known = queries.known_hid(ctx, device_id, command.ep, command.seq)
    if known is not None and known != command.head:
        raise Problem(Kind.RECORD_CHAIN_BREAK, "the log has another record at this place")


def _signed(ctx: Context, kind: StatementKind, body: dict[str, Any]) -> SignedStatement:
    key = ctx.runtime.keyring.active(EVENT)
    return sign(kind, body, key.private, key.kid)


def _nonce(ctx: Context) -> str:
    return ctx.runtime.randbytes(NONCE_BYTES).hex()
