"""What guests say, and what the court answers: received, handling, answered, and nothing undone."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Final

import sqlalchemy as sa

from server.audit import service as audit
from server.audit.events import EventKind
from server.audit.service import Subject
from server.core.clock import rfc3339
from server.core.context import Context
from server.core.problem import Kind, Problem, not_found
from server.evidence import shipping
from server.guests import policy, queries
from server.guests.commands import Say
from server.guests.kinds import OpinionState, Phase
from server.guests.models import Opinion
from server.guests.queries import Guest
from server.live import feed
from server.notices import service as notices
from server.notices.topics import Topic

OPINIONS_MAX: Final = 200  # of one guest; nobody means to say more


def say(ctx: Context, guest: Guest, phase: Phase, command: Say) -> Opinion:
    """Take what a guest says of an entry they can see, or of the whole mission."""
    mission_id = require_may_say(ctx, guest, phase)
    if command.entry_id is not None:
        entry = feed.observer_entry(ctx.session, mission_id, command.entry_id)
        if entry is None:
            raise not_found()
    now = ctx.clock.now()
    opinion = Opinion(
        id=ctx.new_id(),
        court_id=guest.session.court_id,
        invitation_id=guest.invitation.id,
        guest_session_id=guest.session.id,
        mission_id=mission_id,
        entry_id=command.entry_id,
        kind=command.kind.value,
        text=command.text,
        state=OpinionState.RECEIVED.value,
        received_at=now,
        due_at=now + timedelta(days=guest.invitation.reply_days),
    )
    if command.voice is not None:
        opinion.voice_mime = command.voice.mime
        opinion.voice_bytes = command.voice.size_bytes
        opinion.voice_sha256 = command.voice.sha256
        shipping.remember(ctx, command.voice.sha256, command.voice.size_bytes)
    ctx.session.add(opinion)
    facts: dict[str, object] = {
        "kind": opinion.kind,
        "entry": None if opinion.entry_id is None else str(opinion.entry_id),
        "voice": opinion.voice_sha256,
        "due": rfc3339(opinion.due_at),
    }
    _record(ctx, EventKind.OPINION_RECEIVED, opinion, facts)
    notices.tell(
        ctx,
        [guest.invitation.created_by],
        Topic.OPINION,
        Subject("opinion", opinion.id),
        f"/opinions#o-{opinion.id}",
    )
    return opinion


def require_may_say(ctx: Context, guest: Guest, phase: Phase) -> uuid.UUID:
    """The mission that the guest may speak of now; 404 while there is none, 429 after too much."""
    mission_id = guest.invitation.mission_id
    if phase not in {Phase.LIVE, Phase.REPLAY} or mission_id is None:
        raise not_found()
    _require_few(ctx, guest)
    return mission_id


def take(ctx: Context, opinion_id: uuid.UUID) -> Opinion:
    """Begin to handle what was said; the guest sees that somebody does."""
    opinion = queries.opinion_in_court(ctx, opinion_id, to_change=True)
    if opinion.state != OpinionState.RECEIVED:
        raise Problem(Kind.CONFLICT, f"this is {opinion.state} already")
    opinion.state = OpinionState.HANDLING.value
    opinion.handled_by, opinion.handled_at = ctx.actor.user(), ctx.clock.now()
    opinion.version += 1
    _record(ctx, EventKind.OPINION_HANDLING, opinion, {})
    return opinion


def answer(ctx: Context, opinion_id: uuid.UUID, reply: str) -> Opinion:
    """Answer what was said, once; the guest reads the reply."""
    opinion = queries.opinion_in_court(ctx, opinion_id, to_change=True)
    policy.require_open(opinion)
    now = ctx.clock.now()
    overdue = policy.is_overdue(opinion, now)
    opinion.state = OpinionState.ANSWERED.value
    opinion.reply, opinion.replied_by, opinion.replied_at = reply, ctx.actor.user(), now
    if opinion.handled_by is None:
        opinion.handled_by, opinion.handled_at = ctx.actor.user(), now
    opinion.version += 1
    _record(ctx, EventKind.OPINION_ANSWERED, opinion, {"overdue": overdue})
    return opinion


def heard(ctx: Context, opinion_id: uuid.UUID) -> Opinion:
    """The recording is played by one of the court, which is recorded; 404 when there is none."""
    opinion = queries.opinion_in_court(ctx, opinion_id)
    if opinion.voice_sha256 is None:
        raise not_found()
    _record(ctx, EventKind.OPINION_HEARD, opinion, {"sha256": opinion.voice_sha256})
    return opinion


def _require_few(ctx: Context, guest: Guest) -> None:
    said = sa.select(sa.func.count()).where(Opinion.guest_session_id == guest.session.id)
    if ctx.session.execute(said).scalar_one() >= OPINIONS_MAX:
        raise Problem(Kind.TOO_MANY_REQUESTS, f"at most {OPINIONS_MAX} for one invitation")


def _record(ctx: Context, kind: EventKind, opinion: Opinion, facts: dict[str, object]) -> None:
    audit.record(
        ctx,
        kind,
        Subject("opinion", opinion.id),
        facts,
        mission_id=opinion.mission_id,
        court_id=opinion.court_id,
    )
