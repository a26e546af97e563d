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
    newcomers: threading.Lock = field(default_factory=threading.Lock)


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
        # While another asks for everybody the last answer still holds, unless it is too old.
        if age >= ALIVE_SECONDS and census.lock.acquire(blocking=age >= OLD_SECONDS):
            try:
                self._ask_again(census)
            finally:
                census.lock.release()
        if who not in census.asked:
            with census.newcomers:
                self._ask_new(census, who)

    def _ask_again(self, census: _Census) -> None:
        """Whether all who are there may go on."""
        began = time.monotonic()
        if began - census.at < ALIVE_SECONDS:
            return  # asked while this one waited
        watched = self._watched(census)
        with self._reading() as session:
            living = frozenset(census.ask(session, watched))
        with self._guard:
            ended = (census.living & watched) - living
            came = census.asked - watched  # meanwhile
            census.living = living | (census.living & came)
            census.asked, census.at = watched | came, began
        if ended:
            self._lost()

    def _ask_new(self, census: _Census, who: uuid.UUID) -> None:
        """Whether those may begin of whom nothing is known yet."""
        if who in census.asked:
            return  # asked while this one waited
        new = self._watched(census) - census.asked
        with self._reading() as session:
            living = frozenset(census.ask(session, new))
        with self._guard:
            census.living |= living
            census.asked |= new

    def _watched(self, census: _Census) -> frozenset[uuid.UUID]:
        with self._guard:
            return frozenset(census.watched)
