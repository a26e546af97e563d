"""Telling people: a row for each, digests instead of floods, generic words only.

A notice is no event: what happened is in the log already.  Losing one loses a hint, not a fact.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any, Final

import sqlalchemy as sa

from server.audit.service import Subject
from server.core.context import Context
from server.core.db import table_of
from server.core.problem import invalid
from server.notices import queries
from server.notices.commands import Preferences, ReadNotices
from server.notices.models import NoticePreference, UserNotice
from server.notices.topics import OBLIGATORY, Topic, collapses

KEEP_READ: Final = timedelta(days=90)


def tell(
    ctx: Context,
    user_ids: Collection[uuid.UUID],
    topic: Topic | str,
    subject: Subject | uuid.UUID | str,
    link: str,
    facts: Mapping[str, Any] | None = None,
    *,
    count: int = 1,
    court_id: uuid.UUID | None = None,
) -> int:
    """Tell these people of the court; returns how many were told.

    :param topic: one of :class:`Topic`; ``ValueError`` for others.
    :param link: path of the page where the next step is taken; it names ids alone.
    :param facts: ids, counts and times, since a notice may be shown where others look on.
    :param court_id: needed where the actor is the system.
    """
    topic = Topic(topic)
    if not link.startswith("/") or link.startswith("//") or not link.isprintable():
        raise ValueError("a notice links to a path of the console")
    court = court_id or ctx.actor.court_id
    people = queries.active_people(ctx.session, court, user_ids)
    wishes = queries.preferences_by_user(ctx.session, people)
    people -= {one for one in people if topic in wishes.get(one, Preferences()).muted}
    digests = {
        one for one in people if collapses(topic, digest=wishes.get(one, Preferences()).digest)
    }
    unread = queries.newest_unread(ctx.session, digests, topic) if digests else {}
    about = subject if isinstance(subject, Subject) else Subject("", subject)
    for one in sorted(people):
        if one in unread:
            _take_in(ctx, unread[one], about, link, count)
        else:
            ctx.session.add(_row(ctx, court, one, (topic, about, link, dict(facts or {}), count)))
    return len(people)


def mark_read(ctx: Context, command: ReadNotices) -> None:
    """The caller has seen these notices, or all of them."""
    now = ctx.clock.now()
    for row in queries.unread_rows(ctx, command.ids):
        row.read_at = now


def set_preferences(ctx: Context, command: Preferences) -> Preferences:
    """Keep what the caller wants to be told; what asks them by name to act stays on."""
    kept = sorted(set(command.muted) & OBLIGATORY)
    if kept:
        raise invalid({"muted": [f"cannot be switched off: {', '.join(kept)}"]})
    user_id = ctx.actor.user()
    row = ctx.session.get(NoticePreference, user_id)
    if row is None:
        row = NoticePreference(user_id=user_id, court_id=ctx.actor.court_id, muted=[])
        ctx.session.add(row)
    row.muted, row.digest = sorted(set(command.muted)), command.digest
    return queries.as_preferences(row)


def forget_read(ctx: Context) -> int:
    """Remove what was read long ago."""
    before = ctx.clock.now() - KEEP_READ
    gone = ctx.session.execute(sa.delete(table_of(UserNotice)).where(UserNotice.read_at < before))
    return int(getattr(gone, "rowcount", 0))


def _take_in(ctx: Context, row: UserNotice, about: Subject, link: str, count: int) -> None:
    row.count += count
    row.created_at = ctx.clock.now()
    row.subject_type, row.subject_id, row.link = about.type, str(about.id), link


def _row(
    ctx: Context,
    court: uuid.UUID,
    user_id: uuid.UUID,
    content: tuple[Topic, Subject, str, dict[str, Any], int],
) -> UserNotice:
    topic, about, link, facts, count = content
    return UserNotice(
        id=ctx.new_id(), court_id=court, user_id=user_id, topic=topic.value,
        subject_type=about.type, subject_id=str(about.id), link=link, facts=facts, count=count,
        created_at=ctx.clock.now(),
    )  # fmt: skip
