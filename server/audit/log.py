"""Reading the Merkle log: leaves, hashes, checkpoints, proofs, and how well an entry is secured.

Levels (04 §4.2): L0 in the log, L1 under a signed checkpoint, L2 under one that the quorum of
witnesses cosigned, L3 under one of those that a time-stamping authority saw as well.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from client_sdk.protocol.errors import ProofError
from client_sdk.protocol.tlog import merkle
from client_sdk.protocol.tlog.leaves import CaseLink, leaf_text
from client_sdk.protocol.tlog.merkle import HashReader
from client_sdk.protocol.tlog.notes import Note, parse_note, parse_signature_line
from client_sdk.protocol.tlog.proofs import TlogProof
from client_sdk.protocol.tlog.tiles import TILE_HEIGHT, TILE_WIDTH, Tile, TileReader, encode_bundle
from server.audit.models import (
    CheckpointRow,
    CosignatureRow,
    Event,
    LogState,
    LogTile,
    TimestampRow,
)
from server.core.db import table_of
from server.core.problem import Kind, Problem, not_found

LEVELS: Final = ("L0", "L1", "L2", "L3")
LEAF_COLUMNS: Final = (
    Event.log_index, Event.k, Event.h, Event.sig, Event.rx, Event.case_tag, Event.case_seq,
    Event.case_prev,
)  # fmt: skip
_TILE: Final = sa.select(LogTile.data).where(
    LogTile.level == sa.bindparam("level"), LogTile.index == sa.bindparam("index")
)


class LeafFields(Protocol):
    """What a leaf is made of: an :class:`Event`, or a row of ``LEAF_COLUMNS``."""

    k: Any
    h: Any
    sig: Any
    rx: Any
    case_tag: Any
    case_seq: Any
    case_prev: Any


@dataclass(frozen=True, slots=True)
class StoredCheckpoint:
    """A signed tree head; ``note`` carries the cosignatures that have come."""

    size: int
    root: bytes
    note: str
    signed_at: datetime
    witnessed_at: datetime | None
    timestamped_at: datetime | None

    @property
    def level(self) -> str:
        """``L1``, ``L2`` or ``L3``."""
        if self.witnessed_at is None:
            return "L1"
        return "L2" if self.timestamped_at is None else "L3"


@dataclass(frozen=True, slots=True)
class Levels:
    """Size of the newest checkpoint of each level, 0 for none; for judging many entries."""

    signed: int
    witnessed: int
    timestamped: int

    def of(self, log_index: int) -> str:
        """Level of an entry."""
        sizes = (self.timestamped, self.witnessed, self.signed)
        for level, size in zip(reversed(LEVELS), sizes, strict=False):
            if log_index < size:
                return level
        return "L0"


def leaf_of(event: LeafFields) -> str:
    """The entry's text in the log; its leaf hash is over the UTF-8 of it."""
    link = None
    if event.case_tag is not None:
        link = CaseLink(event.case_tag, event.case_seq, event.case_prev)
    return leaf_text(k=event.k, h=event.h, s=event.sig, rx=event.rx, case=link)


def leaves(session: Session, start: int, end: int) -> Sequence[Any]:
    """Rows of ``LEAF_COLUMNS`` for the entries [start, end), in order."""
    statement = (
        sa.select(*LEAF_COLUMNS)
        .where(Event.log_index >= start, Event.log_index < end)
        .order_by(Event.log_index)
    )
    return session.execute(statement).all()


def size_of(session: Session) -> int:
    """Number of committed entries."""
    found: int | None = session.execute(sa.select(LogState.next_index)).scalar()
    return found or 0


def reader(session: Session, size: int, near: int | None = None) -> HashReader:
    """Hashes of the tree of the first ``size`` entries; keeps what it has read.

    :param near: an entry whose proof is wanted: its tiles are read in one statement.
    """
    known = {} if near is None else _tiles_near(session, size, near)

    def fetch(tile: Tile) -> bytes:
        data = known.get((tile.level, tile.index), b"")
        return data[: tile.size_bytes] if len(data) >= tile.size_bytes else tile_data(session, tile)

    return TileReader(fetch, size)


def _tiles_near(session: Session, size: int, log_index: int) -> dict[tuple[int, int], bytes]:
    """The tiles above an entry and those at the right edge, which are all that its proof needs."""
    places = set()
    level = 0
    while size >> TILE_HEIGHT * level:
        above = TILE_HEIGHT * (level + 1)
        places |= {(level, log_index >> above), (level, size - 1 >> above)}
        level += 1
    wanted = sa.tuple_(LogTile.level, LogTile.index).in_(sorted(places))
    statement = sa.select(LogTile.level, LogTile.index, LogTile.data).where(wanted)
    return {(level, index): data for level, index, data in session.execute(statement)}


def tile_data(session: Session, tile: Tile) -> bytes:
    """The hashes of a tile, which may be wider by now; ProofError when it is not there."""
    where = {"level": tile.level, "index": tile.index}
    data: bytes | None = session.execute(_TILE, where).scalar()
    if data is None or len(data) < tile.size_bytes:
        raise ProofError(f"{tile.path} is not there", code="hash-missing")
    return data[: tile.size_bytes]


def bundle(session: Session, tile: Tile) -> bytes | None:
    """The entries under a tile of level 0 as a bundle; ``None`` when they are not all there."""
    start = tile.index * TILE_WIDTH
    rows = leaves(session, start, start + tile.width)
    if len(rows) != tile.width:
        return None
    return encode_bundle([leaf_of(row).encode() for row in rows])


def newest_checkpoint(session: Session, level: int = 1) -> StoredCheckpoint | None:
    """The newest checkpoint of at least this level (1 to 3), if there is one."""
    row = session.execute(_newest(level)).scalar()
    return None if row is None else _stored(session, row)


def checkpoint_at(session: Session, size: int) -> StoredCheckpoint | None:
    """The checkpoint of exactly this size, if one was signed."""
    row = session.get(CheckpointRow, size)
    return None if row is None else _stored(session, row)


def levels(session: Session) -> Levels:
    """How far each level reaches; ask once for many entries."""
    found = []
    for level in (1, 2, 3):
        wanted = _newest(level).with_only_columns(CheckpointRow.size)
        found.append(session.execute(wanted).scalar() or 0)
    return Levels(*found)


def level_of(session: Session, log_index: int) -> str:
    """``L0`` to ``L3``."""
    return levels(session).of(log_index)


def place_of(session: Session, device_id: uuid.UUID, ep: int, seq: int) -> dict[str, Any]:
    """``log_index`` and ``level`` of a device's record; no index while it waits for its place."""
    wanted = sa.select(Event.log_index).where(
        Event.src == str(device_id), Event.ep == ep, Event.seq == seq
    )
    index: int | None = session.execute(wanted).scalar()
    return {"log_index": index, "level": None if index is None else level_of(session, index)}


def proof_of(session: Session, log_index: int, at: StoredCheckpoint | None = None) -> TlogProof:
    """Proof that an entry is in the tree of a checkpoint.

    Without one: the newest witnessed checkpoint that covers the entry, else the newest signed.
    Raises a 404 problem while none does.
    """
    chosen = at or covering(session, log_index)
    if chosen is None or log_index >= chosen.size:
        raise not_found("no checkpoint covers this entry yet")
    try:
        return Prover(session, chosen, log_index).proof_of(log_index)
    except ProofError as error:
        raise Problem(Kind.LOG_DAMAGED, str(error)) from error


def covering(session: Session, log_index: int) -> StoredCheckpoint | None:
    """The checkpoint to prove an entry with."""
    for level in (2, 1):
        found = newest_checkpoint(session, level)
        if found is not None and log_index < found.size:
            return found
    return None


def consistency(session: Session, old: int, new: int) -> list[bytes]:
    """Proof that the tree of ``new`` entries extends the one of ``old``; 404 beyond the log."""
    if not 0 <= old <= new <= size_of(session):
        raise not_found("the log has no trees of these sizes")
    return merkle.consistency_proof(old, new, reader(session, new))


class Prover:
    """Makes many proofs under one checkpoint, reading each tile once."""

    def __init__(self, session: Session, at: StoredCheckpoint, near: int | None = None) -> None:
        self.at = at
        self._note = parse_note(at.note)
        self._reader = reader(session, at.size, near)

    def proof_of(self, log_index: int) -> TlogProof:
        """Proof of one entry below the checkpoint's size, verified before it is handed out."""
        path = merkle.inclusion_proof(log_index, self.at.size, self._reader)
        (leaf,) = self._reader.hashes([(0, log_index)])
        merkle.verify_inclusion(leaf, log_index, self.at.size, path, self.at.root)
        return TlogProof(log_index, tuple(path), self._note)


# ------------------------------------------------------------------ what others add to a checkpoint


def add_cosignature(
    session: Session, size: int, name: str, line: str, cosigned_at: datetime
) -> None:
    """Keep a witness' verified signature line (with its newline); a later one replaces it."""
    row = {"size": size, "name": name, "line": line, "cosigned_at": cosigned_at}
    _put(session, table_of(CosignatureRow), ("size", "name"), row)


def mark_witnessed(session: Session, size: int, at: datetime) -> None:
    """The policy's quorum has cosigned: from now on the checkpoint is L2."""
    _mark(session, size, CheckpointRow.witnessed_at, at)


def add_timestamp(
    session: Session, size: int, authority: str, token: bytes, gen_time: datetime, at: datetime
) -> None:
    """Keep a verified RFC 3161 token over the checkpoint's body; ``at`` is now."""
    row = {"size": size, "authority": authority, "token": token, "gen_time": gen_time}
    _put(session, table_of(TimestampRow), ("size", "authority"), row)
    _mark(session, size, CheckpointRow.timestamped_at, at)


def _mark(session: Session, size: int, column: Any, at: datetime) -> None:
    """Never before one that was marked already: the newest of a level is found by these times."""
    at = max(at, session.execute(sa.select(sa.func.max(column))).scalar() or at)
    session.execute(
        sa.update(CheckpointRow)
        .where(CheckpointRow.size == size, column.is_(None))
        .values({column: at})
    )


def _put(session: Session, table: sa.Table, key: Sequence[str], row: dict[str, Any]) -> None:
    dialect = session.get_bind().dialect.name
    insert = (postgresql.insert if dialect == "postgresql" else sqlite.insert)(table)
    rest = {name: insert.excluded[name] for name in row if name not in key}
    session.execute(insert.on_conflict_do_update(index_elements=list(key), set_=rest), [row])


def _newest(level: int) -> sa.Select[CheckpointRow]:
    row = CheckpointRow
    statement = sa.select(row).limit(1)
    if level <= 1:
        return statement.order_by(row.size.desc())
    statement = statement.where(row.witnessed_at.is_not(None))
    if level == 2:  # noqa: PLR2004
        return statement.order_by(row.witnessed_at.desc(), row.size.desc())
    statement = statement.where(row.timestamped_at.is_not(None))
    return statement.order_by(row.timestamped_at.desc(), row.size.desc())


def _stored(session: Session, row: CheckpointRow) -> StoredCheckpoint:
    lines = session.execute(
        sa.select(CosignatureRow.line)
        .where(CosignatureRow.size == row.size)
        .order_by(CosignatureRow.name)
    ).scalars()
    note: Note = parse_note(row.note).with_signatures(map(parse_signature_line, lines))
    return StoredCheckpoint(
        row.size, row.root, note.to_text(), row.signed_at, row.witnessed_at, row.timestamped_at
    )
