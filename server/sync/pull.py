"""Pulling: a snapshot first, then what changed, by an opaque cursor that stays good for months.

The cursor holds the feed's generation, whom it was made for, and a place: in the snapshot, or in
the log.  The work is in proportion to the changes, never to the rows that there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Self

import sqlalchemy as sa

from server.audit import queries as audit
from server.audit.models import LogState, ReceiptRow
from server.audit.queries import FeedPosition
from server.core.context import Context
from server.core.paging import decode_cursor, encode_cursor
from server.core.problem import Kind, Problem
from server.sync import codes, feed
from server.sync.commands import PullQuery
from server.sync.feed import CODES, RECEIPT, Scope

_SNAPSHOT, _FEED = "s", "f"
_INDEX_LIMIT: Final = 2**62
Change = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place.

    In the snapshot (``phase`` ``s``): the log index at its beginning, and the kind and id of the
    last thing given.  In the feed: the last change given.  ``codes`` names the code tables that
    the client has.
    """

    phase: str
    generation: str
    scope: str
    log_index: int
    kind: str
    last: str
    codes: str

    @property
    def text(self) -> str:
        """What the client keeps."""
        return encode_cursor(
            self.phase, self.generation, self.scope, self.log_index, self.kind, self.last,
            self.codes,
        )  # fmt: skip

    @classmethod
    def parse(cls, text: str) -> Self:
        """The cursor again; 400 ``cursor-invalid`` for anything else."""
        found = cls(*decode_cursor(text, str, str, str, int, str, str, str))
        if found.phase not in {_SNAPSHOT, _FEED} or not -1 <= found.log_index < _INDEX_LIMIT:
            raise Problem(Kind.CURSOR_INVALID)
        if not (found.kind + found.last).isascii() or "\0" in found.kind + found.last:
            raise Problem(Kind.CURSOR_INVALID)
        return found


@dataclass(frozen=True, slots=True)
class Pulled:
    """One page."""

    changes: Sequence[Change]
    cursor: str
    has_more: bool


def pull(ctx: Context, scope: Scope, cursor: str | None, limit: int) -> Pulled:
    """The next page for a scope; 410 ``cursor-expired`` when only a snapshot can help."""
    state = audit.log_state(ctx.session)
    if cursor is None:
        start = Cursor(
            _SNAPSHOT, state.generation, scope.tag, state.next_index - 1, scope.kinds[0], "", ""
        )
        return _snapshot(ctx, scope, start, limit)
    place = Cursor.parse(cursor)
    expired = (
        place.generation != state.generation
        or place.scope != scope.tag
        or place.log_index < state.feed_horizon - 1
    )
    if expired:
        raise Problem(Kind.CURSOR_EXPIRED, "pull again without a cursor", snapshot_cursor=None)
    if place.phase == _SNAPSHOT:
        return _snapshot(ctx, scope, place, limit)
    return _feed(ctx, scope, place, state, limit)


def _snapshot(ctx: Context, scope: Scope, start: Cursor, limit: int) -> Pulled:
    """Everything present, kind by kind; then the cursor turns into one of the feed."""
    changes: list[Change] = []
    if start.kind not in scope.kinds:
        raise Problem(Kind.CURSOR_INVALID)
    place = start
    for kind in scope.kinds[scope.kinds.index(start.kind) :]:
        last = place.last if kind == start.kind else ""
        room = limit - len(changes)
        found = _present(ctx, scope, kind, last, room + 1)
        changes += found[:room]
        if len(found) > room:
            at = found[room - 1]["id"] if room else last
            return Pulled(changes, replace(place, kind=kind, last=at).text, has_more=True)
    done = replace(place, phase=_FEED, kind="", last="", codes=codes.tag())
    return Pulled(changes, done.text, has_more=False)


def _present(ctx: Context, scope: Scope, kind: str, last: str, limit: int) -> list[Change]:
    if kind == RECEIPT:
        return _present_receipts(ctx, scope, last, limit)
    ids = [one for one in feed.present_ids(ctx, scope, kind) if one > last][:limit]
    found = feed.extracts(ctx, scope, kind, ids)
    return [_put(kind, one, found[one]) for one in ids if one in found]


def _present_receipts(ctx: Context, scope: Scope, last: str, limit: int) -> list[Change]:
    row = ReceiptRow
    statement = sa.select(row.id, row.s, row.sig, row.k).where(row.device_id == scope.device_id)
    if last:
        statement = statement.where(row.id > feed.identifier(last))
    rows = ctx.session.execute(statement.order_by(row.id).limit(limit))
    return [_put(RECEIPT, str(one), {"s": s, "sig": sig, "k": k}) for one, s, sig, k in rows]


def _feed(ctx: Context, scope: Scope, place: Cursor, state: LogState, limit: int) -> Pulled:
    changes: list[Change] = []
    if place.codes != codes.tag() and CODES in scope.kinds:
        changes = _present(ctx, scope, CODES, "", limit)
    after = FeedPosition(place.log_index, place.kind, place.last)
    # Read beside a running sequencer: what comes after this state waits for the next pull.
    until = state.next_index - 1
    topics = [kind for kind in scope.kinds if kind != CODES]
    rows = audit.feed_page(ctx.session, scope.recipients, after, until, topics, limit + 1)
    more, rows = len(rows) > limit, rows[:limit]
    changes += _now(ctx, scope, ((row.topic, row.entity_id) for row in rows))
    if more:
        last = rows[-1]
        end = replace(place, log_index=last.log_index, kind=last.topic, last=last.entity_id)
    else:
        # Read to the end, also past what concerns others: the cursor stays young.
        end = replace(place, log_index=max(until, place.log_index), kind="", last="")
    return Pulled(changes, replace(end, codes=codes.tag()).text, has_more=more)


def _now(ctx: Context, scope: Scope, touched: Iterable[tuple[str, str]]) -> list[Change]:
    """Present state of what changed; each thing once, at the place of its last change."""
    order = list(dict.fromkeys(reversed(list(touched))))[::-1]
    by_kind: dict[str, list[str]] = {}
    for kind, one in order:
        by_kind.setdefault(kind, []).append(one)
    found = {kind: feed.extracts(ctx, scope, kind, ids) for kind, ids in by_kind.items()}
    return [
        _put(kind, one, found[kind][one]) if one in found[kind] else _drop(kind, one)
        for kind, one in order
    ]


def _put(kind: str, one: str, data: dict[str, Any]) -> Change:
    return {"kind": kind, "op": "put", "id": one, "data": data}


def _drop(kind: str, one: str) -> Change:
    return {"kind": kind, "op": "drop", "id": one, "data": None}


def page(ctx: Context, query: PullQuery) -> dict[str, Any]:
    """Answer of a pull by the caller."""
    found = pull(ctx, feed.scope_of(ctx), query.cursor, query.limit)
    return {"changes": found.changes, "cursor": found.cursor, "has_more": found.has_more}


def receipts(ctx: Context, query: PullQuery) -> dict[str, Any]:
    """Answer of a fetch of receipts by the calling device."""
    scope = Scope(ctx.actor.court_id, ctx.actor.device(), None, (RECEIPT,))
    found = pull(ctx, scope, query.cursor, query.limit)
    signed = [change["data"] for change in found.changes if change["data"] is not None]
    return {"receipts": signed, "cursor": found.cursor, "has_more": found.has_more}
