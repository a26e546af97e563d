"""What observers would see of a mission under rules that are only proposed; nothing is written."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from server.core.context import Context
from server.live import projection, queries, sources
from server.live.models import LiveEntry
from server.live.redaction import ReleaseRules
from server.live.sources import Source

SHOWN: Final = 12


@dataclass(frozen=True, slots=True)
class Previewed:
    """One entry as recorded, and as observers would get it: held back, or masked and coarse."""

    source: Source
    categories: list[str]
    happened_at: str | None
    place: str | None
    text: str | None


def preview(ctx: Context, mission_id: uuid.UUID, proposed: ReleaseRules) -> list[Previewed]:
    """The newest entries of a visible mission under the proposed rules, the newest first."""
    mission = queries.visible_live(ctx, mission_id)
    shower = projection.shower_for(ctx, mission, proposed)
    statement = (
        sa.select(LiveEntry)
        .where(LiveEntry.mission_id == mission.id)
        .order_by(LiveEntry.happened_at.desc(), LiveEntry.id)
        .limit(SHOWN)
    )
    rows = ctx.session.execute(statement).scalars().all()
    found = sources.of_entries(ctx.session, rows)
    shown = []
    for row in rows:
        source = found.get(row.id)
        if source is None:
            continue
        trial = LiveEntry(photos=[])
        shower.fill(trial, source, source.text)
        categories = shower.categories(source, source.text)
        shown.append(
            Previewed(source, categories, trial.shown_at, trial.shown_place, trial.shown_text)
        )
    return shown
