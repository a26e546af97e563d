"""Saved views of lists: one's own, and those that colleagues share with the court."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, urlencode

import sqlalchemy as sa

from server.cases.view_models import SavedView
from server.core.context import Context
from server.core.problem import Kind, Problem, not_found

VIEWS_MAX: Final = 100  # of one person
_NEVER_KEPT: Final = frozenset({"cursor", "lang", "limit"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveView:
    """A list to be kept under a name; ``query`` is its query string."""

    page: str
    name: str
    query: str
    shared: bool = False


def save(ctx: Context, command: SaveView) -> SavedView:
    """Keep a view; one's own of the same name and page is replaced."""
    owner = ctx.actor.user()
    mine = sa.select(SavedView).where(
        SavedView.court_id == ctx.actor.court_id, SavedView.owner_id == owner
    )
    known = ctx.session.execute(mine).scalars().all()
    for view in known:
        if (view.page, view.name) == (command.page, command.name):
            view.query, view.shared = kept_query(command.query), command.shared
            return view
    if len(known) >= VIEWS_MAX:
        raise Problem(Kind.CONFLICT, f"one person keeps at most {VIEWS_MAX} views")
    view = SavedView(
        id=ctx.new_id(), court_id=ctx.actor.court_id, owner_id=owner, page=command.page,
        name=command.name, query=kept_query(command.query), shared=command.shared,
        created_at=ctx.clock.now(),
    )  # fmt: skip
    ctx.session.add(view)
    return view


def views_of(ctx: Context, page: str) -> Sequence[SavedView]:
    """One's own and the shared views of a page, by name."""
    statement = sa.select(SavedView).where(
        SavedView.court_id == ctx.actor.court_id,
        SavedView.page == page,
        sa.or_(SavedView.owner_id == ctx.actor.user_id, SavedView.shared.is_(True)),
    )
    return ctx.session.execute(statement.order_by(SavedView.name, SavedView.id)).scalars().all()


def remove(ctx: Context, view_id: uuid.UUID) -> SavedView:
    """Forget one's own view; 404 for anybody else's."""
    statement = sa.select(SavedView).where(
        SavedView.id == view_id,
        SavedView.court_id == ctx.actor.court_id,
        SavedView.owner_id == ctx.actor.user(),
    )
    view = ctx.session.execute(statement).scalar_one_or_none()
    if view is None:
        raise not_found()
    ctx.session.delete(view)
    return view


def kept_query(query: str) -> str:
    """The filters of a query string: no place within the list, nothing empty, always the same."""
    pairs = parse_qsl(query, keep_blank_values=False)
    return urlencode(sorted(pair for pair in pairs if pair[0] not in _NEVER_KEPT))
