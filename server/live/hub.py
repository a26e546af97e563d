"""One waiter per process wakes all live streams of that process; each reads what is beyond it.

A wake-up carries nothing: what a stream sends it reads from the database beyond its own position,
so a wake-up too many does no harm and none is needed for correctness.  Streams that stand at the
same place share one reading, and one question whether they still may watch, so that a thousand of
them cost the database as much as one.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
from flask import Flask, Response, current_app, request
from sqlalchemy.orm import Session

from server.core.context import Runtime
from server.core.problem import Kind, Problem
from server.core.stopping import stopping
from server.core.transactions import EVERY_COURT, unit_of_work
from server.live.waiter import Waiter

HEARTBEAT_SECONDS: Final = 15.0
ALIVE_SECONDS: Final = 0.9  # so that a right that ends closes its stream within two seconds
RETRY_MS: Final = 1_500
_EXTENSION: Final = "tiezheng.live-hub"
_SLOTS_KEPT: Final = 256
_STREAMS_MIN: Final = 8
_GEVENT_STREAMS_MAX: Final = 3_500

Item = tuple[int, str, Mapping[str, Any]]
Read = Callable[[Session, int], Sequence[Item]]
_log = structlog.get_logger("live")


@dataclass(frozen=True, slots=True)
class Share:
    """Names what a stream reads: equal shares read the same.

    :param court: row security shows the reading only this court's rows.
    """

    key: Hashable
    court: uuid.UUID | str = EVERY_COURT


@dataclass(frozen=True, slots=True)
class Batched:
    """Whether streams may go on, asked for all of a kind in one statement.

    :param kind: names the question; ``ask(session, ids)`` returns those ids that may go on.
    """

    kind: str
    id: uuid.UUID
    ask: Callable[[Session, Collection[uuid.UUID]], Collection[uuid.UUID]]


Alive = Callable[[Session], bool] | Batched


@dataclass(slots=True)
class _Slot:
    """One reading: who comes first does it, the others wait for it."""

    generation: int
    lock: threading.Lock = field(default_factory=threading.Lock)
    found: tuple[bytes, int] | None = None


@dataclass(slots=True)
class _Census:
    """Which ids of one kind may go on, as of ``at`` (monotonic seconds)."""

    ask: Callable[[Session, Collection[uuid.UUID]], Collection[uuid.UUID]]
    watched: Counter[uuid.UUID] = field(default_factory=Counter)
    living: frozenset[uuid.UUID] = frozenset()
    asked: frozenset[uuid.UUID] = frozenset()
    at: float = float("-inf")
    lock: threading.Lock = field(default_factory=threading.Lock)


class Hub:
    """The live streams of one process."""

    def __init__(self, app: Flask, streams_max: int) -> None:
        self._app = app
        self._streams_max = streams_max
        self._turn = threading.Condition()
        self._generation = 0
        self._count = 0
        self._guard = threading.Lock()
        self._slots: dict[Hashable, _Slot] = {}
        self._censuses: dict[str, _Census] = {}
        self._waiter = Waiter(app, self.wake)

    @property
    def streams(self) -> int:
        """How many streams are open."""
        return self._count

    def wake(self) -> None:
        """Let every stream look once more."""
        with self._turn:
            self._generation += 1
            self._turn.notify_all()

    def stream(
        self,
        read: Read,
        after: int,
        alive: Alive,
        *,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
        share: Share | None = None,
    ) -> Iterator[bytes]:
        """See :func:`server.live.feed.stream`; 503 when this process carries enough of them."""
        self._enter(alive)
        going = self._going(read, after, alive, heartbeat_seconds, share)
        return _Stream(going, lambda: self._leave(alive))

    # ------------------------------------------------------------------ coming and going

    def _enter(self, alive: Alive) -> None:
        with self._guard:
            if self._count >= self._streams_max:
                raise Problem(Kind.BUSY, "too many live streams; try again in a moment")
            self._count += 1
            if isinstance(alive, Batched):
                census = self._censuses.setdefault(alive.kind, _Census(alive.ask))
                census.watched[alive.id] += 1
            self._waiter.start()

    def _leave(self, alive: Alive) -> None:
        with self._guard:
            self._count -= 1
            if isinstance(alive, Batched):
                census = self._censuses[alive.kind]
                census.watched[alive.id] -= 1
                census.watched += Counter()  # drops what stands at zero
            if not self._count:
                self._waiter.stop()

    # ------------------------------------------------------------------ one stream

    def _going(
        self, read: Read, after: int, alive: Alive, heartbeat_seconds: float, share: Share | None
    ) -> Iterator[bytes]:
        yield f"retry: {RETRY_MS}\n\n".encode()
        seen, spoke_at = -1, time.monotonic()
        while True:
            if not self._may_go_on(alive):
                yield b"event: end\ndata: {}\n\n"
                return
            generation = self._generation
            if generation != seen:
                chunk, after = self._read(read, after, share, generation)
                if chunk:
                    spoke_at = time.monotonic()
                    yield chunk
                    continue  # there may be more than one reading takes
                seen = generation
            if stopping():
                return  # the browser comes back to the next process
            if time.monotonic() - spoke_at >= heartbeat_seconds:
                spoke_at = time.monotonic()
                yield b"event: beat\ndata: {}\n\n"
            self._wait(generation, min(ALIVE_SECONDS, heartbeat_seconds))

    def _wait(self, generation: int, seconds: float) -> None:
        with self._turn:
            if self._generation == generation:
                self._turn.wait(seconds)

    def _read(
        self, read: Read, after: int, share: Share | None, generation: int
    ) -> tuple[bytes, int]:
        """What is beyond a position, as sent, and the position after it."""
        if share is None:
            return self._load(read, after, EVERY_COURT)
        key = (share.key, after)
        with self._guard:
            slot = self._slots.get(key)
            if slot is None or slot.generation != generation:
                self._forget(generation)
                slot = self._slots[key] = _Slot(generation)
        with slot.lock:
            if slot.found is None:
                slot.found = self._load(read, after, share.court)
        return slot.found

    def _forget(self, generation: int) -> None:
        if len(self._slots) >= _SLOTS_KEPT:
            for key in [k for k, slot in self._slots.items() if slot.generation != generation]:
                del self._slots[key]

    def _load(self, read: Read, after: int, court: uuid.UUID | str) -> tuple[bytes, int]:
        with self._session(court) as session:
            items = read(session, after)
            chunk = b"".join(_event(*item) for item in items)
        return chunk, items[-1][0] if items else after

    # ------------------------------------------------------------------ rights

    def _may_go_on(self, alive: Alive) -> bool:
        if not isinstance(alive, Batched):
            with self._session(EVERY_COURT) as session:
                return alive(session)
        census = self._censuses[alive.kind]
        with census.lock:
            old = time.monotonic() - census.at >= ALIVE_SECONDS
            if old or alive.id not in census.asked:
                with self._guard:
                    ids = frozenset(census.watched)
                with self._session(EVERY_COURT) as session:
                    census.living = frozenset(census.ask(session, ids))
                census.asked, census.at = ids, time.monotonic()
            return alive.id in census.living

    @contextlib.contextmanager
    def _session(self, court: uuid.UUID | str) -> Iterator[Session]:
        # A stream lives longer than the request's own context.
        with self._app.app_context(), unit_of_work(court, write=False) as session:
            yield session


class _Stream:
    """An answer's body; the server closes it even when it never began to send it."""

    def __init__(self, going: Iterator[bytes], leave: Callable[[], None]) -> None:
        self._going = going
        self._leave: Callable[[], None] | None = leave

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._going)
        except StopIteration:
            self.close()
            raise
        except Exception:  # noqa: BLE001  whatever broke, the place has to be given up
            # The browser comes back by itself, with its Last-Event-ID.
            _log.exception("a live stream broke off")
            self.close()
            raise StopIteration from None

    def __del__(self) -> None:
        """An answer that was dropped without being closed keeps no place either."""
        self.close()

    def close(self) -> None:
        """Give the place up, once."""
        leave, self._leave = self._leave, None
        if leave is not None:
            leave()


def hub_of(_runtime: Runtime) -> Hub:
    """This process' hub; made with the first stream."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
    hub = app.extensions.get(_EXTENSION)
    if not isinstance(hub, Hub):
        hub = app.extensions.setdefault(_EXTENSION, Hub(app, _streams_max(_runtime)))
    return hub


def event_stream(body: Iterator[bytes]) -> Response:
    """The answer of a streaming route: never stored, never buffered by a proxy."""
    response = Response(body, mimetype="text/event-stream", direct_passthrough=True)
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"
    return response


def resume_after() -> int:
    """Where the browser stands: ``Last-Event-ID``, else ``?after=``, else the beginning."""
    given = request.headers.get("Last-Event-ID") or request.args.get("after") or "0"
    if not given.isascii() or not given.isdecimal() or len(given) > 18:  # noqa: PLR2004  < 2**63
        raise Problem(Kind.CURSOR_INVALID, "a position is a whole number")
    return int(given)


def _streams_max(runtime: Runtime) -> int:
    """With threads each stream holds one; half of them stay for everything else."""
    if runtime.settings.web_worker_class == "gevent":
        return _GEVENT_STREAMS_MAX
    return max(_STREAMS_MIN, runtime.settings.web_threads // 2)


def _event(position: int, name: str, data: Mapping[str, Any]) -> bytes:
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return f"id: {position}\nevent: {name}\ndata: {text}\n\n".encode()
