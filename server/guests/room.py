"""The observers' room: what one guest gets at this moment, and nothing of it before the start."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.audit import service as audit
from server.audit.events import EventKind
from server.audit.models import Event, OutboxRow
from server.audit.service import Subject
from server.core.clock import rfc3339
from server.core.context import Context, Runtime
from server.core.problem import not_found
from server.guests import policy, queries
from server.guests.kinds import Phase
from server.guests.models import Opinion
from server.guests.queries import Guest
from server.identity.models import Court, User
from server.live import feed
from server.live.feed import NOT_STARTED, ObserverEntry, ObserverState

ENTRIES_MAX: Final = 5000
ONE_VIEW: Final = timedelta(minutes=10)  # of one photo by one guest: one event
_PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class Host:
    """Who invites: the court and the person."""

    court: str
    person: str


@dataclass(frozen=True, slots=True)
class Room:
    """Everything of a page for a guest; empty of the mission while it waits to start."""

    guest: Guest
    phase: Phase
    state: ObserverState
    entries: Sequence[ObserverEntry]
    opinions: Sequence[Opinion]

    @property
    def last_position(self) -> int:
        """The newest place on the screen."""
        return max((one.position for one in self.entries), default=0)


def host_of(session: Session, guest_or_invitation: Any) -> Host:
    """Court and person behind an invitation."""
    court = session.get_one(Court, guest_or_invitation.court_id)
    person = session.get_one(User, guest_or_invitation.created_by)
    return Host(court.name, person.name)


def phase_of(session: Session, runtime: Runtime, guest: Guest) -> tuple[Phase, ObserverState]:
    """What the guest may have now; of a mission that has not started there is no state."""
    state = state_of(session, guest.invitation.mission_id)
    now = runtime.clock.now()
    phase = policy.phase(guest.invitation, now, started=state.started)
    return phase, state if phase in {Phase.LIVE, Phase.REPLAY} else NOT_STARTED


def state_of(session: Session, mission_id: uuid.UUID | None) -> ObserverState:
    """The mission for observers; an invitation without one is like one that has not started."""
    return NOT_STARTED if mission_id is None else feed.observer_state(session, mission_id)


def look(ctx: Context) -> Room:
    """The guest's room now."""
    guest = queries.guest_of(ctx)
    phase, state = phase_of(ctx.session, ctx.runtime, guest)
    if phase not in {Phase.LIVE, Phase.REPLAY}:
        return Room(guest, phase, state, (), ())
    return Room(
        guest,
        phase,
        state,
        tuple(reversed(entries_of(ctx.session, guest))),
        queries.opinions_of_guest(ctx.session, guest.session.id),
    )


def entries_of(session: Session, guest: Guest) -> list[ObserverEntry]:
    """Everything that observers may see of the mission, oldest first."""
    mission_id = guest.invitation.mission_id
    found: list[ObserverEntry] = []
    if mission_id is None:
        return found
    while len(found) < ENTRIES_MAX:
        page = feed.observer_entries(session, mission_id, found[-1].position if found else 0, _PAGE)
        if not page:
            break
        found += page
    return found


def replayed(ctx: Context) -> tuple[Room, list[ObserverEntry]]:
    """Released entries only, in the order in which things happened."""
    room = look(ctx)
    shown = [one for one in room.entries if one.state == feed.RELEASED]
    return room, sorted(shown, key=lambda one: (one.happened_at or "", one.position))


def seen_photo(ctx: Context, photo_id: uuid.UUID) -> uuid.UUID:
    """A redacted photo that the guest may look at; the first look in ten minutes is recorded.

    404 for one that is not part of a released entry of the guest's own mission.
    """
    guest = queries.guest_of(ctx)
    phase, _ = phase_of(ctx.session, ctx.runtime, guest)
    mission_id = guest.invitation.mission_id
    if phase not in {Phase.LIVE, Phase.REPLAY} or mission_id is None:
        raise not_found()
    entry = feed.entry_showing(ctx.session, mission_id, photo_id)
    if entry is None:
        raise not_found()
    subject = Subject("guest-view", f"{guest.session.id}/{photo_id}")
    if not _recorded_since(ctx, subject, ctx.clock.now() - ONE_VIEW):
        facts = {
            "guest": str(guest.session.id),
            "photo": str(photo_id),
            "entry": str(entry.entry_id),
        }
        audit.record(
            ctx,
            EventKind.GUEST_VIEWED_PHOTO,
            subject,
            facts,
            mission_id=mission_id,
        )
    return photo_id


def _recorded_since(ctx: Context, subject: Subject, since: datetime) -> bool:
    for table in (OutboxRow, Event):
        statement = sa.select(sa.literal(1)).where(
            table.court_id == ctx.actor.court_id,
            table.subject_id == subject.id,
            table.kind == EventKind.GUEST_VIEWED_PHOTO.value,
            table.rx > rfc3339(since),
        )
        if ctx.session.execute(statement.limit(1)).first() is not None:
            return True
    return False
