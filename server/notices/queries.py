"""Reading one's own notices."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.core.context import Context
from server.core.paging import Page, decode_id, page_of
from server.core.permissions import Role
from server.identity.models import User
from server.notices.commands import NoticeFilter, Preferences
from server.notices.models import NoticePreference, UserNotice


def notices_of(ctx: Context, wanted: NoticeFilter) -> Page[UserNotice]:
    """The caller's notices, newest first."""
    rules = [_mine(ctx)]
    if wanted.unread:
        rules.append(UserNotice.read_at.is_(None))
    if wanted.topic is not None:
        rules.append(UserNotice.topic == wanted.topic)
    if wanted.cursor:
        rules.append(UserNotice.id < decode_id(wanted.cursor))
    statement = sa.select(UserNotice).where(*rules).order_by(UserNotice.id.desc())
    rows = ctx.session.execute(statement.limit(wanted.limit + 1)).scalars().all()
    return page_of(rows, wanted.limit, lambda row: (str(row.id),))


def unread_of(ctx: Context) -> dict[str, int]:
    """How many unread notices the caller has, by topic."""
    statement = (
        sa.select(UserNotice.topic, sa.func.count())
        .where(_mine(ctx), UserNotice.read_at.is_(None))
        .group_by(UserNotice.topic)
    )
    return {topic: int(count) for topic, count in ctx.session.execute(statement)}


def unread_rows(ctx: Context, ids: Collection[uuid.UUID] = ()) -> Sequence[UserNotice]:
    """The caller's unread notices, all or those named."""
    statement = sa.select(UserNotice).where(_mine(ctx), UserNotice.read_at.is_(None))
    if ids:
        statement = statement.where(UserNotice.id.in_(ids))
    return ctx.session.execute(statement).scalars().all()


def preferences_of(ctx: Context) -> Preferences:
    """What the caller wants to be told."""
    row = ctx.session.get(NoticePreference, ctx.actor.user())
    return Preferences() if row is None else as_preferences(row)


def preferences_by_user(
    session: Session, user_ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, Preferences]:
    """Preferences of those who have any."""
    statement = sa.select(NoticePreference).where(NoticePreference.user_id.in_(user_ids))
    rows = session.execute(statement).scalars()
    return {row.user_id: as_preferences(row) for row in rows}


def as_preferences(row: NoticePreference) -> Preferences:
    """A row as callers see it."""
    return Preferences(muted=tuple(row.muted), digest=row.digest)


def people_with(session: Session, court_id: uuid.UUID, *roles: Role) -> list[uuid.UUID]:
    """Active people of a court who hold one of these roles."""
    statement = sa.select(User.id, User.roles).where(
        User.court_id == court_id, User.disabled_at.is_(None)
    )
    wanted = {role.value for role in roles}
    return [row.id for row in session.execute(statement) if wanted & set(row.roles)]


def active_people(
    session: Session, court_id: uuid.UUID, ids: Collection[uuid.UUID]
) -> set[uuid.UUID]:
    """Those of ``ids`` who are active people of the court."""
    statement = sa.select(User.id).where(
        User.id.in_(ids), User.court_id == court_id, User.disabled_at.is_(None)
    )
    return set(session.execute(statement).scalars())


def newest_unread(
    session: Session, user_ids: Collection[uuid.UUID], topic: str
) -> dict[uuid.UUID, UserNotice]:
    """For each of these people the unread notice of the topic that takes others in."""
    statement = sa.select(UserNotice).where(
        UserNotice.user_id.in_(user_ids), UserNotice.topic == topic, UserNotice.read_at.is_(None)
    )
    return {
        row.user_id: row for row in session.execute(statement.order_by(UserNotice.id)).scalars()
    }


def _mine(ctx: Context) -> sa.ColumnElement[bool]:
    return sa.and_(
        UserNotice.court_id == ctx.actor.court_id, UserNotice.user_id == ctx.actor.user()
    )
