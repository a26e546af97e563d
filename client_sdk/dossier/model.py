"""What a dossier says, read once and leniently; the checks judge it.

Reading never stops at the first fault: each fault is kept with the part it was found in, and the
check that owns this part reports it. So every check sees as much as there is.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from client_sdk.dossier.archive import Archive, Problem
from client_sdk.protocol import jcs
from client_sdk.protocol.dossier import (
    ENTRIES,
    MAX_ENTRIES,
    MAX_ENTRIES_BYTES,
    MAX_LINE_BYTES,
    MAX_PAYLOAD_BYTES,
    DossierError,
    EntryLine,
    parse_entry,
)
from client_sdk.protocol.errors import ProtocolError
from client_sdk.protocol.records import MAX_HEADER_BYTES, Header, header_id
from client_sdk.protocol.tlog.leaves import CaseLink, Leaf, parse_leaf
from client_sdk.protocol.tlog.merkle import leaf_hash
from client_sdk.protocol.verdicts import Reason

SERVER_SOURCE: Final = "server"
_EVENT_MEMBERS: Final = frozenset({"v", "src", "id", "pc"})


@dataclass(frozen=True)
class Entry:
    """A log entry: device record (`header`) or server event (`event_id`).

    `payload` is None for a stub and for a text that is not an object.
    """

    line: EntryLine
    leaf: Leaf
    leaf_hash: bytes
    header: Header | None
    event_id: str | None
    pc: str
    hid: str
    payload: dict[str, Any] | None
    payload_problem: str | None

    @property
    def index(self) -> int:
        """Place in the log."""
        return self.line.index

    @property
    def where(self) -> str:
        """Place for people."""
        return f"entry {self.index}"

    @property
    def case(self) -> CaseLink | None:
        """Place in a case."""
        return self.leaf.case

    @property
    def disclosed(self) -> bool:
        """Whether the payload is there."""
        return self.line.payload is not None

    @property
    def act(self) -> str:
        """Kind of the record or event; empty for a stub."""
        act = (self.payload or {}).get("act")
        return act if isinstance(act, str) else ""

    @cached_property
    def facts(self) -> dict[str, Any]:
        """`facts` of a server event."""
        return self.member("facts")

    def member(self, name: str) -> dict[str, Any]:
        """An object member of the payload; empty when it is not there."""
        value = (self.payload or {}).get(name)
        return value if isinstance(value, dict) else {}

    @property
    def subject(self) -> str:
        """Id of what a server event is about."""
        return str(self.member("subject").get("id", ""))


@dataclass(frozen=True, slots=True)
class Entries:
    """Entries by ascending index (a repeated index: the first), and what was wrong."""

    items: tuple[Entry, ...]
    problems: tuple[Problem, ...]


def read_entries(archive: Archive) -> Entries:
    """All lines of `data/entries.jsonl`."""
    problems: list[Problem] = []
    found: dict[int, Entry] = {}
    newest = -1
    if _count(archive) > MAX_ENTRIES:
        return Entries((), (Problem(Reason.ENTRY_LIMIT, ENTRIES, "too many entries"),))
    for number, line in enumerate(_lines(archive, problems), start=1):
        entry = _entry(f"line {number}", line, problems)
        if entry is None:
            continue
        if entry.index <= newest:
            problems.append(
                Problem(Reason.ENTRY_ORDER, entry.where, "out of order, or a second time")
            )
        newest = max(newest, entry.index)
        found.setdefault(entry.index, entry)
    ordered = tuple(found[index] for index in sorted(found))
    return Entries(ordered, tuple(problems))


def _count(archive: Archive) -> int:
    """Lines, counted before any is read."""
    if ENTRIES not in archive.members:
        return 0
    return sum(chunk.count(b"\n") for chunk in archive.chunks(ENTRIES))


def _lines(archive: Archive, problems: list[Problem]) -> Iterator[bytes]:
    if ENTRIES not in archive.members:
        return
    rest, total = b"", 0
    for chunk in archive.chunks(ENTRIES):
        total += len(chunk)
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines
        if len(rest) > MAX_LINE_BYTES or total > MAX_ENTRIES_BYTES:
            problems.append(Problem(Reason.ENTRY_LIMIT, ENTRIES, "a line or file too long"))
            return
    if rest:
        problems.append(Problem(Reason.ENTRY_FORM, ENTRIES, "the last line lacks its end"))
        yield rest


def _entry(where: str, text: bytes, problems: list[Problem]) -> Entry | None:
    try:
        line = _line(where, text, problems)
        leaf = parse_leaf(line.leaf)
        header, event_id, pc = _header(leaf.h)
    except DossierError as error:
        problems.append(Problem(Reason(error.code), where, str(error)))
        return None
    except ProtocolError as error:
        problems.append(Problem(Reason.ENTRY_FORM, where, str(error)))
        return None
    payload, fault = _payload(line.payload)
    return Entry(
        line, leaf, leaf_hash(line.leaf.encode()), header, event_id, pc,
        header_id(leaf.h), payload, fault,
    )  # fmt: skip


def _line(where: str, text: bytes, problems: list[Problem]) -> EntryLine:
    try:
        return parse_entry(text)
    except DossierError as error:
        if error.code != Reason.ENTRY_CANONICAL:
            raise
        problems.append(Problem(Reason.ENTRY_CANONICAL, where, str(error)))
    try:
        return EntryLine.from_value(json.loads(text))
    except (ValueError, RecursionError) as error:
        raise DossierError(f"not JSON: {error}", code="entry-form") from error


def _header(text: str) -> tuple[Header | None, str | None, str]:
    """Device header, or id of a server event; and the payload's commitment."""
    value = jcs.loads_object(text, max_bytes=MAX_HEADER_BYTES)
    if value.get("src") != SERVER_SOURCE:
        header = Header.from_dict(value)
        return header, None, header.pc
    if set(value) != _EVENT_MEMBERS or value["v"] != 1:
        raise DossierError("an event's header has v, src, id, pc", code="entry-form")
    return None, str(value["id"]), str(value["pc"])


def _payload(text: str | None) -> tuple[dict[str, Any] | None, str | None]:
    if text is None:
        return None, None
    try:
        return jcs.loads_object(text, max_bytes=MAX_PAYLOAD_BYTES), None
    except ProtocolError as error:
        return None, str(error)


@dataclass(frozen=True, slots=True)
class Measure:
    """Digest and length of a file as read."""

    sha256: str
    size_bytes: int


def measure(archive: Archive, heard: Callable[[int], None]) -> dict[str, Measure]:
    """Digest of every member, streamed; `heard` gets the length of each piece."""
    found: dict[str, Measure] = {}
    for path in archive.members:
        digest, size_bytes = hashlib.sha256(), 0
        for chunk in archive.chunks(path):
            digest.update(chunk)
            size_bytes += len(chunk)
            heard(len(chunk))
        found[path] = Measure(digest.hexdigest(), size_bytes)
    return found
