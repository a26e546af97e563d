"""Who recorded it, when it was, for what: a batch of understood payloads becomes field records."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from client_sdk.protocol.errors import ProtocolError
from client_sdk.protocol.payloads import Geo, Instant
from client_sdk.protocol.times import parse_rfc3339, unix_ms
from server.audit.chain import FieldRecord, Line
from server.audit.ordering import Accepted
from server.clocks import queries as clocks
from server.clocks.correction import Corrected, Ledger
from server.core.context import Context
from server.sync import queries
from server.sync.handover import hand_over
from server.sync.queries import Booking, IssuedTicket
from server.sync.reading import Finding, Understood, finding

FUTURE_SLACK: Final = timedelta(seconds=2)
STEP_SLACK_MS: Final = 2_000
_LATE: Final = "late"
_Times = tuple[Corrected, uuid.UUID]


@dataclass(frozen=True, slots=True)
class _Known:
    """What the batch names and the court has."""

    ids: Mapping[str, Collection[uuid.UUID]]
    bookings: Sequence[Booking]
    tickets: Mapping[str, IssuedTicket]


def field_records(
    ctx: Context, line: Line, accepted: Sequence[Accepted], understood: Sequence[Understood]
) -> list[FieldRecord]:
    """One field record for each accepted record, in order; advances ``line.last_clock``."""
    if not accepted:
        return []
    ids = queries.existing(ctx, line.court_id, _named(understood))
    sources = [_source(line, one, ids[queries.DEVICE]) for one in understood]
    for one, source in zip(understood, sources, strict=True):
        _take_file_time(line, one, source)
    times = _corrected(ctx, line, understood, sources)
    moments = [corrected.at for corrected in times]
    for one, at in zip(understood, moments, strict=True):
        hand_over(ctx, line, one, at)  # before the bookings are asked who carried what
    bookings = queries.bookings_between(
        ctx, line.court_id, set(sources), min(moments), max(moments)
    )
    nonces = {one.ticket for one in understood if one.ticket}
    tickets = queries.tickets(ctx, line.court_id, nonces) if nonces else {}
    known = _Known(ids, bookings, tickets)
    return [
        _field_record(line, entry, one, (corrected, source), known)
        for entry, one, corrected, source in zip(accepted, understood, times, sources, strict=True)
    ]


def _named(understood: Iterable[Understood]) -> dict[str, set[uuid.UUID]]:
    named: dict[str, set[uuid.UUID]] = {
        queries.CASE: set(), queries.MISSION: set(), queries.USER: set(), queries.DEVICE: set(),
    }  # fmt: skip
    for one in understood:
        named[queries.CASE].add(one.case)  # type: ignore[arg-type]
        named[queries.MISSION].add(one.mission)  # type: ignore[arg-type]
        named[queries.USER].add(one.who)  # type: ignore[arg-type]
        named[queries.DEVICE].add(one.captured_by)  # type: ignore[arg-type]
    for ids in named.values():
        ids.discard(None)
    return named


def _source(line: Line, one: Understood, cameras: Collection[uuid.UUID]) -> uuid.UUID:
    """The device whose clock and booking count: the camera behind a dock, else the signer."""
    if one.captured_by is None or one.captured_by == line.device_id:
        return line.device_id
    if one.captured_by in cameras:
        return one.captured_by
    one.findings.append(finding("camera-not-found", str(one.captured_by)))
    return line.device_id


def _take_file_time(line: Line, one: Understood, source: uuid.UUID) -> None:
    """A docked file's moment is the one that its camera gave it, not that of the docking."""
    match = one.payload.get("match")
    claimed = match.get("file_time") if isinstance(match, Mapping) else None
    if source == line.device_id or claimed is None:
        return
    try:
        parse_rfc3339(claimed)
    except ProtocolError:
        one.findings.append(finding("time-invalid", "match.file_time is not a time"))
        return
    one.instant = Instant(wall=str(claimed), mono_ms=0, boot="", suspend=False)
    one.by_camera = True


def _corrected(
    ctx: Context, line: Line, understood: Sequence[Understood], sources: Sequence[uuid.UUID]
) -> list[Corrected]:
    """Each moment by the ledger of the clock that showed it."""
    clock_of = [
        source if one.by_camera else line.device_id
        for one, source in zip(understood, sources, strict=True)
    ]
    ledgers: dict[uuid.UUID, Ledger] = {}
    for owner in set(clock_of):
        instants = [
            one.instant for one, own in zip(understood, clock_of, strict=True) if own == owner
        ]
        ledgers[owner] = Ledger(clocks.readings_near(ctx.session, owner, instants))
    return [
        ledgers[owner].correct(one.instant)
        if one.timed or one.by_camera
        else Corrected(parse_rfc3339(one.instant.wall), None, "D", "none")
        for one, owner in zip(understood, clock_of, strict=True)
    ]


def _field_record(
    line: Line, accepted: Accepted, one: Understood, times: _Times, known: _Known
) -> FieldRecord:
    corrected, source = times
    opened = accepted.entry.opened
    findings = [*accepted.findings, *one.findings]
    _judge_time(accepted, one, corrected, findings)
    _judge_ticket(accepted, one, corrected.at, known, findings)
    if source == line.device_id and one.captured_by is None:
        _judge_steps(line, one, findings)
    case_id = _present(queries.CASE, one.case, known, findings)
    mission_id = _present(queries.MISSION, one.mission, known, findings)
    officer_id, officer_source, booking_id = _officer(source, one, corrected.at, known, findings)
    instant, own_clock = one.instant, one.timed and not one.by_camera
    place = one.geo if isinstance(one.geo, Geo) else None
    return FieldRecord(
        court_id=line.court_id,
        device_id=line.device_id,
        captured_by=source,
        ep=opened.header.ep,
        seq=opened.header.seq,
        hid=opened.hid,
        act=one.act,
        payload=one.payload,
        rx=accepted.entry.rx,
        case_id=case_id,
        mission_id=mission_id,
        officer_id=officer_id,
        officer_source=officer_source,
        booking_id=booking_id,
        wall=instant.wall,
        mono_ms=instant.mono_ms if own_clock else None,
        boot=instant.boot if own_clock else None,
        through_suspend=instant.suspend,
        gnss_at=instant.gnss,
        happened_at=corrected.at,
        error_ms=corrected.error_ms,
        clock_class=corrected.clock_class,
        zone_source=corrected.zone_source,
        lat=place.lat if place else None,
        lon=place.lon if place else None,
        geo_datum=place.datum.value if place else None,
        geo_accuracy_m=place.acc_m if place else None,
        geo_source=place.src.value if place else None,
        geo_reason=None if isinstance(one.geo, Geo) else one.geo.reason,
        findings=findings,
    )


def _present(
    kind: str, wanted: uuid.UUID | None, known: _Known, findings: list[Finding]
) -> uuid.UUID | None:
    if wanted is None or wanted in known.ids[kind]:
        return wanted
    findings.append(finding(f"{kind}-not-found", str(wanted)))
    return None


def _officer(
    source: uuid.UUID,
    one: Understood,
    at: datetime,
    known: _Known,
    findings: list[Finding],
) -> tuple[uuid.UUID | None, str, uuid.UUID | None]:
    """The booking at capture time decides, never who uploads; else whom the record names."""
    named = one.who
    if named is not None and named not in known.ids[queries.USER]:
        findings.append(finding("officer-not-found", str(named)))
        named = None
    for booking in known.bookings:
        if booking.device_id == source and booking.starts_at <= at < booking.ends_at:
            if named is not None and named != booking.user_id:
                findings.append(finding("officer-differs", f"the record names {named}"))
            return booking.user_id, "booking", booking.id
    return named, "record" if named else "none", None


def _judge_time(
    accepted: Accepted, one: Understood, corrected: Corrected, findings: list[Finding]
) -> None:
    received = parse_rfc3339(accepted.entry.rx)
    slack = FUTURE_SLACK + timedelta(milliseconds=min(corrected.error_ms or 0, 86_400_000))
    if one.timed and corrected.at - received > slack:
        ahead = int((corrected.at - received).total_seconds())
        findings.append(finding("clock-in-future", f"{ahead} s after it was received"))
    if corrected.clock_class == "D" and one.timed:
        findings.append(finding("clock-contradiction", "the sources of time contradict each other"))


def _judge_ticket(
    accepted: Accepted, one: Understood, at: datetime, known: _Known, findings: list[Finding]
) -> None:
    if one.ticket is None:
        return
    ticket, header = known.tickets.get(one.ticket), accepted.entry.opened.header
    if ticket is None or ticket.device != header.src:
        findings.append(finding("ticket-unknown", "no such ticket was given to this device"))
    elif header.seq <= ticket.seq or (header.seq == ticket.seq + 1 and header.prev != ticket.head):
        findings.append(finding("ticket-mismatch", "the record does not extend the ticket's head"))
    elif one.mission is not None and ticket.mission != str(one.mission):
        findings.append(finding("ticket-mismatch", f"it is for mission {ticket.mission}"))
    elif parse_rfc3339(ticket.expires) < at:
        findings.append(finding("ticket-expired", f"it was good until {ticket.expires}"))


def _judge_steps(line: Line, one: Understood, findings: list[Finding]) -> None:
    """Compare with the record before: a monotonic clock never runs backwards within a boot."""
    if not one.timed or any(entry["code"] == _LATE for entry in findings):
        return
    instant = one.instant
    wall_ms = unix_ms(parse_rfc3339(instant.wall))
    last = line.last_clock
    line.last_clock = (instant.boot, instant.mono_ms, wall_ms)
    if last is None or last[0] != instant.boot:
        return
    elapsed_ms, walked_ms = instant.mono_ms - last[1], wall_ms - last[2]
    if elapsed_ms < 0:
        findings.append(finding("clock-mono-regression", f"{elapsed_ms} ms within one boot"))
    elif instant.suspend and abs(walked_ms - elapsed_ms) > STEP_SLACK_MS + elapsed_ms // 10_000:
        findings.append(finding("clock-step", f"the wall clock moved {walked_ms - elapsed_ms} ms"))
