"""Replies that are late: told once, to whoever answers for them."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from typing import Final

import sqlalchemy as sa

from server.audit import service as audit
from server.audit.events import EventKind
from server.audit.service import Subject
from server.core.clock import rfc3339
from server.core.context import Context
from server.core.permissions import Role
from server.guests.kinds import OpinionState
from server.guests.models import Invitation, Opinion
from server.notices import queries as people
from server.notices import service as notices
from server.notices.topics import Topic

TURN_MAX: Final = 500
LEADS: Final = (Role.SUPERVISOR, Role.PRESIDENT)


def mark_overdue(ctx: Context) -> int:
    """Tell of replies past their deadline that nobody was told of; returns how many.

    For the worker.  The mark and the notice are of one transaction, so each is told once.
    """
    now = ctx.clock.now()
    statement = (
        sa.select(Opinion, Invitation.created_by)
        .join(Invitation, Invitation.id == Opinion.invitation_id)
        .where(
            Opinion.state != OpinionState.ANSWERED,
            Opinion.overdue_at.is_(None),
            Opinion.due_at <= now,
        )
        .order_by(Opinion.due_at, Opinion.id)
        .limit(TURN_MAX)
        # An answer that is being given right now is waited for by the next turn, not told of.
        .with_for_update(of=Opinion, skip_locked=True)
    )
    late = ctx.session.execute(statement).all()
    for opinion, inviter in late:
        opinion.overdue_at = now
        opinion.version += 1
        _tell(ctx, opinion, _answerable(ctx, opinion, inviter))
    return len(late)


def _answerable(ctx: Context, opinion: Opinion, inviter: uuid.UUID) -> Collection[uuid.UUID]:
    """Who took it up, else who invited; everybody who leads once that person has left."""
    court = opinion.court_id
    wanted = {opinion.handled_by or inviter}
    active = people.active_people(ctx.session, court, wanted)
    return active or people.people_with(ctx.session, court, *LEADS)


def _tell(ctx: Context, opinion: Opinion, whom: Collection[uuid.UUID]) -> None:
    about = Subject("opinion", opinion.id)
    audit.record(
        ctx,
        EventKind.OPINION_OVERDUE,
        about,
        {"due": rfc3339(opinion.due_at), "state": opinion.state},
        mission_id=opinion.mission_id,
        court_id=opinion.court_id,
    )
    link = f"/opinions#o-{opinion.id}"
    notices.tell(ctx, whom, Topic.OPINION_OVERDUE, about, link, court_id=opinion.court_id)
