"""Reuse alarm: the same bytes, or a near-identical picture, in another case or on another day.

A perceptual hash is cut into four bands of 16 bits.  Two hashes that differ in at most seven bits
have a band in which they differ in at most one (pigeonhole), so a picture's candidates are found
by 17 values in four indexes, however many pictures the court has.  An alarm is a reason to look.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from server.core.context import Context
from server.core.paging import Page, decode_cursor, page_of
from server.core.problem import Kind, Problem
from server.core.transactions import take_turns
from server.evidence.models import Evidence, Examination
from server.evidence.reuse_models import PictureMark, ReuseAlarm
from server.evidence.visibility import sees_evidence

ALIKE_BITS_MAX: Final = 7
ALARMS_MAX: Final = 50  # of one item: a burst of the same scene is one thing to look at
BANDS: Final = 4
_BAND_BITS: Final = 16
_CANDIDATES_MAX: Final = 500
SAME: Final = "same"
ALIKE: Final = "alike"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReuseFilter:
    """What the board is narrowed to."""

    case_id: uuid.UUID | None = None
    evidence_id: uuid.UUID | None = None
    kind: str | None = None
    cursor: str | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True)
class Pair:
    """Two items of which the caller may see both; ``item`` came later."""

    alarm: ReuseAlarm
    item: Evidence
    other: Evidence


def bands_of(phash: str) -> tuple[int, ...]:
    """The four bands of a hash of 16 hex digits."""
    digits = len(phash) // BANDS
    return tuple(int(phash[digits * band : digits * (band + 1)], 16) for band in range(BANDS))


def near(band: int) -> list[int]:
    """A band and every band that differs from it in one bit."""
    return [band, *(band ^ (1 << bit) for bit in range(_BAND_BITS))]


def bits_apart(first: str, second: str) -> int:
    """How many of the 64 bits differ."""
    return (int(first, 16) ^ int(second, 16)).bit_count()


def look(ctx: Context, item: Evidence) -> int:
    """Compare an item anew with what its court has; returns how many alarms it has now.

    Called when its bytes were examined, and when it was bound to another case.
    """
    take_turns(ctx.session, f"reuse:{item.court_id}")
    ctx.session.flush()
    _forget(ctx.session, item.id)
    distances = {item.sha256: 0, **_alike(ctx.session, item)}
    pairs = [
        _alarm(ctx, item, other, distances[other.sha256])
        for other in _elsewhere(ctx.session, item, distances, ZoneInfo(ctx.settings.time_zone))
    ]
    pairs.sort(key=lambda alarm: (alarm.distance, alarm.other_id))
    ctx.session.add_all(pairs[:ALARMS_MAX])
    return len(pairs[:ALARMS_MAX])


def pairs(ctx: Context, wanted: ReuseFilter) -> Page[Pair]:
    """Alarms of which the caller may see both sides, the latest item first."""
    later, other = aliased(Evidence), aliased(Evidence)
    rules = [
        ReuseAlarm.court_id == ctx.actor.court_id,
        sees_evidence(ctx.actor, later),
        sees_evidence(ctx.actor, other),
    ]
    if wanted.kind is not None:
        rules.append(ReuseAlarm.kind == wanted.kind)
    if wanted.case_id is not None:
        rules.append(sa.or_(later.case_id == wanted.case_id, other.case_id == wanted.case_id))
    if wanted.evidence_id is not None:
        rules.append(sa.or_(later.id == wanted.evidence_id, other.id == wanted.evidence_id))
    if wanted.cursor:
        rules.append(_beyond(wanted.cursor))
    statement = (
        sa.select(ReuseAlarm, later, other)
        .join(later, later.id == ReuseAlarm.evidence_id)
        .join(other, other.id == ReuseAlarm.other_id)
        .where(*rules)
        .order_by(ReuseAlarm.evidence_id.desc(), ReuseAlarm.other_id.desc())
        .limit(wanted.limit + 1)
    )
    rows = [Pair(*row) for row in ctx.session.execute(statement)]
    return page_of(
        rows, wanted.limit, lambda row: (str(row.alarm.evidence_id), str(row.alarm.other_id))
    )


def count(ctx: Context, case_id: uuid.UUID) -> int:
    """How many alarms of a case the caller may see."""
    later, other = aliased(Evidence), aliased(Evidence)
    statement = (
        sa.select(sa.func.count())
        .select_from(ReuseAlarm)
        .join(later, later.id == ReuseAlarm.evidence_id)
        .join(other, other.id == ReuseAlarm.other_id)
        .where(
            ReuseAlarm.court_id == ctx.actor.court_id,
            sa.or_(later.case_id == case_id, other.case_id == case_id),
            sees_evidence(ctx.actor, later),
            sees_evidence(ctx.actor, other),
        )
    )
    return ctx.session.execute(statement).scalar_one()


def _forget(session: Session, evidence_id: uuid.UUID) -> None:
    row = ReuseAlarm
    mine = sa.or_(row.evidence_id == evidence_id, row.other_id == evidence_id)
    session.execute(sa.delete(row).where(mine))


def _alike(session: Session, item: Evidence) -> Mapping[str, int]:
    """Digests of the court's pictures that look like this one, with how far they are apart."""
    examination = session.get(Examination, item.sha256)
    phash = (examination.findings or {}).get("phash") if examination else None
    if not phash:
        return {}
    _remember(session, item, phash)
    found = {
        row.sha256: bits_apart(phash, row.phash)
        for row in session.execute(_candidates(item.court_id, phash))
        if row.sha256 != item.sha256
    }
    return {sha256: bits for sha256, bits in found.items() if bits <= ALIKE_BITS_MAX}


def _candidates(court_id: uuid.UUID, phash: str) -> sa.CompoundSelect[Any]:
    columns = (PictureMark.band0, PictureMark.band1, PictureMark.band2, PictureMark.band3)
    return sa.union(
        *(
            sa.select(PictureMark.sha256, PictureMark.phash).where(
                PictureMark.court_id == court_id, column.in_(near(band))
            )
            for column, band in zip(columns, bands_of(phash), strict=True)
        )
    )


def _remember(session: Session, item: Evidence, phash: str) -> None:
    if session.get(PictureMark, (item.court_id, item.sha256)) is None:
        bands = {f"band{place}": band for place, band in enumerate(bands_of(phash))}
        mark = PictureMark(court_id=item.court_id, sha256=item.sha256, phash=phash, **bands)
        session.add(mark)


def _elsewhere(
    session: Session, item: Evidence, distances: Mapping[str, int], zone: ZoneInfo
) -> Sequence[Evidence]:
    """Items of these digests that belong to another case or another day."""
    closest = sorted(distances, key=lambda sha256: (distances[sha256], sha256))[:_CANDIDATES_MAX]
    statement = (
        sa.select(Evidence)
        .where(
            Evidence.court_id == item.court_id,
            Evidence.id != item.id,
            Evidence.sha256.in_(closest),
            Evidence.state == "verified",
        )
        .order_by(Evidence.id)
        .limit(_CANDIDATES_MAX)
    )
    day = item.captured_at.astimezone(zone).date()
    return [
        other
        for other in session.execute(statement).scalars()
        if other.case_id != item.case_id or other.captured_at.astimezone(zone).date() != day
    ]


def _alarm(ctx: Context, item: Evidence, other: Evidence, bits: int) -> ReuseAlarm:
    later, earlier = max(item.id, other.id), min(item.id, other.id)
    kind = SAME if item.sha256 == other.sha256 else ALIKE
    return ReuseAlarm(
        court_id=item.court_id, evidence_id=later, other_id=earlier, kind=kind, distance=bits,
        found_at=ctx.clock.now(),
    )  # fmt: skip


def _beyond(cursor: str) -> sa.ColumnElement[bool]:
    later, other = decode_cursor(cursor, str, str)
    try:
        place = (uuid.UUID(later), uuid.UUID(other))
    except ValueError:
        raise Problem(Kind.CURSOR_INVALID) from None
    row = ReuseAlarm
    return sa.or_(
        row.evidence_id < place[0],
        sa.and_(row.evidence_id == place[0], row.other_id < place[1]),
    )
