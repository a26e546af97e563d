"""An opened dossier with everything that several checks look at, each part read once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from client_sdk.dossier.archive import Archive, Problem
from client_sdk.dossier.model import Entries, Entry, Measure, measure, read_entries
from client_sdk.protocol.dossier import (
    CHECKPOINT,
    MANIFEST,
    MAX_MANIFEST_BYTES,
    MAX_PROOF_BYTES,
    PRIOR_PATH,
    TAG_MANIFEST,
    DossierError,
    parse_manifest,
)
from client_sdk.protocol.errors import ProtocolError
from client_sdk.protocol.export_statement import EXPORT_ACT, Statement
from client_sdk.protocol.tlog.checkpoints import Checkpoint
from client_sdk.protocol.tlog.leaves import case_tag
from client_sdk.protocol.tlog.notes import Note, parse_note
from client_sdk.protocol.tlog.policies import PolicyVerdict
from client_sdk.protocol.trust import Trust
from client_sdk.protocol.verdicts import Reason

Place = tuple[str, int]  # device, enrolment generation


@dataclass(frozen=True, slots=True)
class Exported:
    """The export's entry; `statement` is None where its facts cannot be read."""

    entry: Entry
    statement: Statement | None
    problem: str | None


def nobody(_: int) -> None:
    """Nobody waits."""


@dataclass(frozen=True)
class Dossier:
    """What the checks get. `priors` are notes that the caller kept from earlier.

    `heard` gets the length of each piece that was read for its digest.
    """

    archive: Archive
    trust: Trust
    priors: tuple[Note, ...] = ()
    heard: Callable[[int], None] = nobody

    def small(self, path: str) -> bytes:
        """A proof or tag file; empty when it is not there."""
        if path not in self.archive.members:
            return b""
        return self.archive.read(path, MAX_PROOF_BYTES)

    @cached_property
    def measures(self) -> dict[str, Measure]:
        """Digest and length of every file as read."""
        return measure(self.archive, self.heard)

    @cached_property
    def manifests(self) -> dict[str, dict[str, str] | None]:
        """Both manifests, path → digest; None where the form is wrong."""
        found: dict[str, dict[str, str] | None] = {}
        for path in (MANIFEST, TAG_MANIFEST):
            data = b""
            if path in self.archive.members:
                data = self.archive.read(path, MAX_MANIFEST_BYTES)
            try:
                found[path] = parse_manifest(data)
            except DossierError:
                found[path] = None
        return found

    @cached_property
    def note(self) -> Note | None:
        """The checkpoint's note."""
        return _note(self.small(CHECKPOINT))

    @cached_property
    def judged(self) -> PolicyVerdict | None:
        """What the policy says of the note."""
        try:
            return None if self.note is None else self.trust.policy.judge(self.note)
        except ProtocolError:
            return None

    @property
    def checkpoint(self) -> Checkpoint | None:
        """The checkpoint, whoever signed it (a check of its own judges that)."""
        return None if self.judged is None else self.judged.checkpoint

    @cached_property
    def prior_notes(self) -> dict[int, Note]:
        """Notes under `proof/prior/` by the size that their name says."""
        found = {}
        for path in self.archive.members:
            match = PRIOR_PATH.fullmatch(path)
            note = _note(self.small(path)) if match and match[2] == "checkpoint" else None
            if match and note is not None:
                found[int(match[1])] = note
        return found

    @cached_property
    def read(self) -> Entries:
        """Entries and the faults found while reading them."""
        return read_entries(self.archive)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Entries by ascending index."""
        return self.read.items

    @cached_property
    def at(self) -> dict[int, Entry]:
        """Entry by log index."""
        return {entry.index: entry for entry in self.entries}

    @cached_property
    def acts(self) -> dict[str, list[Entry]]:
        """Disclosed server events by kind."""
        found: dict[str, list[Entry]] = defaultdict(list)
        for entry in self.entries:
            if entry.header is None and entry.act:
                found[entry.act].append(entry)
        return found

    @cached_property
    def chains(self) -> dict[Place, list[Entry]]:
        """Device records by source, in order of `seq` (then of index)."""
        found: dict[Place, list[Entry]] = defaultdict(list)
        for entry in self.entries:
            if entry.header is not None:
                found[entry.header.src, entry.header.ep].append(entry)
        for chain in found.values():
            chain.sort(key=lambda entry: (seq_of(entry), entry.index))
        return found

    @cached_property
    def places(self) -> dict[tuple[str, int, int], Entry]:
        """Device record by source, generation and number; a fork: the first."""
        found: dict[tuple[str, int, int], Entry] = {}
        for (src, ep), chain in self.chains.items():
            for entry in chain:
                found.setdefault((src, ep, seq_of(entry)), entry)
        return found

    @cached_property
    def exported(self) -> Exported | None:
        """The newest export event, whose statement describes this dossier."""
        events = self.acts.get(EXPORT_ACT, [])
        if not events:
            return None
        entry = events[-1]
        try:
            return Exported(entry, Statement.from_facts(entry.facts), None)
        except DossierError as error:
            return Exported(entry, None, str(error))

    @property
    def statement(self) -> Statement | None:
        """The export's statement, if it can be read."""
        return self.exported.statement if self.exported else None

    @cached_property
    def tag(self) -> str | None:
        """Tag of the case by the statement's key and number; else the one of the export."""
        if self.statement is not None:
            case = self.statement.case
            return case_tag(bytes.fromhex(case.key), case.no)
        if self.exported is not None and self.exported.entry.case is not None:
            return self.exported.entry.case.ct
        return None

    def in_case(self, entry: Entry) -> bool:
        """Whether the log files the entry under the dossier's case."""
        return entry.case is not None and entry.case.ct == self.tag

    @cached_property
    def case_entries(self) -> list[Entry]:
        """Entries of the case by their number in it (then index)."""
        mine = [entry for entry in self.entries if self.in_case(entry)]
        return sorted(mine, key=lambda entry: (entry.case.cs if entry.case else 0, entry.index))

    @cached_property
    def ranges(self) -> dict[Place, tuple[int, int]]:
        """Declared ranges of device records."""
        if self.statement is None:
            return {}
        return {(one.src, one.ep): (one.first, one.last) for one in self.statement.devices}

    def records(self, *acts: str) -> Iterator[Entry]:
        """Disclosed device records of these kinds, by index."""
        return (one for one in self.entries if one.header is not None and one.act in acts)


def seq_of(entry: Entry) -> int:
    """Number in the device's chain; 0 for a server event."""
    return entry.header.seq if entry.header else 0


def _note(data: bytes) -> Note | None:
    try:
        return parse_note(data)
    except ProtocolError:
        return None


def fault(reason: Reason, where: str, detail: str) -> Problem:
    """A finding of a check."""
    return Problem(reason, where, detail)
