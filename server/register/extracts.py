"""What a device gets of the actions of its cases, so that one may go on where another began."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from client_sdk.protocol.ids import short_code
from server.core.clock import rfc3339
from server.register import queries
from server.register.commands import ActionState
from server.register.models import Action, Entry

ACTIONS_MAX: Final = 50  # of one case
_PAST: Final = timedelta(days=30)  # what ended earlier needs nobody in the field
_OPEN: Final = (ActionState.PLANNED.value, ActionState.STARTED.value)

Extract = dict[str, Any]


def actions_of(
    session: Session, case_ids: Collection[uuid.UUID], now: datetime
) -> dict[uuid.UUID, list[Extract]]:
    """Of each case its newest actions that are open or ended lately, with their entries."""
    if not case_ids:
        return {}
    recent = sa.or_(Action.state.in_(_OPEN), Action.ends_at > now - _PAST)
    place = sa.func.row_number().over(partition_by=Action.case_id, order_by=Action.id.desc())
    ranked = sa.select(Action.id, place.label("place")).where(Action.case_id.in_(case_ids), recent)
    newest = ranked.subquery()
    chosen = sa.select(newest.c.id).where(newest.c.place <= ACTIONS_MAX)
    statement = sa.select(Action).where(Action.id.in_(chosen)).order_by(Action.id)
    actions = session.execute(statement).scalars().all()
    entries = queries.entries_of_actions(session, [one.id for one in actions]) if actions else {}
    found: dict[uuid.UUID, list[Extract]] = {one: [] for one in case_ids}
    for action in actions:
        found[action.case_id].append(_extract(action, entries[action.id]))
    return found


def _extract(action: Action, entries: Collection[Entry]) -> Extract:
    return {
        "id": str(action.id),
        "code": short_code(action.id),
        "mission_id": None if action.mission_id is None else str(action.mission_id),
        "type": action.type,
        "state": action.state,
        "place": action.place,
        "entries": [_entry(one) for one in entries],
    }


def _entry(entry: Entry) -> Extract:
    return {
        "id": str(entry.id),
        "kind": entry.kind,
        "data": entry.data,
        "happened_at": rfc3339(entry.happened_at),
        "record_hid": entry.record_hid,
    }
