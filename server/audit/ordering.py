"""Where the records of one device belong in its chain; pure.

A record is accepted when it continues the head, held while its predecessor is missing, a
duplicate when its place is taken by itself, a conflict when its place is taken by another or when
it names another predecessor.  Nothing depends on the order in which records come.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Protocol

from client_sdk.protocol.records import FIRST_SEQ, GENESIS, OpenedRecord

SAME_SEQ: Final = "same-seq"
CHAIN_BREAK: Final = "chain-break"
SIGNATURE: Final = "signature"


class Outcome(StrEnum):
    """What became of one pushed record."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    HELD = "held"
    CONFLICT = "conflict"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Head:
    """Last record of a chain; ``seq`` 0 and ``GENESIS`` before the first."""

    seq: int = FIRST_SEQ - 1
    hid: str = GENESIS


@dataclass(slots=True)
class Line:
    """A chain whose row this transaction holds; ``clock`` is what its last record's clocks said."""

    court_id: uuid.UUID
    device_id: uuid.UUID
    ep: int
    head: Head
    held_count: int
    last_clock: tuple[str, int, int] | None = None  # boot id, mono ms, wall ms


@dataclass(frozen=True, slots=True)
class Entry:
    """A record that was opened and verified, and when the server got it (RFC 3339)."""

    opened: OpenedRecord
    rx: str
    was_held: bool = False
    kid: str = ""  # id of the key it was verified with, empty while that key is not known

    @property
    def seq(self) -> int:
        """Its place."""
        return self.opened.header.seq


@dataclass(frozen=True, slots=True)
class Accepted:
    """A record that enters the log, with what its place in the chain makes remarkable."""

    entry: Entry
    findings: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Conflict:
    """A record that is kept beside the chain."""

    entry: Entry
    reason: str


class Waiting(Protocol):
    """The records that are held already."""

    def hid_at(self, seq: int) -> str | None:
        """``hid`` of the record held for a place."""

    def take(self, seq: int) -> Entry | None:
        """The record held for a place; it is held no longer."""

    def lowest(self) -> int | None:
        """Lowest place for which a record is held."""


class Keys(Protocol):
    """The signing keys of the chain."""

    def signed(self, entry: Entry) -> bool:
        """Whether a record is signed with the key that is known for its place."""

    def refuses(self, entry: Entry) -> str | None:
        """Why a record may not enter at its place, None when it may; told once, in chain order."""


@dataclass(slots=True)
class Verdict:
    """What to write; ``outcomes`` are in the order of the batch, ``accepted`` in chain order.

    ``refused`` says by ``hid`` why a record of the batch is not taken at all.
    """

    outcomes: list[Outcome]
    head: Head
    accepted: list[Accepted] = field(default_factory=list)
    held: list[Entry] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    unheld: list[int] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)


class Places:
    """Taken places at or below the head: ``hid`` by seq, and by seq what a record names as prev.

    Only places that the batch touches, and their neighbours, need to be there.
    """

    def __init__(self, hids: Mapping[int, str], prevs: Mapping[int, str]) -> None:
        self.hids = dict(hids)
        self.prevs = dict(prevs)

    def fits(self, entry: Entry) -> bool:
        """Whether a missing record links to the neighbours that are there."""
        header, hid = entry.opened.header, entry.opened.hid
        before = GENESIS if header.seq == FIRST_SEQ else self.hids.get(header.seq - 1)
        after = self.prevs.get(header.seq + 1)
        return before in {None, header.prev} and after in {None, hid}

    def take(self, entry: Entry) -> None:
        """Remember an accepted record."""
        self.hids[entry.seq] = entry.opened.hid
        self.prevs[entry.seq] = entry.opened.header.prev


def judge(
    head: Head,
    batch: Sequence[Entry],
    places: Places,
    waiting: Waiting,
    release_to: int = 0,
    keys: Keys | None = None,
) -> Verdict:
    """Place every record of ``batch``; then let follow what was waiting for it.

    :param release_to: held records up to this place enter even though predecessors are missing,
        with a ``gap`` finding.
    :param keys: asked before a record enters; without them every signature has been judged.
    """
    run = _Run(head, batch, places, waiting)
    run.keys = keys
    for position in sorted(range(len(batch)), key=lambda at: batch[at].seq):
        run.drain()
        run.verdict.outcomes[position] = run.place(batch[position])
    run.drain()
    while (lowest := run.lowest()) is not None and lowest <= release_to:
        run.release(lowest)
        run.drain()
    run.settle(batch)
    return run.verdict


class _Run:
    def __init__(
        self, head: Head, batch: Sequence[Entry], places: Places, waiting: Waiting
    ) -> None:
        self.verdict = Verdict([Outcome.HELD] * len(batch), head)
        self.places = places
        self.waiting = waiting
        self.fresh: dict[int, Entry] = {}  # held by this very batch
        self.keys: Keys | None = None

    def place(self, entry: Entry) -> Outcome:
        seq, hid = entry.seq, entry.opened.hid
        if self._unsigned(entry):
            return self._reject(entry, SIGNATURE)
        taken = self.places.hids.get(seq)
        if taken is not None:
            return Outcome.DUPLICATE if taken == hid else self._conflict(entry, SAME_SEQ)
        if seq == self.verdict.head.seq + 1:
            if entry.opened.header.prev != self.verdict.head.hid:
                return self._conflict(entry, CHAIN_BREAK)
            return self._accept(entry)
        if seq <= self.verdict.head.seq:
            return self._fill(entry)
        waiting = self._hid_waiting(seq)
        if waiting is None:
            self.fresh[seq] = entry
        elif waiting != hid:
            return self._conflict(entry, SAME_SEQ)
        return Outcome.HELD

    def drain(self) -> None:
        while (entry := self._take(self.verdict.head.seq + 1)) is not None:
            if entry.opened.header.prev == self.verdict.head.hid:
                self._accept(entry)
            else:
                self._conflict(entry, CHAIN_BREAK)

    def lowest(self) -> int | None:
        found = [seq for seq in (self.waiting.lowest(), min(self.fresh, default=None)) if seq]
        return min(found, default=None)

    def release(self, seq: int) -> None:
        entry = self._take(seq)
        if entry is not None:
            first, last = self.verdict.head.seq + 1, seq - 1
            missing = f"{first}" if first == last else f"{first} to {last}"
            self._accept(entry, {"code": "gap", "detail": f"missing before it: {missing}"})

    def settle(self, batch: Sequence[Entry]) -> None:
        """Put into the verdict what is held now, and the final outcome of what waited briefly."""
        self.verdict.held = [self.fresh[seq] for seq in sorted(self.fresh)]
        broken = {conflict.entry.opened.hid for conflict in self.verdict.conflicts}
        for position, entry in enumerate(batch):
            if self.verdict.outcomes[position] is Outcome.HELD:
                if entry.opened.hid in broken:
                    self.verdict.outcomes[position] = Outcome.CONFLICT
                elif entry.opened.hid in self.verdict.refused:
                    self.verdict.outcomes[position] = Outcome.REJECTED
                elif self.places.hids.get(entry.seq) == entry.opened.hid:
                    self.verdict.outcomes[position] = Outcome.ACCEPTED

    def _hid_waiting(self, seq: int) -> str | None:
        fresh = self.fresh.get(seq)
        return fresh.opened.hid if fresh else self.waiting.hid_at(seq)

    def _take(self, seq: int) -> Entry | None:
        fresh = self.fresh.pop(seq, None)
        if fresh is not None:
            return fresh
        entry = self.waiting.take(seq)
        if entry is not None:
            self.verdict.unheld.append(seq)
        return entry

    def _accept(self, entry: Entry, *findings: dict[str, Any]) -> Outcome:
        if (refused := self._refused(entry)) is not None:
            return refused
        self.places.take(entry)
        self.verdict.head = Head(entry.seq, entry.opened.hid)
        self.verdict.accepted.append(Accepted(entry, findings))
        return Outcome.ACCEPTED

    def _fill(self, entry: Entry) -> Outcome:
        if not self.places.fits(entry):
            return self._conflict(entry, CHAIN_BREAK)
        if (refused := self._refused(entry)) is not None:
            return refused
        self.places.take(entry)
        late = {"code": "late", "detail": "its successors entered the log before it"}
        self.verdict.accepted.append(Accepted(entry, (late,)))
        return Outcome.ACCEPTED

    def _refused(self, entry: Entry) -> Outcome | None:
        """What is wrong with its key: refused at once, kept if it was taken before."""
        code = self.keys.refuses(entry) if self.keys is not None else None
        if code is None:
            return None
        if entry.was_held:
            return self._conflict(entry, code)
        return self._reject(entry, code)

    def _unsigned(self, entry: Entry) -> bool:
        """Whether its signature is wrong: where the key may come yet, it can only wait."""
        if self.keys is None or entry.kid or self.keys.signed(entry):
            return False
        return entry.seq <= self.verdict.head.seq + 1 or self._hid_waiting(entry.seq) is not None

    def _reject(self, entry: Entry, code: str) -> Outcome:
        self.verdict.refused[entry.opened.hid] = code
        return Outcome.REJECTED

    def _conflict(self, entry: Entry, reason: str) -> Outcome:
        self.verdict.conflicts.append(Conflict(entry, reason))
        return Outcome.CONFLICT
