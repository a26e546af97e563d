"""Reading invitations, guests and what they said; of one court, or of one guest."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.core.context import Context
from server.core.paging import Page, decode_cursor, decode_id, page_of
from server.core.problem import not_found
from server.core.rows import of_court
from server.guests.commands import InvitationFilter, OpinionFilter
from server.guests.kinds import InvitationState, OpinionState
from server.guests.models import GuestSession, GuestVisit, Invitation, Opinion


@dataclass(frozen=True, slots=True)
class Guest:
    """Who watches: the browser's session and the invitation behind it."""

    session: GuestSession
    invitation: Invitation


@dataclass(frozen=True, slots=True)
class Attendance:
    """How long somebody was there, and how far they read."""

    first_at: datetime | None
    last_at: datetime | None
    seconds: int
    last_position: int
    visits: Sequence[GuestVisit]


def invitation_in_court(
    ctx: Context, invitation_id: uuid.UUID, *, to_change: bool = False
) -> Invitation:
    """An invitation of the caller's court; 404 otherwise."""
    return of_court(ctx, Invitation, invitation_id, to_change=to_change)


def invitation_by_token(
    session: Session, token_hash: str, *, to_change: bool = False
) -> Invitation | None:
    """The invitation behind a link, of whichever court."""
    statement = sa.select(Invitation).where(Invitation.token_hash == token_hash)
    if to_change:
        statement = statement.with_for_update()
    return session.execute(statement).scalar_one_or_none()


def guest_by_cookie(session: Session, cookie_hash: str) -> Guest | None:
    """Who a browser belongs to; whether that still counts is another question."""
    statement = (
        sa.select(GuestSession, Invitation)
        .join(Invitation, Invitation.id == GuestSession.invitation_id)
        .where(GuestSession.cookie_hash == cookie_hash)
    )
    row = session.execute(statement).first()
    return None if row is None else Guest(row[0], row[1])


def guest_of(ctx: Context) -> Guest:
    """The guest who asks; 404 for everybody else."""
    return guest_with(ctx.session, ctx.actor.guest_id)


def guest_with(session: Session, guest_id: uuid.UUID | None) -> Guest:
    """The guest with this session; 404 when there is none."""
    statement = (
        sa.select(GuestSession, Invitation)
        .join(Invitation, Invitation.id == GuestSession.invitation_id)
        .where(GuestSession.id == guest_id)
    )
    row = session.execute(statement).first()
    if row is None:
        raise not_found()
    return Guest(row[0], row[1])


def session_of(session: Session, invitation_id: uuid.UUID) -> GuestSession | None:
    """The browser that redeemed an invitation."""
    statement = sa.select(GuestSession).where(GuestSession.invitation_id == invitation_id)
    return session.execute(statement).scalar_one_or_none()


def list_invitations(ctx: Context, wanted: InvitationFilter) -> Page[Invitation]:
    """Invitations of the court, newest first."""
    rules = [Invitation.court_id == ctx.actor.court_id]
    if wanted.mission_id is not None:
        rules.append(Invitation.mission_id == wanted.mission_id)
    if wanted.state is not None:
        rules.append(_in_state(wanted.state, ctx.clock.now()))
    if wanted.cursor:
        rules.append(Invitation.id < decode_id(wanted.cursor))
    statement = sa.select(Invitation).where(*rules).order_by(Invitation.id.desc())
    rows = ctx.session.execute(statement.limit(wanted.limit + 1)).scalars().all()
    return page_of(rows, wanted.limit, lambda row: (str(row.id),))


def _in_state(state: str, now: datetime) -> sa.ColumnElement[bool]:
    redeemed = Invitation.state == InvitationState.REDEEMED
    invited = Invitation.state == InvitationState.INVITED
    over = sa.or_(
        sa.and_(redeemed, Invitation.replay_until <= now),
        sa.and_(invited, Invitation.window_to <= now),
    )
    if state == InvitationState.EXPIRED:
        return over
    return sa.and_(Invitation.state == state, sa.not_(over))


def visits_of(session: Session, guest_session_id: uuid.UUID) -> Sequence[GuestVisit]:
    """Visits of a guest, oldest first."""
    statement = sa.select(GuestVisit).where(GuestVisit.guest_session_id == guest_session_id)
    ordered = statement.order_by(GuestVisit.arrived_at, GuestVisit.id)
    return session.execute(ordered).scalars().all()


def newest_visit(session: Session, guest_session_id: uuid.UUID) -> GuestVisit | None:
    """The last time that a guest was there."""
    statement = (
        sa.select(GuestVisit)
        .where(GuestVisit.guest_session_id == guest_session_id)
        .order_by(GuestVisit.arrived_at.desc(), GuestVisit.id.desc())
        .limit(1)
    )
    return session.execute(statement).scalar_one_or_none()


def attendance_of(session: Session, guest_session_id: uuid.UUID | None) -> Attendance:
    """All visits of a guest, summed up; empty for an invitation that nobody redeemed."""
    visits = [] if guest_session_id is None else visits_of(session, guest_session_id)
    there = sum((one.last_seen_at - one.arrived_at for one in visits), timedelta())
    return Attendance(
        first_at=visits[0].arrived_at if visits else None,
        last_at=visits[-1].last_seen_at if visits else None,
        seconds=there // timedelta(seconds=1),
        last_position=max((one.last_position for one in visits), default=0),
        visits=visits,
    )


def opinion_in_court(ctx: Context, opinion_id: uuid.UUID, *, to_change: bool = False) -> Opinion:
    """What a guest of the caller's court said; 404 otherwise."""
    return of_court(ctx, Opinion, opinion_id, to_change=to_change)


def opinions_of_guest(session: Session, guest_session_id: uuid.UUID) -> Sequence[Opinion]:
    """Everything that this guest said, newest first; nobody else's."""
    statement = sa.select(Opinion).where(Opinion.guest_session_id == guest_session_id)
    return session.execute(statement.order_by(Opinion.id.desc())).scalars().all()


def list_opinions(ctx: Context, wanted: OpinionFilter) -> Page[Opinion]:
    """What guests of the court said: open ones by their deadline, so the overdue come first."""
    answered = sa.case((Opinion.state == OpinionState.ANSWERED, 1), else_=0)
    rules: list[sa.ColumnElement[bool]] = [Opinion.court_id == ctx.actor.court_id]
    if wanted.state is not None:
        rules.append(Opinion.state == wanted.state)
    if wanted.mission_id is not None:
        rules.append(Opinion.mission_id == wanted.mission_id)
    if wanted.cursor:
        done, due, last = decode_cursor(wanted.cursor, int, str, str)
        place = sa.tuple_(
            sa.literal(done),
            sa.literal(_moment(due), Opinion.due_at.type),
            sa.literal(uuid.UUID(last), Opinion.id.type),
        )
        rules.append(sa.tuple_(answered, Opinion.due_at, Opinion.id) > place)
    statement = sa.select(Opinion).where(*rules).order_by(answered, Opinion.due_at, Opinion.id)
    rows = ctx.session.execute(statement.limit(wanted.limit + 1)).scalars().all()
    return page_of(rows, wanted.limit, _place)


def _place(row: Opinion) -> tuple[str | int, ...]:
    return int(row.state == OpinionState.ANSWERED), row.due_at.isoformat(), str(row.id)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def overdue_count(ctx: Context) -> int:
    """How many replies of the court are late."""
    statement = sa.select(sa.func.count()).where(
        Opinion.court_id == ctx.actor.court_id,
        Opinion.state != OpinionState.ANSWERED,
        Opinion.due_at <= ctx.clock.now(),
    )
    return ctx.session.execute(statement).scalar_one()
