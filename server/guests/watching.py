"""A guest's live stream: the feed of their mission, ended with their right, noted as attendance."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.cases.models import Mission
from server.cases.states import MissionState
from server.core.clock import Clock
from server.core.context import Context, Runtime
from server.guests import attendance, policy, queries
from server.guests.attendance import Watcher
from server.guests.kinds import Phase
from server.guests.models import GuestSession, Invitation
from server.live import feed
from server.live.hub import Batched, Item, Read, Share
from server.live.models import LiveMission

ENTRY: Final = "entry"
STATE: Final = "state"
_BATCH: Final = 200
_POSITION: Final = re.compile(rb"^id: ([0-9]+)$", re.MULTILINE)
_BEGUN: Final = (MissionState.STARTED, MissionState.ENDED)


def open_stream(
    ctx: Context, after: int, within: Callable[[], AbstractContextManager[object]]
) -> Iterator[bytes] | None:
    """Server-sent events for the guest who asks, or ``None`` when there is nothing to wait for.

    While a guest waits for the start nothing is sent at all; the stream ends when what they may
    have changes, and the page asks anew.

    :param within: makes the place in which a sighting can be written once the request is over.
    """
    guest = queries.guest_of(ctx)
    phase = phases_of(ctx.session, ctx.clock, [guest.session.id]).get(guest.session.id)
    if phase is None or phase is Phase.REPLAY or phase is Phase.ENDED:
        return None
    alive = Batched(f"guests-{phase.value}", guest.session.id, _still(ctx.clock, phase))
    mission_id = guest.invitation.mission_id
    if phase is Phase.WAITING or mission_id is None:
        waiting = Share(("guests-waiting",))
        return feed.stream(ctx.runtime, _nothing, after, alive, share=waiting)
    share = Share(("guests", mission_id), guest.session.court_id)
    frames = feed.stream(ctx.runtime, _reader(mission_id), after, alive, share=share)
    watcher = attendance.watcher_of(guest, ctx.actor.address)
    return Watched(frames, ctx.runtime, watcher, within)


def phases_of(session: Session, clock: Clock, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Phase]:
    """What each of these guests may have now; those who are not known are left out."""
    begun = sa.or_(LiveMission.mission_id.is_not(None), Mission.state.in_(_BEGUN))
    statement = (
        sa.select(GuestSession.id, Invitation, begun)
        .join(Invitation, Invitation.id == GuestSession.invitation_id)
        .join(Mission, Mission.id == Invitation.mission_id, isouter=True)
        .join(LiveMission, LiveMission.mission_id == Invitation.mission_id, isouter=True)
        .where(GuestSession.id.in_(ids))
        .execution_options(populate_existing=True)
    )
    now = clock.now()
    return {
        guest_id: policy.phase(invitation, now, started=bool(started))
        for guest_id, invitation, started in session.execute(statement)
    }


class Watched:
    """A stream that remembers how long it was listened to; the server closes it in any case."""

    def __init__(
        self,
        frames: Iterator[bytes],
        runtime: Runtime,
        watcher: Watcher,
        within: Callable[[], AbstractContextManager[object]],
    ) -> None:
        self._frames = frames
        self._runtime = runtime
        self._watcher = watcher
        self._within = within
        self._position = 0  # what was sent counts, not what the browser says it has
        self._noted_at = runtime.clock.now() - attendance.ONE_SIGHTING
        self._open = True

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        """The next frame; each minute, with the heartbeat at the latest, a sighting is noted."""
        now = self._runtime.clock.now()
        if now - self._noted_at >= attendance.ONE_SIGHTING:
            self._noted_at = now
            self._note()
        frame = next(self._frames)
        places = _POSITION.findall(frame)
        if places:
            self._position = max(self._position, int(places[-1]))
        return frame

    def close(self) -> None:
        """Give the stream's place up, and note when the guest was last there; once."""
        if not self._open:
            return
        self._open = False
        getattr(self._frames, "close", lambda: None)()
        self._note()

    def _note(self) -> None:
        with self._within():
            attendance.sight(self._runtime, self._watcher, self._position)


def _reader(mission_id: uuid.UUID) -> Read:
    def read(session: Session, after: int) -> Sequence[Item]:
        entries = feed.observer_entries(session, mission_id, after, _BATCH)
        found: list[Item] = [(one.position, ENTRY, one.as_dict()) for one in entries]
        if found:
            found.append((found[-1][0], STATE, feed.observer_state(session, mission_id).as_dict()))
        return found

    return read


def _nothing(_session: Session, _after: int) -> Sequence[Item]:
    return ()


def _still(
    clock: Clock, phase: Phase
) -> Callable[[Session, Collection[uuid.UUID]], Collection[uuid.UUID]]:
    def ask(session: Session, ids: Collection[uuid.UUID]) -> Collection[uuid.UUID]:
        return {one for one, found in phases_of(session, clock, ids).items() if found is phase}

    return ask
