"""One writer per name among all processes of this host.

A lock is a small file: ``flock(2)`` on it says who holds it, and the 8 bytes in it say when a
newcomer asked last.  The holder maps those bytes into memory, so that asking whether it should
stop costs no system call.  A process that dies has let go, since the kernel drops its lock.

The files live on a local filesystem.  A holder unlinks its file before it lets go, so that there
are as many files as locks held; whoever gets the lock of an unlinked file starts again.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import mmap
import os
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from storage._disk import translated, typed_errors
from storage.errors import LockTimeout

_TICKET: Final = struct.Struct("@Q")
_POLL_SECONDS: Final = 0.001
_POLL_SECONDS_MAX: Final = 0.010


class FileLease:
    """A lock held; compares the newest ticket asked for with its own."""

    def __init__(self, fd: int, ticket: int) -> None:
        self._map = mmap.mmap(fd, _TICKET.size, mmap.MAP_SHARED, mmap.PROT_READ)
        # One aligned machine word: read whole, never torn.
        self._word = memoryview(self._map).cast("Q")
        self._ticket = ticket
        self._held = True

    @property
    def wanted(self) -> bool:
        """True as soon as a newcomer asked, and for ever after release."""
        return not self._held or self._word[0] > self._ticket

    def end(self) -> None:
        """Forget the mapping."""
        self._held = False
        self._word.release()
        self._map.close()


class FileLocker:
    """Locks as files of one folder (``Locker``)."""

    def __init__(
        self,
        folder: Path,
        *,
        clock_ns: Callable[[], int] = time.monotonic_ns,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        """``clock_ns`` must never go back and be one for all processes, as CLOCK_MONOTONIC is."""
        self._folder = folder.absolute()
        self._clock_ns = clock_ns
        # Looked up at the call, so that gevent's patch counts even when it comes later.
        self._sleep = sleep or (lambda seconds: time.sleep(seconds))  # noqa: PLW0108
        with typed_errors():
            self._folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        self._sweep()

    @contextmanager
    def acquire(self, name: str, timeout_seconds: float = 5.0) -> Iterator[FileLease]:
        """Raise the ticket, wait for the holder, hold the lock for the block.

        The wait polls, so that it can end in time and other greenlets run meanwhile.
        """
        path = self._folder / hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
        ticket = self._clock_ns()
        fd = self._wait(path, ticket, deadline=ticket + int(timeout_seconds * 1e9))
        try:
            lease = FileLease(fd, ticket)
        except BaseException:
            self._let_go(path, fd)
            raise
        try:
            yield lease
        finally:
            lease.end()
            self._let_go(path, fd)

    def _wait(self, path: Path, ticket: int, deadline: int) -> int:
        newest = ticket
        pause = _POLL_SECONDS
        fd = self._open(path)
        try:
            while True:
                newest = max(newest, self._raise_to(fd, newest))
                if self._try(fd):
                    if self._is_current(path, fd):
                        return fd
                    os.close(fd)
                    fd = -1
                    fd = self._open(path)
                    continue
                self._pause(pause, deadline)
                pause = min(pause * 2, _POLL_SECONDS_MAX)
        except BaseException:
            if fd >= 0:
                os.close(fd)
            raise

    def _pause(self, seconds: float, deadline: int) -> None:
        if self._clock_ns() >= deadline:
            raise LockTimeout("the present holder did not let go")
        self._sleep(seconds)

    def _open(self, path: Path) -> int:
        with typed_errors():
            return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o640)

    def _raise_to(self, fd: int, ticket: int) -> int:
        """Make the word at least ``ticket``; returns what it holds.

        Two newcomers may overwrite each other; the newer one puts that right at its next poll.
        Written by a call, not through the mapping, so that a full volume is an error, not a
        signal.
        """
        with typed_errors():
            word = os.pread(fd, _TICKET.size, 0)
            held = int(_TICKET.unpack(word)[0]) if len(word) == _TICKET.size else 0
            if ticket <= held <= self._clock_ns():
                return held
            # A word from the future is from before the last boot: nobody asks with it.
            os.pwrite(fd, _TICKET.pack(ticket), 0)
        return ticket

    def _try(self, fd: int) -> bool:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            raise translated(error) from error
        return True

    def _is_current(self, path: Path, fd: int) -> bool:
        try:
            named = path.stat()
        except FileNotFoundError:
            return False
        return os.path.samestat(named, os.fstat(fd))

    def _let_go(self, path: Path, fd: int) -> None:
        """Unlink while still holding, unlock for forked copies of the file too, close."""
        try:
            if self._is_current(path, fd):
                with contextlib.suppress(OSError):
                    path.unlink()
            fcntl.flock(fd, fcntl.LOCK_UN)
        finally:
            os.close(fd)

    def _sweep(self) -> None:
        """Unlink the files of holders that died."""
        with typed_errors():
            paths = list(self._folder.iterdir())
        for path in paths:
            with contextlib.suppress(OSError):
                fd = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
                if self._try(fd):
                    self._let_go(path, fd)
                else:
                    os.close(fd)


class MemoryLease:
    """A lock held inside one process."""

    def __init__(self, newest: dict[str, int], name: str, ticket: int) -> None:
        self._newest = newest
        self._name = name
        self._ticket = ticket
        self._held = True

    @property
    def wanted(self) -> bool:
        """True as soon as a newcomer asked, and for ever after release."""
        return not self._held or self._newest.get(self._name, 0) > self._ticket

    def end(self) -> None:
        """The lock is somebody else's from here on."""
        self._held = False


class MemoryLocker:
    """The same rules among the threads of one process, for tests and the simulator."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._newest: dict[str, int] = {}
        self._held: set[str] = set()
        self._last_ticket = 0

    @contextmanager
    def acquire(self, name: str, timeout_seconds: float = 5.0) -> Iterator[MemoryLease]:
        """Raise the ticket, wait for the holder, hold the lock for the block."""
        with self._condition:
            self._last_ticket += 1
            ticket = self._newest[name] = self._last_ticket
            if not self._condition.wait_for(lambda: name not in self._held, timeout_seconds):
                raise LockTimeout("the present holder did not let go")
            self._held.add(name)
        lease = MemoryLease(self._newest, name, ticket)
        try:
            yield lease
        finally:
            lease.end()
            with self._condition:
                self._held.discard(name)
                self._condition.notify_all()
