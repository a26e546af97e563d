"""Backups: the database at one moment, and the bytes that it names.

A target folder holds ``blobs`` of all backups, each once, and ``snapshots/<time>`` with the tables
and a manifest.  A snapshot gets its name when everything in it is durable; until then it is called
``….new`` and can be thrown away.  Tables come first, bytes after: a blob is never removed while a
row names it, so a row of the backup never names bytes that are not there, unless the store had
lost them before; then the manifest says so.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from alembic.runtime.migration import MigrationContext
from sqlalchemy.orm import Session

from server.audit import log
from server.audit.models import TileMirror
from server.core.clock import rfc3339
from server.core.context import Runtime
from server.core.db import Base
from server.core.durable import replace_file, sync_folder
from server.core.snapshots import snapshot
from server.disclosure.models import Export
from server.evidence.models import Blob
from server.upkeep.keybox import close_box
from server.upkeep.tables_file import TableFile, digest_of, write_table
from storage.digest import Digest
from storage.errors import BlobNotFound, DigestMismatch
from storage.factory import StorageConfig, build_stores
from storage.ports import BlobStore

SNAPSHOTS: Final = "snapshots"
MANIFEST: Final = "manifest.json"
BLOB_LIST: Final = "blobs.txt"
KEYS: Final = "keys.box"
DRAFT: Final = ".new"
# Worth nothing after a restore: proofs and replies of requests that nobody will repeat.
LEFT_OUT: Final = frozenset({"proofs_seen", "idempotent_replies", "sign_in_guards"})


@dataclass(slots=True)
class Backup:
    """What one backup did."""

    path: Path
    manifest: dict[str, Any]
    copied: int = 0
    copied_bytes: int = 0
    missing: list[str] = field(default_factory=list)


def back_up(
    runtime: Runtime,
    target: Path,
    *,
    passphrase: str | None = None,
    progress: Callable[[int, int], None] = lambda _done, _of: None,
    reread: bool = False,
) -> Backup:
    """Make one backup; what is at the target already is not copied again.

    :param passphrase: put the server's keys in as well, sealed with it.
    :param reread: hash what is at the target already, and replace what has rotted there.
    """
    name = runtime.clock.now().strftime("%Y%m%dT%H%M%S%fZ")
    folder = target / SNAPSHOTS / name
    draft = folder.with_name(name + DRAFT)
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True, mode=0o700)
    wanted, manifest = _tables(runtime, draft)
    made = Backup(folder, manifest)
    held = _Held(target_blobs(target), reread)
    _bytes(runtime.stores.blobs, held, wanted, made, progress)
    listed = "".join(f"{digest} {size}\n" for digest, size in sorted(wanted.items()))
    replace_file(draft / BLOB_LIST, listed.encode())
    manifest["blobs"] = {
        "count": len(wanted),
        "bytes": sum(wanted.values()),
        "list_sha256": digest_of(draft / BLOB_LIST),
        "missing": made.missing,
    }
    manifest["keys"] = None
    if passphrase is not None:
        replace_file(draft / KEYS, close_box(runtime.settings.data_dir / "keys", passphrase))
        manifest["keys"] = digest_of(draft / KEYS)
    replace_file(draft / MANIFEST, json.dumps(manifest, indent=1, sort_keys=True).encode())
    _settle(draft, folder)
    return made


def target_blobs(target: Path) -> BlobStore:
    """The bytes of all backups at a place."""
    return build_stores(StorageConfig(kind="local", root=target / "blobs")).blobs


def dumped_tables() -> list[sa.Table]:
    """Tables that a backup holds, parents first."""
    return [table for table in Base.metadata.sorted_tables if table.name not in LEFT_OUT]


def _tables(runtime: Runtime, draft: Path) -> tuple[dict[str, int], dict[str, Any]]:
    with snapshot() as session:
        bind = session.get_bind()
        files: dict[str, TableFile] = {
            table.name: write_table(session, table, draft / f"{table.name}.jsonl.gz")
            for table in dumped_tables()
        }
        newest = log.newest_checkpoint(session)
        revision = MigrationContext.configure(session.connection()).get_current_revision()
        manifest = {
            "v": 1,
            "made_at": rfc3339(runtime.clock.now()),
            "schema": revision,
            "database": bind.dialect.name,
            "log": {
                "size": log.size_of(session),
                "checkpoint": newest.note if newest is not None else None,
            },
            "tables": {name: file.to_dict() for name, file in files.items()},
        }
        return _wanted(session), manifest


def _wanted(session: Session) -> dict[str, int]:
    """Digest → length of everything that the rows name."""
    found: dict[str, int] = {}
    for model in (Blob, TileMirror, Export):
        statement = sa.select(model.sha256, model.size_bytes).where(model.sha256.is_not(None))
        found |= {name: size for name, size in session.execute(statement) if name and size}
    return found


@dataclass(frozen=True, slots=True)
class _Held:
    """What the target holds from backups before."""

    blobs: BlobStore
    reread: bool

    def has(self, digest: Digest, size_bytes: int) -> bool:
        """Whether the blob need not be copied."""
        there = self.blobs.stat(digest)
        if there is None or there.size_bytes != size_bytes:
            return False
        if not self.reread:
            return True
        try:
            self.blobs.verify(digest)
        except (BlobNotFound, DigestMismatch):
            return False
        return True


def _bytes(
    source: BlobStore,
    target: _Held,
    wanted: dict[str, int],
    made: Backup,
    progress: Callable[[int, int], None],
) -> None:
    for done, (name, size_bytes) in enumerate(sorted(wanted.items()), 1):
        digest = Digest(name)
        if not target.has(digest, size_bytes):
            try:
                copy_blob(source, target.blobs, digest)
            except (BlobNotFound, DigestMismatch):
                made.missing.append(name)
            else:
                made.copied += 1
                made.copied_bytes += size_bytes
        progress(done, len(wanted))


def copy_blob(source: BlobStore, target: BlobStore, digest: Digest) -> None:
    """Copy one blob, hashed on the way; raises ``BlobNotFound`` or ``DigestMismatch``."""
    stat = source.stat(digest)
    if stat is None:
        raise BlobNotFound(digest.hex)
    chunks = _Chunks(source.read(digest))
    target.put_stream(digest, BufferedReader(chunks), stat.size_bytes)


def _settle(draft: Path, folder: Path) -> None:
    for path in draft.iterdir():
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    sync_folder(draft)
    draft.rename(folder)
    sync_folder(folder.parent)
    sync_folder(folder.parent.parent)


class _Chunks(RawIOBase):
    """An iterator of chunks as a readable file."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._rest:
            self._rest = next(self._chunks, b"")
        step = min(len(buffer), len(self._rest))
        buffer[:step] = self._rest[:step]
        self._rest = self._rest[step:]
        return step
