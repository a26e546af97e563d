"""Evidence of an action: of its case or mission, and taken while it ran, or named by its entries.

Times are corrected ones.  A file whose bytes have not come has no end, whatever its record says.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.core.bulk import among
from server.evidence import timeline
from server.evidence.models import Evidence, Examination
from server.fieldlog.recording_coverage import Recording
from server.register.models import Action

RECORDING_MAX: Final = timedelta(hours=12)
ITEMS_MAX: Final = 5_000
_HERE: Final = "verified"
_GONE: Final = "erased"
BROKEN: Final = frozenset({"recording-interrupted", "chunk-missing", "chunk-differs"})


@dataclass(frozen=True, slots=True)
class Window:
    """When an action ran; until now, while it has not ended."""

    begins_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Material:
    """An item of evidence with when it ran; a photo begins and ends at its moment."""

    item: Evidence
    begins_at: datetime
    ends_at: datetime | None
    has_picture: bool

    @property
    def is_here(self) -> bool:
        """Whether its bytes have come and were the declared ones."""
        return self.item.state == _HERE

    @property
    def is_awaited(self) -> bool:
        """Whether its bytes may still come, or its length is still to be found out."""
        return self.item.state not in {_HERE, _GONE} or (self.is_here and self.ends_at is None)

    @property
    def is_recording(self) -> bool:
        """Film or sound."""
        return self.item.media in timeline.RECORDINGS

    def within(self, window: Window) -> bool:
        """Whether it was taken, or may have been, while the action ran."""
        last = self.ends_at or self.begins_at + RECORDING_MAX
        if not self.is_recording:
            last = self.begins_at
        return self.begins_at <= window.ends_at and last >= window.begins_at

    def recording(self) -> Recording:
        """As the pure rules take it."""
        error = timedelta(milliseconds=self.item.error_ms or 0)
        return Recording(
            self.item.id, self.item.captured_by, self.has_picture, self.begins_at, self.ends_at,
            self.item.verified_at, error,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Materials:
    """What there is of an action: everything near it, and what ran while it did."""

    all: tuple[Material, ...]
    during: tuple[Material, ...]

    @property
    def recordings(self) -> list[Material]:
        """Films and sound taken during the action, in the order of their begin."""
        return [one for one in self.during if one.is_recording]

    def by_digest(self) -> Mapping[str, Material]:
        """By what the bytes are; of several the one whose bytes have come."""
        return {one.item.sha256: one for one in sorted(self.all, key=lambda one: one.is_here)}


def of_action(
    session: Session, action: Action, window: Window, digests: Collection[str]
) -> Materials:
    """Load what belongs to an action.

    :param digests: named by its entries, whenever they were taken.
    """
    place = [Evidence.case_id == action.case_id]
    if action.mission_id is not None:
        place.append(Evidence.mission_id == action.mission_id)
    near = sa.and_(
        Evidence.captured_at >= window.begins_at - RECORDING_MAX,
        Evidence.captured_at <= window.ends_at + RECORDING_MAX,
    )
    statement = (
        sa.select(Evidence)
        .where(
            Evidence.court_id == action.court_id,
            sa.or_(*place),
            sa.or_(near, among(session, Evidence.sha256, sorted(digests))),
        )
        .order_by(Evidence.captured_at, Evidence.id)
        .limit(ITEMS_MAX)
    )
    items = session.execute(statement).scalars().all()
    found = sorted(_materials(session, items), key=lambda one: (one.begins_at, str(one.item.id)))
    return Materials(tuple(found), tuple(one for one in found if one.within(window)))


def _materials(session: Session, items: Sequence[Evidence]) -> list[Material]:
    films = [one for one in items if one.media in timeline.RECORDINGS]
    known = _examined(session, {one.sha256 for one in films})
    lengths = [_length(known.get(one.sha256)) for one in films]
    ran = {one.item.id: one for one in timeline.spans(session, films, lengths)}
    found = []
    for item in items:
        examined = known.get(item.sha256)
        if item.id not in ran:
            moment = item.captured_at
            found.append(Material(item, moment, moment, item.media == "photo"))
            continue
        ends_at = ran[item.id].ends_at
        if ends_at is None and examined is not None and examined.state != "pending":
            ends_at = ran[item.id].starts_at  # nobody can play it: it shows nothing
        if item.state != _HERE:
            ends_at = None
        found.append(Material(item, ran[item.id].starts_at, ends_at, _is_film(item, examined)))
    return found


def _examined(session: Session, digests: Collection[str]) -> dict[str, Any]:
    media = Examination.findings["media"]
    statement = sa.select(
        Examination.sha256,
        Examination.state,
        media["duration_ms"].as_integer().label("duration_ms"),
        media["video_codec"].as_string().label("codec"),
    ).where(among(session, Examination.sha256, sorted(digests)))
    return {row.sha256: row for row in session.execute(statement)} if digests else {}


def _length(examined: Any) -> int | None:
    return None if examined is None else examined.duration_ms


def _is_film(item: Evidence, examined: Any) -> bool:
    """By its bytes where they were looked at, else by what the device says."""
    if examined is not None and examined.codec is not None:
        return bool(examined.codec)
    return item.media == "video"
