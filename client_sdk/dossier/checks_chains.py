"""Checks of the devices' chains: links, ranges, tickets, attested heads, clocks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from client_sdk.dossier.archive import Problem
from client_sdk.dossier.keyring import device_keys
from client_sdk.dossier.model import Entry
from client_sdk.dossier.package import Dossier, seq_of
from client_sdk.protocol.encoding import is_sha256_hex
from client_sdk.protocol.errors import ProtocolError
from client_sdk.protocol.export_statement import DeviceRange
from client_sdk.protocol.heads import HeadText
from client_sdk.protocol.records import GENESIS
from client_sdk.protocol.times import parse_rfc3339
from client_sdk.protocol.tlog.checkpoints import Checkpoint, parse_checkpoint
from client_sdk.protocol.tlog.notes import parse_note
from client_sdk.protocol.verdicts import Reason

STEP: Final = timedelta(seconds=2)


def device_chains(dossier: Dossier) -> Iterator[Problem]:
    """No number is used twice, and neighbours are linked."""
    for chain in dossier.chains.values():
        for before, after in pairwise(chain):
            first, second = seq_of(before), seq_of(after)
            if first == second:
                yield Problem(Reason.CHAIN_FORK, after.where, f"record {second} a second time")
            elif second == first + 1 and after.header and after.header.prev != before.hid:
                yield Problem(Reason.CHAIN_LINK, after.where, "does not continue the one before")
            if after.index < before.index:
                yield Problem(Reason.CHAIN_LATE, before.where, "came after its successor")


def ranges(dossier: Dossier) -> Iterator[Problem]:
    """Declared ranges are there without a gap, and cover every record of the case."""
    if dossier.statement is None:
        return
    declared = dossier.ranges
    for one in dossier.statement.devices:
        yield from _range(dossier, one)
    for entry in dossier.case_entries:
        if entry.header is None:
            continue
        first, last = declared.get((entry.header.src, entry.header.ep), (1, 0))
        if not first <= entry.header.seq <= last:
            yield Problem(Reason.RANGE_UNDECLARED, entry.where, "outside every declared range")


def _range(dossier: Dossier, one: DeviceRange) -> Iterator[Problem]:
    where = f"{one.src} {one.first}–{one.last}"
    chain = [
        entry
        for entry in dossier.chains.get((one.src, one.ep), [])
        if one.first <= seq_of(entry) <= one.last
    ]
    there = {seq_of(entry) for entry in chain}
    if not chain or chain[0].header is None:
        yield Problem(Reason.CHAIN_GAP, where, "none of its records is there")
        return
    missing, gaps = 0, set(one.gaps)
    at = one.first
    for seq in [*sorted(there), one.last + 1]:
        if seq > at and (at, seq - 1) not in gaps:
            missing += seq - at
        at = seq + 1
    if missing:
        yield Problem(Reason.CHAIN_GAP, where, f"{missing} records are not there")
    for first, last in one.gaps:
        yield from _gap(dossier, one, (first, last), there)
    if seq_of(chain[0]) == one.first and chain[0].header.prev != one.prev:
        yield Problem(Reason.RANGE_HEAD, where, "does not begin where it was declared to")
    if chain[-1].hid != one.head:
        yield Problem(Reason.RANGE_HEAD, where, "does not end in the declared head")


def _gap(
    dossier: Dossier, one: DeviceRange, gap: tuple[int, int], there: set[int]
) -> Iterator[Problem]:
    """A gap that a person let pass: the log says so, and nothing lies in it."""
    where = f"{one.src} {gap[0]}–{gap[1]}"
    released = any(
        entry.subject == one.src and entry.facts.get("ep") == one.ep
        for entry in dossier.acts.get("record.released", [])
    )
    if not released or there & set(range(gap[0], min(gap[1], gap[0] + len(there)) + 1)):
        yield Problem(Reason.CHAIN_GAP, where, "declared as a gap, but nobody released it")
    else:
        yield Problem(Reason.CHAIN_GAP_DECLARED, where, "never came; released by a person")


def tickets(dossier: Dossier) -> Iterator[Problem]:
    """Records extend the ticket that they name."""
    issued = {entry.subject: entry for entry in dossier.acts.get("ticket.issued", [])}
    for entry in dossier.entries:
        nonce = (entry.payload or {}).get("ticket")
        if entry.header is None or nonce is None:
            continue
        ticket = issued.get(str(nonce))
        if ticket is None:
            yield Problem(Reason.TICKET_UNKNOWN, entry.where, "its ticket is not in the dossier")
            continue
        yield from _ticket(dossier, entry, ticket)


def _ticket(dossier: Dossier, entry: Entry, ticket: Entry) -> Iterator[Problem]:
    header, facts = entry.header, ticket.facts
    if header is None:
        return
    seq, head = facts.get("seq"), facts.get("head")
    if facts.get("device") != header.src or not isinstance(seq, int) or seq >= header.seq:
        yield Problem(Reason.TICKET_MISMATCH, entry.where, "the ticket is not for this place")
        return
    known = dossier.places.get((header.src, header.ep, seq))
    after = dossier.places.get((header.src, header.ep, seq + 1))
    told = known.hid if known else None
    if told is None and after is not None and after.header is not None:
        told = after.header.prev
    if seq == 0:
        told = GENESIS
    if told is not None and told != head:
        yield Problem(Reason.TICKET_MISMATCH, entry.where, "does not extend the ticket's head")
    if ticket.index > entry.index:
        yield Problem(Reason.TICKET_MISMATCH, entry.where, "older than its ticket")
    expires, wall = _time(facts.get("expires")), _time(entry.member("t").get("wall"))
    if expires is not None and wall is not None and wall > expires:
        yield Problem(Reason.TICKET_LATE, entry.where, "made after its ticket expired")


def attestations(dossier: Dossier) -> Iterator[Problem]:
    """Heads that other devices recorded, and closing records, agree with the chains."""
    devices = device_keys(dossier).lines
    for entry in dossier.records("head.attest"):
        try:
            head = HeadText.from_value((entry.payload or {}).get("head"))
        except ProtocolError as error:
            yield Problem(Reason.ATTESTATION_FORM, entry.where, str(error))
            continue
        src = str(head.device)
        known = devices.get((src, head.ep))
        if known is not None and not head.signed_by(known.keys[0]):
            # Then it binds nobody: anybody could have written it to discredit the device.
            yield Problem(Reason.ATTESTATION_SIGNATURE, entry.where, f"not shown by {src}")
            continue
        told = dossier.places.get((src, head.ep, head.seq))
        if told is not None and told.hid != head.hid:
            detail = f"another device saw another record {head.seq} of {src}"
            yield Problem(Reason.ATTESTATION, told.where, detail)
    for entry in dossier.records("mission.closed"):
        closing = entry.member("closing").get("head")
        if entry.header is not None and closing != entry.header.prev:
            yield Problem(Reason.ATTESTATION, entry.where, "closes another head than its own")


def clocks(dossier: Dossier) -> Iterator[Problem]:
    """Monotonic clocks never run backwards within a boot; beacons are not from the future."""
    for chain in dossier.chains.values():
        shown = [entry for entry in chain if entry.member("t")]
        for before, after in pairwise(shown):
            yield from _pair(before, after)
    for entry in dossier.entries:
        yield from _beacon(dossier, entry)


def _pair(before: Entry, after: Entry) -> Iterator[Problem]:
    old, new = before.member("t"), after.member("t")
    old_mono, new_mono = old.get("mono"), new.get("mono")
    if old.get("boot") != new.get("boot"):
        return
    if type(old_mono) is not int or type(new_mono) is not int:
        return
    if new_mono < old_mono:
        yield Problem(Reason.CLOCK_BACKWARDS, after.where, "its clock ran backwards in one boot")
    old_wall, new_wall = _time(old.get("wall")), _time(new.get("wall"))
    if old_wall is not None and new_wall is not None:
        passed = timedelta(milliseconds=new_mono - old_mono)
        if abs((new_wall - old_wall) - passed) > STEP:
            yield Problem(Reason.CLOCK_STEP, after.where, "its wall clock was set")


def _beacon(dossier: Dossier, entry: Entry) -> Iterator[Problem]:
    """A checkpoint that a record or ticket knew is older than its own place in the log."""
    size, root = _known(entry)
    if size is None:
        return
    if size > entry.index:
        detail = f"knew a tree of {size}"
        yield Problem(Reason.BEACON_FUTURE, entry.where, detail)
        return
    prior = _prior(dossier, size)
    if prior is not None and prior.root.hex() != root:
        yield Problem(Reason.BEACON_ROOT, entry.where, f"knew another tree of size {size}")


def _known(entry: Entry) -> tuple[int | None, str | None]:
    if entry.act == "ticket.issued" and isinstance(entry.facts.get("checkpoint"), str):
        try:
            found = parse_checkpoint(parse_note(entry.facts["checkpoint"]).text)
        except ProtocolError:
            return None, None
        return found.size, found.root.hex()
    beacon = entry.member("t").get("nb")
    if not isinstance(beacon, dict):
        return None, None
    size, root = beacon.get("size"), beacon.get("root")
    return (size, root) if type(size) is int and is_sha256_hex(root) else (None, None)


def _prior(dossier: Dossier, size: int) -> Checkpoint | None:
    head, note = dossier.checkpoint, dossier.prior_notes.get(size)
    if head is not None and head.size == size:
        return head
    try:
        return None if note is None else parse_checkpoint(note.text)
    except ProtocolError:
        return None


def _time(text: object) -> datetime | None:
    try:
        return parse_rfc3339(text)
    except ProtocolError:
        return None
