"""What is not there: declared without bytes, bytes without a record, counters with holes.

Every list is of one court and within what the caller may see.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from client_sdk.protocol.bundle import MEDIA_TYPE as BUNDLE_TYPE
from client_sdk.protocol.times import from_unix_ms, unix_ms
from server.core.context import Context
from server.core.paging import Page, decode_cursor, page_of
from server.core.problem import Kind, Problem
from server.evidence.counters import CounterGap, Shot, counted, gaps
from server.evidence.models import Evidence, Upload
from server.evidence.rules import is_absent, is_odd, is_unclaimed
from server.evidence.visibility import sees_evidence

STRANDED: Final = ("quarantined", "expired", "terminated")
REVIEW_STATES: Final = ("pending", "suspect", "accepted", "returned", "queried")
SHOTS_MAX: Final = 20_000
COUNTER_DAYS: Final = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingFilter:
    """What a list of missing things is narrowed to; the device signed or captured."""

    case_id: uuid.UUID | None = None
    device_id: uuid.UUID | None = None
    officer_id: uuid.UUID | None = None
    cursor: str | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True)
class Tally:
    """What is to be said of a case's evidence in one line."""

    items: int
    absent: int
    anomalous: int
    last_captured_at: datetime | None


def absent_items(ctx: Context, wanted: MissingFilter) -> Page[Evidence]:
    """Declared items whose bytes are not here, the longest overdue first."""
    rules = [
        sees_evidence(ctx.actor), is_absent(Evidence), *_item_rules(wanted),
    ]  # fmt: skip
    if wanted.cursor:
        rules.append(_after_due(wanted.cursor))
    statement = (
        sa.select(Evidence)
        .where(*rules)
        .order_by(Evidence.due_at, Evidence.id)
        .limit(wanted.limit + 1)
    )
    rows = ctx.session.execute(statement).scalars().all()
    return page_of(rows, wanted.limit, lambda row: (unix_ms(row.due_at), str(row.id)))


def absent_count(ctx: Context, wanted: MissingFilter) -> int:
    """How many there are."""
    statement = sa.select(sa.func.count()).select_from(Evidence)
    rules = [sees_evidence(ctx.actor), is_absent(Evidence), *_item_rules(wanted)]
    return ctx.session.execute(statement.where(*rules)).scalar_one()


def unclaimed_uploads(ctx: Context, wanted: MissingFilter) -> Sequence[Upload]:
    """Finished uploads that no record of their device names, newest first."""
    claimed = sa.exists().where(
        Evidence.device_id == Upload.device_id, Evidence.sha256 == Upload.sha256
    )
    rules = [
        is_unclaimed(Upload),
        Upload.sha256.is_not(None),
        sa.or_(Upload.concat.is_(None), Upload.concat != "partial"),
        sa.or_(Upload.filetype.is_(None), Upload.filetype != BUNDLE_TYPE),
        ~claimed,
    ]
    return _uploads(ctx, wanted, rules)


def stranded_uploads(ctx: Context, wanted: MissingFilter) -> Sequence[Upload]:
    """Uploads whose bytes did not match, that were ended, or that never ended; newest first."""
    return _uploads(ctx, wanted, [Upload.state.in_(STRANDED)])


def counter_gaps(
    ctx: Context, wanted: MissingFilter, window: tuple[datetime, datetime] | None = None
) -> list[CounterGap]:
    """Holes in cameras' file counters: beside the case's files, or of the last ninety days.

    Files of other cases fill a counter as well, so they are counted; only numbers of cameras
    that the caller sees files of are named.

    :param window: only days of files that were taken in it; its end is exclusive.
    """
    zone = ZoneInfo(ctx.settings.time_zone)
    rules = [sees_evidence(ctx.actor), *_item_rules(wanted)]
    rules += _recent(ctx, wanted) if window is None else _taken_in(window)
    own = _shots(ctx, zone, rules)
    days = {(shot.camera_id, shot.day) for shot in own}
    if not days:
        return []
    seen = {shot.id for shot in own}
    found = gaps(shot for shot in _beside(ctx, zone, days) if (shot.camera_id, shot.day) in days)
    return [gap for gap in found if gap.before.id in seen or gap.after.id in seen]


def anomalous_case_ids(court_id: uuid.UUID) -> sa.Select[Any]:
    """Cases with such an item, usable in ``IN``."""
    return sa.select(Evidence.case_id).where(
        Evidence.court_id == court_id, Evidence.case_id.is_not(None), is_odd(Evidence)
    )


def tallies(ctx: Context, case_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Tally]:
    """Counts of the cases of a page; the caller has looked whether they are visible."""
    if not case_ids:
        return {}
    last = sa.func.max(Evidence.captured_at)
    rows = ctx.session.execute(_by_case(ctx, case_ids, last)).all()
    absent = _counted(ctx, _by_case(ctx, case_ids).where(is_absent(Evidence)))
    odd = _counted(ctx, _by_case(ctx, case_ids).where(is_odd(Evidence)))
    return {
        case: Tally(items, absent.get(case, 0), odd.get(case, 0), last)
        for case, items, last in rows
    }


def _counted(ctx: Context, statement: sa.Select[Any]) -> dict[uuid.UUID, int]:
    return {case: count for case, count in ctx.session.execute(statement).all()}  # noqa: C416  typed


def _by_case(ctx: Context, case_ids: Sequence[uuid.UUID], *more: Any) -> sa.Select[Any]:
    return (
        sa.select(Evidence.case_id, sa.func.count(), *more)
        .where(Evidence.court_id == ctx.actor.court_id, Evidence.case_id.in_(case_ids))
        .group_by(Evidence.case_id)
    )


def _item_rules(wanted: MissingFilter) -> list[sa.ColumnElement[bool]]:
    rules: list[sa.ColumnElement[bool]] = []
    if wanted.case_id is not None:
        rules.append(Evidence.case_id == wanted.case_id)
    if wanted.device_id is not None:
        device = wanted.device_id
        rules.append(sa.or_(Evidence.device_id == device, Evidence.captured_by == device))
    if wanted.officer_id is not None:
        rules.append(Evidence.officer_id == wanted.officer_id)
    return rules


def _uploads(
    ctx: Context, wanted: MissingFilter, rules: list[sa.ColumnElement[bool]]
) -> Sequence[Upload]:
    exact = {
        Upload.case_id: wanted.case_id,
        Upload.device_id: wanted.device_id,
        Upload.user_id: wanted.officer_id,
    }
    given = [column == value for column, value in exact.items() if value is not None]
    statement = (
        sa.select(Upload)
        .where(Upload.court_id == ctx.actor.court_id, *rules, *given)
        .order_by(Upload.id.desc())
        .limit(wanted.limit)
    )
    return ctx.session.execute(statement).scalars().all()


def _recent(ctx: Context, wanted: MissingFilter) -> list[sa.ColumnElement[bool]]:
    if wanted.case_id is not None:
        return []
    return [Evidence.captured_at >= ctx.clock.now() - timedelta(days=COUNTER_DAYS)]


def _taken_in(window: tuple[datetime, datetime]) -> list[sa.ColumnElement[bool]]:
    return [Evidence.captured_at >= window[0], Evidence.captured_at < window[1]]


def _beside(
    ctx: Context, zone: ZoneInfo, days: set[tuple[uuid.UUID, Any]]
) -> list[Shot]:  # fmt: skip
    first = min(day for _, day in days)
    last = max(day for _, day in days)
    midnight = datetime.min.time()
    rules = [
        Evidence.captured_by.in_({camera for camera, _ in days}),
        Evidence.captured_at >= datetime.combine(first, midnight, zone),
        Evidence.captured_at < datetime.combine(last + timedelta(days=1), midnight, zone),
    ]
    return _shots(ctx, zone, rules)


def _shots(ctx: Context, zone: ZoneInfo, rules: list[sa.ColumnElement[bool]]) -> list[Shot]:
    columns = (
        Evidence.id, Evidence.captured_by, Evidence.captured_at, Evidence.name, Evidence.case_id,
    )  # fmt: skip
    statement = (
        sa.select(*columns)
        .where(
            Evidence.court_id == ctx.actor.court_id,
            Evidence.name.is_not(None),
            Evidence.review_state.in_(REVIEW_STATES),  # all: the indexes of review end in the time
            *rules,
        )
        .order_by(Evidence.id.desc())
        .limit(SHOTS_MAX)
    )
    found = []
    for one, camera, at, name, case_id in ctx.session.execute(statement):
        text = (name or b"").decode("utf-8", "replace")
        if counted(text) is not None:
            found.append(Shot(one, camera, at.astimezone(zone).date(), text, case_id))
    return found


def _after_due(cursor: str) -> sa.ColumnElement[bool]:
    at_ms, text = decode_cursor(cursor, int, str)
    try:
        at, last = from_unix_ms(at_ms), uuid.UUID(text)
    except ValueError:
        raise Problem(Kind.CURSOR_INVALID) from None
    return sa.or_(Evidence.due_at > at, sa.and_(Evidence.due_at == at, Evidence.id > last))
