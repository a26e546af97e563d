"""Whether streams may go on: asked for all streams of a kind in one statement, by one of them.

Nobody waits for the answer while the last one is young enough: what is to be sent is sent
meanwhile.  When it is older than that, or says nothing of a stream yet, the stream waits.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy.orm import Session

ALIVE_SECONDS: Final = 0.9  # so that a right that ends closes its stream within two seconds
OLD_SECONDS: Final = 1.5

Ask = Callable[[Session, Collection[uuid.UUID]], Collection[uuid.UUID]]


@dataclass(frozen=True, slots=True)
class Batched:
    """Whether streams may go on, asked for all of a kind in one statement.

    :param kind: names the question; ``ask(session, ids)`` returns those ids that may go on.
    """

    kind: str
    id: uuid.UUID
    ask: Ask


Alive = Callable[[Session], bool] | Batched


@dataclass(slots=True)
class _Census:
    """Which ids of one kind may go on, as of ``at`` (monotonic seconds)."""

    ask: Ask
    watched: Counter[uuid.UUID] = field(default_factory=Counter)
    living: frozenset[uuid.UUID] = frozenset()
    asked: frozenset[uuid.UUID] = frozenset()
    at: float = float("-inf")
    lock: threading.Lock = field(default_factory=threading.Lock)


class Rights:
    """The rights of one process' streams.

    :param reading: makes a session for one question.
    :param lost: called when somebody's right has ended.
    """

    def __init__(
        self, reading: Callable[[], AbstractContextManager[Session]], lost: Callable[[], None]
    ) -> None:
        self._reading = reading
        self._lost = lost
        self._guard = threading.Lock()
        self._censuses: dict[str, _Census] = {}

    def enter(self, alive: Alive) -> None:
        """A stream begins."""
        if isinstance(alive, Batched):
            with self._guard:
                census = self._censuses.setdefault(alive.kind, _Census(alive.ask))
                census.watched[alive.id] += 1

    def leave(self, alive: Alive) -> None:
        """A stream has ended."""
        if isinstance(alive, Batched):
            with self._guard:
                census = self._censuses[alive.kind]
                census.watched[alive.id] -= 1
                census.watched += Counter()  # drops what stands at zero
                if not census.watched:
                    del self._censuses[alive.kind]

    def hold(self, alive: Alive) -> bool:
        """Whether a stream that has entered may go on."""
        if not isinstance(alive, Batched):
            with self._reading() as session:
                return alive(session)
        census = self._censuses[alive.kind]
        self._renew(census, alive.id)
        return alive.id in census.living

    def _renew(self, census: _Census, who: uuid.UUID) -> None:
        age = time.monotonic() - census.at
        if who in census.asked and age < ALIVE_SECONDS:
            return
        waits = who not in census.asked or age >= OLD_SECONDS
        if not census.lock.acquire(blocking=waits):
            return  # another asks for everybody just now
        try:
            self._ask(census, who)
        finally:
            census.lock.release()

    def _ask(self, census: _Census, who: uuid.UUID) -> None:
        """Ask for all, or only for those of whom nothing is known while the others are fresh."""
        with self._guard:
            watched = frozenset(census.watched)
        if time.monotonic() - census.at < ALIVE_SECONDS:
            if who not in census.asked:
                new = watched - census.asked
                with self._reading() as session:
                    census.living |= frozenset(census.ask(session, new))
                census.asked |= new
            return
        began = time.monotonic()
        with self._reading() as session:
            living = frozenset(census.ask(session, watched))
        ended = (census.living & watched) - living
        census.living, census.asked, census.at = living, watched, began
        if ended:
            self._lost()
