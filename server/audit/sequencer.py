"""The one sequencer: moves the outbox into ``events``, the leaves of a Merkle tree.

It reads whatever is committed, never ``id > last seen`` (that lost 10.8 % of rows in a trial,
04 §4.2), and holds the row of ``log_state``, so that two sequencers take turns.  Index, place in
the case, leaf and tiles are written in one transaction: what is committed can be signed.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, cast

import sqlalchemy as sa
import structlog
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from client_sdk.protocol.errors import ProtocolError
from client_sdk.protocol.tlog.leaves import leaf_text
from client_sdk.protocol.tlog.merkle import leaf_hash
from client_sdk.protocol.tlog.tiles import Tile, append_leaves
from server.audit.case_chains import CaseChains
from server.audit.models import Change, Event, LogState, LogTile, OutboxRow, RefusedRow
from server.audit.outbox import entry_mac, mac_key
from server.core.bulk import among, insert_rows
from server.core.context import Runtime
from server.core.db import table_of

BATCH: Final = 2_000
_ASKED_AT_ONCE: Final = 500
MAC, REPEATED, MALFORMED = "mac", "repeated", "malformed"
_outbox, _events, _tiles = table_of(OutboxRow), table_of(Event), table_of(LogTile)
_SHARED: Final = ", ".join(c.name for c in _outbox.columns if c.name in _events.c)
_PLACED: Final = "log_index, leaf_hash, case_tag, case_seq, case_prev"
_MOVE_AT_ONCE: Final = sa.text(f"""
    WITH place AS MATERIALIZED (
        SELECT * FROM json_to_recordset(CAST(:rows AS json)) AS t(
            id bigint, log_index bigint, leaf_hash bytea, case_tag text, case_seq bigint,
            case_prev text)
    ), gone AS (
        DELETE FROM outbox USING place WHERE outbox.id = place.id
        RETURNING outbox.*, {", ".join(f"place.{name}" for name in _PLACED.split(", "))}
    )
    INSERT INTO events ({_SHARED}, {_PLACED})
    SELECT {_SHARED}, {_PLACED} FROM gone ORDER BY log_index
""")  # noqa: S608  our own names
_MOVE_ONE: Final = sa.text(f"""
    INSERT INTO events ({_SHARED}, {_PLACED})
    SELECT {_SHARED}, :log_index, :leaf_hash, :case_tag, :case_seq, :case_prev
    FROM outbox WHERE id = :id
""")  # noqa: S608  our own names
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
    good, refused = _judged(rows, mac_key(runtime.keyring), _entered_before(session, rows))
    entered, malformed = _enter(session, state.next_index, good)
    refused += malformed
    if refused:
        _set_aside(session, refused, runtime.clock.now())
    state.next_index += entered
    session.flush()
    return len(rows)


def _entered_before(session: Session, rows: Sequence[Row]) -> set[str]:
    """Which of the rows are in the log already: somebody kept a copy and put it back."""
    found: set[str] = set()
    for start in range(0, len(rows), _ASKED_AT_ONCE):
        hids = [row["hid"] for row in rows[start : start + _ASKED_AT_ONCE]]
        found.update(session.execute(sa.select(Event.hid).where(Event.hid.in_(hids))).scalars())
    return found


def _judged(
    rows: Sequence[Row], key: bytes, seen: set[str]
) -> tuple[list[Row], list[tuple[Row, str]]]:
    """What this server wrote, and what it did not; ``seen`` are entries of the log."""
    good: list[Row] = []
    refused: list[tuple[Row, str]] = []
    for row in rows:
        if entry_mac(key, row) != row["mac"]:
            refused.append((row, MAC))
        elif row["hid"] in seen:
            refused.append((row, REPEATED))
        else:
            seen.add(row["hid"])
            good.append(row)
    return good, refused


def _enter(session: Session, first: int, rows: Sequence[Row]) -> tuple[int, list[tuple[Row, str]]]:
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
        ct, cs, cp = (link.ct, link.cs, link.cp) if link else (None, None, None)
        place = {"log_index": index, "case_tag": ct, "case_seq": cs, "case_prev": cp}
        events.append({"id": row["id"], "leaf_hash": leaf, **place})
    _move(session, events)
    insert_rows(session, table_of(Change), changes)
    chains.save()
    _build(session, first, [event["leaf_hash"] for event in events])
    return len(events), malformed


def _move(session: Session, places: Sequence[dict[str, Any]]) -> None:
    """From the outbox into the log, in the database: the texts do not travel once more."""
    if not places:
        return
    if session.get_bind().dialect.name == "postgresql":
        rows = [{**place, "leaf_hash": f"\\x{place['leaf_hash'].hex()}"} for place in places]
        moved = session.execute(_MOVE_AT_ONCE, {"rows": json.dumps(rows)})
        if cast("sa.CursorResult[Any]", moved).rowcount != len(places):
            raise LogDamagedError("rows of the outbox vanished while they were moved")
    else:
        session.execute(_MOVE_ONE, list(places))
        _delete(session, [place["id"] for place in places])


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
    _delete(session, [row["id"] for row, _ in refused])
    _log.critical("outbox rows that this server did not write", count=len(rows))


def _plain(row: Row) -> dict[str, Any]:
    return {
        name: str(value) if isinstance(value, uuid.UUID | bytes) else value
        for name, value in row.items()
    }


def _delete(session: Session, ids: list[int]) -> None:
    for start in range(0, len(ids), _ASKED_AT_ONCE):
        part = ids[start : start + _ASKED_AT_ONCE]
        session.execute(sa.delete(_outbox).where(among(session, _outbox.c.id, part)))
