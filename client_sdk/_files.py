"""Captured files on the disk, named by the digest of their plaintext.

A file is written to `tmp/`, hashed, fsynced, and only then renamed into `files/`,
whose directory is fsynced before any row speaks of it. An intent, written just
before the rename, tells what the file is if the row never came.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

from client_sdk._durable import make_directory, store_errors, sync_directory, write_file
from client_sdk._vault import Vault
from client_sdk.errors import StoreCorruptError, StoreError, StoreFullError
from client_sdk.protocol.encoding import is_sha256_hex

_SPARE_BYTES: Final = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Staged:
    """A complete, durable file that has no name yet."""

    path: Path
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Leftover:
    """An interrupted copy: never captured, kept for people to look at."""

    path: Path
    size_bytes: int


class FileStore:
    """`files/`, `tmp/`, `intents/` and `leftovers/` below the store's root."""

    def __init__(self, root: Path, vault: Vault, new_name: Callable[[], str]) -> None:
        self._root = root
        self._vault = vault
        self._new_name = new_name
        with store_errors("preparing the store"):
            for name in ("files", "tmp", "intents", "leftovers"):
                make_directory(root / name)

    # -- writing

    def stage(
        self, source: Iterable[bytes], on_bytes: Callable[[int], None] | None = None
    ) -> Staged:
        """Copy, hash and fsync; `on_bytes` hears the length so far."""
        path = self._root / "tmp" / self._new_name()
        digest, size = hashlib.sha256(), 0
        with store_errors("writing a captured file"):
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with (
                store_errors("writing a captured file"),
                open(descriptor, "wb") as file,  # noqa: PTH123 - from a descriptor
            ):
                writer = self._vault.writer(cast("BinaryIO", file))
                for data in source:
                    digest.update(data)
                    size += len(data)
                    writer.write(data)
                    if on_bytes is not None:
                        on_bytes(size)
                writer.finish()
                file.flush()
                os.fsync(file.fileno())
        except StoreFullError:
            path.unlink(missing_ok=True)  # a refused copy must give its space back
            raise
        return Staged(path, digest.hexdigest(), size)

    def publish(self, staged: Staged) -> None:
        """Give the file its name, durably."""
        with store_errors("naming a captured file"):
            staged.path.replace(self.path(staged.sha256))
            sync_directory(self._root / "files")

    def write_intent(self, sha256: str, intent: object) -> Path:
        """Note what is about to be recorded of a file."""
        path = self._root / "intents" / self._new_name()
        data = json.dumps({"sha256": sha256, "intent": intent}, ensure_ascii=False).encode()
        with store_errors("noting a capture"):
            write_file(path, self._vault.seal(data, f"intent:{path.name}"))
        return path

    def drop_intent(self, path: Path) -> None:
        """Forget an intent whose row is durable."""
        with store_errors("tidying up"):
            path.unlink(missing_ok=True)

    # -- reading

    def path(self, sha256: str) -> Path:
        """Where the file of a digest lies."""
        if not is_sha256_hex(sha256):
            raise StoreError("not a digest")
        return self._root / "files" / sha256

    def exists(self, sha256: str) -> bool:
        """Whether the file is there."""
        return self.path(sha256).is_file()

    def read(self, sha256: str, offset: int = 0) -> Iterator[bytes]:
        """Plaintext from `offset`."""
        with store_errors("reading a captured file"), self.path(sha256).open("rb") as file:
            yield from self._vault.read(file, offset)

    def measure(self, sha256: str) -> int:
        """Length of the plaintext; StoreCorruptError unless it has this digest."""
        digest, size = hashlib.sha256(), 0
        for data in self.read(sha256):
            digest.update(data)
            size += len(data)
        if digest.hexdigest() != sha256:
            raise StoreCorruptError(f"stored file {sha256[:12]} has changed")
        return size

    def digests(self) -> set[str]:
        """Names of all complete files."""
        return {
            entry.name for entry in os.scandir(self._root / "files") if is_sha256_hex(entry.name)
        }

    def intents(self) -> dict[Path, tuple[str, Any]]:
        """Intents that were not tidied up: path to (digest, intent)."""
        found: dict[Path, tuple[str, Any]] = {}
        for entry in os.scandir(self._root / "intents"):
            path = Path(entry.path)
            if entry.name.startswith("."):
                path.unlink(missing_ok=True)  # an intent that was never complete
                continue
            with contextlib.suppress(StoreCorruptError, ValueError, KeyError):
                body = json.loads(self._vault.open(path.read_bytes(), f"intent:{path.name}"))
                found[path] = (body["sha256"], body["intent"])
        return found

    # -- tidying

    def collect_leftovers(self) -> None:
        """Move interrupted copies aside; they were never captured."""
        with store_errors("tidying up"):
            for entry in os.scandir(self._root / "tmp"):
                Path(entry.path).replace(self._root / "leftovers" / entry.name)

    def remove(self, sha256: str) -> None:
        """Delete a file whose tombstone is durable."""
        with store_errors("deleting a file"):
            self.path(sha256).unlink(missing_ok=True)
            sync_directory(self._root / "files")

    def set_aside(self, paths: Iterable[Path], label: str) -> None:
        """Move files to the leftovers, where people find them."""
        with store_errors("tidying up"):
            for path in paths:
                path.replace(self._root / "leftovers" / f"{label}-{path.name}")
            sync_directory(self._root / "leftovers")

    def leftovers(self) -> list[Leftover]:
        """Interrupted copies that lie aside."""
        return [
            Leftover(Path(entry.path), entry.stat().st_size)
            for entry in os.scandir(self._root / "leftovers")
        ]

    def require_space(self, size_bytes: int) -> None:
        """Refuse a capture that would fill the disk, before a byte is written."""
        with store_errors("looking at the disk"):
            free = shutil.disk_usage(self._root).free
        if free < size_bytes + _SPARE_BYTES:
            raise StoreFullError("no space left on this device: the capture is refused")
