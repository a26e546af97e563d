"""Full tiles, and the bundles of their entries, also lie in the store of bytes.

They never change again, so they are named by their digest there.  Whoever has them can rebuild the
tree and every entry's header without the database.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
import structlog
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from client_sdk.protocol.tlog.tiles import TILE_WIDTH, Tile
from server.audit import log
from server.audit.models import LogTile, TileMirror
from server.core.context import Runtime
from server.core.db import table_of
from server.core.transactions import EVERY_COURT, unit_of_work
from storage.digest import Digest
from storage.errors import DurabilityLost, LockTimeout, StorageError

BUNDLES: Final = -1  # the level under which bundles of entries are listed
LOOK_SECONDS: Final = 10.0
_BATCH: Final = 64
_LOCK: Final = "mirroring"
_mirrors = table_of(TileMirror)

_log = structlog.get_logger("mirroring")


@dataclass(slots=True)
class Mirror:
    """Copies what is full; one for each worker process, used by one of its threads."""

    runtime: Runtime

    def turn(self) -> float:
        """Copy some; returns seconds until the next turn makes sense."""
        try:
            with self.runtime.stores.locker.acquire(_LOCK, 0):
                done = self._copy_some()
        except LockTimeout:
            return LOOK_SECONDS  # another worker copies
        except DurabilityLost:
            raise
        except StorageError as error:
            _log.warning("tiles are not mirrored", error=str(error))
            return LOOK_SECONDS
        return 0.0 if done else LOOK_SECONDS

    def _copy_some(self) -> int:
        with unit_of_work(EVERY_COURT, write=False) as session:
            found = [
                (level, index, _data(session, level, index)) for level, index in missing(session)
            ]
        rows: list[dict[str, int | str]] = []
        for level, index, data in found:
            digest = hashlib.sha256(data).hexdigest()
            self.runtime.stores.blobs.put_stream(Digest(digest), io.BytesIO(data), len(data))
            rows.append({"level": level, "index": index, "sha256": digest, "size_bytes": len(data)})
        if rows:
            with unit_of_work(EVERY_COURT) as session:
                _note(session, rows)
        return len(rows)


def missing(session: Session, limit: int = _BATCH) -> list[tuple[int, int]]:
    """(level, index) of what is full and not mirrored yet."""
    found: list[tuple[int, int]] = []
    full = sa.select(LogTile.level, LogTile.index).where(LogTile.width == TILE_WIDTH)
    for level in (None, BUNDLES):
        wanted = full if level is None else full.where(LogTile.level == 0)
        there = sa.exists().where(
            TileMirror.level == (LogTile.level if level is None else level),
            TileMirror.index == LogTile.index,
        )
        places = wanted.where(~there).order_by(LogTile.level, LogTile.index).limit(limit)
        for own, index in session.execute(places):
            found.append((own if level is None else level, index))
    return found


def _data(session: Session, level: int, index: int) -> bytes:
    if level != BUNDLES:
        return log.tile_data(session, Tile(level, index))
    data = log.bundle(session, Tile(0, index))
    if data is None:
        raise LookupError(f"entries of tile {index} are missing")
    return data


def _note(session: Session, rows: list[dict[str, int | str]]) -> None:
    dialect = session.get_bind().dialect.name
    insert = (postgresql.insert if dialect == "postgresql" else sqlite.insert)(_mirrors)
    session.execute(insert.on_conflict_do_nothing(), rows)
