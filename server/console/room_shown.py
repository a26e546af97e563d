"""What the templates of the observers' room show, made ready for them.  Pure but for the clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from server.console.filters import Look
from server.core.context import Context
from server.core.ids import short_code
from server.guests import policy
from server.guests.kinds import Phase
from server.guests.models import Opinion
from server.guests.queries import Guest
from server.guests.room import Room
from server.live.feed import ObserverEntry
from server.live.redaction import STAGES, Stage


@dataclass(frozen=True, slots=True)
class Step:
    """One stage of the stepper; ``place`` is ``done``, ``now`` or ``ahead``."""

    stage: str
    place: str


# What the script clones for an entry that comes while the page is open.
BLANK: Mapping[str, Any] = {
    "entry_id": "ENTRY",
    "position": 0,
    "state": "released",
    "act": "entry",
    "stage": None,
    "happened_at": "",
    "place": "",
    "text": "",
    "photos": (),
}


def shown(found: Room, now: datetime) -> dict[str, Any]:
    """Everything of a room's page that is not the same for all guests' pages."""
    state = found.state
    return {
        "room": found,
        "state": state,
        "is_live": found.phase is Phase.LIVE,
        "entries": found.entries,
        "blank": BLANK,
        "steps": steps(state.stage),
        "delay_minutes": state.delay_seconds // 60,
        "lag_minutes": None if state.lag_seconds is None else state.lag_seconds // 60,
        "opinions": found.opinions,
        "said_of": said_of(found.opinions),
        "overdue": {one.id for one in found.opinions if policy.is_overdue(one, now)},
        "described": described(found.entries),
    }


def steps(stage: str | None) -> list[Step]:
    """The stepper: what is done, where things stand, what is ahead."""
    reached = STAGES.index(Stage(stage)) if stage is not None else -1
    places = ("done", "now", "ahead")
    return [
        Step(one.value, places[(place >= reached) + (place > reached)])
        for place, one in enumerate(STAGES)
    ]


def said_of(opinions: Iterable[Opinion]) -> dict[Any, list[Opinion]]:
    """What this guest said, by the entry it is about."""
    found: dict[Any, list[Opinion]] = {}
    for opinion in opinions:
        if opinion.entry_id is not None:
            found.setdefault(opinion.entry_id, []).append(opinion)
    return found


def described(entries: Sequence[ObserverEntry]) -> dict[Any, str]:
    """Where an entry stands in time, for naming it beside an opinion."""
    return {one.entry_id: one.happened_at or "" for one in entries}


def mark_of(guest: Guest, ctx: Context) -> tuple[str, str]:
    """The two lines of a watermark: who looks, and when."""
    invitation = guest.invitation
    who = " ".join(part for part in (invitation.invitee, invitation.invitee_title) if part)
    look = Look("zh", ZoneInfo(ctx.settings.time_zone))
    return who, f"{look.minute(ctx.clock.now())} {short_code(invitation.id)}"


def photo_mark(guest: Guest, ctx: Context) -> str:
    """The same in letters that every font has, for a picture's own pixels."""
    look = Look("en", ZoneInfo(ctx.settings.time_zone))
    return f"{short_code(guest.invitation.id)}  {look.minute(ctx.clock.now())}"
