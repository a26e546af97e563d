"""Checks of originals: bijection with the records, recordings in chunks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Final

from client_sdk.dossier.archive import Problem
from client_sdk.dossier.checks_case import erased_objects
from client_sdk.dossier.model import Entry
from client_sdk.dossier.package import Dossier, seq_of
from client_sdk.protocol.dossier import ENTRIES, OBJECT_PATH, OBJECTS
from client_sdk.protocol.errors import ProtocolError
from client_sdk.protocol.export_statement import AbsentObject, AbsentWhy
from client_sdk.protocol.payloads import ObjectRef
from client_sdk.protocol.streams import Chunker, StreamMark
from client_sdk.protocol.verdicts import Reason

_OPEN, _PROGRESS, _CLOSE = "media.open", "media.progress", "media.close"
_RECOVERED: Final = "capture.recovered"
_STREAMED: Final = (_OPEN, _PROGRESS, _CLOSE)
_TOLD: Final = {
    AbsentWhy.WITHHELD: Reason.OBJECT_WITHHELD,
    AbsentWhy.ERASED: Reason.OBJECT_ERASED,
    AbsentWhy.MISSING: Reason.OBJECT_MISSING,
    AbsentWhy.DELETED: Reason.OBJECT_DELETED,
}


def declared_objects(dossier: Dossier) -> dict[str, tuple[int, Entry]]:
    """Objects that disclosed device records declare: digest → length and record."""
    found: dict[str, tuple[int, Entry]] = {}
    for entry in dossier.entries:
        listed = (entry.payload or {}).get("obj")
        if entry.header is None or not isinstance(listed, list):
            continue
        for thing in listed:
            try:
                ref = ObjectRef.from_value(thing)
            except ProtocolError:
                continue
            found.setdefault(ref.sha256, (ref.size_bytes, entry))
    return found


def objects(dossier: Dossier) -> Iterator[Problem]:
    """Every object belongs to a record, every declared object is here or said to be absent."""
    declared = declared_objects(dossier)
    there = {
        match[1]: member.size_bytes
        for path, member in dossier.archive.members.items()
        if (match := OBJECT_PATH.fullmatch(path))
    }
    absent = {one.sha256: one for one in (dossier.statement.absent if dossier.statement else ())}
    backed = _backed(dossier)
    readable = ENTRIES in dossier.archive.members
    for digest in sorted(there.keys() - declared.keys() if readable else ()):
        yield Problem(Reason.OBJECT_UNDECLARED, OBJECTS + digest, "no record here declares it")
    for digest, (size_bytes, entry) in declared.items():
        if digest not in there:
            yield _absent(digest, entry, absent.get(digest), backed)
        elif digest in absent:
            yield Problem(Reason.REDACTION_FALSE, OBJECTS + digest, "is there, declared as absent")
        elif there[digest] != size_bytes:
            detail = f"{there[digest]} octets, its record says {size_bytes}"
            yield Problem(Reason.OBJECT_SIZE, OBJECTS + digest, detail)


def _backed(dossier: Dossier) -> dict[AbsentWhy, Callable[[str], bool]]:
    """Whether the log backs a reason for an object's absence."""
    erased, verified, deleted = erased_objects(dossier), _verified(dossier), _tombstones(dossier)
    return {
        AbsentWhy.WITHHELD: lambda _: True,
        AbsentWhy.ERASED: erased.__contains__,
        AbsentWhy.MISSING: lambda digest: digest not in verified,
        AbsentWhy.DELETED: deleted.__contains__,
    }


def _absent(
    digest: str,
    entry: Entry,
    stated: AbsentObject | None,
    backed: dict[AbsentWhy, Callable[[str], bool]],
) -> Problem:
    if stated is None:
        return Problem(Reason.OBJECT_ABSENT, entry.where, f"{digest} is not there")
    if backed[stated.why](digest):
        return Problem(_TOLD[stated.why], entry.where, f"{digest}: {stated.why}")
    if stated.why is AbsentWhy.ERASED:
        return Problem(Reason.ERASURE_UNPROVEN, entry.where, f"{digest}: no such erasure")
    return Problem(Reason.REDACTION_FALSE, entry.where, f"{digest}: not {stated.why}")


def _verified(dossier: Dossier) -> set[str]:
    """Digests whose bytes the server had."""
    return {str(one.facts.get("sha256")) for one in dossier.acts.get("evidence.verified", [])}


def _tombstones(dossier: Dossier) -> set[str]:
    records = dossier.records("capture.deleted", "capture.lost")
    return {str(one.member("ref").get("sha256")) for one in records}


def recordings(dossier: Dossier) -> Iterator[Problem]:
    """Recordings grow, are closed once, and their bytes are the ones bound while they ran."""
    marks: dict[str, list[tuple[Entry, StreamMark]]] = defaultdict(list)
    for chain in dossier.chains.values():
        for entry in chain:
            mark = _mark(entry)
            if mark is not None:
                marks[str(mark.id)].append((entry, mark))
    for name, found in marks.items():
        steps = [(entry, mark) for entry, mark in found if entry.act in _STREAMED]
        if steps:
            yield from _steps(name, steps)
        captures = [entry for entry, _ in found if entry.act not in _STREAMED]
        for entry in captures:
            yield from _bytes(dossier, entry, found)


def _mark(entry: Entry) -> StreamMark | None:
    try:
        value = (entry.payload or {}).get("stream")
        return None if value is None else StreamMark.from_value(value)
    except ProtocolError:
        return None


def _steps(name: str, steps: list[tuple[Entry, StreamMark]]) -> Iterator[Problem]:
    where = f"recording {name}"
    acts = [entry.act for entry, _ in steps]
    grown = [(mark.chunks, mark.size_bytes) for _, mark in steps]
    twice = acts.count(_OPEN) > 1 or _CLOSE in acts[:-1]
    if acts[0] != _OPEN or twice or grown != sorted(grown):
        yield Problem(Reason.RECORDING_ORDER, where, "its records are out of order")
    if acts[-1] != _CLOSE:
        covered = steps[-1][1].size_bytes
        detail = f"not closed (record {seq_of(steps[-1][0])}); {covered} octets are proven"
        yield Problem(Reason.RECORDING_INTERRUPTED, where, detail)
    if len({entry.member("t").get("boot") for entry, _ in steps}) > 1:
        yield Problem(Reason.RECORDING_REBOOT, where, "its device was started again meanwhile")


def _bytes(
    dossier: Dossier, capture: Entry, marks: list[tuple[Entry, StreamMark]]
) -> Iterator[Problem]:
    """Roots of the original's chunks against every root that was recorded."""
    listed = (capture.payload or {}).get("obj")
    things = listed if isinstance(listed, list) else []
    digests = [one.get("sha256") for one in things if isinstance(one, dict)]
    path = f"{OBJECTS}{digests[0]}" if digests else ""
    if path not in dossier.archive.members:
        return
    chunker = Chunker(mark.chunks for _, mark in marks)
    for chunk in dossier.archive.chunks(path):
        chunker.feed(chunk)
    whole, size_bytes = chunker.finish(), chunker.size_bytes
    for entry, mark in marks:
        if mark.root is None:
            continue
        if capture.act == _RECOVERED and entry is not capture and mark.size_bytes > size_bytes:
            detail = f"{mark.size_bytes} octets were recorded, {size_bytes} are left"
            yield Problem(Reason.RECORDING_SHORT, entry.where, detail)
            continue
        known = chunker.roots.get(mark.chunks)
        if entry.act != _PROGRESS:
            known = whole if mark.size_bytes == size_bytes else None
        if known != mark.root:
            yield Problem(Reason.RECORDING_ROOT, entry.where, "not the bytes that were recorded")
