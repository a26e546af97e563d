"""Reading the register: of cases that the caller may see."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from client_sdk.protocol.times import from_unix_ms, unix_ms
from server.cases import queries as cases
from server.cases.visibility import visible_case_ids
from server.core.context import Context
from server.core.paging import Page, decode_cursor, decode_id, page_of
from server.core.problem import Kind, Problem, not_found
from server.register.commands import ActionFilter, EntryFilter
from server.register.folding import current
from server.register.models import Action, Entry


def entries_of_case(ctx: Context, case_id: uuid.UUID, wanted: EntryFilter) -> Page[Entry]:
    """Entries of a visible case by their time; 404 when it is not visible."""
    cases.visible_case(ctx, case_id)
    rules: list[sa.ColumnElement[bool]] = [
        Entry.court_id == ctx.actor.court_id,
        Entry.case_id == case_id,
    ]
    if wanted.kind is not None:
        rules.append(Entry.kind == wanted.kind)
    if wanted.action_id is not None:
        rules.append(Entry.action_id == wanted.action_id)
    if wanted.current:
        rules.append(not_amended())
    if wanted.cursor:
        rules.append(_beyond(wanted.cursor))
    statement = (
        sa.select(Entry).where(*rules).order_by(Entry.happened_at, Entry.id).limit(wanted.limit + 1)
    )
    rows = ctx.session.execute(statement).scalars().all()
    return page_of(rows, wanted.limit, lambda row: (unix_ms(row.happened_at), str(row.id)))


def list_actions(ctx: Context, wanted: ActionFilter) -> Page[Action]:
    """Actions in visible cases, the newest first."""
    rules: list[sa.ColumnElement[bool]] = [
        Action.court_id == ctx.actor.court_id,
        Action.case_id.in_(visible_case_ids(ctx.actor)),
    ]
    wishes: dict[Any, Any] = {
        Action.case_id: wanted.case_id,
        Action.mission_id: wanted.mission_id,
        Action.type: wanted.type,
        Action.state: wanted.state,
    }
    rules += [column == value for column, value in wishes.items() if value is not None]
    if wanted.cursor:
        rules.append(Action.id < decode_id(wanted.cursor))
    statement = sa.select(Action).where(*rules).order_by(Action.id.desc()).limit(wanted.limit + 1)
    rows = ctx.session.execute(statement).scalars().all()
    return page_of(rows, wanted.limit, lambda row: (str(row.id),))


def visible_action(ctx: Context, action_id: uuid.UUID) -> Action:
    """The action, if the caller may see its case; 404 otherwise."""
    statement = sa.select(Action).where(
        Action.id == action_id,
        Action.court_id == ctx.actor.court_id,
        Action.case_id.in_(visible_case_ids(ctx.actor)),
    )
    found = ctx.session.execute(statement).scalar_one_or_none()
    if found is None:
        raise not_found()
    return found


def current_entries(
    session: Session, case_id: uuid.UUID, kinds: Collection[str] = ()
) -> list[Entry]:
    """A case's entries that count, by their time; of every kind unless some are named."""
    statement = sa.select(Entry).where(Entry.case_id == case_id)
    if kinds:
        statement = statement.where(Entry.kind.in_(kinds))
    return current(session.execute(statement).scalars())


def entries_of_actions(
    session: Session, action_ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, list[Entry]]:
    """Of each action the entries that count, by their time."""
    statement = sa.select(Entry).where(Entry.action_id.in_(action_ids))
    found: dict[uuid.UUID, list[Entry]] = {one: [] for one in action_ids}
    for entry in current(session.execute(statement).scalars()):
        if entry.action_id is not None:
            found[entry.action_id].append(entry)
    return found


def actions_of_case(session: Session, case_id: uuid.UUID) -> Sequence[Action]:
    """A case's actions in the order in which they became known."""
    statement = sa.select(Action).where(Action.case_id == case_id).order_by(Action.id)
    return session.execute(statement).scalars().all()


def action_in_court(session: Session, court_id: uuid.UUID, action_id: uuid.UUID) -> Action | None:
    """The action, whoever asks, within one court."""
    statement = sa.select(Action).where(Action.id == action_id, Action.court_id == court_id)
    return session.execute(statement).scalar_one_or_none()


def is_amended(session: Session, case_id: uuid.UUID, entry_id: uuid.UUID) -> bool:
    """Whether another entry of the case took the place of this one."""
    statement = sa.select(Entry.id).where(Entry.case_id == case_id, Entry.amends_id == entry_id)
    return session.execute(statement.limit(1)).first() is not None


def not_amended() -> sa.ColumnElement[bool]:
    """Rule: nobody has amended the entry."""
    later = aliased(Entry)
    return ~sa.exists().where(later.case_id == Entry.case_id, later.amends_id == Entry.id)


def _beyond(cursor: str) -> sa.ColumnElement[bool]:
    at_ms, text = decode_cursor(cursor, int, str)
    try:
        at, last = from_unix_ms(at_ms), uuid.UUID(text)
    except ValueError:
        raise Problem(Kind.CURSOR_INVALID) from None
    return sa.or_(Entry.happened_at > at, sa.and_(Entry.happened_at == at, Entry.id > last))
