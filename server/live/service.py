"""The release desk: decisions of people, and releases when a delay is over; all logged."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from types import MappingProxyType
from typing import Final

import sqlalchemy as sa

from server.audit import service as audit
from server.audit.events import EventKind
from server.audit.service import Subject
from server.cases.models import Mission
from server.core.context import Context
from server.core.problem import Kind, Problem
from server.core.waking import wake
from server.live import policy, projection, queries, showing, sources, streams
from server.live.commands import Decide, Decision
from server.live.models import LiveEntry, LiveMission
from server.live.photos import require_released
from server.live.showing import Shower

DUE_BATCH: Final = 200
_KINDS: Final = MappingProxyType(
    {
        Decision.HOLD: EventKind.LIVE_HELD,
        Decision.REDACT: EventKind.LIVE_REDACTED,
        Decision.RELEASE: EventKind.LIVE_RELEASED,
        Decision.WITHDRAW: EventKind.LIVE_WITHDRAWN,
    }
)


def decide(ctx: Context, entry_id: uuid.UUID, command: Decide) -> LiveEntry:
    """Hold, redact, release or withdraw one entry, as the policy allows."""
    row = queries.visible_entry(ctx, entry_id)
    live = streams.locked(ctx.session, row.mission_id)
    ctx.session.refresh(row, with_for_update=True)
    policy.require_decision(row, command, ctx.clock.now())
    before, early = row.state, policy.is_early(row, ctx.clock.now())
    _APPLY[command.decision](ctx, live, row, command)
    row.reason, row.decided_by = command.reason, ctx.actor.user()
    row.decided_at = ctx.clock.now()
    audit.record(
        ctx,
        _KINDS[command.decision],
        Subject("live-entry", row.id),
        {
            **showing.facts_of(row),
            "by": "person",
            "from": before,
            "to": row.state,
            "early": early and command.decision is Decision.RELEASE,
            "reason": command.reason,
            "text": command.text,
            "photos": [str(one) for one in row.photos],
        },
        case_id=row.case_id,
        mission_id=row.mission_id,
    )
    wake(ctx.session)
    return row


def release_due(ctx: Context) -> int:
    """Tell observers of every entry whose delay is over; returns how many."""
    due = sa.select(LiveEntry.mission_id).where(*queries.is_due(ctx.clock.now())).distinct()
    return sum(
        _release_of(ctx, mission_id)
        for mission_id in sorted(ctx.session.execute(due).scalars().all())
    )


def _release_of(ctx: Context, mission_id: uuid.UUID) -> int:
    live = streams.locked(ctx.session, mission_id)
    statement = (
        sa.select(LiveEntry)
        .where(LiveEntry.mission_id == mission_id, *queries.is_due(ctx.clock.now()))
        .order_by(LiveEntry.happened_at, LiveEntry.turn)
        .limit(DUE_BATCH)
        .execution_options(populate_existing=True)
    )
    rows = ctx.session.execute(statement).scalars().all()
    mission = ctx.session.get(Mission, mission_id)
    if not rows or mission is None:
        return 0
    shower = projection.shower_for(ctx, mission)
    found = sources.of_entries(ctx.session, rows)
    for row in rows:
        if row.state == policy.WAITING:
            _look_again(row, shower, found)
        showing.close_doors(row, search=shower.is_search)
        streams.announce(live, row, ctx.clock.now())
    _record_due(ctx, mission, rows)
    wake(ctx.session)
    return len(rows)


def _look_again(row: LiveEntry, shower: Shower, found: dict[uuid.UUID, sources.Source]) -> None:
    """What is known of the mission may have grown while the entry waited."""
    source = found.get(row.id)
    if source is None:
        row.state = policy.HELD
        return
    row.categories = shower.categories(source, source.text)
    shower.fill(row, source, source.text)
    row.state = policy.HELD if row.categories else policy.RELEASED


def _record_due(ctx: Context, mission: Mission, rows: Sequence[LiveEntry]) -> None:
    for kind, states in (
        (EventKind.LIVE_RELEASED, {policy.RELEASED, policy.REDACTED}),
        (EventKind.LIVE_HELD, {policy.HELD}),
    ):
        entries = [showing.facts_of(row) for row in rows if row.state in states]
        if entries:
            audit.record(
                ctx,
                kind,
                Subject("mission", mission.id),
                {"by": "delay", "entries": entries},
                mission_id=mission.id,
                court_id=mission.court_id,
            )


# ---------------------------------------------------------------------- decisions


def _hold(_ctx: Context, live: LiveMission, row: LiveEntry, _command: Decide) -> None:
    row.state = policy.HELD
    streams.changed(live, row)


def _redact(ctx: Context, live: LiveMission, row: LiveEntry, command: Decide) -> None:
    mission = ctx.session.get_one(Mission, row.mission_id)
    shower = projection.shower_for(ctx, mission)
    source = sources.of_entries(ctx.session, [row]).get(row.id)
    if source is None:
        raise Problem(Kind.GONE, "what it was about has been erased")
    showing.close_doors(row, search=shower.is_search)
    policy.require_photos(row, command.photos)
    _require_harmless(shower, source, command.text)
    require_released(ctx.session, row, command.photos)
    shower.fill(row, source, command.text)
    row.photos = [str(one) for one in command.photos]
    was_early = policy.is_early(row, ctx.clock.now())
    row.state = policy.REDACTED
    if was_early:
        streams.changed(live, row)
    else:
        streams.announce(live, row, ctx.clock.now())


def _require_harmless(shower: Shower, source: sources.Source, text: str | None) -> None:
    """A text that was rewritten may not speak of what is never shown either."""
    note = sources.Source(sources.LOG, source.id, "note", source.happened_at)
    still = shower.categories(note, text, suspect_names=False)
    if still:
        raise Problem(
            Kind.CONFLICT,
            f"the new text still speaks of what is never shown: {', '.join(still)}",
            categories=still,
        )


def _release(ctx: Context, live: LiveMission, row: LiveEntry, _command: Decide) -> None:
    if row.state != policy.REDACTED:
        mission = ctx.session.get_one(Mission, row.mission_id)
        found = sources.of_entries(ctx.session, [row])
        source = found.get(row.id)
        if source is None:
            raise Problem(Kind.GONE, "what it was about has been erased")
        shower = projection.shower_for(ctx, mission)
        row.categories = shower.categories(source, source.text)
        policy.require_possible(row, Decision.RELEASE)
        shower.fill(row, source, source.text)
        row.photos = []
        row.state = policy.RELEASED
    streams.announce(live, row, ctx.clock.now())


def _withdraw(ctx: Context, live: LiveMission, row: LiveEntry, _command: Decide) -> None:
    projection.withdraw(ctx, live, row)


_APPLY: Final[dict[Decision, Callable[[Context, LiveMission, LiveEntry, Decide], None]]] = {
    Decision.HOLD: _hold,
    Decision.REDACT: _redact,
    Decision.RELEASE: _release,
    Decision.WITHDRAW: _withdraw,
}
