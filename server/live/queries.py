"""Reading live operation for staff: of one court, and only missions that the caller may see."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.cases import queries as cases
from server.cases.models import Mission, MissionOfficer
from server.cases.states import MissionState
from server.core.clock import Clock, rfc3339
from server.core.context import Actor, Context, Runtime
from server.core.paging import Page
from server.core.permissions import Permission, Role, TokenKind
from server.core.problem import not_found
from server.identity import bonds
from server.identity.models import SignIn, User
from server.live import policy, sources
from server.live.commands import ENTRIES_MAX, Decision, DeskFilter
from server.live.hub import Item
from server.live.models import LiveEntry, LiveMission
from server.live.sources import Source

RECENT: Final = timedelta(days=14)
_ENTRY: Final = "entry"
_BEGUN: Final = (MissionState.STARTED, MissionState.ENDED)


@dataclass(frozen=True, slots=True)
class StaffEntry:
    """One entry as the release desk sees it: the source beside what observers will get."""

    entry: LiveEntry
    source: Source | None  # none when it has been erased
    officer: str | None
    allowed: tuple[Decision, ...] = ()


@dataclass(frozen=True, slots=True)
class LiveSummary:
    """A mission under way or recent, with what waits at its desk."""

    mission: Mission
    counts: dict[str, int]

    @property
    def waiting(self) -> int:
        """Entries that still wait for their delay or for a person."""
        return self.counts.get(policy.WAITING, 0)

    @property
    def held(self) -> int:
        """Entries held back by a rule or a person."""
        return self.counts.get(policy.HELD, 0)

    @property
    def shown(self) -> int:
        """Entries that were released, rewritten ones included."""
        return self.counts.get(policy.RELEASED, 0) + self.counts.get(policy.REDACTED, 0)


def is_due(now: datetime) -> list[sa.ColumnElement[bool]]:
    """Rules of entries that observers are to be told of: their delay is over."""
    return [
        LiveEntry.due_at <= now,
        sa.or_(LiveEntry.state != policy.WAITING, LiveEntry.automatic),
    ]


def some_due(session: Session, now: datetime) -> bool:
    """Whether there is anything to release; one cheap statement."""
    return session.execute(sa.select(LiveEntry.id).where(*is_due(now)).limit(1)).first() is not None


def visible_entry(ctx: Context, entry_id: uuid.UUID) -> LiveEntry:
    """The entry, if the caller may see its mission; 404 otherwise."""
    statement = sa.select(LiveEntry).where(
        LiveEntry.id == entry_id,
        LiveEntry.court_id == ctx.actor.court_id,
        LiveEntry.mission_id.in_(cases.visible_mission_ids(ctx.actor)),
    )
    found = ctx.session.execute(statement).scalar_one_or_none()
    if found is None:
        raise not_found()
    return found


def visible_live(ctx: Context, mission_id: uuid.UUID) -> Mission:
    """A mission that has started, if the caller may see it; 404 otherwise."""
    mission = cases.visible_mission(ctx, mission_id)
    if mission.state not in _BEGUN and ctx.session.get(LiveMission, mission.id) is None:
        raise not_found("the mission has not started")
    return mission


def live_missions(ctx: Context) -> list[LiveSummary]:
    """Visible missions that are under way or ended lately, those under way first."""
    since = ctx.clock.now() - RECENT
    statement = (
        sa.select(Mission)
        .where(
            Mission.court_id == ctx.actor.court_id,
            Mission.id.in_(cases.visible_mission_ids(ctx.actor)),
            sa.or_(
                Mission.state == MissionState.STARTED,
                sa.and_(Mission.state == MissionState.ENDED, Mission.ends_at > since),
            ),
        )
        .order_by(Mission.state.desc(), Mission.starts_at.desc(), Mission.id)
        .limit(ENTRIES_MAX)
    )
    missions = ctx.session.execute(statement).scalars().all()
    counts = _counts(ctx.session, [mission.id for mission in missions])
    return [LiveSummary(mission, counts.get(mission.id, {})) for mission in missions]


def waiting_for_people(ctx: Context) -> int:
    """Entries of visible missions that are held: what the inbox counts."""
    statement = sa.select(sa.func.count()).where(
        LiveEntry.court_id == ctx.actor.court_id,
        LiveEntry.state == policy.HELD,
        LiveEntry.mission_id.in_(cases.visible_mission_ids(ctx.actor)),
    )
    return ctx.session.execute(statement).scalar_one()


def entries_of(
    ctx: Context, mission_id: uuid.UUID, after: int = 0, limit: int = ENTRIES_MAX
) -> list[StaffEntry]:
    """A visible mission's entries that changed beyond a turn, in that order."""
    visible_live(ctx, mission_id)
    return staff_entries(ctx.session, mission_id, after, limit, ctx.clock.now())


def desk_of(ctx: Context, mission_id: uuid.UUID, wanted: DeskFilter) -> Page[StaffEntry]:
    """A page of a visible mission's entries, the newest first."""
    visible_live(ctx, mission_id)
    rules: list[sa.ColumnElement[bool]] = [LiveEntry.mission_id == mission_id]
    if wanted.state is not None:
        rules.append(LiveEntry.state == wanted.state)
    last = ctx.session.get(LiveEntry, wanted.before) if wanted.before else None
    if last is not None:
        here = sa.tuple_(LiveEntry.happened_at, LiveEntry.id)
        place = sa.tuple_(
            sa.literal(last.happened_at, LiveEntry.happened_at.type),
            sa.literal(last.id, LiveEntry.id.type),
        )
        rules.append(here < place)
    statement = (
        sa.select(LiveEntry)
        .where(*rules)
        .order_by(LiveEntry.happened_at.desc(), LiveEntry.id.desc())
        .limit(wanted.limit + 1)
    )
    rows = ctx.session.execute(statement).scalars().all()
    shown = _staffed(ctx.session, rows[: wanted.limit], ctx.clock.now())
    more = str(rows[wanted.limit - 1].id) if len(rows) > wanted.limit else None
    return Page(shown, more)


def summary_of(ctx: Context, mission_id: uuid.UUID) -> LiveSummary:
    """A visible mission that has started, with what waits at its desk."""
    mission = visible_live(ctx, mission_id)
    return LiveSummary(mission, _counts(ctx.session, [mission.id]).get(mission.id, {}))


def newest_turn(session: Session, mission_id: uuid.UUID) -> int:
    """Where the staff's stream of a mission stands."""
    live = session.get(LiveMission, mission_id)
    return live.last_turn if live is not None else 0


def staff_entry(ctx: Context, entry_id: uuid.UUID) -> StaffEntry:
    """One entry of a mission that the caller may see."""
    row = visible_entry(ctx, entry_id)
    (found,) = _staffed(ctx.session, [row], ctx.clock.now())
    return found


def staff_entries(
    session: Session, mission_id: uuid.UUID, after: int, limit: int, now: datetime
) -> list[StaffEntry]:
    """The same for a caller whose right was checked."""
    statement = (
        sa.select(LiveEntry)
        .where(LiveEntry.mission_id == mission_id, LiveEntry.turn > after)
        .order_by(LiveEntry.turn)
        .limit(limit)
    )
    return _staffed(session, session.execute(statement).scalars().all(), now)


def staff_items(
    session: Session, mission_id: uuid.UUID, after: int, clock: Clock
) -> Sequence[Item]:
    """The same as events of a stream; the id of an event is the entry's turn."""
    found = staff_entries(session, mission_id, after, ENTRIES_MAX, clock.now())
    return [(one.entry.turn, _ENTRY, staff_dict(one)) for one in found]


def staff_dict(one: StaffEntry) -> dict[str, Any]:
    """An entry on the wire, for staff."""
    row = one.entry
    return {
        "entry_id": str(row.id),
        "turn": row.turn,
        "version": row.version,
        "state": row.state,
        "act": row.act,
        "source": row.source,
        "source_id": str(row.source_id),
        "happened_at": rfc3339(row.happened_at),
        "arrived_at": rfc3339(row.arrived_at),
        "due_at": rfc3339(row.due_at) if row.due_at else None,
        "automatic": row.automatic,
        "position": row.position,
        "categories": list(row.categories),
        "text": one.source.text if one.source else None,
        "officer": one.officer,
        "shown": {
            "happened_at": row.shown_at,
            "place": row.shown_place,
            "stage": row.shown_stage,
            "text": row.shown_text,
            "photos": list(row.photos),
        },
        "reason": row.reason,
        "allowed": [decision.value for decision in one.allowed],
    }


def may_follow(
    session: Session, runtime: Runtime, mission_id: uuid.UUID, sign_ins: Collection[uuid.UUID]
) -> set[uuid.UUID]:
    """Which of these sign-ins may still follow a mission; asked every second, for all at once."""
    if not sign_ins:
        return set()
    statement = (
        sa.select(SignIn, User.id, User.court_id, User.roles)
        .join(User, User.id == SignIn.user_id)
        .join(Mission, sa.and_(Mission.court_id == User.court_id, Mission.id == mission_id))
        .where(
            SignIn.id.in_(list(sign_ins)),
            SignIn.revoked_at.is_(None),
            SignIn.expires_at > runtime.clock.now(),
            User.disabled_at.is_(None),
        )
    )
    rows = session.execute(statement).all()
    sent = set(
        session.execute(
            sa.select(MissionOfficer.user_id).where(MissionOfficer.mission_id == mission_id)
        ).scalars()
    )
    return {
        sign_in.id
        for sign_in, *person in rows
        if _follows(_person(*person), sent) and bonds.holds(runtime.keyring, sign_in)
    }


def _person(user_id: uuid.UUID, court_id: uuid.UUID, roles: Sequence[str]) -> Actor:
    held = frozenset(Role(one) for one in roles)
    return Actor(TokenKind.ACCESS, court_id, user_id=user_id, roles=held)


def _follows(person: Actor, sent: set[uuid.UUID]) -> bool:
    return person.may(Permission.LIVE_VIEW) and (person.sees_whole_court or person.user_id in sent)


def _counts(session: Session, missions: Iterable[uuid.UUID]) -> dict[uuid.UUID, dict[str, int]]:
    statement = (
        sa.select(LiveEntry.mission_id, LiveEntry.state, sa.func.count())
        .where(LiveEntry.mission_id.in_(list(missions)))
        .group_by(LiveEntry.mission_id, LiveEntry.state)
    )
    found: dict[uuid.UUID, dict[str, int]] = {}
    for mission_id, state, count in session.execute(statement):
        found.setdefault(mission_id, {})[state] = count
    return found


def _staffed(session: Session, rows: Sequence[LiveEntry], now: datetime) -> list[StaffEntry]:
    found = sources.of_entries(session, rows)
    officers = {one.officer_id for one in found.values() if one.officer_id is not None}
    people = session.execute(sa.select(User.id, User.name).where(User.id.in_(officers))).all()
    names = {row.id: row.name for row in people}
    staffed = []
    for row in rows:
        source = found.get(row.id)
        officer = names.get(source.officer_id) if source and source.officer_id else None
        staffed.append(StaffEntry(row, source, officer, tuple(policy.allowed(row, now))))
    return staffed
