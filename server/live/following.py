"""A member of staff follows a mission's entries."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence

from flask import Response
from sqlalchemy.orm import Session

from server.core.context import Context
from server.core.problem import Kind, Problem
from server.core.transactions import unit_of_work
from server.live import queries
from server.live.feed import stream
from server.live.hub import Batched, Item, Share, event_stream, resume_after


def follow(ctx: Context, mission_id: uuid.UUID) -> Response:
    """Entries beyond ``Last-Event-ID`` as they come; ends when the sign-in or the right ends.

    ``ctx`` has no transaction: a stream outlives any.
    """
    sign_in = ctx.actor.sign_in_id
    if sign_in is None:
        raise Problem(Kind.FORBIDDEN, "sign in to follow a mission")
    with unit_of_work(ctx.actor.court_id, write=False) as session:
        queries.visible_live(Context(ctx.actor, session, ctx.runtime), mission_id)
    runtime = ctx.runtime

    def read(session: Session, after: int) -> Sequence[Item]:
        return queries.staff_items(session, mission_id, after, runtime.clock)

    def living(session: Session, ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
        return queries.may_follow(session, runtime, mission_id, ids)

    return event_stream(
        stream(
            runtime,
            read,
            resume_after(),
            Batched(f"staff:{mission_id}", sign_in, living),
            share=Share(("staff", mission_id), ctx.actor.court_id),
        )
    )
