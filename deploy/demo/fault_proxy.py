"""A TCP proxy that hurts connections on purpose, the same way each time for the same seed.

It stands between a client and a server on loopback and knows nothing of HTTP: a radio hole cuts
in mid-byte, not between requests. Which connection is hurt, how and where follows from
``FaultPlan.seed`` and the connection's number alone.
"""

from __future__ import annotations

import contextlib
import enum
import random
import selectors
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

_CHUNK_BYTES = 64 * 1024
_TICK_SECONDS = 0.05
_JOIN_SECONDS = 5.0
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER with zero seconds: close() sends RST


class Fault(enum.StrEnum):
    """How a connection is hurt, at the byte that its :class:`Injection` names."""

    NONE = "none"
    CUT_UP = "cut_up"
    """Close both ends once so many bytes went up; the server got exactly these."""
    CUT_DOWN = "cut_down"
    """Close both ends once so many bytes came down; the client got exactly these."""
    DROP_RESPONSE = "drop_response"
    """Close both ends when the server first answers after so many bytes went up."""
    RESET = "reset"
    """As ``CUT_UP``, but both ends see a reset (RST) instead of an end of file, and what the
    server had no room for yet is lost."""
    STALL = "stall"
    """Carry nothing for ``stall_seconds`` once so many bytes went up, then go on."""
    HALF_OPEN = "half_open"
    """Reset the client once so many bytes went up; the server hears nothing of it for
    ``stall_seconds``."""


HARMFUL = tuple(fault for fault in Fault if fault is not Fault.NONE)


@dataclass(frozen=True)
class Injection:
    """One connection's fate."""

    fault: Fault = Fault.NONE
    after_bytes: int = 0


@dataclass(frozen=True)
class FaultPlan:
    """What happens to the n-th connection (from 0): first ``script``, then chance by ``seed``.

    ``chance`` is the share of later connections that are hurt, ``faults`` the ways, evenly
    likely; the place is drawn from ``bytes_min`` … ``bytes_max``. From connection ``until`` on,
    nothing happens any more, so that every plan that has it lets a persistent client through.
    """

    seed: int = 0
    chance: float = 0.0
    faults: tuple[Fault, ...] = HARMFUL
    bytes_min: int = 0
    bytes_max: int = 256 * 1024
    stall_seconds: float = 0.2
    until: int | None = None
    script: tuple[Injection, ...] = ()

    def injection(self, number: int) -> Injection:
        """Return the fate of connection ``number``; a pure function of the plan."""
        if number < len(self.script):
            return self.script[number]
        if self.until is not None and number >= self.until:
            return Injection()
        dice = random.Random(f"{self.seed}/{number}")
        if dice.random() >= self.chance:
            return Injection()
        fault = dice.choice(self.faults)
        return Injection(fault, dice.randint(self.bytes_min, self.bytes_max))


@dataclass
class Counters:
    """What a proxy did so far; ``faults`` counts those that struck, not those planned."""

    connections: int = 0
    refused: int = 0
    bytes_up: int = 0
    bytes_down: int = 0
    faults: Counter[Fault] = field(default_factory=Counter)

    @property
    def struck(self) -> int:
        """How many faults struck, of all kinds."""
        return self.faults.total()


class _Over(Exception):
    """The connection ends here; ``reset`` says how."""

    def __init__(self, *, reset: bool = False) -> None:
        super().__init__()
        self.reset = reset


class _Way:
    """One direction: at most one chunk is held, so that a slow reader slows the writer."""

    def __init__(self, source: socket.socket, target: socket.socket) -> None:
        self.source, self.target = source, target
        self.held = b""
        self.carried_bytes = 0
        self.ended = False
        self.closed = False

    def read(self, limit: int) -> bool:
        """Take a chunk of at most ``limit`` bytes; True if there was one."""
        self.held = self.source.recv(min(limit, _CHUNK_BYTES))
        self.ended = not self.held
        return not self.ended

    def write(self) -> int:
        """Pass on what is held, as far as the target takes it, and its end after it."""
        sent = self.target.send(self.held) if self.held else 0
        self.held = self.held[sent:]
        self.carried_bytes += sent
        if self.ended and not self.closed:
            self.closed = True
            self.target.shutdown(socket.SHUT_WR)
        return sent


class _Link:
    """One client connection and its upstream twin, carried by one thread."""

    def __init__(
        self, proxy: FaultProxy, client: socket.socket, server: socket.socket, fate: Injection
    ) -> None:
        self.proxy, self.fate = proxy, fate
        self.client, self.server = client, server
        self.up, self.down = _Way(client, server), _Way(server, client)
        self.armed = fate.fault is not Fault.NONE
        self.cut = threading.Event()
        self.thread = threading.Thread(target=self.run, name="fault-proxy-link", daemon=True)

    def run(self) -> None:
        reset = False
        try:
            self.client.settimeout(0)
            self.server.settimeout(0)
            while not (self.up.closed and self.down.closed):
                self._strike()
                self._step()
        except _Over as end:
            reset = end.reset
        except OSError:
            reset = True
        finally:
            _close(self.client, reset=reset)
            _close(self.server, reset=reset)
            self.proxy.forget(self)

    def _step(self) -> None:
        """Wait until something can be carried, and carry it."""
        with selectors.DefaultSelector() as selector:
            wanted: Counter[socket.socket] = Counter()
            for way in (self.up, self.down):
                if way.held:
                    wanted[way.target] |= selectors.EVENT_WRITE
                elif not way.ended:
                    wanted[way.source] |= selectors.EVENT_READ
            for end, events in wanted.items():
                selector.register(end, events)
            ready = {key.fileobj: events for key, events in selector.select(_TICK_SECONDS)}
        if self.cut.is_set():
            raise _Over(reset=True)
        for way in (self.up, self.down):
            if ready.get(way.source, 0) & selectors.EVENT_READ and not way.held and not way.ended:
                self._read(way)
            self._write(way)

    def _read(self, way: _Way) -> None:
        if not way.read(self._allowance(way)):
            return
        drops = self.armed and self.fate.fault is Fault.DROP_RESPONSE
        if drops and way is self.down and self.up.carried_bytes >= self.fate.after_bytes:
            self._struck()
            raise _Over

    def _write(self, way: _Way) -> None:
        with contextlib.suppress(BlockingIOError):
            sent = way.write()
            self.proxy.carried(
                up=sent if way is self.up else 0, down=sent if way is self.down else 0
            )

    def _allowance(self, way: _Way) -> int:
        """How many bytes may be read so that a fault strikes at its exact byte."""
        watched = self.down if self.fate.fault is Fault.CUT_DOWN else self.up
        if not self.armed or way is not watched or self.fate.fault is Fault.DROP_RESPONSE:
            return _CHUNK_BYTES
        return max(1, self.fate.after_bytes - way.carried_bytes)

    def _strike(self) -> None:
        """Do this connection's fault if its byte has been reached."""
        fault = self.fate.fault
        if not self.armed or fault is Fault.DROP_RESPONSE:
            return
        watched = self.down if fault is Fault.CUT_DOWN else self.up
        if watched.carried_bytes < self.fate.after_bytes or watched.held:
            return
        self._struck()
        if fault is Fault.STALL:
            self._wait()
            return
        if fault is Fault.HALF_OPEN:
            _close(self.client, reset=True)
            self._wait()
        raise _Over(reset=fault in {Fault.RESET, Fault.HALF_OPEN})

    def _wait(self) -> None:
        deadline = time.monotonic() + self.proxy.plan.stall_seconds
        while time.monotonic() < deadline and not self.cut.wait(_TICK_SECONDS):
            pass

    def _struck(self) -> None:
        self.armed = False
        self.proxy.struck(self.fate.fault)


class FaultProxy:
    """Listens on a loopback port and carries each connection to ``upstream_port``.

    ``plan``, ``upstream_port`` and ``offline`` may be changed while it runs; the first two hold
    for connections made from then on. While ``offline`` is true, new connections are reset;
    :meth:`cut_all` ends the present ones.
    """

    def __init__(self, upstream_port: int, plan: FaultPlan | None = None, *, port: int = 0) -> None:
        self.upstream_port = upstream_port
        self.plan = plan or FaultPlan()
        self.offline = False
        self._counters = Counters()
        self._lock = threading.Lock()
        self._links: set[_Link] = set()
        self._closing = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", port), backlog=128)
        self._listener.settimeout(_TICK_SECONDS)
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, name="fault-proxy", daemon=True)

    @property
    def url(self) -> str:
        """Address of the proxy for HTTP clients, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def counters(self) -> Counters:
        """A copy of the present counts."""
        with self._lock:
            now = self._counters
            return Counters(
                now.connections, now.refused, now.bytes_up, now.bytes_down, Counter(now.faults)
            )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening, reset what is open, and wait for the threads."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(_JOIN_SECONDS)
        self._listener.close()
        for thread in self.cut_all():
            thread.join(_JOIN_SECONDS)

    def cut_all(self) -> Iterable[threading.Thread]:
        """Reset all open connections, as when a radio cell is lost; return their threads."""
        with self._lock:
            links = list(self._links)
        for link in links:
            link.cut.set()
        return [link.thread for link in links]

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                client, _ = self._listener.accept()
            except TimeoutError:
                continue
            if self.offline:
                self._refuse(client)
                continue
            try:
                server = socket.create_connection(("127.0.0.1", self.upstream_port))
            except OSError:
                self._refuse(client)
                continue
            self._start(client, server)

    def _refuse(self, client: socket.socket) -> None:
        _close(client, reset=True)
        with self._lock:
            self._counters.refused += 1

    def _start(self, client: socket.socket, server: socket.socket) -> None:
        with self._lock:
            fate = self.plan.injection(self._counters.connections)
            self._counters.connections += 1
            link = _Link(self, client, server, fate)
            self._links.add(link)
        link.thread.start()

    def carried(self, *, up: int, down: int) -> None:
        """Count bytes passed on (called by links)."""
        with self._lock:
            self._counters.bytes_up += up
            self._counters.bytes_down += down

    def struck(self, fault: Fault) -> None:
        """Count a fault that struck (called by links)."""
        with self._lock:
            self._counters.faults[fault] += 1

    def forget(self, link: _Link) -> None:
        """Drop a link that has ended (called by links)."""
        with self._lock:
            self._links.discard(link)


def _close(end: socket.socket, *, reset: bool) -> None:
    with contextlib.suppress(OSError):
        if reset:
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        end.close()
