"""Files that survive a power cut: write, fsync, rename, fsync the directory."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from client_sdk.errors import StoreBusyError, StoreError, StoreFullError

_NO_SPACE: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@contextlib.contextmanager
def store_errors(doing: str) -> Iterator[None]:
    """Operating system errors as StoreErrors."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_SPACE:
            raise StoreFullError(f"no space left while {doing}") from error
        raise StoreError(f"{doing}: {error.strerror or error}") from error


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_directory(path: Path) -> None:
    """Create a private directory and its parents, durably."""
    missing = [p for p in (path, *path.parents) if not p.exists()]
    for place in reversed(missing):
        place.mkdir(mode=0o700, exist_ok=True)
        sync_directory(place.parent)


def write_file(path: Path, data: bytes) -> None:
    """Replace a small file, durably and at once."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "wb") as file:  # noqa: PTH123 - from a descriptor
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    sync_directory(path.parent)


class FileLock:
    """An advisory lock on a file; the system frees it when its holder dies."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextlib.contextmanager
    def hold(self, *, shared: bool = False, wait: bool = True) -> Iterator[None]:
        """Hold the lock; StoreBusyError when it is taken and `wait` is false."""
        import fcntl  # noqa: PLC0415 - absent on some systems, and then nothing can be held

        mode = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(descriptor, mode if wait else mode | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise StoreBusyError("another process is using this store") from error
            yield
        finally:
            os.close(descriptor)
