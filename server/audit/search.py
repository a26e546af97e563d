"""Searching a court's log: newest first, by pages, fast also when what is sought is rare.

Each filter that names one value has an index that ends with ``log_index``, and each value asked
for is read as a stream of its own, so that no page reads more than it shows of any of them.  A
device's own records are in the log in the order of its chain, whose index is used.

A range of time is a range of places in the log: when an entry *entered*, as the server's own
entries around it tell.  The receipt of a device's record that waited for its predecessor may lie
weeks before.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.audit.log import Levels, levels
from server.audit.models import Event, LogState
from server.audit.retention import first_since
from server.audit.service import SERVER_SOURCE
from server.core.clock import rfc3339
from server.core.paging import LIMIT_DEFAULT, Page, decode_cursor, encode_cursor

KINDS_MAX: Final = 40
SUBJECTS_MAX: Final = 20
_PLACES: Final = 64
_JITTER: Final = timedelta(minutes=5)  # writers that commit out of the order of their clocks
_COLUMNS: Final = (
    Event.log_index, Event.kind, Event.src, Event.ep, Event.seq, Event.hid, Event.rx,
    Event.actor_id, Event.subject_type, Event.subject_id, Event.case_id, Event.mission_id,
    # What a device said of a scene is not for the list; the server's own entries tell why.
    sa.case((Event.src == SERVER_SOURCE, Event.p)).label("p"),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """What is sought; everything that is given has to fit.

    :param actor_id: the person who acted, or on whom a device's record is booked.
    :param device_id: the device that recorded or asked.
    :param subject_ids: things it is about, as texts; an empty tuple finds nothing.
    :param since, until: when it entered the log; ``until`` is exclusive.
    """

    kinds: tuple[str, ...] = ()
    actor_id: uuid.UUID | None = None
    device_id: uuid.UUID | None = None
    subject_ids: tuple[str, ...] | None = None
    case_id: uuid.UUID | None = None
    mission_id: uuid.UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
    cursor: str | None = None
    limit: int = LIMIT_DEFAULT

    @property
    def names_a_person(self) -> bool:
        """Whether it asks what somebody did, or what was done to one thing."""
        return bool(self.actor_id or self.device_id or self.subject_ids)


@dataclass(frozen=True, slots=True)
class Hit:
    """One entry, with how well it is secured; ``p`` is the signed text of a server's entry."""

    log_index: int
    kind: str
    src: str
    ep: int | None
    seq: int | None
    hid: str
    rx: str
    actor_id: uuid.UUID | None
    subject_type: str | None
    subject_id: str | None
    case_id: uuid.UUID | None
    mission_id: uuid.UUID | None
    p: str | None
    level: str

    @property
    def of_device(self) -> bool:
        """A device's own record."""
        return self.src != SERVER_SOURCE


def search(session: Session, court_id: uuid.UUID, wanted: AuditFilter) -> Page[Hit]:
    """A page of the court's entries, the newest first."""
    place = _decoded(session, wanted)
    if place is None or wanted.subject_ids == ():
        return Page([])
    rows = session.execute(_statement(session, court_id, wanted, place)).all()
    reach = levels(session) if rows else Levels(0, 0, 0)
    hits = [_hit(row, reach) for row in rows[: wanted.limit]]
    if len(rows) <= wanted.limit:
        return Page(hits)
    last = next((one for one in reversed(hits) if one.src == str(wanted.device_id)), place)
    return Page(hits, encode_cursor(hits[-1].log_index, last.ep or 0, last.seq or 0))


def every_page(read: Any, wanted: AuditFilter, *, limit: int = 500) -> Iterator[Sequence[Hit]]:
    """All pages, one after the other; ``read(filter)`` gives one, in a transaction of its own."""
    following: str | None = wanted.cursor
    while True:
        page = read(replace(wanted, cursor=following, limit=limit))
        if page.items:
            yield page.items
        if page.next_cursor is None:
            return
        following = page.next_cursor


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a page begins: below an index, and beyond a place of the device's chain, if any."""

    before: int
    ep: int | None = None
    seq: int | None = None


def _decoded(session: Session, wanted: AuditFilter) -> _Place | None:
    """Where to begin; none while the log is empty."""
    if wanted.cursor is not None:
        index, ep, seq = decode_cursor(wanted.cursor, int, int, int)
        return _Place(index, ep or None, seq or None)
    found = session.execute(sa.select(LogState.next_index)).scalar()
    return _Place(found) if found else None


_Rules = list[sa.ColumnElement[bool]]


def _statement(
    session: Session, court_id: uuid.UUID, wanted: AuditFilter, place: _Place
) -> sa.Select[Any]:
    common = [Event.court_id == court_id, Event.log_index < place.before]
    common += _things(wanted) + _times(session, wanted)
    streams = [
        _stream([*common, *who, *what], wanted, place if of_device else None)
        for who, of_device in _actors(wanted)
        for what in _kinds(wanted)
    ]
    if len(streams) == 1:
        return streams[0]
    found = sa.union_all(*(sa.select(one.subquery()) for one in streams)).subquery()
    merged = sa.select(found).order_by(found.c.log_index.desc())
    return merged.limit(wanted.limit + 1)


def _stream(rules: _Rules, wanted: AuditFilter, place: _Place | None) -> sa.Select[Any]:
    """Entries of one value of each filter, as many as a page needs.

    :param place: given for a device's own records, which are read along its chain.
    """
    statement = sa.select(*_COLUMNS).where(*rules).limit(wanted.limit + 1)
    if place is None:
        return statement.order_by(Event.log_index.desc())
    if place.ep is not None:
        here = sa.tuple_(Event.ep, Event.seq)
        statement = statement.where(here < sa.tuple_(sa.literal(place.ep), sa.literal(place.seq)))
    return statement.order_by(Event.ep.desc(), Event.seq.desc())


def _actors(wanted: AuditFilter) -> list[tuple[_Rules, bool]]:
    """Who acted, as streams; and whether a stream is a device's own records."""
    if wanted.device_id is not None:
        mine: _Rules = [Event.actor_id == wanted.actor_id] if wanted.actor_id else []
        own = ([Event.src == str(wanted.device_id), *mine], True)
        asked = ([Event.actor_id == wanted.device_id, Event.src == SERVER_SOURCE], False)
        return [own] if mine else [own, asked]
    if wanted.actor_id is not None:
        return [([Event.actor_id == wanted.actor_id], False)]
    return [([], False)]


def _kinds(wanted: AuditFilter) -> list[_Rules]:
    if not wanted.kinds:
        return [[]]
    if len(wanted.kinds) > KINDS_MAX:
        return [[Event.kind.in_(wanted.kinds)]]
    return [[Event.kind == kind] for kind in dict.fromkeys(wanted.kinds)]


def _things(wanted: AuditFilter) -> _Rules:
    rules: _Rules = []
    if wanted.subject_ids is not None:
        rules.append(Event.subject_id.in_(wanted.subject_ids))
    if wanted.case_id is not None:
        rules.append(Event.case_id == wanted.case_id)
    if wanted.mission_id is not None:
        rules.append(Event.mission_id == wanted.mission_id)
    return rules


def _times(session: Session, wanted: AuditFilter) -> _Rules:
    """Places by halving, a little wide; within them an entry counts when it was received.

    A device's record received before the places begin has waited: it counts as entered here.
    """
    rules: _Rules = []
    if wanted.since is None and wanted.until is None:
        return rules
    low, high = 0, session.execute(sa.select(LogState.next_index)).scalar() or 0
    if wanted.since is not None:
        earliest = rfc3339(wanted.since - _JITTER)
        low = _place_of(session, low, high, earliest)
        waited = sa.and_(Event.ep.is_not(None), Event.rx < earliest)
        rules += [Event.log_index >= low, sa.or_(Event.rx >= rfc3339(wanted.since), waited)]
    if wanted.until is not None:
        high = _place_of(session, low, high, rfc3339(wanted.until + _JITTER))
        rules += [Event.log_index < high, Event.rx < rfc3339(wanted.until)]
    return rules


def _place_of(session: Session, low: int, high: int, oldest: str) -> int:
    """As ``first_since``, with many places in one statement instead of one after the other."""
    while high - low > _PLACES:
        step = (high - low) // _PLACES
        asked = sa.select(Event.log_index, Event.rx).where(
            Event.log_index.in_(range(low + step, high, step)), Event.ep.is_(None)
        )
        told = session.execute(asked.order_by(Event.log_index)).all()
        later = next((row.log_index for row in told if row.rx >= oldest), high)
        earlier = max((row.log_index for row in told if row.log_index < later), default=low - 1)
        if (low, high) == (earlier + 1, later):
            break
        low, high = earlier + 1, later
    return first_since(session, low, high, oldest)


def _hit(row: Any, reach: Levels) -> Hit:
    return Hit(
        row.log_index, row.kind, row.src, row.ep, row.seq, row.hid, row.rx, row.actor_id,
        row.subject_type, row.subject_id, row.case_id, row.mission_id, row.p,
        reach.of(row.log_index),
    )  # fmt: skip
