"""Taking records from a device: each gets its outcome, one bad record never spoils the batch.

Signatures are verified before the chain is locked; the rest is a fixed number of statements,
however many records there are.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from client_sdk.protocol.errors import (
    CanonicalError,
    CommitmentError,
    ProtocolError,
    RecordError,
)
from client_sdk.protocol.payloads import RecordKind
from client_sdk.protocol.records import OpenedRecord, open_record
from server.audit import chain, device_keys
from server.audit.chain import Entry, FieldRecord, Line, Outcome, Verdict
from server.audit.device_keys import ChainKeys
from server.audit.ordering import SIGNATURE
from server.clocks import service as clocks
from server.core.clock import rfc3339
from server.core.context import Context
from server.core.observe import RECORDS
from server.core.problem import Kind, Problem, not_found
from server.evidence import service as evidence
from server.fieldlog import service as fieldlog
from server.identity import queries as identity
from server.identity.models import Device
from server.register import service as register
from server.sync import attribution, custody, ops
from server.sync.reading import Understood, finding, understand

Result = dict[str, Any]
_KINDS: Final = MappingProxyType(
    {
        chain.SAME_SEQ: Kind.RECORD_SAME_SEQ,
        chain.CHAIN_BREAK: Kind.RECORD_CHAIN_BREAK,
        SIGNATURE: Kind.RECORD_SIGNATURE,
    }
)


def push(ctx: Context, wires: Sequence[object]) -> dict[str, Any]:
    """Enter a batch of records of the calling device; the answer has one outcome per record."""
    if len(wires) > ctx.settings.push_records_max:
        raise Problem(Kind.TOO_MANY_RECORDS, f"at most {ctx.settings.push_records_max}")
    device = _device(ctx)
    results: list[Result | None] = [None] * len(wires)
    batch, places = _opened(ctx, device, wires, results)
    batch = _verified(ctx, device, batch)
    line = chain.lock_chain(ctx, device.court_id, device.id, device.ep)
    keys = keys_from(ctx, device, (entry.seq for entry in batch))
    verdict = chain.classify(ctx, line, batch, keys=keys)
    records = accept(ctx, line, verdict, keys)
    _report(verdict, batch, records, places, results)
    answers = [result for result in results if result is not None]
    for outcome, count in Counter(result["outcome"] for result in answers).items():
        RECORDS.labels(outcome).inc(count)
    head = {"ep": line.ep, "seq": line.head.seq, "hid": line.head.hid}
    return {"results": answers, "head": head}


def keys_from(ctx: Context, device: Device, seqs: Iterable[int]) -> ChainKeys:
    """The keys of a device's chain from the lowest of these numbers on."""
    enrolled = identity.public_key_of(device)
    return device_keys.chain_keys(ctx.session, device.id, device.ep, seqs, enrolled)


def accept(ctx: Context, line: Line, verdict: Verdict, keys: ChainKeys) -> list[FieldRecord]:
    """Write a verdict and let every slice make its rows of the accepted records."""
    understood = [understand(one.entry.opened.payload, one.entry.rx) for one in verdict.accepted]
    boots = _observe_clocks(ctx, line, verdict, understood)
    records = attribution.field_records(ctx, line, verdict.accepted, understood)
    custody.judge(ctx, line, verdict.accepted, records)
    chain.enter(ctx, line, verdict, records, keys.kid_at)
    device_keys.keep(ctx, line, keys)
    ops.apply(ctx, records)
    for boot in sorted(boots):
        evidence.recorrect(ctx, line.device_id, boot)
        fieldlog.recorrect(ctx, line.device_id, boot)
        register.recorrect(ctx, line.device_id, boot)
    return records


def _device(ctx: Context) -> Device:
    device = identity.speaking_device(ctx.session, ctx.actor.court_id, ctx.actor.device())
    if device is None:
        raise not_found("the device")
    if device.public_jwk is None:
        raise Problem(Kind.FORBIDDEN, "a device without a key signs no records")
    return device


def _opened(
    ctx: Context, device: Device, wires: Sequence[object], results: list[Result | None]
) -> tuple[list[Entry], list[int]]:
    """The records that are sound, and where in the batch they stood; the others are refused."""
    rx = rfc3339(ctx.clock.now())
    source, size_bytes_max = str(device.id), ctx.settings.record_size_bytes_max
    batch: list[Entry] = []
    places: list[int] = []
    for place, wire in enumerate(wires):
        try:
            opened = open_record(wire, max_payload_bytes=size_bytes_max)
            problem = _refusal(opened, source, device.ep)
        except RecordError as error:
            problem = _translated(error)
        if problem is not None:
            results[place] = _refused(wire, problem)
        else:
            batch.append(Entry(opened, rx))
            places.append(place)
    return batch, places


def _verified(ctx: Context, device: Device, batch: Sequence[Entry]) -> list[Entry]:
    """The records with the ids of the keys that signed them, before the chain is locked."""
    order = sorted(range(len(batch)), key=lambda at: batch[at].seq)
    keys = keys_from(ctx, device, (entry.seq for entry in batch))
    kids = dict(zip(order, keys.trial(batch[at] for at in order), strict=True))
    return [replace(entry, kid=kids[at]) for at, entry in enumerate(batch)]


def _refusal(opened: OpenedRecord, source: str, ep: int) -> Problem | None:
    if opened.header.src != source:
        return Problem(Kind.RECORD_FOREIGN_DEVICE)
    if opened.header.ep != ep:
        return Problem(Kind.RECORD_EPOCH, f"this device's enrolment is number {ep}")
    return None


def _translated(error: RecordError) -> Problem:
    cause = error.__cause__
    if isinstance(error, CommitmentError):
        return Problem(Kind.RECORD_COMMITMENT)
    if isinstance(cause, CanonicalError):
        kind = Kind.RECORD_TOO_LARGE if cause.code == "too-long" else Kind.RECORD_NOT_CANONICAL
        return Problem(kind, str(error)[:200])
    return Problem(Kind.RECORD_MALFORMED, str(error)[:200])


def _refused(wire: object, problem: Problem) -> Result:
    seq, ep = _claimed(wire)
    return {
        "seq": seq,
        "ep": ep,
        "hid": None,
        "outcome": Outcome.REJECTED.value,
        "problem": problem.body(),
    }


def _claimed(wire: object) -> tuple[int | None, int | None]:
    """Place that a refused record claims, when that can be read, to help its sender."""
    try:
        header = json.loads(wire["h"]) if isinstance(wire, Mapping) else {}
        seq, ep = header.get("seq"), header.get("ep")
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        return None, None
    return seq if type(seq) is int else None, ep if type(ep) is int else None


def _observe_clocks(
    ctx: Context, line: Line, verdict: Verdict, understood: Sequence[Understood]
) -> set[str]:
    """Add the readings that the batch brings; returns the boots about which more is known now."""
    boots: set[str] = set()
    for accepted, one in zip(verdict.accepted, understood, strict=True):
        if one.act != RecordKind.CLOCK_OBSERVED or one.clock is None or not one.timed:
            continue
        try:
            reading = clocks.reading_of_exchange(ctx, line.device_id, one.clock, one.instant)
        except ProtocolError as error:
            one.findings.append(finding("clock-invalid", str(error)[:200]))
            continue
        clocks.observe(
            ctx,
            line.device_id,
            reading,
            court_id=line.court_id,
            record_hid=accepted.entry.opened.hid,
        )
        boots.add(one.instant.boot)
    return boots


def _report(
    verdict: Verdict,
    batch: Sequence[Entry],
    records: Sequence[FieldRecord],
    places: Sequence[int],
    results: list[Result | None],
) -> None:
    findings = {record.hid: record.findings for record in records if record.findings}
    reasons = {conflict.entry.opened.hid: conflict.reason for conflict in verdict.conflicts}
    for place, entry, outcome in zip(places, batch, verdict.outcomes, strict=True):
        hid = entry.opened.hid
        result: Result = {
            "seq": entry.seq,
            "ep": entry.opened.header.ep,
            "hid": hid,
            "outcome": outcome.value,
        }
        if outcome is Outcome.CONFLICT:
            kind = _KINDS.get(reasons[hid], Kind.RECORD_KEY)
            result["problem"] = Problem(kind, "it is kept and shown to people").body()
        elif outcome is Outcome.REJECTED:
            code = verdict.refused[hid]
            result["problem"] = Problem(_KINDS.get(code, Kind.RECORD_KEY), code).body()
        elif hid in findings:
            result["findings"] = findings[hid]
        results[place] = result
