"""Which entries of the log go into a package, and with what; a function of the log up to an index.

The rules are those of docs/dossier-format.md §2: the case's whole chain, the chains of its devices
without a gap, and whatever proves their keys.  Payloads that are not disclosed stay out; their
headers prove that nothing is missing.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy.orm import Session

from client_sdk.protocol.dossier import MAX_ENTRIES
from client_sdk.protocol.export_statement import DeviceRange, Withheld
from client_sdk.protocol.records import GENESIS
from server.audit.chain import RECORD_SUBJECT
from server.audit.events import EventKind
from server.audit.models import Event
from server.disclosure.items import (
    EVIDENCE,
    TOMBSTONE,
    Belongings,
    Objects,
    Received,
    belongings,
    declared,
    digests_deleted,
    digests_erased,
    objects_of,
    received,
)
from server.disclosure.logbook import Entry, entries, headers, in_parts

NOT_SELECTED: Final = "not-selected"
OTHER_CASE: Final = "other-case"
FROM_THE_START: Final = 5_000  # a chain is given from its first record on while that is near
CLOSING: Final = "mission.closed"
# Records of the case that bind a chain: disclosed whatever was selected of it.
ALWAYS: Final = frozenset({"key.next", "head.attest", TOMBSTONE, CLOSING})


class SelectionError(RuntimeError):
    """The case cannot be exported as it is; the message says why."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What is asked for: a case of a court, or only some of its items."""

    court_id: uuid.UUID
    case_id: uuid.UUID
    items: frozenset[uuid.UUID] | None = None


@dataclass(slots=True)
class Selection:
    """Entries by log index, each with or without its payload, and what the statement says of them.

    ``chain`` are the case's entries in order; ``records`` the disclosed records of devices;
    ``counts`` how many records of each range are whole and how many are stubs; ``reasons`` why an
    entry of the case is without payload.
    """

    scope: Scope
    upto: int
    chain: list[Entry]
    with_payload: dict[int, bool]
    belongings: Belongings
    items: dict[uuid.UUID, Received]
    records: list[Entry] = field(default_factory=list)
    ranges: list[DeviceRange] = field(default_factory=list)
    counts: list[tuple[int, int]] = field(default_factory=list)
    reasons: dict[int, str] = field(default_factory=dict)
    withheld: list[Withheld] = field(default_factory=list)
    erased: list[int] = field(default_factory=list)
    suspect: list[int] = field(default_factory=list)
    objects: Objects = field(default_factory=lambda: Objects({}, ()))

    @property
    def head(self) -> str:
        """Leaf hash of the case's last entry."""
        return self.chain[-1].leaf_hash.hex()


def select(session: Session, scope: Scope, upto: int) -> Selection:
    """Decide on the log up to ``upto``; raises :class:`SelectionError`."""
    chain = entries(
        session,
        Event.court_id == scope.court_id,
        Event.case_id == scope.case_id,
        Event.case_seq.is_not(None),
        Event.log_index <= upto,
    )
    if not chain:
        raise SelectionError("the case has no entry in the log yet")
    found = belongings(scope.case_id, chain)
    known = received(_verified(session, scope, upto, found.here | found.moved_out))
    chosen = {
        item: known[item]
        for item in sorted(found.here & known.keys())
        if scope.items is None or item in scope.items
    }
    selection = Selection(scope, upto, chain, {}, found, chosen)
    _disclose_chain(selection, known)
    _add_moved_in(session, selection)
    _add_ranges(session, selection)
    _note_suspects(session, selection)
    selection.objects = objects_of(
        selection.records,
        chosen.values(),
        known.values(),
        digests_erased(chain),
        digests_deleted(selection.records),
    )
    _check_size(selection)
    return selection


def discloses(selection: Selection, entry: Entry) -> str | None:
    """Why the payload of an entry of the case is withheld; ``None`` when it is disclosed."""
    scope = selection.scope
    subject = entry.subject_id if entry.subject_type == EVIDENCE else None
    item = uuid.UUID(subject) if subject else None
    if entry.kind in ALWAYS:
        return None
    if item in selection.belongings.moved_out and entry.kind != EventKind.EVIDENCE_REBOUND:
        return OTHER_CASE
    if scope.items is None or entry.kind == EventKind.CASE_ADDED:
        return None
    if item is not None and item in scope.items:
        return None
    if entry.kind == EventKind.EVIDENCE_ERASED:
        return None
    return NOT_SELECTED


# ------------------------------------------------------------------ the case's chain


def _verified(
    session: Session, scope: Scope, upto: int, items: Collection[uuid.UUID]
) -> list[Entry]:
    return in_parts(
        session,
        Event.subject_id,
        [str(item) for item in items],
        Event.court_id == scope.court_id,
        Event.subject_type == EVIDENCE,
        Event.kind == EventKind.EVIDENCE_VERIFIED,
        Event.log_index <= upto,
    )


def _disclose_chain(selection: Selection, known: dict[uuid.UUID, Received]) -> None:
    wanted = {one.hid for one in selection.items.values()}
    foreign = {known[item].hid for item in selection.belongings.moved_out if item in known}
    held: list[tuple[int, str | None]] = []
    for entry in selection.chain:
        why = discloses(selection, entry)
        if entry.of_device and entry.kind not in ALWAYS:
            if entry.hid in wanted:
                why = None
            elif entry.hid in foreign:
                why = OTHER_CASE
        if entry.p is None:
            selection.erased.append(entry.index)
            why = None
        held.append((entry.index, why))
        if why is not None or entry.p is None:
            selection.reasons[entry.index] = why or "erased"
        selection.with_payload[entry.index] = why is None and entry.p is not None
        if entry.of_device and selection.with_payload[entry.index]:
            selection.records.append(entry)
    selection.withheld = _spans(held)


def _spans(held: Iterable[tuple[int, str | None]]) -> list[Withheld]:
    """Runs of the case's entries that are withheld for the same reason."""
    found: list[Withheld] = []
    open_why: str | None = None
    for index, why in held:
        if why is not None and why == open_why:
            found[-1] = Withheld(found[-1].first, index, why)
        elif why is not None:
            found.append(Withheld(index, index, why))
        open_why = why
    return found


def _add_moved_in(session: Session, selection: Selection) -> None:
    """Records and arrivals of items that another case had first, with their payloads."""
    moved = [one for item, one in selection.items.items() if item in selection.belongings.moved_in]
    hids, arrivals = {one.hid for one in moved}, {one.index for one in moved}
    hids -= {entry.hid for entry in selection.chain}
    court = Event.court_id == selection.scope.court_id
    upto = Event.log_index <= selection.upto
    of_records = Event.subject_type == RECORD_SUBJECT  # these are filed under their header ids
    records = in_parts(session, Event.subject_id, hids, of_records, court, upto)
    for entry in [*records, *in_parts(session, Event.log_index, arrivals, court)]:
        if entry.p is not None:
            selection.with_payload.setdefault(entry.index, True)
    selection.records += [entry for entry in records if entry.p is not None]


# ------------------------------------------------------------------ the chains of the devices


def _add_ranges(session: Session, selection: Selection) -> None:
    chains: dict[tuple[str, int], list[Entry]] = {}
    for entry in selection.chain:
        if entry.of_device:
            chains.setdefault(entry.chain, []).append(entry)
    concerns = _concerning(selection)
    for (src, ep), own in sorted(chains.items()):
        _add_range(session, selection, (src, ep), own, concerns)


def _concerning(selection: Selection) -> Callable[[Entry], bool]:
    """Whether a record outside the case's chain is given with its payload.

    A closing names who stood by, a tombstone names an original: those of other missions and of
    other originals are nobody's business here.
    """
    missions = {entry.mission_id for entry in selection.chain if entry.of_device} - {None}
    objects = {thing.sha256 for record in selection.records for thing in declared(record)}

    def concerns(entry: Entry) -> bool:
        if entry.p is None or entry.kind not in ALWAYS:
            return False
        if entry.kind == CLOSING:
            return entry.case_id is None and entry.mission_id in missions
        return entry.kind != TOMBSTONE or not objects.isdisjoint(digests_deleted([entry]))

    return concerns


def _add_range(
    session: Session,
    selection: Selection,
    chain: tuple[str, int],
    own: list[Entry],
    concerns: Callable[[Entry], bool],
) -> None:
    src, ep = chain
    ordered = sorted(own, key=lambda entry: entry.seq or 0)
    lowest, last = ordered[0].seq or 1, ordered[-1].seq or 1
    first, prev = _beginning(session, selection, ordered[0], lowest)
    rows = headers(session, src, ep, first, last, selection.upto)
    if prev is None or rows[0].seq == first:
        first, prev = rows[0].seq or 1, json.loads(rows[0].h)["prev"]
    seqs = [row.seq or 0 for row in rows]
    selection.ranges.append(
        DeviceRange(src, ep, first, last, prev, rows[-1].hid, _gaps(first, seqs))
    )
    whole = 0
    for row in rows:
        if row.index not in selection.with_payload:
            shown = concerns(row)
            selection.with_payload[row.index] = shown
            if shown:
                selection.records.append(row)
        whole += selection.with_payload[row.index]
    selection.counts.append((whole, len(rows) - whole))


def _beginning(
    session: Session, selection: Selection, record: Entry, lowest: int
) -> tuple[int, str | None]:
    """Where a range begins, and the header id before it as far as it is known without a record.

    With ``None`` it begins at the first record from there on that is here.
    """
    nonce = record.payload.get("ticket") if selection.with_payload[record.index] else None
    if isinstance(nonce, str):
        for ticket in tickets(session, selection.scope.court_id, [nonce]):
            facts = ticket.facts
            if facts.get("device") == record.src and facts["seq"] < lowest:
                return facts["seq"] + 1, facts["head"]
    if lowest <= FROM_THE_START:
        return 1, GENESIS
    return lowest - 1, None


def _gaps(first: int, seqs: list[int]) -> tuple[tuple[int, int], ...]:
    found, expected = [], first
    for seq in seqs:
        if seq > expected:
            found.append((expected, seq - 1))
        expected = seq + 1
    return tuple(found)


def tickets(session: Session, court_id: uuid.UUID, nonces: Collection[str]) -> list[Entry]:
    """Events of the tickets with these nonces."""
    return in_parts(
        session, Event.subject_id, nonces,
        Event.court_id == court_id, Event.kind == EventKind.TICKET_ISSUED,
    )  # fmt: skip


def _note_suspects(session: Session, selection: Selection) -> None:
    """Records of the case that came after their device was revoked."""
    sources = {entry.src for entry in selection.chain if entry.of_device}
    revoked: dict[str, int] = {}
    for entry in in_parts(
        session, Event.subject_id, sources,
        Event.kind == EventKind.DEVICE_REVOKED, Event.log_index <= selection.upto,
    ):  # fmt: skip
        revoked.setdefault(entry.subject_id or "", entry.index)
    selection.suspect = [
        entry.index
        for entry in selection.chain
        if entry.of_device and entry.index > revoked.get(entry.src, entry.index)
    ]


def _check_size(selection: Selection) -> None:
    count = len(selection.with_payload)
    if count > MAX_ENTRIES:
        raise SelectionError(
            f"the case needs {count} entries of the log, a package holds {MAX_ENTRIES}"
        )
