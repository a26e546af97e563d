"""Erasing a line of the log book whose record declares no bytes: its words go, its header stays.

Who may do that, and when, is decided above; see :mod:`server.retention.lines`.
"""

from __future__ import annotations

import uuid
from typing import Final

import sqlalchemy as sa

from server.audit import sealing
from server.audit.models import Event
from server.core.context import Context
from server.core.db import Base, table_of
from server.core.problem import Kind, Problem
from server.evidence import erasure, erasure_shown
from server.evidence.erasure import Carried
from server.evidence.erasure_bytes import ERASED

_PLACE: Final = ("lat", "lon", "geo_datum", "geo_accuracy_m", "geo_source")


def erase(ctx: Context, line_id: uuid.UUID, record_hid: str) -> Carried:
    """Erase a line: what the record says, the row, what observers were shown and was said of it.

    Returns the entries that were emptied and the seals to be kept by the entry of the erasure.
    Conflict while the record is on its way into the log.
    """
    entry = sa.select(Event.log_index).where(Event.hid == record_hid)
    if ctx.session.execute(entry).first() is None:
        raise Problem(Kind.CONFLICT, "the record is not in the log yet; try again in a moment")
    lines, shown = (Base.metadata.tables[name] for name in ("log_entries", "live_entries"))
    of_line = sa.select(shown.c.id).where(shown.c.source_id == line_id)
    live = list(ctx.session.execute(of_line).scalars())
    carried = erasure.erase_told(ctx, [line_id, *live])
    ctx.session.execute(
        sa.update(table_of(Event)).where(Event.hid == record_hid).values(p=None, salt=None)
    )
    gone = {"text": None, "details": None, **dict.fromkeys(_PLACE), "geo_reason": ERASED}
    sealing.update_rows(ctx, lines, lines.c.id == line_id, gone)
    erasure_shown.empty(ctx, live)
    return Carried([record_hid, *carried.hids], carried.rows)
