"""What a lawful erasure takes from the release desk and from the board of reused pictures."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence

import sqlalchemy as sa

from server.audit import sealing
from server.core.context import Context
from server.core.db import Base
from server.evidence.erasure_bytes import ERASED
from server.evidence.models import Evidence
from server.evidence.reuse_models import PictureMark, ReuseAlarm


def live_entries(ctx: Context, items: Sequence[Evidence]) -> list[uuid.UUID]:
    """Entries of the release desk that are about these items, or about a line of their record."""
    entries, lines = (Base.metadata.tables[name] for name in ("live_entries", "log_entries"))
    first = items[0]
    of_record = sa.select(lines.c.id).where(
        lines.c.device_id == first.device_id, lines.c.ep == first.ep, lines.c.seq == first.seq
    )
    about = entries.c.source_id.in_([one.id for one in items])
    statement = sa.select(entries.c.id).where(sa.or_(about, entries.c.source_id.in_(of_record)))
    return list(ctx.session.execute(statement).scalars())


def empty(ctx: Context, entry_ids: Collection[uuid.UUID]) -> None:
    """Take away what observers were shown of them; the desk's job tells observers."""
    entries = Base.metadata.tables["live_entries"]
    values: dict[str, object] = {
        "shown_text": None, "shown_place": None, "photos": [], "categories": [], "reason": ERASED,
    }  # fmt: skip
    sealing.update_rows(ctx, entries, entries.c.id.in_(entry_ids), values)


def forget_pictures(ctx: Context, items: Sequence[Evidence]) -> None:
    """Perceptual hashes and alarms tell what a picture looked like.

    Another item of the court with the very bytes keeps their hash.
    """
    ids, court = [one.id for one in items], items[0].court_id
    alarms = sa.or_(ReuseAlarm.evidence_id.in_(ids), ReuseAlarm.other_id.in_(ids))
    ctx.session.execute(sa.delete(ReuseAlarm).where(alarms))
    still = sa.select(Evidence.sha256).where(
        Evidence.court_id == court, Evidence.state != ERASED, Evidence.id.not_in(ids)
    )
    gone = sa.and_(
        PictureMark.court_id == court,
        PictureMark.sha256.in_([one.sha256 for one in items]),
        PictureMark.sha256.not_in(still),
    )
    ctx.session.execute(sa.delete(PictureMark).where(gone))
