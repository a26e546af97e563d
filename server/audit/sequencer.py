"""The one sequencer: moves the outbox into ``events``, the leaves of a Merkle tree.

It reads whatever is committed, never ``id > last seen`` (that lost 10.8 % of rows in a trial,
04 §4.2), and holds the row of ``log_state``, so that two sequencers take turns.  Index, place in
the case, leaf and tiles are written in one transaction: what is committed can be signed.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
import structlog
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from client_sdk.protocol.errors import ProtocolError
from client_sdk.protocol.tlog.leaves import CaseLink, leaf_text
from client_sdk.protocol.tlog.merkle import leaf_hash
from client_sdk.protocol.tlog.tiles import Tile, append_leaves
from server.audit.case_chains import CaseChains
from server.audit.models import Change, Event, LogState, LogTile, OutboxRow, RefusedRow
from server.audit.outbox import entry_mac, mac_key
from server.core.bulk import among, insert_rows
from server.core.context import Runtime
from server.core.db import table_of

BATCH: Final = 2_000
MAC, REPEATED, MALFORMED = "mac", "repeated", "malformed"
_outbox, _events, _tiles = table_of(OutboxRow), table_of(Event), table_of(LogTile)
_ONLY_OUTBOX: Final = [column.name for column in _outbox.columns if column.name not in _events.c]
_NO_CASE: Final[dict[str, Any]] = {"case_tag": None, "case_seq": None, "case_prev": None}
Row = dict[str, Any]


class LogDamagedError(Exception):
    """What is stored of the tree does not fit its size: nothing may be built upon it."""


_log = structlog.get_logger("sequencer")


def initialise(session: Session, generation: str) -> None:
    """Make the state row of an empty log; a log that has one keeps it."""
    if session.get(LogState, 1) is None:
        session.add(LogState(id=1, next_index=0, generation=generation, feed_horizon=0))


def sequence(session: Session, runtime: Runtime, limit: int = BATCH) -> int:
    """Move up to ``limit`` rows in one transaction (the caller's); returns how many.

    Rows that this server did not write go to ``outbox_refused`` instead (counted as well).
    """
    if session.execute(sa.select(_outbox.c.id).limit(1)).first() is None:
        return 0
    state = session.execute(sa.select(LogState).with_for_update()).scalar_one()
    found = session.execute(sa.select(_outbox).order_by(_outbox.c.id).limit(limit))
    names = list(found.keys())
    rows: list[Row] = [dict(zip(names, row, strict=True)) for row in found.all()]
    if not rows:
        return 0
    ids = [row["id"] for row in rows]
    good, refused = _judged(rows, mac_key(runtime.keyring))
    entered, malformed = _enter(session, state.next_index, good)
    refused += malformed
    if refused:
        _set_aside(session, refused, runtime.clock.now())
    _delete(session, ids)
    state.next_index += len(entered)
    session.flush()
    return len(ids)


def _judged(rows: Sequence[Row], key: bytes) -> tuple[list[Row], list[tuple[Row, str]]]:
    """What this server wrote, and what it did not."""
    good: list[Row] = []
    refused: list[tuple[Row, str]] = []
    seen: set[str] = set()
    for row in rows:
        if entry_mac(key, row) != row["mac"]:
            refused.append((row, MAC))
        elif row["hid"] in seen:
            refused.append((row, REPEATED))
        else:
            seen.add(row["hid"])
            good.append(row)
    return good, refused


def _enter(
    session: Session, first: int, rows: Sequence[Row]
) -> tuple[list[dict[str, Any]], list[tuple[Row, str]]]:
    """Give the rows their places in the log, in their cases and in the tree."""
    chains = CaseChains(session, {row["case_id"] for row in rows})
    events: list[dict[str, Any]] = []
    changes: list[dict[str, Any]] = []
    malformed: list[tuple[Row, str]] = []
    for row in rows:
        link = chains.link(row["case_id"])
        try:
            text = leaf_text(k=row["k"], h=row["h"], s=row["sig"], rx=row["rx"], case=link)
        except ProtocolError:
            malformed.append((row, MALFORMED))
            continue
        leaf = leaf_hash(text.encode())
        chains.append(row["case_id"], leaf)
        index = first + len(events)
        if row["changes"]:
            changes += _changes(row, index)
        for name in _ONLY_OUTBOX:
            del row[name]
        row |= {
            "log_index": index,
            "leaf_hash": leaf,
            **(_NO_CASE if link is None else _case(link)),
        }
        events.append(row)
    insert_rows(session, _events, events)
    insert_rows(session, table_of(Change), changes)
    chains.save()
    _build(session, first, [event["leaf_hash"] for event in events])
    return events, malformed


def _case(link: CaseLink) -> dict[str, Any]:
    return {"case_tag": link.ct, "case_seq": link.cs, "case_prev": link.cp}


def _build(session: Session, size: int, leaves: Sequence[bytes]) -> None:
    """Append the leaves to the tiles: full ones once, the right edge in place."""
    if not leaves:
        return

    def edge(tile: Tile) -> bytes:
        here = (_tiles.c.level == tile.level, _tiles.c.index == tile.index)
        statement = sa.select(_tiles.c.data).where(*here, _tiles.c.width == tile.width)
        data: bytes | None = session.execute(statement).scalar_one_or_none()
        if data is None:
            raise LogDamagedError(f"{tile.path} is not there: nothing can follow it")
        return data

    rows = [
        {"level": tile.level, "index": tile.index, "width": tile.width, "data": data}
        for tile, data in append_leaves(size, leaves, edge).tiles.items()
    ]
    dialect = session.get_bind().dialect.name
    insert = (postgresql.insert if dialect == "postgresql" else sqlite.insert)(_tiles)
    grown = {name: insert.excluded[name] for name in ("width", "data")}
    session.execute(
        insert.on_conflict_do_update(index_elements=["level", "index"], set_=grown), rows
    )


def _changes(row: Row, log_index: int) -> list[dict[str, Any]]:
    found = {(recipient, topic, entity): op for recipient, topic, entity, op in row["changes"]}
    return [
        {
            "recipient": recipient, "log_index": log_index, "topic": topic, "entity_id": entity,
            "op": op, "court_id": row["court_id"],
        }
        for (recipient, topic, entity), op in found.items()
    ]  # fmt: skip


def _set_aside(session: Session, refused: Sequence[tuple[Row, str]], now: datetime) -> None:
    rows = [
        {"outbox_id": row["id"], "found_at": now, "reason": reason, "row": _plain(row)}
        for row, reason in refused
    ]
    session.execute(sa.insert(table_of(RefusedRow)), rows)
    _log.critical("outbox rows that this server did not write", count=len(rows))


def _plain(row: Row) -> dict[str, Any]:
    return {
        name: str(value) if isinstance(value, uuid.UUID | bytes) else value
        for name, value in row.items()
    }


def _delete(session: Session, ids: list[int]) -> None:
    for start in range(0, len(ids), 500):
        part = ids[start : start + 500]
        session.execute(sa.delete(_outbox).where(among(session, _outbox.c.id, part)))
