"""The queue for review: any filter over the evidence that the caller may see.

At a million items a page costs what a page costs.  Each review state is read along one index in
the order of the queue and cut off there; what no index knows (kind of medium, place, which finding,
not seen yet) narrows a window of ``WINDOW`` rows of each.  Where windows run out before a page is
full, the page is short and its cursor goes on behind them: nothing is left out, and no request
looks at everything.  Counting stops likewise, and says so.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from server.core.context import Context
from server.core.paging import Page, decode_cursor, encode_cursor
from server.core.problem import Kind, Problem
from server.evidence.models import Evidence
from server.evidence.rules import has_findings
from server.evidence.visibility import sees_evidence
from server.identity import queries as identity
from server.review.commands import ANY_FINDING, Order, QueueFilter
from server.review.models import ReviewSeen

WINDOW: Final = 3_000
COUNT_MAX: Final = 1_000
_OTHER_DATUM_DEGREES: Final = 0.01  # how far a position in another datum may lie off
_COLUMNS: Final = (
    Evidence.id, Evidence.court_id, Evidence.case_id, Evidence.officer_id, Evidence.captured_by,
    Evidence.captured_at, Evidence.media, Evidence.lat, Evidence.lon, Evidence.geo_datum,
    Evidence.findings,
)  # fmt: skip
_Place = tuple[datetime, uuid.UUID]
_Rules = list[sa.ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class Left:
    """How many items are in the queue; at least that many unless ``exact``."""

    count: int
    exact: bool


@dataclass(frozen=True, slots=True)
class Neighbours:
    """What comes before and after an item in the queue."""

    before: uuid.UUID | None
    after: uuid.UUID | None


def page(ctx: Context, wanted: QueueFilter) -> Page[Evidence]:
    """A page of the queue; it may be short and still be followed by another."""
    after = None if wanted.cursor is None else _place_of(wanted.cursor)
    ids, beyond = _read(ctx, wanted, after, wanted.limit + 1)
    items = _items(ctx, [identifier for identifier, _ in ids[: wanted.limit]])
    if len(ids) > wanted.limit:
        identifier, at = ids[wanted.limit - 1]
        return Page(items, _cursor((at, identifier)))
    return Page(items, None if beyond is None else _cursor(beyond))


def left(ctx: Context, wanted: QueueFilter) -> Left:
    """How many items the filter finds, counted as far as ``COUNT_MAX``."""
    if not _exists(ctx, wanted):
        return Left(0, exact=True)
    plan = _Plan(ctx, wanted)
    size = WINDOW if plan.rest else COUNT_MAX + 1
    found = plan.rows(None, size).subquery()
    counted: int = ctx.session.execute(sa.select(sa.func.count()).select_from(found)).scalar_one()
    if plan.rest:
        return Left(counted, exact=plan.horizon(ctx, None, size) is None)
    return Left(min(counted, COUNT_MAX), exact=counted <= COUNT_MAX)


def neighbours(ctx: Context, wanted: QueueFilter, item: Evidence) -> Neighbours:
    """The items beside one, which need not be in the queue any more."""
    here = (item.captured_at, item.id)
    turned = Order.NEWEST if wanted.order is Order.OLDEST else Order.OLDEST
    back = dataclasses.replace(wanted, order=turned)
    return Neighbours(before=_first(ctx, back, here), after=_first(ctx, wanted, here))


def page_from(ctx: Context, wanted: QueueFilter, item: Evidence) -> Page[Evidence]:
    """The page that begins with an item, whether or not that is in the queue still."""
    start = dataclasses.replace(wanted, cursor=_cursor((item.captured_at, item.id)))
    rest = page(ctx, start if wanted.cursor is None else wanted)
    return Page([item, *(one for one in rest.items if one.id != item.id)], rest.next_cursor)


def first(ctx: Context, wanted: QueueFilter, but: uuid.UUID) -> uuid.UUID | None:
    """The queue's first item that is not ``but``."""
    ids, _ = _read(ctx, dataclasses.replace(wanted, cursor=None), None, 2)
    return next((identifier for identifier, _ in ids if identifier != but), None)


def _first(ctx: Context, wanted: QueueFilter, after: _Place) -> uuid.UUID | None:
    ids, _ = _read(ctx, wanted, after, 1)
    return ids[0][0] if ids else None


def _read(
    ctx: Context, wanted: QueueFilter, after: _Place | None, count: int
) -> tuple[Sequence[tuple[uuid.UUID, datetime]], _Place | None]:
    """Up to ``count`` ids with their moments, and where to go on if a window ran out."""
    if not _exists(ctx, wanted):
        return [], None
    plan = _Plan(ctx, wanted)
    size = WINDOW if plan.rest else count
    horizon = plan.horizon(ctx, after, size) if plan.rest else None
    found = plan.rows(after, size).subquery()
    statement = sa.select(found.c.id, found.c.captured_at)
    if horizon is not None:
        statement = statement.where(sa.not_(_beyond(found.c, horizon, wanted.order)))
    ordered = statement.order_by(*_ordered(found.c, wanted.order)).limit(count)
    ids = [(row.id, row.captured_at) for row in ctx.session.execute(ordered)]
    return ids, horizon if len(ids) < count else None


def _exists(ctx: Context, wanted: QueueFilter) -> bool:
    """Whether the person and the device that are named belong to the court."""
    session, court_id = ctx.session, ctx.actor.court_id
    officer, device = wanted.officer_id, wanted.device_id
    if officer is not None and identity.user_in_court(session, court_id, officer) is None:
        return False
    return device is None or identity.device_in_court(session, court_id, device) is not None


class _Plan:
    """Along which index the queue is read, and what has to be looked at besides."""

    def __init__(self, ctx: Context, wanted: QueueFilter) -> None:
        self._wanted = wanted
        self._court = ctx.actor.court_id
        self.whole = wanted.case_id is not None or wanted.mission_id is not None
        self.rest = _looked_at(ctx, wanted)
        if not ctx.actor.sees_whole_court:
            self.rest.append(sees_evidence(ctx.actor))
        if self.whole:
            return
        if wanted.officer_id is not None:
            self._range = Evidence.officer_id == wanted.officer_id
            if wanted.device_id is not None:
                self.rest.append(Evidence.captured_by == wanted.device_id)
        elif wanted.device_id is not None:
            self._range = Evidence.captured_by == wanted.device_id
        else:
            self._range = Evidence.court_id == self._court

    def rows(self, after: _Place | None, size: int) -> sa.Select[Any]:
        """Ids and moments of what is found within the windows."""
        if self.whole:
            return self._of_one(after)
        parts = [sa.select(self._window(one, after, size)) for one in self._wanted.states]
        found = sa.union_all(*parts).subquery()
        rules = [_moved(rule, found) for rule in self.rest]
        court = found.c.court_id == self._court
        return sa.select(found.c.id, found.c.captured_at).where(court, *rules)

    def horizon(self, ctx: Context, after: _Place | None, size: int) -> _Place | None:
        """The last place up to which every window reaches; ``None`` when all were read whole."""
        if self.whole:
            return None
        ends: list[_Place] = []
        for state in self._wanted.states:
            inner = self._window(state, after, size)
            last = sa.select(inner.c.captured_at, inner.c.id)
            last = last.order_by(*_ordered(inner.c, self._wanted.order)).offset(size - 1).limit(1)
            ends += [(row.captured_at, row.id) for row in ctx.session.execute(last)]
        pick = min if self._wanted.order is Order.OLDEST else max
        return pick(ends) if ends else None

    def _window(self, state: str, after: _Place | None, size: int) -> sa.Subquery:
        rules = [self._range, Evidence.review_state == state, *_always(self._wanted, after)]
        statement = sa.select(*_COLUMNS).where(*rules)
        return statement.order_by(*_ordered(Evidence, self._wanted.order)).limit(size).subquery()

    def _of_one(self, after: _Place | None) -> sa.Select[Any]:
        """A case or a mission is read as a whole: it has thousands of items, not millions."""
        wanted = self._wanted
        columns = (*_COLUMNS, Evidence.review_state, Evidence.state, Evidence.mission_id)
        of_one = sa.select(*columns).where(
            sa.and_(Evidence.court_id == self._court, Evidence.case_id == wanted.case_id)
            if wanted.case_id is not None
            else Evidence.mission_id == wanted.mission_id
        )
        found = of_one.cte("of_one").prefix_with("MATERIALIZED")
        rules: _Rules = [Evidence.court_id == self._court]
        rules += [Evidence.review_state.in_(wanted.states), *_always(wanted, after), *self.rest]
        exact = {Evidence.mission_id: wanted.mission_id, Evidence.officer_id: wanted.officer_id,
                 Evidence.captured_by: wanted.device_id}  # fmt: skip
        rules += [column == value for column, value in exact.items() if value is not None]
        moved = [_moved(rule, found) for rule in rules]
        return sa.select(found.c.id, found.c.captured_at).where(*moved)


def _always(wanted: QueueFilter, after: _Place | None) -> _Rules:
    """What is true of nearly every row, a place in the index itself, or an index of its own."""
    rules: _Rules = [Evidence.state == "verified"]
    if wanted.captured_from is not None:
        rules.append(Evidence.captured_at >= wanted.captured_from)
    if wanted.captured_to is not None:
        rules.append(Evidence.captured_at < wanted.captured_to)
    if after is not None:
        rules.append(_beyond(Evidence, after, wanted.order))
    if wanted.finding is not None:
        rules.append(has_findings(Evidence))
    return rules


def _looked_at(ctx: Context, wanted: QueueFilter) -> _Rules:
    """What no index knows."""
    rules: _Rules = []
    if wanted.media is not None:
        rules.append(Evidence.media == wanted.media)
    if wanted.box is not None:
        rules.append(_inside(wanted))
    if wanted.finding is not None and wanted.finding != ANY_FINDING:
        text = sa.cast(Evidence.findings, sa.Text)
        rules.append(text.contains(f'"code": "{wanted.finding}"', autoescape=True))
    if wanted.unseen:
        seen = sa.select(ReviewSeen.evidence_id).where(ReviewSeen.user_id == ctx.actor.user())
        rules.append(Evidence.id.not_in(seen))
    return rules


def _inside(wanted: QueueFilter) -> sa.ColumnElement[bool]:
    """Positions in another datum are taken in with the distance by which it may differ."""
    box = wanted.box
    if box is None:
        return sa.true()
    lat, lon = (sa.cast(column, sa.Float) for column in (Evidence.lat, Evidence.lon))
    off = sa.case(
        (sa.func.coalesce(Evidence.geo_datum, "WGS84").in_(("WGS84", "WGS-84")), 0.0),
        else_=_OTHER_DATUM_DEGREES,
    )
    return sa.and_(
        Evidence.lat.is_not(None), Evidence.lon.is_not(None),
        lat >= box.south - off, lat <= box.north + off,
        lon >= box.west - off, lon <= box.east + off,
    )  # fmt: skip


def _moved(rule: sa.ColumnElement[bool], to: sa.FromClause) -> sa.ColumnElement[bool]:
    """The same rule on the rows of a window."""
    adapter = sa.sql.util.ClauseAdapter(to)
    return adapter.traverse(rule)


def _ordered(columns: Any, order: Order) -> tuple[sa.ColumnElement[Any], ...]:
    pair = (columns.captured_at, columns.id)
    return pair if order is Order.OLDEST else tuple(column.desc() for column in pair)


def _beyond(columns: Any, after: _Place, order: Order) -> sa.ColumnElement[bool]:
    here = sa.tuple_(columns.captured_at, columns.id)
    at, identifier = after
    place = sa.tuple_(
        sa.literal(at, Evidence.captured_at.type), sa.literal(identifier, Evidence.id.type)
    )
    return here > place if order is Order.OLDEST else here < place


def _items(ctx: Context, ids: Sequence[uuid.UUID]) -> list[Evidence]:
    if not ids:
        return []
    rows = ctx.session.execute(sa.select(Evidence).where(Evidence.id.in_(ids))).scalars()
    found = {row.id: row for row in rows}
    return [found[identifier] for identifier in ids if identifier in found]


def _cursor(place: _Place) -> str:
    return encode_cursor(place[0].isoformat(), str(place[1]))


def _place_of(cursor: str) -> _Place:
    at, identifier = decode_cursor(cursor, str, str)
    try:
        moment, found = datetime.fromisoformat(at), uuid.UUID(identifier)
    except ValueError:
        raise Problem(Kind.CURSOR_INVALID) from None
    if moment.tzinfo is None:
        raise Problem(Kind.CURSOR_INVALID)
    return moment, found
