"""Which items a case has by its log, and which objects their records declare; pure."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from client_sdk.protocol.errors import ProtocolError
from client_sdk.protocol.export_statement import AbsentObject, AbsentWhy
from client_sdk.protocol.payloads import ObjectRef
from server.audit.events import EventKind
from server.disclosure.logbook import Entry

EVIDENCE = "evidence"
ERASED = EventKind.EVIDENCE_ERASED
TOMBSTONE = "capture.deleted"


@dataclass(frozen=True, slots=True)
class Received:
    """An item whose bytes came: the record that declares it and the event that says so."""

    id: uuid.UUID
    hid: str
    sha256: str
    size_bytes: int
    index: int


@dataclass(frozen=True, slots=True)
class Belongings:
    """What came and went: items of the case now, ids of those moved out, ids moved in."""

    here: frozenset[uuid.UUID]
    moved_out: frozenset[uuid.UUID]
    moved_in: frozenset[uuid.UUID]


@dataclass(frozen=True, slots=True)
class Objects:
    """Objects of the disclosed records: those that travel (digest → size) and those that do not."""

    present: Mapping[str, int]
    absent: tuple[AbsentObject, ...]


def belongings(case_id: uuid.UUID, chain: Iterable[Entry]) -> Belongings:
    """Follow the case's entries: what was verified in it, moved into it, moved out of it."""
    here: set[uuid.UUID] = set()
    out: set[uuid.UUID] = set()
    moved_in: set[uuid.UUID] = set()
    for entry in chain:
        if entry.subject_type != EVIDENCE or entry.subject_id is None:
            continue
        item = uuid.UUID(entry.subject_id)
        if entry.kind == EventKind.EVIDENCE_VERIFIED:
            here.add(item)
        elif entry.kind == EventKind.EVIDENCE_REBOUND and entry.p is not None:
            facts = entry.facts
            if facts["after"]["case"] == str(case_id):
                if facts["before"]["case"] != str(case_id):
                    moved_in.add(item)
                here.add(item)
                out.discard(item)
            elif facts["before"]["case"] == str(case_id):
                here.discard(item)
                moved_in.discard(item)
                out.add(item)
    return Belongings(frozenset(here), frozenset(out), frozenset(moved_in))


def received(verified: Iterable[Entry]) -> dict[uuid.UUID, Received]:
    """Items by their ``evidence.verified`` events."""
    found = {}
    for entry in verified:
        if entry.p is None or entry.subject_id is None:
            continue
        facts, item = entry.facts, uuid.UUID(entry.subject_id)
        found[item] = Received(item, facts["hid"], facts["sha256"], int(facts["size"]), entry.index)
    return found


def objects_of(
    records: Iterable[Entry],
    chosen: Collection[Received],
    known: Collection[Received],
    erased: Collection[str],
    deleted: Collection[str],
) -> Objects:
    """Sort what the disclosed ``records`` declare.

    :param chosen: items that are exported; :param known: every item that came.
    :param erased, deleted: digests that were lawfully erased, or that a device says it deleted.
    """
    exported = {(one.hid, one.sha256): one for one in chosen}
    came = {(one.hid, one.sha256) for one in known}
    present: dict[str, int] = {}
    absent: dict[str, AbsentObject] = {}
    for record in records:
        for thing in declared(record):
            key = (record.hid, thing.sha256)
            if thing.sha256 in erased:
                why = AbsentWhy.ERASED
            elif key in exported:
                present[thing.sha256] = exported[key].size_bytes
                continue
            elif key in came:
                why = AbsentWhy.WITHHELD
            else:
                why = AbsentWhy.DELETED if thing.sha256 in deleted else AbsentWhy.MISSING
            absent.setdefault(thing.sha256, AbsentObject(thing.sha256, thing.size_bytes, why))
    kept = tuple(absent[digest] for digest in sorted(absent) if digest not in present)
    return Objects(dict(sorted(present.items())), kept)


def declared(record: Entry) -> list[ObjectRef]:
    """Well-formed objects of a record of whatever kind, each once."""
    found: dict[str, ObjectRef] = {}
    listed = record.payload.get("obj")
    for value in listed if isinstance(listed, list) else ():
        try:
            thing = ObjectRef.from_value(value)
        except ProtocolError:
            continue
        found.setdefault(thing.sha256, thing)
    return list(found.values())


def digests_erased(events: Iterable[Entry]) -> set[str]:
    """Digests whose bytes ``evidence.erased`` events say are gone."""
    return {
        digest
        for entry in events
        if entry.kind == ERASED
        for digest in _texts(entry.facts.get("unlinked"))
    }


def digests_deleted(records: Iterable[Entry]) -> set[str]:
    """Digests that tombstones of devices name."""
    refs = (entry.payload.get("ref") for entry in records if entry.kind == TOMBSTONE)
    return {ref["sha256"] for ref in refs if isinstance(ref, dict) and "sha256" in ref}


def _texts(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value or ())
