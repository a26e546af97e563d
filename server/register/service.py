"""Writing the register: entries by people on the console, and by devices offline."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Any, Final

import sqlalchemy as sa

from client_sdk.protocol.entries import EntryKind
from client_sdk.protocol.errors import PayloadError
from client_sdk.protocol.payloads import Instant
from server.audit import service as audit
from server.audit.chain import FieldRecord
from server.audit.events import EventKind
from server.audit.service import Subject
from server.cases import queries as cases
from server.cases import service as case_service
from server.cases.models import Case
from server.cases.states import CaseStatus
from server.clocks import queries as clocks
from server.clocks.correction import Ledger
from server.core.context import Context
from server.core.problem import Kind, Problem, not_found
from server.register import device_entries, policy, queries, references, telling
from server.register.beginning import begin
from server.register.commands import ActionState, WriteEntry
from server.register.folding import UNKNOWN_TYPE, standing
from server.register.models import Action, Entry
from server.register.ports import News, conduct_of

# Kinds that move a case on, and where to; how a case is closed stays in its entry.
_MOVES: Final = MappingProxyType(
    {
        "case.suspended": CaseStatus.SUSPENDED,
        "case.deferred": CaseStatus.SUSPENDED,
        "case.continued": CaseStatus.ENFORCING,
        "case.closed": CaseStatus.CLOSED,
    }
)


def write(ctx: Context, case_id: uuid.UUID, command: WriteEntry) -> Entry:
    """Write an entry into a visible case.

    404 for a case or an action that is not visible; 422 names the first bad field; 409 with
    ``missing`` when a gate is not met.
    """
    case = cases.visible_case(ctx, case_id, to_change=True)
    kind = policy.kind_of(command.kind)
    data = _checked(kind, command.data)
    policy.require_writer(ctx.actor, kind, data)
    policy.require_case_takes(case, kind)
    policy.require_no_minor_listed(case, kind, data)
    references.require(ctx, case, kind, data)
    if command.amends_id is not None:
        _require_amendable(ctx, case, kind, command.amends_id, command.action_id)
    closing = kind.gate_of(data)
    if closing is not None:
        conduct_of(ctx).require_gate(ctx, case, closing, data)
    action = _action(ctx, case, kind, data, command)
    entry = _entry_of(ctx, case, kind, data, command, action)
    ctx.session.add(entry)
    ctx.session.flush()  # the action's standing is read from the table
    if action is not None:
        settle(ctx, [action.id])
    told = [] if action is None else telling.notices(ctx, case)
    audit.record(ctx, EventKind.ENTRY_WRITTEN, Subject("entry", entry.id), _facts(entry),
                 case_id=case.id, notices=told)  # fmt: skip
    if command.amends_id is None:  # putting an old entry right is no new step of the case
        _move(ctx, case, kind)
    conduct_of(ctx).written(ctx, [_news(entry)])
    return entry


def append(ctx: Context, records: Sequence[FieldRecord]) -> None:
    """Enter what devices wrote down; records that are not understood were found out before.

    A device's entry is never refused for the state of the case: it happened.
    """
    pairs = [(record, device_entries.row_of(ctx, record)) for record in records]
    understood = [(record, row) for record, row in pairs if row is not None]
    if not understood:
        return
    rows = [row for _, row in understood]
    device_entries.amend(ctx, rows, [record for record, _ in understood])
    device_entries.begin_actions(
        ctx, rows, {record.hid: record.mission_id for record, _ in understood}
    )
    ctx.session.add_all(rows)
    ctx.session.flush()  # the actions' standing is read from the table
    settle(ctx, list({row.action_id for row in rows if row.action_id is not None}))
    telling.taken(ctx, understood[0][0].device_id, rows)
    conduct_of(ctx).written(ctx, [_news(row) for row in rows])


def recorrect(ctx: Context, device_id: uuid.UUID, boot: str | None) -> None:
    """New readings of a device's clock came: compute its entries' times again.

    :param boot: only entries of this boot; ``None`` for every entry of the device.
    """
    statement = sa.select(Entry).where(Entry.device_id == device_id)
    if boot is not None:
        statement = statement.where(Entry.boot == boot)
    entries = ctx.session.execute(statement).scalars().all()
    if not entries:
        return
    ledger = Ledger(clocks.readings_of(ctx.session, device_id))
    for entry in entries:
        instant = Instant(
            wall=entry.wall or "", mono_ms=entry.mono_ms or 0, boot=entry.boot or "",
            suspend=entry.through_suspend, gnss=entry.gnss_at,
        )  # fmt: skip
        corrected = ledger.correct(instant)
        entry.happened_at = corrected.at
        entry.error_ms = corrected.error_ms
        entry.clock_class = corrected.clock_class
    ctx.session.flush()
    settle(ctx, list({entry.action_id for entry in entries if entry.action_id is not None}))
    conduct_of(ctx).written(ctx, [_news(entry) for entry in entries])


def settle(ctx: Context, action_ids: Sequence[uuid.UUID]) -> None:
    """Compute where actions stand from the entries that count."""
    if not action_ids:
        return
    found = sa.select(Action).where(Action.id.in_(action_ids)).order_by(Action.id)
    # Locked before their entries are read: who comes second sees what the first has written.
    actions = ctx.session.execute(found.with_for_update()).scalars().all()
    entries = queries.entries_of_actions(ctx.session, action_ids)
    for action in actions:
        now = standing(entries[action.id])
        action.type, action.state, action.place = now.type, now.state, now.place
        action.planned_at, action.begins_at, action.ends_at = (
            now.planned_at, now.begins_at, now.ends_at,
        )  # fmt: skip


def _checked(kind: EntryKind, data: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return kind.check(data)
    except PayloadError as error:
        raise Problem(Kind.VALIDATION, str(error)) from None


def _require_amendable(
    ctx: Context, case: Case, kind: EntryKind, entry_id: uuid.UUID, action_id: uuid.UUID | None
) -> None:
    """Nothing is amended twice: both would count; the case is locked."""
    policy.require_amendable(ctx.actor, references.entry_of(ctx, case, entry_id), kind, action_id)
    if queries.is_amended(ctx.session, case.id, entry_id):
        raise Problem(Kind.CONFLICT, "the entry was amended: amend what took its place")


def _action(
    ctx: Context, case: Case, kind: EntryKind, data: Mapping[str, Any], command: WriteEntry
) -> Action | None:
    if kind.about == "case":
        if command.action_id is not None:
            raise Problem(Kind.VALIDATION, f"{kind.id} is about the case, not about an action")
        return None
    action_id = command.action_id or ctx.new_id()
    action = ctx.session.get(Action, action_id, with_for_update=True)
    if action is not None and (action.court_id, action.case_id) != (case.court_id, case.id):
        raise not_found("the action")
    policy.require_action_takes(action, kind, data)
    if action is None:
        if command.mission_id is not None:
            mission = cases.visible_mission(ctx, command.mission_id)
            policy.require_mission_serves(mission, case)
        begun = Action(
            id=action_id, court_id=case.court_id, case_id=case.id, mission_id=command.mission_id,
            type=UNKNOWN_TYPE, state=ActionState.PLANNED, created_by=ctx.actor.user_id,
            created_at=ctx.clock.now(),
        )  # fmt: skip
        action = begin(ctx, begun)
        if action is None:
            raise not_found("the action")
    return action


def _entry_of(
    ctx: Context,
    case: Case,
    kind: EntryKind,
    data: dict[str, Any],
    command: WriteEntry,
    action: Action | None,
) -> Entry:
    now = ctx.clock.now()
    return Entry(
        id=ctx.new_id(), court_id=case.court_id, case_id=case.id,
        action_id=action.id if action else None, kind=kind.id, data=data, on_day=day_of(data),
        happened_at=now, amends_id=command.amends_id, written_by=ctx.actor.user_id,
        through_suspend=False, created_at=now,
    )  # fmt: skip


def day_of(data: Mapping[str, Any]) -> date | None:
    """The day of an entry, where its kind has one."""
    return date.fromisoformat(data["on"]) if "on" in data else None


def _move(ctx: Context, case: Case, kind: EntryKind) -> None:
    status = _MOVES.get(kind.id)
    if status is not None and case.status != status:
        case_service.move(ctx, case, status)


def _facts(entry: Entry) -> dict[str, Any]:
    """Names of fields, not what they hold: the row's seal covers that, and it can be erased."""
    return {
        "kind": entry.kind,
        "fields": sorted(entry.data),
        "action": None if entry.action_id is None else str(entry.action_id),
        "amends": None if entry.amends_id is None else str(entry.amends_id),
    }


def _news(entry: Entry) -> News:
    actions = frozenset() if entry.action_id is None else frozenset({entry.action_id})
    return News(entry.case_id, frozenset({entry.kind}), actions)
