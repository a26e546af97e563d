"""A case's evidence along the clock: how much there is when, and what exactly within a window.

The caller has made sure that the case is visible.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from client_sdk.protocol.errors import ProtocolError
from client_sdk.protocol.payloads import Instant
from client_sdk.protocol.times import parse_rfc3339
from server.audit.models import Event
from server.core.context import Context
from server.core.sql_time import ends, epoch_seconds
from server.evidence.models import Evidence, Examination
from server.evidence.rules import is_absent, is_odd

RECORDINGS: Final = ("video", "audio")
RECORDINGS_MAX: Final = 500
PLACES_MAX: Final = 10_000


@dataclass(frozen=True, slots=True)
class Bucket:
    """How many items of a kind fall into one stretch of time."""

    number: int  # stretches since the origin
    media: str
    items: int


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording by its item; without an end while its length is not known."""

    item: Evidence
    starts_at: datetime
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class Spot:
    """Where and when an item was taken, as recorded."""

    id: uuid.UUID
    media: str
    at: datetime
    lat: str
    lon: str
    datum: str
    accuracy_m: str | None


def extent(ctx: Context, case_id: uuid.UUID) -> tuple[datetime, datetime] | None:
    """When a case's evidence begins and ends; None without any."""
    moments = sa.select(Evidence.captured_at).where(*_of_case(ctx, case_id)).limit(1)
    return ends(ctx.session, moments, Evidence.captured_at)


def buckets(ctx: Context, case_id: uuid.UUID, origin_s: int, width_s: int) -> list[Bucket]:
    """Items per stretch of ``width_s`` seconds and kind, in the order of time."""
    number = ((epoch_seconds(ctx.session, Evidence.captured_at) - origin_s) // width_s).label("n")
    statement = (
        sa.select(number, Evidence.media, sa.func.count())
        .where(*_of_case(ctx, case_id))
        .group_by(number, Evidence.media)
        .order_by(number, Evidence.media)
    )
    return [Bucket(*row) for row in ctx.session.execute(statement)]


def counts(
    ctx: Context, case_id: uuid.UUID, kinds: Mapping[str, int] | None = None
) -> dict[str, int]:
    """Items by kind, and under ``absent`` and ``anomalous`` those to look at.

    :param kinds: the items by kind, of a caller who has counted them.
    """
    if kinds is None:
        counted = sa.select(Evidence.media, sa.func.count()).where(*_of_case(ctx, case_id))
        kinds = dict(ctx.session.execute(counted.group_by(Evidence.media)).all())
    found = dict(kinds)
    for name, rule in (("absent", is_absent(Evidence)), ("anomalous", is_odd(Evidence))):
        some = sa.select(sa.func.count()).where(*_of_case(ctx, case_id), rule)
        found[name] = ctx.session.execute(some).scalar_one()
    return found


def items(
    ctx: Context,
    case_id: uuid.UUID,
    window: tuple[datetime, datetime],
    after: tuple[datetime, uuid.UUID] | None,
    limit: int,
) -> Sequence[Evidence]:
    """Items of a window (its end is exclusive) behind a place, in the order of time."""
    rules = [*_of_case(ctx, case_id), *_within(window)]
    if after is not None:
        rules.append(
            sa.or_(
                Evidence.captured_at > after[0],
                sa.and_(Evidence.captured_at == after[0], Evidence.id > after[1]),
            )
        )
    statement = sa.select(Evidence).where(*rules).order_by(Evidence.captured_at, Evidence.id)
    return ctx.session.execute(statement.limit(limit)).scalars().all()


def recordings(
    ctx: Context, case_id: uuid.UUID, window: tuple[datetime, datetime]
) -> list[Recording]:
    """Recordings that begin or end within a window, in the order of time."""
    duration = Examination.findings[("media", "duration_ms")].as_integer()
    statement = (
        sa.select(Evidence, duration)
        .outerjoin(Examination, Examination.sha256 == Evidence.sha256)
        .where(*_of_case(ctx, case_id), *_within(window), Evidence.media.in_(RECORDINGS))
        .order_by(Evidence.captured_at, Evidence.id)
        .limit(RECORDINGS_MAX)
    )
    rows = [(item, length) for item, length in ctx.session.execute(statement)]
    return spans(ctx.session, [item for item, _ in rows], [length for _, length in rows])


def spans(
    session: Session, found: Sequence[Evidence], durations_ms: Sequence[int | None]
) -> list[Recording]:
    """When recordings ran, each with the length that its file has, if that is known."""
    begun = _lengths_by_chain(session, found)
    return [
        _recording(item, length, begun.get(item.id))
        for item, length in zip(found, durations_ms, strict=True)
    ]


def begins_at(ctx: Context, item: Evidence) -> datetime:
    """When a recording began; anything else is of its own moment."""
    if item.media not in RECORDINGS:
        return item.captured_at
    length = _lengths_by_chain(ctx.session, [item]).get(item.id)
    return _recording(item, None, length).starts_at


def spots(ctx: Context, case_id: uuid.UUID, window: tuple[datetime, datetime]) -> list[Spot]:
    """Positions of a window's items, in the order of time."""
    statement = (
        sa.select(
            Evidence.id, Evidence.media, Evidence.captured_at, Evidence.lat, Evidence.lon,
            Evidence.geo_datum, Evidence.geo_accuracy_m,
        )
        .where(
            *_of_case(ctx, case_id), *_within(window),
            Evidence.lat.is_not(None), Evidence.lon.is_not(None),
        )
        .order_by(Evidence.captured_at, Evidence.id)
        .limit(PLACES_MAX)
    )  # fmt: skip
    return [
        Spot(one, media, at, lat or "", lon or "", datum or "WGS84", accuracy)
        for one, media, at, lat, lon, datum, accuracy in ctx.session.execute(statement)
    ]


def _recording(item: Evidence, duration_ms: int | None, own: timedelta | None) -> Recording:
    """A device that says when it began states its record at the end; a file's time is its start."""
    if own is not None:
        return Recording(item, item.captured_at - own, item.captured_at)
    if duration_ms is None:
        return Recording(item, item.captured_at, None)
    length = timedelta(milliseconds=duration_ms)
    return Recording(item, item.captured_at, item.captured_at + length)


def _lengths_by_chain(session: Session, found: Sequence[Evidence]) -> dict[uuid.UUID, timedelta]:
    """How long a recording ran, by the clock of the device that states its beginning."""
    own = {(str(one.device_id), one.ep, one.seq): one.id for one in found if not _docked(one)}
    if not own:
        return {}
    places = sa.tuple_(Event.src, Event.ep, Event.seq)
    statement = sa.select(Event.src, Event.ep, Event.seq, Event.p).where(places.in_(list(own)))
    lengths = {}
    for src, ep, seq, text in session.execute(statement):
        length = _stated_length(json.loads(text) if text else {})
        if length is not None:
            lengths[own[src, ep or 0, seq or 0]] = length
    return lengths


def _docked(item: Evidence) -> bool:
    return item.captured_by != item.device_id


def _stated_length(payload: Mapping[str, Any]) -> timedelta | None:
    match = payload.get("match")
    try:
        begun = Instant.from_value(match.get("started_t") if isinstance(match, dict) else None)
        ended = Instant.from_value(payload.get("t"))
        if begun.boot and begun.boot == ended.boot:
            return _positive(timedelta(milliseconds=ended.mono_ms - begun.mono_ms))
        return _positive(parse_rfc3339(ended.wall) - parse_rfc3339(begun.wall))
    except (ProtocolError, ValueError):
        return None


def _positive(length: timedelta) -> timedelta | None:
    return length if length > timedelta(0) else None


def _of_case(ctx: Context, case_id: uuid.UUID) -> list[sa.ColumnElement[bool]]:
    return [Evidence.court_id == ctx.actor.court_id, Evidence.case_id == case_id]


def _within(window: tuple[datetime, datetime]) -> list[sa.ColumnElement[bool]]:
    return [Evidence.captured_at >= window[0], Evidence.captured_at < window[1]]
