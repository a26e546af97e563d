"""What streams of the same reading share: its newest piece, and where the furthest of them stands.

A reading beyond a place is done once and handed to everybody who stands there.  Something new
begins another generation; a stream that has seen a generation waits for the next.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from sqlalchemy.orm import Session

_SLOTS_KEPT: Final = 64

Item = tuple[int, str, Mapping[str, Any]]
Read = Callable[[Session, int], Sequence[Item]]


class Found(NamedTuple):
    """What lies beyond a place, as it is sent, and the place after it."""

    chunk: bytes
    after: int


@dataclass(slots=True)
class _Slot:
    """One reading: who comes first does it, the others wait for it."""

    generation: int
    lock: threading.Lock = field(default_factory=threading.Lock)
    found: Found | None = None


class Channel:
    """Streams that read the same.

    :param shared: others may come to it; a stream of its own is read by itself alone.
    """

    def __init__(self, key: Hashable, court: uuid.UUID | str, read: Read, *, shared: bool) -> None:
        self.key = key
        self.court = court
        self.read = read
        self.streams = 0
        self.generation = 0
        self.turn = 0  # grows with every generation and whenever all are to look up
        self._shared = shared
        self._head: int | None = None
        self._condition = threading.Condition()
        self._slots: dict[int, _Slot] = {}

    @property
    def head(self) -> int | None:
        """Up to where its streams have read; ``None`` while nothing was found."""
        return self._head if self._shared else None

    def wait(self, turn: int, seconds: float) -> None:
        """Until it is no longer that turn, at most so long."""
        with self._condition:
            if self.turn == turn:
                self._condition.wait(seconds)

    def rouse(self) -> None:
        """Let everybody look up, without anything new to read."""
        with self._condition:
            self.turn += 1
            self._condition.notify_all()

    def changed(self) -> None:
        """There may be something new: everybody reads."""
        with self._condition:
            self._begin()

    def brought(self, place: int, found: Found) -> None:
        """Something was read beyond a place: who stands there need not read it again."""
        with self._condition:
            self._begin()
            slot = self._slots[place] = _Slot(self.generation)
            slot.found = found
            self._head = max(self._head or 0, found.after)

    def beyond(self, place: int, load: Callable[[int], Found]) -> Found:
        """What lies beyond a place in this generation."""
        if not self._shared:
            return load(place)
        with self._condition:
            slot = self._slots.get(place)
            if slot is None or slot.generation != self.generation:
                self._forget()
                slot = self._slots[place] = _Slot(self.generation)
        with slot.lock:
            if slot.found is None:
                slot.found = load(place)
                self._reached(slot, slot.found)
        return slot.found

    def _reached(self, slot: _Slot, found: Found) -> None:
        """A stream that catches up may find news before the waiter does: others have it to read.

        Only what was found counts: where a browser says that it stands may be anywhere.
        """
        with self._condition:
            if not found.chunk or (self._head is not None and found.after <= self._head):
                return
            if self._head is not None:
                self._begin()
                slot.generation = self.generation
            self._head = found.after

    def _begin(self) -> None:
        self.generation += 1
        self.turn += 1
        self._condition.notify_all()

    def _forget(self) -> None:
        if len(self._slots) >= _SLOTS_KEPT:
            kept = {k: one for k, one in self._slots.items() if one.generation == self.generation}
            self._slots = kept
