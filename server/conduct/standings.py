"""Keeping ``case_states``: computed in the transaction that writes, and once a day by the worker.

Whoever computes holds the case's row of the projection first and then reads the register, so that
two who write at once do not leave out what the other wrote.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from server.cases.models import Case
from server.conduct import case_reading, court_limits
from server.conduct.case_models import CaseStanding
from server.conduct.case_pictures import columns_of, picture
from server.core.bulk import among
from server.core.context import Context
from server.core.db import table_of
from server.register.models import Entry
from server.register.ports import News
from server.retention import service as retention

BATCH: Final = 200
_QUESTIONS: Final = frozenset({"case.objection", "case.petition"})
_standings = table_of(CaseStanding)
_GROUNDS: Final = MappingProxyType(
    {
        "objection": "objection", "outsider": "objection", "review": "review",
        "supervision": "supervision",
    }
)  # fmt: skip


def written(ctx: Context, news: Collection[News]) -> None:
    """Entries were written: compute their cases, and hold what an objection or a petition needs."""
    for one in news:
        _hold(ctx, one)
    refresh(ctx, {one.case_id for one in news})


def refresh(ctx: Context, case_ids: Collection[uuid.UUID]) -> None:
    """Compute where these cases stand."""
    cases = _held(ctx, case_ids)
    zone, today, now = case_reading.zone_of(ctx), case_reading.today(ctx), ctx.clock.now()
    books = case_reading.books_of(ctx.session, cases, zone)
    courts = {one.court_id for one in cases.values()}
    own = {one: court_limits.of_court(ctx.session, one) for one in courts}
    for case_id, case in cases.items():
        found = picture(case_reading.facts_of(case), books[case_id], today, own[case.court_id])
        values = {**columns_of(found), "computed_at": now}
        ctx.session.execute(
            sa.update(_standings).where(_standings.c.case_id == case_id).values(values)
        )


def refresh_due(ctx: Context) -> int:
    """Compute cases for which a day has passed, and such as have no row yet; for the worker.

    :return: how many; at most :data:`BATCH` a turn.
    """
    today = case_reading.today(ctx)
    unknown = ~sa.exists().where(_standings.c.case_id == Case.id)
    stale = sa.select(_standings.c.case_id).where(_standings.c.refresh_on <= today)
    found = list(
        ctx.session.execute(
            stale.order_by(_standings.c.refresh_on, _standings.c.case_id).limit(BATCH)
        ).scalars()
    )
    if len(found) < BATCH:
        new = sa.select(Case.id).where(unknown).order_by(Case.id).limit(BATCH - len(found))
        found += ctx.session.execute(new).scalars().all()
    refresh(ctx, found)
    return len(found)


class CaseWatch:
    """Told of cases that were filed or changed; see :class:`server.cases.watching.CaseWatcher`."""

    def filed(self, ctx: Context, case: Case) -> None:
        """A case was filed."""
        refresh(ctx, [case.id])

    def changed(self, ctx: Context, case: Case, _fields: frozenset[str]) -> None:
        """Fields of a case have other values now."""
        refresh(ctx, [case.id])


def _held(ctx: Context, case_ids: Collection[uuid.UUID]) -> Mapping[uuid.UUID, Case]:
    """The cases, with their rows of the projection made and locked, in one order for everybody."""
    statement = sa.select(Case).where(among(ctx.session, Case.id, case_ids)).order_by(Case.id)
    cases = {one.id: one for one in ctx.session.execute(statement).scalars()}
    dialect = ctx.session.get_bind().dialect.name
    insert: Any = postgresql.insert if dialect == "postgresql" else sqlite.insert
    for case in cases.values():
        ctx.session.execute(
            insert(_standings)
            .values(case_id=case.id, court_id=case.court_id, **_EMPTY, status=case.status)
            .on_conflict_do_nothing()
        )
    ctx.session.execute(
        sa.select(_standings.c.case_id)
        .where(among(ctx.session, _standings.c.case_id, list(cases)))
        .order_by(_standings.c.case_id)
        .with_for_update()
    ).all()
    return cases


_EMPTY: Final = MappingProxyType(
    {
        "controlled_fen": 0, "received_fen": 0, "disbursed_fen": 0, "overdue": 0, "due_soon": 0,
        "broken_promises": 0, "open_petitions": 0, "alarms": [], "key_state": "none",
        "key_categories": [], "key_suggested": [], "responsibility": "none",
    }
)  # fmt: skip


def _hold(ctx: Context, news: News) -> None:
    """Nothing of the case is erased while somebody questions what was done (see retention)."""
    for kind in sorted(news.kinds & _QUESTIONS):
        newest = (
            sa.select(Entry.data)
            .where(Entry.case_id == news.case_id, Entry.kind == kind)
            .order_by(Entry.id.desc())
            .limit(1)
        )
        data = ctx.session.execute(newest).scalar_one()
        ground = "petition" if kind == "case.petition" else _GROUNDS[data["kind"]]
        retention.hold_automatically(ctx, news.case_id, ground)
