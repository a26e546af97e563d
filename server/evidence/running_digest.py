"""SHA-256 of an upload while it grows.

A hash state covers the first ``offset`` bytes of a partial.  Bytes below the length of a partial
never change, so a state stays true whatever other processes append; what it lacks it reads from
the file, mostly from memory.  States live in this process only: after a restart the bytes are
read once.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Final

from server.core import offload
from storage.errors import StoreUnavailable

_READ_BYTES: Final = 1 << 20
_STEP_BYTES: Final = 8 << 20
_STATES_MAX: Final = 1_024


class RunningDigest:
    """SHA-256 over the first ``offset`` bytes."""

    def __init__(self) -> None:
        self._sha256 = hashlib.sha256()
        self.offset = 0

    @property
    def hex(self) -> str:
        """Digest of what was covered so far."""
        return self._sha256.hexdigest()

    def feed(self, data: memoryview) -> None:
        """Cover ``data``, which begins at ``offset``."""
        self._sha256.update(data)
        self.offset += len(data)

    def catch_up(self, path: Path, target: Callable[[], int]) -> None:
        """Cover the file up to ``target()``, which may move meanwhile; stops where it ends."""
        buffer = bytearray(_READ_BYTES)
        view = memoryview(buffer)
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError as error:
            raise StoreUnavailable(error.strerror or str(error)) from error
        try:
            while (missing := target() - self.offset) > 0:
                got = os.preadv(fd, [view[: min(missing, _READ_BYTES)]], self.offset)
                if got == 0:
                    return
                self.feed(view[:got])
        except OSError as error:
            raise StoreUnavailable(error.strerror or str(error)) from error
        finally:
            os.close(fd)


class Follower:
    """Keeps a digest close behind a writer, on another thread."""

    def __init__(self, digest: RunningDigest, path: Path) -> None:
        self.digest = digest
        self._path = path
        self._target = digest.offset
        self._job: offload.Job[None] | None = None

    def advance(self, offset: int) -> None:
        """The file holds ``offset`` bytes now; starts hashing when enough is there to hash."""
        self._target = offset
        if self._job is not None and not self._job.done():
            return  # it sees the new target by itself
        if offset - self.digest.offset >= _STEP_BYTES:
            self._collect()
            self._job = offload.start(lambda: self.digest.catch_up(self._path, self._aim))

    def stop(self) -> None:
        """Let go of the file within a few milliseconds; the digest keeps what it covers."""
        self._target = 0
        self._collect()

    def _aim(self) -> int:
        return self._target

    def _collect(self) -> None:
        if self._job is not None:
            self._job.result()
            self._job = None


class DigestCache:
    """States of the uploads that this process wrote last."""

    def __init__(self, states_max: int = _STATES_MAX) -> None:
        self._states: OrderedDict[str, RunningDigest] = OrderedDict()
        self._states_max = states_max
        self._guard = threading.Lock()

    def take(self, upload_id: str, offset: int) -> RunningDigest:
        """The state of an upload whose partial holds ``offset`` bytes, out of the cache."""
        with self._guard:
            state = self._states.pop(upload_id, None)
        return RunningDigest() if state is None or state.offset > offset else state

    def put(self, upload_id: str, state: RunningDigest) -> None:
        """Keep a state for the next request; the least recently kept ones are forgotten."""
        with self._guard:
            self._states[upload_id] = state
            self._states.move_to_end(upload_id)
            while len(self._states) > self._states_max:
                self._states.popitem(last=False)


def complete(digest: RunningDigest, path: Path, size_bytes: int) -> str:
    """Digest of all ``size_bytes`` of the file; raises when the file is shorter."""
    if digest.offset < size_bytes:
        offload.blocking(digest.catch_up, path, lambda: size_bytes)
    if digest.offset != size_bytes:
        raise StoreUnavailable(f"the partial ends at {digest.offset} of {size_bytes} bytes")
    return digest.hex
