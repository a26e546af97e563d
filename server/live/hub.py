"""One waiter per process hears of changes; what is new is read once and sent to all who want it.

A wake-up carries nothing: what a stream sends it reads from the database beyond its own position,
so a wake-up too many does no harm and none is needed for correctness.  Streams that read the same
stand on one channel: at a wake-up the channel is read once beyond its furthest stream, and nobody
is disturbed while there is nothing.  So a thousand streams cost the database as much as one.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
import uuid
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import structlog
from flask import Flask, Response, current_app, request
from sqlalchemy.orm import Session

from server.core.context import Runtime
from server.core.problem import Kind, Problem
from server.core.stopping import stopping
from server.core.transactions import EVERY_COURT, unit_of_work
from server.live.channels import Channel, Found, Item, Read
from server.live.rights import ALIVE_SECONDS, Alive, Batched, Rights
from server.live.waiter import Waiter

HEARTBEAT_SECONDS: Final = 15.0
RETRY_MS: Final = 1_500
_EXTENSION: Final = "tiezheng.live-hub"
_STREAMS_MIN: Final = 8
_GEVENT_STREAMS_MAX: Final = 3_500
_log = structlog.get_logger("live")


@dataclass(frozen=True, slots=True)
class Share:
    """Names what a stream reads: equal shares read the same.

    :param court: row security shows the reading only this court's rows.
    """

    key: Hashable
    court: uuid.UUID | str = EVERY_COURT


class Hub:
    """The live streams of one process."""

    def __init__(self, app: Flask, streams_max: int) -> None:
        self._app = app
        self._streams_max = streams_max
        self._count = 0
        self._guard = threading.Lock()
        self._channels: dict[Hashable, Channel] = {}
        self._rights = Rights(lambda: self._session(EVERY_COURT), self._rouse)
        self._waiter = Waiter(app, self.wake)

    @property
    def streams(self) -> int:
        """How many streams are open."""
        return self._count

    def wake(self) -> None:
        """Look what is new on each channel, and let its streams send it."""
        for channel in self._open_channels():
            self._look(channel)

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
        channel = self._enter(read, alive, share)
        going = self._going(channel, after, alive, heartbeat_seconds)
        return _Stream(going, lambda: self._leave(channel, alive))

    # ------------------------------------------------------------------ coming and going

    def _enter(self, read: Read, alive: Alive, share: Share | None) -> Channel:
        with self._guard:
            if self._count >= self._streams_max:
                raise Problem(Kind.BUSY, "too many live streams; try again in a moment")
            self._count += 1
            own = Share(object()) if share is None else share
            channel = self._channels.get(own.key)
            if channel is None:
                channel = Channel(own.key, own.court, read, shared=share is not None)
                self._channels[own.key] = channel
            channel.streams += 1
            self._rights.enter(alive)
            self._waiter.start()
        return channel

    def _leave(self, channel: Channel, alive: Alive) -> None:
        with self._guard:
            self._count -= 1
            channel.streams -= 1
            if not channel.streams:
                self._channels.pop(channel.key, None)
            self._rights.leave(alive)
            if not self._count:
                self._waiter.stop()

    def _open_channels(self) -> list[Channel]:
        with self._guard:
            return list(self._channels.values())

    def _rouse(self) -> None:
        """Let every stream ask for its right."""
        for channel in self._open_channels():
            channel.rouse()

    # ------------------------------------------------------------------ one stream

    def _going(
        self, channel: Channel, after: int, alive: Alive, heartbeat_seconds: float
    ) -> Iterator[bytes]:
        yield f"retry: {RETRY_MS}\n\n".encode()
        seen, spoke_at = -1, time.monotonic()
        while True:
            turn = channel.turn
            if not self._rights.hold(alive):
                yield b"event: end\ndata: {}\n\n"
                return
            generation = channel.generation
            if generation != seen:
                chunk, after = channel.beyond(after, lambda place: self._load(channel, place))
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
            channel.wait(turn, min(ALIVE_SECONDS, heartbeat_seconds))

    # ------------------------------------------------------------------ reading

    def _look(self, channel: Channel) -> None:
        head = channel.head
        if head is None:
            channel.changed()
            return
        try:
            found = self._load(channel, head)
        except Exception as error:  # noqa: BLE001  the streams find out for themselves
            _log.warning("a channel could not be read", error=repr(error))
            channel.changed()
        else:
            if found.chunk:
                channel.brought(head, found)

    def _load(self, channel: Channel, after: int) -> Found:
        with self._session(channel.court) as session:
            items = channel.read(session, after)
            chunk = b"".join(_event(*item) for item in items)
        return Found(chunk, items[-1][0] if items else after)

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


__all__ = [
    "HEARTBEAT_SECONDS", "Alive", "Batched", "Hub", "Item", "Read", "Share", "event_stream",
    "hub_of", "resume_after",
]  # fmt: skip
