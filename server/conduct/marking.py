"""Which actions are to be judged again: marked in the transaction of what their checks rest on."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from server.conduct.judging import CASE_KINDS
from server.conduct.models import DueAction
from server.core.bulk import among
from server.core.context import Context
from server.core.db import table_of
from server.register.models import Action
from server.register.ports import News

_due = table_of(DueAction)


def written(ctx: Context, news: Collection[News]) -> None:
    """Entries are in the register: what they are about is due."""
    actions = {action for one in news for action in one.action_ids}
    cases = {one.case_id for one in news if not one.kinds.isdisjoint(CASE_KINDS)}
    if actions:
        mark(ctx, Action.id.in_(actions))
    if cases:
        mark(ctx, Action.case_id.in_(cases))


def mark(ctx: Context, which: sa.ColumnElement[bool], at: datetime | None = None) -> None:
    """Let these actions be judged again, now or at a time."""
    when = at or ctx.clock.now()
    found = sa.select(Action.id, Action.court_id, sa.literal(when, _due.c.run_after.type))
    _put(ctx, found.where(which).order_by(Action.id))  # writers of several meet in one order


def mark_of(ctx: Context, cases: Iterable[uuid.UUID], missions: Iterable[uuid.UUID] = ()) -> None:
    """Let the actions of cases and missions be judged again."""
    rules = [
        among(ctx.session, column, sorted(set(ids), key=str))
        for column, ids in ((Action.case_id, cases), (Action.mission_id, missions))
    ]
    mark(ctx, sa.or_(*rules))


def _put(ctx: Context, found: sa.Select[Any]) -> None:
    is_postgresql = ctx.session.get_bind().dialect.name == "postgresql"
    insert: Any = postgresql.insert if is_postgresql else sqlite.insert
    statement = insert(_due).from_select(["action_id", "court_id", "run_after"], found)
    earlier = sa.case(
        (statement.excluded.run_after < _due.c.run_after, statement.excluded.run_after),
        else_=_due.c.run_after,
    )
    ctx.session.execute(
        statement.on_conflict_do_update(
            index_elements=[_due.c.action_id], set_={"run_after": earlier}
        )
    )
