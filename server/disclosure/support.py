"""Entries that prove others: keys of devices and of the server, tickets, releases, attestations.

Added last, when the export's own entry is known: they are no part of the statement, and what
came in the meantime (a revocation) belongs to them.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from sqlalchemy.orm import Session

from client_sdk.protocol.errors import ProtocolError
from client_sdk.protocol.heads import HeadText
from server.audit.events import EventKind
from server.audit.models import Event
from server.disclosure.logbook import Entry, at_indexes, entries, in_parts
from server.disclosure.selection import Selection, tickets

KEY_NEXT = "key.next"
HEAD_ATTEST = "head.attest"


def complete(
    session: Session, selection: Selection, more: Iterable[Entry], below: int
) -> list[Entry]:
    """Everything else that the package has to hold, with payload; entries before index ``below``.

    :param more: entries beyond the selection: those after it, and the export's own.
    """
    court_id = selection.scope.court_id
    known = set(selection.with_payload)
    given = [*at_indexes(session, known), *more]
    found = {entry.index: entry for entry in _around(session, selection, court_id, below)}
    everything = {entry.index: entry for entry in given} | found
    while True:
        proofs = [*_of_devices(session, everything.values(), below),
                  *_of_server_keys(session, everything.values(), below)]  # fmt: skip
        new = [entry for entry in proofs if entry.index not in everything]
        for entry in new:
            everything[entry.index] = found[entry.index] = entry
        if not new:
            break
    return [found[index] for index in sorted(found) if index not in known and found[index].p]


def _around(session: Session, selection: Selection, court_id: uuid.UUID, below: int) -> list[Entry]:
    """Tickets that records name, releases of gaps, attestations of heads by other devices."""
    nonces = {nonce for record in selection.records
              if isinstance(nonce := record.payload.get("ticket"), str)}  # fmt: skip
    gaps = {one.src for one in selection.ranges if one.gaps}
    found = tickets(session, court_id, nonces) + in_parts(
        session, Event.subject_id, gaps, Event.court_id == court_id,
        Event.kind == EventKind.RECORD_RELEASED,
    )  # fmt: skip
    heads = entries(session, Event.court_id == court_id, Event.kind == HEAD_ATTEST)
    chains = {(one.src, one.ep): one for one in selection.ranges}
    for entry in heads:
        shown = _head_of(entry)
        if shown is not None and entry.src != str(shown.device):
            about = chains.get((str(shown.device), shown.ep))
            if about is not None and shown.seq >= about.first:
                found.append(entry)
    return [entry for entry in found if entry.index < below]


def _head_of(entry: Entry) -> HeadText | None:
    try:
        return HeadText.from_value(entry.payload.get("head"))
    except ProtocolError:
        return None


def _of_devices(session: Session, known: Iterable[Entry], below: int) -> list[Entry]:
    """Enrolment and revocation of every device that signed, and its rotations before."""
    newest: dict[tuple[str, int], int] = {}
    for entry in known:
        if entry.of_device:
            newest[entry.chain] = max(newest.get(entry.chain, 0), entry.seq or 0)
    found = in_parts(
        session,
        Event.subject_id,
        {src for src, _ in newest},
        Event.subject_type == "device",
        Event.kind.in_((EventKind.DEVICE_ENROLLED, EventKind.DEVICE_REVOKED)),
        Event.log_index < below,
    )
    for (src, ep), seq in sorted(newest.items()):
        found += entries(
            session, Event.src == src, Event.ep == ep, Event.kind == KEY_NEXT,
            Event.seq < seq, Event.log_index < below,
        )  # fmt: skip
    return found


def _of_server_keys(session: Session, known: Iterable[Entry], below: int) -> list[Entry]:
    """Where the server-event keys that signed come from and when they went."""
    used = {entry.k for entry in known if not entry.of_device}
    kinds = (EventKind.KEY_ADDED, EventKind.KEY_RETIRED)
    found = entries(session, Event.kind.in_(kinds), Event.log_index < below)
    return [entry for entry in found if entry.facts.get("kid") in used]
