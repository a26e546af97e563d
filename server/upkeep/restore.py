"""Restoring a backup into an empty place, and nothing else.

Everything is verified before the first row is written, bytes come before the rows that name them,
and the rows come in one transaction.  What a restore must change is changed in the same one: the
feed gets a new generation, so that devices pull anew; sign-ins end; uploads under way are over.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from server.audit.models import LogState
from server.core.bulk import insert_rows
from server.core.context import Runtime
from server.core.db import table_of
from server.core.transactions import EVERY_COURT, unit_of_work
from server.evidence.models import Upload
from server.identity.models import Court, SignIn
from server.upkeep.backup import (
    BLOB_LIST,
    DRAFT,
    KEYS,
    MANIFEST,
    SNAPSHOTS,
    copy_blob,
    dumped_tables,
    target_blobs,
)
from server.upkeep.keybox import KeyBoxError, open_box
from server.upkeep.tables_file import digest_of, read_table
from storage.digest import Digest
from storage.errors import BlobNotFound, DigestMismatch

VERSION: Final = 1
_LOST: Final = "its bytes were under way when the server was restored"


class RestoreError(Exception):
    """A backup that cannot be restored here; nothing was changed.  ``slug`` is stable."""

    def __init__(self, slug: str, message: str) -> None:
        super().__init__(message)
        self.slug = slug


@dataclass(frozen=True, slots=True)
class Source:
    """One snapshot of a backup, found and read."""

    folder: Path
    manifest: Mapping[str, Any]

    @property
    def has_keys(self) -> bool:
        """Whether the server's keys are in it."""
        return self.manifest["keys"] is not None


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did."""

    rows: int
    blobs: int
    missing: list[str]
    log_size: int


def open_source(path: Path) -> Source:
    """A snapshot, or the newest one of a target folder; everything but the blobs is verified."""
    folder = path if (path / MANIFEST).exists() else _newest(path)
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        known = manifest["v"] == VERSION
        files = {f"{name}.jsonl.gz": one["sha256"] for name, one in manifest["tables"].items()}
        files[BLOB_LIST] = manifest["blobs"]["list_sha256"]
        if manifest["keys"] is not None:
            files[KEYS] = manifest["keys"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RestoreError("backup-unreadable", f"{folder}: {error}") from None
    if not known:
        raise RestoreError("backup-version", f"{folder} has version {manifest['v']}")
    for name, digest in files.items():
        if not (folder / name).exists() or digest_of(folder / name) != digest:
            raise RestoreError("backup-damaged", f"{folder / name} is not what the manifest says")
    return Source(folder, manifest)


def restore(
    runtime: Runtime,
    source: Source,
    engine: Engine,
    upgrade: Callable[[Engine], None],
    *,
    passphrase: str | None = None,
    progress: Callable[[int, int], None] = lambda _done, _of: None,
    without_lost: bool = False,
) -> Restored:
    """Restore into this installation, which must be empty; what broke off before is continued.

    :param upgrade: brings an empty database to the present schema.
    :param without_lost: go on although the backup has lost bytes of its own: everything else
        comes back, and the scrub afterwards names what did not.
    """
    _require_empty(runtime, engine, _listed(source))
    _keys(runtime, source, passphrase)
    upgrade(engine)
    _require_schema(source, engine)
    blobs, missing = _bytes(runtime, source, progress)
    lost = sorted(set(missing) - set(source.manifest["blobs"]["missing"]))
    if lost and not without_lost:
        named = ", ".join(lost[:5])
        raise RestoreError("backup-damaged", f"bytes are gone or damaged ({len(lost)}): {named}")
    with unit_of_work(EVERY_COURT) as session:
        rows = _rows(session, source)
        _begin_anew(session, runtime)
    return Restored(rows, blobs, missing, source.manifest["log"]["size"])


def _newest(target: Path) -> Path:
    found = [
        path for path in (target / SNAPSHOTS).glob("*")
        if path.is_dir() and not path.name.endswith(DRAFT)
    ]  # fmt: skip
    if not found:
        raise RestoreError("backup-missing", f"{target} holds no finished backup")
    return max(found)


def _listed(source: Source) -> list[str]:
    """Digests of the bytes that the snapshot names."""
    lines = (source.folder / BLOB_LIST).read_text().splitlines()
    return [line.partition(" ")[0] for line in lines]


def _require_empty(runtime: Runtime, engine: Engine, ours: Sequence[str]) -> None:
    inspector = sa.inspect(engine)
    if inspector.has_table(Court.__tablename__):
        with unit_of_work(EVERY_COURT, write=False) as session:
            if session.execute(sa.select(Court.id).limit(1)).first() is not None:
                raise RestoreError("not-empty", "the database has courts in it")
            if session.execute(sa.select(LogState.next_index)).scalar():
                raise RestoreError("not-empty", "the database has a log in it")
    expected = set(ours)  # left by a restore that broke off
    if any(digest.hex not in expected for digest in runtime.stores.blobs.digests()):
        raise RestoreError("not-empty", "the store has other bytes in it")


def _keys(runtime: Runtime, source: Source, passphrase: str | None) -> None:
    folder = runtime.settings.data_dir / "keys"
    if (folder / "data.key").exists():
        return  # put there by hand; the scrub afterwards tells whether they are the right ones
    if not source.has_keys:
        raise RestoreError(
            "keys-missing", f"the backup has no keys: put the folder of keys at {folder} first"
        )
    if passphrase is None:
        raise RestoreError("passphrase-missing", "the keys of the backup need their passphrase")
    try:
        open_box((source.folder / KEYS).read_bytes(), passphrase, folder)
    except KeyBoxError as error:
        raise RestoreError("keys-refused", str(error)) from None


def _require_schema(source: Source, engine: Engine) -> None:
    with engine.connect() as connection:
        present = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    if present != source.manifest["schema"]:
        wanted = source.manifest["schema"]
        raise RestoreError(
            "schema-differs", f"the backup needs schema {wanted}, this version has {present}"
        )


def _bytes(
    runtime: Runtime, source: Source, progress: Callable[[int, int], None]
) -> tuple[int, list[str]]:
    kept = target_blobs(source.folder.parent.parent)
    names = _listed(source)
    missing = []
    for done, name in enumerate(names, 1):
        try:
            copy_blob(kept, runtime.stores.blobs, Digest(name))
        except (BlobNotFound, DigestMismatch):
            missing.append(name)
        progress(done, len(names))
    return len(names) - len(missing), missing


def _rows(session: Session, source: Source) -> int:
    if session.get_bind().dialect.name == "sqlite":
        session.execute(sa.text("PRAGMA defer_foreign_keys=ON"))
    session.execute(sa.delete(LogState))
    count = 0
    for table in dumped_tables():
        path = source.folder / f"{table.name}.jsonl.gz"
        for batch in read_table(table, path) if path.exists() else ():
            insert_rows(session, table, batch)
            count += len(batch)
    return count


def _begin_anew(session: Session, runtime: Runtime) -> None:
    now = runtime.clock.now()
    session.execute(sa.update(LogState).values(generation=runtime.randbytes(8).hex()))
    session.execute(
        sa.update(table_of(SignIn)).where(SignIn.revoked_at.is_(None)).values(revoked_at=now)
    )
    session.execute(
        sa.update(table_of(Upload))
        .where(Upload.state == "receiving")
        .values(state="expired", problem=_LOST)
    )
    if session.get_bind().dialect.name == "postgresql":
        highest = "(SELECT COALESCE(MAX(id), 0) + 1 FROM outbox)"
        text = f"SELECT setval(pg_get_serial_sequence('outbox', 'id'), {highest}, false)"
        session.execute(sa.text(text))
