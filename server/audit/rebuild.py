"""Rebuilding the tree from the entries, to find whatever was changed in the database by hand.

Every leaf is made again from the columns it consists of, every tile from the leaves, every
checkpoint's root from the tiles, and every case's sequence from the entries.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from client_sdk.protocol.errors import ProtocolError
from client_sdk.protocol.tlog.checkpoints import parse_checkpoint
from client_sdk.protocol.tlog.leaves import case_tag
from client_sdk.protocol.tlog.merkle import leaf_hash
from client_sdk.protocol.tlog.notes import Note, parse_note, parse_vkey, verified_by
from client_sdk.protocol.tlog.tiles import Tile, append_leaves
from server.audit import log
from server.audit.case_chains import CASES
from server.audit.models import CaseChain, CheckpointRow, Event, LogTile, TileMirror
from server.core.db import table_of

_WINDOW: Final = 2_048
_NO_LEAF: Final = bytes(32)
_tiles = table_of(LogTile)


@dataclass(frozen=True, slots=True)
class LogFinding:
    """Something that is not as it was written; ``code`` is stable, ``place`` says where.

    Codes: ``index-gap``, ``leaf-malformed``, ``leaf-differs``, ``case-link``, ``case-chain``,
    ``case-tag``, ``tile-missing``, ``tile-differs``, ``tile-extra``, ``mirror-differs``,
    ``size-differs``, ``checkpoint-differs``, ``checkpoint-signature``.
    """

    code: str
    place: str
    detail: str
    repaired: bool = False


@dataclass(slots=True)
class _Rebuilt:
    """The tree as the entries make it."""

    findings: list[LogFinding] = field(default_factory=list)
    size: int = 0
    edge: dict[int, tuple[Tile, bytes]] = field(default_factory=dict)
    wrong: dict[Tile, bytes] = field(default_factory=dict)
    cases: dict[uuid.UUID, tuple[str, int, bytes]] = field(default_factory=dict)
    roots_agree: bool = True

    def add(self, code: str, place: object, detail: str) -> None:
        self.findings.append(LogFinding(code, str(place), detail))


def rebuild_tiles(
    session: Session, *, repair: bool = False, vkeys: Sequence[str] = ()
) -> list[LogFinding]:
    """Rebuild everything and compare it with what is stored; nothing found is the good case.

    :param repair: put right tiles that differ, provided the tree is the one that was signed.
    :param vkeys: the log's verifier keys, to verify the checkpoints' signatures as well.
    """
    rebuilt = _Rebuilt()
    keys = [parse_vkey(vkey) for vkey in vkeys]
    size = log.size_of(session)
    for checkpoint in _checkpoints(session):
        if checkpoint.size > size:
            rebuilt.add("checkpoint-differs", checkpoint.size, "it covers more than the log holds")
            continue
        root = _grow(session, rebuilt, checkpoint.size)
        _compare_checkpoint(rebuilt, checkpoint, root)
        note = _note(checkpoint.note)
        if keys and not (note and any(verified_by(note, key) for key in keys)):
            rebuilt.add("checkpoint-signature", checkpoint.size, "not signed by the log")
    _grow(session, rebuilt, size)
    for tile, data in rebuilt.edge.values():
        _compare_tile(session, rebuilt, tile, data)
    _surplus(session, rebuilt)
    _compare_chains(session, rebuilt)
    if repair and rebuilt.roots_agree and rebuilt.wrong:
        _repair(session, rebuilt)
    return rebuilt.findings


# ------------------------------------------------------------------------------- the entries


def _grow(session: Session, rebuilt: _Rebuilt, upto: int) -> bytes | None:
    """Append the entries up to a size; the root there, ``None`` when nothing was appended."""
    root = None
    while rebuilt.size < upto:
        end = min(upto, rebuilt.size + _WINDOW)
        leaves = list(_leaves(session, rebuilt, rebuilt.size, end))
        grown = append_leaves(rebuilt.size, leaves, lambda tile: rebuilt.edge[tile.level][1])
        rebuilt.edge = {
            level: held for level, held in rebuilt.edge.items() if held[0] not in grown.tiles
        }
        for tile, data in grown.tiles.items():
            if tile.is_full:
                rebuilt.edge.pop(tile.level, None)
                _compare_tile(session, rebuilt, tile, data)
            else:
                rebuilt.edge[tile.level] = (tile, data)
        rebuilt.size, root = end, grown.root
    return root


def _leaves(session: Session, rebuilt: _Rebuilt, start: int, end: int) -> Iterator[bytes]:
    statement = (
        sa.select(*log.LEAF_COLUMNS, Event.leaf_hash, Event.case_id)
        .where(Event.log_index >= start, Event.log_index < end)
        .order_by(Event.log_index)
    )
    rows = {row.log_index: row for row in session.execute(statement)}
    for index in range(start, end):
        row = rows.get(index)
        if row is None:
            rebuilt.add("index-gap", index, "there is no such entry")
            yield _NO_LEAF
            continue
        try:
            leaf = leaf_hash(log.leaf_of(row).encode())
        except ProtocolError as error:
            rebuilt.add("leaf-malformed", index, str(error))
            yield _NO_LEAF
            continue
        if leaf != row.leaf_hash:
            rebuilt.add("leaf-differs", index, "the entry does not hash to its leaf")
        _follow_case(rebuilt, row, leaf)
        yield leaf


def _follow_case(rebuilt: _Rebuilt, row: Any, leaf: bytes) -> None:
    if row.case_tag is None:
        return
    tag, seq, last = rebuilt.cases.get(row.case_id, (row.case_tag, 0, b""))
    before = last.hex() if seq else None
    if (row.case_tag, row.case_seq, row.case_prev) != (tag, seq + 1, before):
        rebuilt.add("case-link", row.log_index, "it does not follow the case's entry before it")
    rebuilt.cases[row.case_id] = (row.case_tag, row.case_seq, leaf)


# ------------------------------------------------------------------------------- what is stored


def _checkpoints(session: Session) -> Iterator[Any]:
    row, after = CheckpointRow, 0
    while True:
        statement = sa.select(row.size, row.root, row.note).where(row.size > after)
        found = session.execute(statement.order_by(row.size).limit(_WINDOW)).all()
        if not found:
            return
        yield from found
        after = found[-1].size


def _compare_checkpoint(rebuilt: _Rebuilt, row: Any, root: bytes | None) -> None:
    note = _note(row.note)
    try:
        said = parse_checkpoint(note.text) if note else None
    except ProtocolError:
        said = None
    if root != row.root or said is None or (said.size, said.root) != (row.size, row.root):
        rebuilt.add("checkpoint-differs", row.size, "the entries make another tree")
        rebuilt.roots_agree = False


def _note(text: str) -> Note | None:
    try:
        return parse_note(text)
    except ProtocolError:
        return None


def _compare_tile(session: Session, rebuilt: _Rebuilt, tile: Tile, data: bytes) -> None:
    stored = session.get(LogTile, (tile.level, tile.index))
    if stored is None:
        rebuilt.add("tile-missing", tile.path, "the tile is not there")
        rebuilt.wrong[tile] = data
        return
    if (stored.width, stored.data) != (tile.width, data):
        rebuilt.add("tile-differs", tile.path, "the tile does not hold the hashes of the entries")
        rebuilt.wrong[tile] = data
    session.expunge(stored)
    if tile.is_full:
        mirror = session.get(TileMirror, (tile.level, tile.index))
        if mirror is not None and mirror.sha256 != hashlib.sha256(data).hexdigest():
            rebuilt.add("mirror-differs", tile.path, "another tile was mirrored")


def _surplus(session: Session, rebuilt: _Rebuilt) -> None:
    beyond = sa.select(Event.log_index).where(
        sa.or_(Event.log_index >= rebuilt.size, Event.log_index < 0)
    )
    for index in session.execute(beyond.limit(_WINDOW)).scalars():
        rebuilt.add("size-differs", index, "an entry beyond the size of the log")
    for level, index in session.execute(sa.select(_tiles.c.level, _tiles.c.index)):
        leaves_below = index << 8 * (level + 1) if 0 <= level < 8 else rebuilt.size  # noqa: PLR2004
        hashes = (rebuilt.size >> 8 * level) - index * 256 if 0 <= level < 8 else 0  # noqa: PLR2004
        if leaves_below >= rebuilt.size or hashes <= 0 or index < 0:
            rebuilt.add("tile-extra", f"tile/{level}/{index}", "the tree has no such tile")


def _compare_chains(session: Session, rebuilt: _Rebuilt) -> None:
    rows = session.execute(sa.select(CASES.c.id, CASES.c.case_no))
    numbers: dict[uuid.UUID, str] = {row.id: row.case_no for row in rows}
    known = set()
    for chain in session.execute(sa.select(CaseChain)).scalars():
        known.add(chain.case_id)
        stands = rebuilt.cases.get(chain.case_id)
        if stands != (chain.tag, chain.last_seq, chain.last_leaf):
            rebuilt.add("case-chain", chain.case_id, "it does not end where the entries do")
        number = numbers.get(chain.case_id)
        if number is None or chain.tag != case_tag(chain.case_key, number):
            rebuilt.add("case-tag", chain.case_id, "the tag is not that of the case's number")
    for case_id in rebuilt.cases.keys() - known:
        rebuilt.add("case-chain", case_id, "the chain is not there")


def _repair(session: Session, rebuilt: _Rebuilt) -> None:
    dialect = session.get_bind().dialect.name
    insert = (postgresql.insert if dialect == "postgresql" else sqlite.insert)(_tiles)
    put = insert.on_conflict_do_update(
        index_elements=["level", "index"],
        set_={name: insert.excluded[name] for name in ("width", "data")},
    )
    for tile, data in rebuilt.wrong.items():
        row = {"level": tile.level, "index": tile.index, "width": tile.width, "data": data}
        session.execute(put, [row])
    mended = {tile.path for tile in rebuilt.wrong}
    rebuilt.findings = [
        LogFinding(one.code, one.place, one.detail, repaired=one.place in mended)
        for one in rebuilt.findings
    ]
