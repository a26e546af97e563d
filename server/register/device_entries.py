"""Rows of the register from the signed records of devices."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date

import sqlalchemy as sa

from client_sdk.protocol.entries import EntryPart, checked
from client_sdk.protocol.errors import PayloadError
from server.audit.chain import FieldRecord
from server.cases.models import MissionCase
from server.core.context import Context
from server.register.beginning import begin
from server.register.commands import ActionState
from server.register.folding import UNKNOWN_TYPE
from server.register.models import Action, Entry


def row_of(ctx: Context, record: FieldRecord) -> Entry | None:
    """The entry that a record makes; ``None`` when it is not understood or has no case here."""
    if record.case_id is None:
        return None
    try:
        part = EntryPart.from_value(record.payload.get("entry"))
        data = checked(record.act, part)
    except PayloadError:
        return None
    return Entry(
        id=ctx.new_id(), court_id=record.court_id, case_id=record.case_id, action_id=part.action,
        kind=record.act, data=data,
        on_day=date.fromisoformat(data["on"]) if "on" in data else None,
        happened_at=record.happened_at, amends_id=None, written_by=record.officer_id,
        device_id=record.device_id, record_hid=record.hid, wall=record.wall,
        mono_ms=record.mono_ms, boot=record.boot, through_suspend=record.through_suspend,
        gnss_at=record.gnss_at, error_ms=record.error_ms, clock_class=record.clock_class,
        created_at=ctx.clock.now(),
    )  # fmt: skip


def amend(ctx: Context, rows: Sequence[Entry], records: Sequence[FieldRecord]) -> None:
    """Find the entries whose place others take: of the same action and kind, by their record."""
    wanted = {
        row.record_hid: record.payload["entry"]["amends"]
        for row, record in zip(rows, records, strict=True)
        if record.payload["entry"].get("amends")
    }
    if not wanted:
        return
    statement = sa.select(Entry).where(Entry.record_hid.in_(set(wanted.values())))
    known = {entry.record_hid: entry for entry in ctx.session.execute(statement).scalars()}
    known |= {row.record_hid: row for row in rows}
    for row in rows:
        meant = known.get(wanted.get(row.record_hid))
        if meant is not None and _place(meant) == _place(row):
            row.amends_id = meant.id


def _place(entry: Entry) -> tuple[uuid.UUID, uuid.UUID | None, str]:
    """What an entry is about, and how."""
    return entry.case_id, entry.action_id, entry.kind


def begin_actions(
    ctx: Context, rows: Sequence[Entry], missions: dict[str | None, uuid.UUID | None]
) -> None:
    """Make the actions that are named for the first time.

    An id that belongs to an action of another case names none: the entry stays with its case.
    """
    named = {row.action_id for row in rows if row.action_id is not None}
    found = ctx.session.execute(sa.select(Action).where(Action.id.in_(named))).scalars()
    known: dict[uuid.UUID, Action | None] = {action.id: action for action in found}
    for row in rows:
        if row.action_id is None:
            continue
        if row.action_id not in known:
            begun = Action(
                id=row.action_id, court_id=row.court_id, case_id=row.case_id,
                mission_id=_mission(ctx, missions.get(row.record_hid), row.case_id),
                type=UNKNOWN_TYPE,
                state=ActionState.PLANNED, created_by=row.written_by, created_at=row.created_at,
            )  # fmt: skip
            known[row.action_id] = begin(ctx, begun)
        action = known[row.action_id]
        if action is None or (action.court_id, action.case_id) != (row.court_id, row.case_id):
            row.action_id = None


def _mission(ctx: Context, mission_id: uuid.UUID | None, case_id: uuid.UUID) -> uuid.UUID | None:
    """The mission that the record names, if it is for the case: its films count for the action."""
    serves = sa.exists().where(MissionCase.mission_id == mission_id, MissionCase.case_id == case_id)
    return mission_id if mission_id and ctx.session.execute(sa.select(serves)).scalar() else None
