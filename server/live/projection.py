"""The reader of the log that takes entries of started missions to the release desk.

It goes by the tables beside the log, not by single events: whatever a started mission has and the
desk does not is taken in, so lines that were pushed before the start come with it, and reading an
event twice does no harm.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import timedelta
from typing import Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from server.audit import service as audit
from server.audit.events import EventKind
from server.audit.models import Event, LogState
from server.audit.service import Subject
from server.cases.models import Mission
from server.cases.states import MissionState
from server.core.context import Context
from server.core.waking import wake
from server.evidence import redactions
from server.evidence.models import Evidence
from server.fieldlog.models import LogEntry
from server.live import policy, showing, sources, streams
from server.live.models import LiveEntry, LiveMission
from server.live.redaction import ReleaseRules
from server.live.showing import Shower
from server.live.sources import Source

BATCH: Final = 10_000
_OF_MISSIONS: Final = (sources.NOTE, sources.CAPTURE, EventKind.MISSION_CHANGED.value)
_OF_ITEMS: Final = (
    EventKind.EVIDENCE_REBOUND.value,
    EventKind.EVIDENCE_ERASED.value,
    EventKind.REDACTION_DISCARDED.value,
)
_BEGUN: Final = frozenset({MissionState.STARTED, MissionState.ENDED})


def project(ctx: Context, after: int) -> int:
    """Take in what the log has beyond an index; returns how far it read."""
    newest = ctx.session.execute(sa.select(LogState.next_index)).scalar_one() - 1
    upto = min(newest, after + BATCH)
    within = sa.and_(Event.log_index > after, Event.log_index <= upto)
    missions = set(
        ctx.session.execute(
            sa.select(Event.mission_id)
            .where(within, Event.kind.in_(_OF_MISSIONS), Event.mission_id.is_not(None))
            .distinct()
        ).scalars()
    )
    items = ctx.session.execute(
        sa.select(Event.subject_id).where(within, Event.kind.in_(_OF_ITEMS)).distinct()
    ).scalars()
    missions |= _moved(ctx, {uuid.UUID(one) for one in items if one})
    for mission_id in sorted(one for one in missions if one is not None):
        take_in(ctx, mission_id)
    return max(upto, after)


def take_in(ctx: Context, mission_id: uuid.UUID) -> int:
    """Bring a mission's new entries to the desk, if it has started; returns how many."""
    mission = ctx.session.get(Mission, mission_id)
    if mission is None or mission.state not in _BEGUN:
        return 0
    now = ctx.clock.now()
    live = streams.begin(ctx.session, mission, now)
    found = sources.not_taken_in(ctx.session, mission, now)
    if not found:
        wake(ctx.session)  # that it started is news as well
        return 0
    shower = shower_for(ctx, mission)
    if shower.is_search:
        _close_doors(ctx, live)
    rows = [_entry(ctx, live, shower, source) for source in found]
    ctx.session.add_all(rows)
    held = [row for row in rows if row.state == policy.HELD]
    if held:
        audit.record(
            ctx,
            EventKind.LIVE_HELD,
            Subject("mission", mission.id),
            {"by": "category", "entries": [showing.facts_of(row) for row in held]},
            mission_id=mission.id,
            court_id=mission.court_id,
        )
    wake(ctx.session)
    return len(rows)


def shower_for(ctx: Context, mission: Mission, proposed: ReleaseRules | None = None) -> Shower:
    """How this mission's entries are shown, by what is known of it now.

    :param proposed: rules to try instead of those in force.
    """
    notes = ctx.session.execute(
        sa.select(LogEntry.text).where(
            LogEntry.court_id == mission.court_id,
            LogEntry.mission_id == mission.id,
            LogEntry.act == sources.NOTE,
        )
    ).scalars()
    zone = ZoneInfo(ctx.settings.time_zone)
    today = ctx.clock.now().astimezone(zone).date()
    found = showing.shower_of(ctx.session, mission, zone, today, notes)
    return found if proposed is None else found.with_rules(ctx.session, mission, proposed)


def _entry(ctx: Context, live: LiveMission, shower: Shower, source: Source) -> LiveEntry:
    now = ctx.clock.now()
    categories = shower.categories(source, source.text)
    row = LiveEntry(
        id=uuid.UUID(bytes=ctx.runtime.randbytes(16), version=4),
        court_id=live.court_id,
        mission_id=live.mission_id,
        case_id=source.case_id,
        source=source.source,
        source_id=source.id,
        act=source.act,
        happened_at=source.happened_at,
        arrived_at=now,
        categories=categories,
        state=policy.HELD if categories else policy.WAITING,
        # From its arrival: a device's clock that is slow must not shorten the delay.
        due_at=now + timedelta(seconds=shower.rules.delay_seconds),
        automatic=shower.rules.automatic,
        photos=[],
        version=0,
    )
    shower.fill(row, source, source.text)
    streams.changed(live, row)
    return row


def _moved(ctx: Context, items: Iterable[uuid.UUID]) -> set[uuid.UUID | None]:
    """Take back entries whose item was bound elsewhere or erased; returns missions to look at."""
    missions: set[uuid.UUID | None] = set()
    for item_id in sorted(items):
        item = ctx.session.get(Evidence, item_id)
        if item is None:
            continue
        missions.add(item.mission_id)
        entries = sa.select(LiveEntry).where(
            LiveEntry.source_id == item_id, LiveEntry.source == sources.EVIDENCE
        )
        for row in ctx.session.execute(entries).scalars().all():
            if item.state == "erased":
                _take_back(ctx, row, "erased")
            elif item.mission_id != row.mission_id:
                _take_back(ctx, row, "bound elsewhere")
            else:
                _drop_photos(ctx, row)
    return missions


def _drop_photos(ctx: Context, row: LiveEntry) -> None:
    """A redacted copy that was discarded is not shown any more."""
    live = streams.locked(ctx.session, row.mission_id)
    ctx.session.refresh(row, with_for_update=True)
    kept = [one for one in row.photos if redactions.released_photo(ctx.session, uuid.UUID(one))]
    if kept == row.photos:
        return
    row.photos = kept
    _tell(ctx, live, row)
    wake(ctx.session)


def _close_doors(ctx: Context, live: LiveMission) -> None:
    """Photos that were chosen before anybody wrote of a search are taken away."""
    chosen = sa.select(LiveEntry).where(
        LiveEntry.mission_id == live.mission_id,
        LiveEntry.source == sources.EVIDENCE,
        LiveEntry.state == policy.REDACTED,
    )
    for row in ctx.session.execute(chosen).scalars():
        if showing.close_doors(row, search=True):
            _tell(ctx, live, row)


def _tell(ctx: Context, live: LiveMission, row: LiveEntry) -> None:
    """Staff, and observers who know of the entry, learn how it is now."""
    if row.position is None:
        streams.changed(live, row)
    else:
        streams.announce(live, row, ctx.clock.now())


def _take_back(ctx: Context, row: LiveEntry, why: str) -> None:
    live = streams.locked(ctx.session, row.mission_id)
    ctx.session.refresh(row, with_for_update=True)
    if row.state == policy.WITHDRAWN:
        return
    withdraw(ctx, live, row)
    row.photos, row.reason = [], why
    audit.record(
        ctx,
        EventKind.LIVE_WITHDRAWN,
        Subject("live-entry", row.id),
        {**showing.facts_of(row), "reason": why, "by": "rule"},
        mission_id=row.mission_id,
        court_id=row.court_id,
    )
    wake(ctx.session)


def withdraw(ctx: Context, live: LiveMission, row: LiveEntry) -> None:
    """Take an entry away from observers; who was never told of it is not told now."""
    row.state = policy.WITHDRAWN
    if row.position is None:
        row.due_at = None
        streams.changed(live, row)
    else:
        streams.announce(live, row, ctx.clock.now())
