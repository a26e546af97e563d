"""What invited observers may know of a mission, and how it is streamed to a browser.

Everything here reads only what was decided for observers: the ``shown_*`` columns of an entry whose
``position`` is set.  A mission that has not started, one that was never planned, and one of another
court give the same answers.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.cases.models import Mission
from server.cases.states import MissionState
from server.core.context import Runtime
from server.evidence.redaction_models import Redaction
from server.live import masking, rules
from server.live.hub import HEARTBEAT_SECONDS, Alive, Read, Share, hub_of
from server.live.models import LiveEntry, LiveMission
from server.live.redaction import Stage, furthest

RELEASED: Final = "released"
HELD: Final = "held"
WITHDRAWN: Final = "withdrawn"
SHOWN_STATES: Final = (RELEASED, HELD, WITHDRAWN)
# What ``act`` may be; an entry that is held or withdrawn does not say what it was.
ACTS: Final = ("note", "photo", "video", "audio", "document", "closed", "entry")
_BEGUN: Final = frozenset({MissionState.STARTED, MissionState.ENDED})
_SECONDS_A_MINUTE: Final = 60


@dataclass(frozen=True, slots=True)
class ObserverEntry:
    """One entry as observers see it now.

    ``position`` grows with every change of what they see of a mission, and is the id of the event
    in a stream: an entry that is withdrawn comes again under a new position with the same
    ``entry_id``.  ``happened_at`` and ``place`` are texts, already coarse; ``photos`` are ids of
    redacted derivatives.  Nothing but ids, state and position is given of an entry that is held or
    withdrawn.
    """

    position: int
    entry_id: uuid.UUID
    state: str  # one of SHOWN_STATES
    act: str  # one of ACTS
    stage: str | None  # of redaction.Stage
    happened_at: str | None
    place: str | None
    text: str | None
    photos: tuple[uuid.UUID, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Form on the wire."""
        return {
            "position": self.position,
            "entry_id": str(self.entry_id),
            "state": self.state,
            "act": self.act,
            "stage": self.stage,
            "happened_at": self.happened_at,
            "place": self.place,
            "text": self.text,
            "photos": [str(one) for one in self.photos],
        }


@dataclass(frozen=True, slots=True)
class ObserverState:
    """A mission as a whole, for observers.

    ``lag_seconds`` is by how much the newest entry was shown later than it happened, in whole
    minutes; ``title`` is masked; ``stage`` is of :class:`redaction.Stage`.
    """

    started: bool
    stage: str | None = None
    delay_seconds: int = 0
    lag_seconds: int | None = None
    title: str | None = None
    last_position: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Form on the wire."""
        return {
            "started": self.started,
            "stage": self.stage,
            "delay_seconds": self.delay_seconds,
            "lag_seconds": self.lag_seconds,
            "title": self.title,
            "last_position": self.last_position,
        }


NOT_STARTED: Final = ObserverState(started=False)


def observer_entries(
    session: Session, mission_id: uuid.UUID, after: int = 0, limit: int = 500
) -> list[ObserverEntry]:
    """What observers may see beyond a position, in order; each entry once, as it is now."""
    statement = (
        sa.select(LiveEntry)
        .where(LiveEntry.mission_id == mission_id, LiveEntry.position > after)
        .order_by(LiveEntry.position)
        .limit(limit)
    )
    return [as_observed(row) for row in session.execute(statement).scalars()]


def observer_entry(
    session: Session, mission_id: uuid.UUID, entry_id: uuid.UUID
) -> ObserverEntry | None:
    """One entry of a mission as observers see it, or ``None`` while they know nothing of it."""
    row = session.get(LiveEntry, entry_id)
    if row is None or row.mission_id != mission_id or row.position is None:
        return None
    return as_observed(row)


def entry_showing(
    session: Session, mission_id: uuid.UUID, photo_id: uuid.UUID
) -> ObserverEntry | None:
    """The released entry of a mission with which observers see a photo; ``None`` without one."""
    shown = sa.select(Redaction.evidence_id).where(Redaction.id == photo_id).scalar_subquery()
    statement = sa.select(LiveEntry).where(
        LiveEntry.mission_id == mission_id,
        LiveEntry.source_id == shown,
        LiveEntry.position.is_not(None),
    )
    found = map(as_observed, session.execute(statement).scalars())
    return next((one for one in found if photo_id in one.photos), None)


def observer_state(session: Session, mission_id: uuid.UUID) -> ObserverState:
    """How far a mission has come; :data:`NOT_STARTED` while nothing of it is visible."""
    mission = session.get(Mission, mission_id)
    live = session.get(LiveMission, mission_id)
    if mission is None or (live is None and mission.state not in _BEGUN):
        return NOT_STARTED
    in_force = rules.in_force(session, mission.court_id)
    return ObserverState(
        started=True,
        stage=_stage(session, mission).value,
        delay_seconds=in_force.delay_seconds,
        lag_seconds=_lag_seconds(session, mission_id),
        title=masking.masker_of(session, mission, in_force).masked(mission.title),
        last_position=live.last_position if live is not None else 0,
    )


def as_observed(row: LiveEntry) -> ObserverEntry:
    """An entry that was announced, reduced to what observers get of it in its state."""
    if row.position is None:
        raise ValueError("observers know nothing of this entry")
    bare = ObserverEntry(
        position=row.position,
        entry_id=row.id,
        state=row.state if row.state in {HELD, WITHDRAWN} else RELEASED,
        act="entry",
        stage=None,
        happened_at=None,
        place=None,
        text=None,
    )
    if bare.state != RELEASED:
        return bare
    return replace(
        bare,
        act=row.act,
        stage=row.shown_stage,
        happened_at=row.shown_at,
        place=row.shown_place,
        text=row.shown_text,
        photos=tuple(uuid.UUID(one) for one in row.photos),
    )


def stream(
    runtime: Runtime,
    read: Read,
    after: int,
    alive: Alive,
    *,
    heartbeat_seconds: float = HEARTBEAT_SECONDS,
    share: Share | None = None,
) -> Iterator[bytes]:
    """Server-sent events beyond a position, until the caller's right ends.

    :param read: ``read(session, after)`` returns ``[(position, event name, JSON object)]`` in
        order; it is called whenever the hub noticed a change.
    :param alive: asked at least every second; the stream ends when it says no.  A
        :class:`hub.Batched` asks for all streams of the process at once.
    :param share: streams that name the same share also share each reading of the database.
    """
    return hub_of(runtime).stream(
        read, after, alive, heartbeat_seconds=heartbeat_seconds, share=share
    )


def _stage(session: Session, mission: Mission) -> Stage:
    seen = sa.select(LiveEntry.shown_stage).where(
        LiveEntry.mission_id == mission.id,
        LiveEntry.position.is_not(None),
        LiveEntry.state.not_in((HELD, WITHDRAWN)),
    )
    return furthest(session.execute(seen.distinct()).scalars())


def _lag_seconds(session: Session, mission_id: uuid.UUID) -> int | None:
    newest = (
        sa.select(LiveEntry.announced_at, LiveEntry.happened_at)
        .where(
            LiveEntry.mission_id == mission_id,
            LiveEntry.position.is_not(None),
            LiveEntry.state.not_in((HELD, WITHDRAWN)),
        )
        .order_by(LiveEntry.position.desc())
        .limit(1)
    )
    row = session.execute(newest).first()
    if row is None or row.announced_at is None:
        return None
    later: timedelta = row.announced_at - row.happened_at
    return max(0, round(later.total_seconds() / _SECONDS_A_MINUTE)) * _SECONDS_A_MINUTE
