"""That a guest was there: sightings become visits, visits the note that the guest keeps."""

from __future__ import annotations

import contextlib
import hashlib
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from client_sdk.protocol import jcs
from client_sdk.protocol.attendance import (
    ENTRIES_MAX,
    VISITS_MAX,
    AttendanceNote,
    SeenEntry,
    TreeHead,
    Visit,
    sign_attendance,
    verify_attendance,
)
from client_sdk.protocol.errors import StatementError
from client_sdk.protocol.ids import short_code
from client_sdk.protocol.statements import SignedStatement
from server.audit import log
from server.audit.events import EventKind
from server.audit.models import Event
from server.core.clock import rfc3339
from server.core.context import Actor, Context, Runtime
from server.core.keyring import EVENT
from server.core.permissions import TokenKind
from server.core.problem import not_found
from server.core.transactions import take_turns, unit_of_work
from server.guests import queries
from server.guests.models import GuestVisit
from server.guests.queries import Guest
from server.guests.service import record
from server.identity.models import Court
from server.live import feed
from server.live.feed import ObserverEntry

ONE_VISIT: Final = timedelta(minutes=5)  # a longer silence ends a visit
ONE_SIGHTING: Final = timedelta(minutes=1)
_PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class Watcher:
    """Who is on a page or a stream, apart from any transaction."""

    guest_id: uuid.UUID
    court_id: uuid.UUID
    address: str | None

    @property
    def actor(self) -> Actor:
        """The same as a caller."""
        return Actor(TokenKind.GUEST, self.court_id, guest_id=self.guest_id, address=self.address)


def watcher_of(guest: Guest, address: str | None) -> Watcher:
    """The guest, to be remembered beyond the request's transaction."""
    return Watcher(guest.session.id, guest.session.court_id, address)


def is_due(session: Session, guest_id: uuid.UUID, now: datetime, position: int) -> bool:
    """Whether a sighting would change anything, so that most pages write nothing."""
    visit = queries.newest_visit(session, guest_id)
    if visit is None or now - visit.last_seen_at >= ONE_SIGHTING:
        return True
    return position > visit.last_position


def sight(runtime: Runtime, watcher: Watcher, position: int) -> None:
    """Remember, in a transaction of its own, that the guest is there and how far they have read.

    :param position: newest place of the live log on the guest's screen, 0 for none.
    """
    with unit_of_work(watcher.court_id) as session:
        ctx = Context(watcher.actor, session, runtime)
        guest = queries.guest_with(session, watcher.guest_id)
        visit = queries.newest_visit(session, watcher.guest_id)
        now = ctx.clock.now()
        if visit is None or now - visit.last_seen_at > ONE_VISIT:
            _arrived(ctx, guest, now, position)
        elif now - visit.last_seen_at >= ONE_SIGHTING or position > visit.last_position:
            visit.last_seen_at = max(now, visit.last_seen_at)
            visit.last_position = max(position, visit.last_position)
            facts: dict[str, object] = {
                "guest": str(guest.session.id),
                "visit": str(visit.id),
                "position": visit.last_position,
            }
            record(ctx, EventKind.GUEST_WATCHED, guest.invitation, facts)


def _arrived(ctx: Context, guest: Guest, now: datetime, position: int) -> None:
    visit = GuestVisit(
        id=ctx.new_id(),
        court_id=guest.session.court_id,
        guest_session_id=guest.session.id,
        arrived_at=now,
        last_seen_at=now,
        last_position=position,
    )
    ctx.session.add(visit)
    facts: dict[str, object] = {
        "guest": str(guest.session.id),
        "visit": str(visit.id),
        "position": position,
    }
    record(ctx, EventKind.GUEST_ARRIVED, guest.invitation, facts)


@dataclass(frozen=True, slots=True)
class Issued:
    """A note and its signed form."""

    note: AttendanceNote
    statement: SignedStatement


def issue(ctx: Context, guest: Guest) -> Issued:
    """The signed note; each that says something new is an entry of the log.

    Asked for again while nothing has changed, it is the same note, with the time it was made.
    """
    note = _note(ctx, guest)
    said = _digest_of(note)
    take_turns(ctx.session, f"attendance:{guest.session.id}")
    ctx.session.refresh(guest.session)
    kept = _kept(ctx.runtime, guest, said)
    if kept is not None:
        return kept
    key = ctx.runtime.keyring.active(EVENT)
    statement = sign_attendance(note, key.private, key.kid)
    facts: dict[str, object] = {
        "guest": str(guest.session.id),
        "seconds": note.seconds,
        "visits": len(note.visits),
        "seen": note.seen,
        "issued": rfc3339(note.issued),
        "sig": statement.sig,
        "k": statement.k,
    }
    guest.session.note = {"said": said, "statement": statement.to_dict()}
    record(ctx, EventKind.ATTENDANCE_NOTED, guest.invitation, facts)
    return Issued(note, statement)


def _kept(runtime: Runtime, guest: Guest, said: str) -> Issued | None:
    """The newest note of the guest, if it says this and still verifies."""
    kept = guest.session.note
    if kept is None or kept["said"] != said:
        return None
    statement = SignedStatement.from_dict(kept["statement"])
    with contextlib.suppress(StatementError):
        return Issued(verify_attendance(statement, runtime.keyring), statement)
    return None


def _digest_of(note: AttendanceNote) -> str:
    """What the note says, apart from when it was made and how far the log had come then."""
    body = {name: value for name, value in note.to_body().items() if name not in {"issued", "head"}}
    return hashlib.sha256(jcs.dumps(body).encode()).hexdigest()


def _note(ctx: Context, guest: Guest) -> AttendanceNote:
    invitation = guest.invitation
    if invitation.mission_id is None:
        raise not_found()
    there = queries.attendance_of(ctx.session, guest.session.id)
    seen = _seen(ctx.session, invitation.mission_id, there.last_position)
    checkpoint = log.newest_checkpoint(ctx.session)
    court = ctx.session.get_one(Court, invitation.court_id)
    return AttendanceNote(
        invitation=str(invitation.id),
        court=str(invitation.court_id),
        court_name=court.name,
        mission=short_code(invitation.mission_id),
        observer=invitation.invitee,
        capacity=invitation.invitee_kind,
        seconds=there.seconds,
        visits=tuple(Visit(one.arrived_at, one.last_seen_at) for one in there.visits[-VISITS_MAX:]),
        seen=len(seen),
        entries=tuple(_places(ctx.session, invitation.mission_id, seen[-ENTRIES_MAX:])),
        log=ctx.settings.origin,
        head=TreeHead(checkpoint.size, checkpoint.root.hex()) if checkpoint else None,
        issued=ctx.clock.now(),
    )


def _seen(session: Session, mission_id: uuid.UUID, last_position: int) -> list[ObserverEntry]:
    """Released entries that had been on the screen, in the order in which they came."""
    found: list[ObserverEntry] = []
    after = 0
    while page := feed.observer_entries(session, mission_id, after, _PAGE):
        found += [
            one for one in page if one.state == feed.RELEASED and one.position <= last_position
        ]
        after = page[-1].position
    return found


def _places(
    session: Session, mission_id: uuid.UUID, entries: Sequence[ObserverEntry]
) -> list[SeenEntry]:
    """Where in the log it stands that each entry was released; nowhere while it is on its way."""
    places = _released_by_delay(session, mission_id)
    statement = (
        sa.select(Event.subject_id, sa.func.max(Event.log_index))
        .where(Event.subject_id.in_([str(one.entry_id) for one in entries]))
        .group_by(Event.subject_id)
    )
    for entry_id, log_index in session.execute(statement):
        if entry_id is not None:
            places[entry_id] = max(log_index, places.get(entry_id, 0))
    return [SeenEntry(one.position, places.get(str(one.entry_id))) for one in entries]


def _released_by_delay(session: Session, mission_id: uuid.UUID) -> dict[str, int]:
    """Entries whose delay was over are released many at a time, by one entry of the log."""
    statement = (
        sa.select(Event.log_index, Event.p)
        .where(Event.subject_id == str(mission_id), Event.kind == EventKind.LIVE_RELEASED.value)
        .order_by(Event.log_index)
    )
    places: dict[str, int] = {}
    for log_index, text in session.execute(statement):
        for one in json.loads(text or "{}").get("facts", {}).get("entries", ()):
            places[str(one["entry"])] = log_index
    return places
