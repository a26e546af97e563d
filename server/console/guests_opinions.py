"""What guests said: received, handling, answered; the late ones first."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Blueprint, Response, url_for

from server.console.guests_forms import AnswerForm, OpinionListQuery
from server.console.pages import page, render, see
from server.core.content import content_response
from server.core.context import Context
from server.core.permissions import Permission
from server.core.recording import recorded
from server.guests import opinions, policy, queries
from server.guests.commands import OpinionFilter
from server.guests.kinds import OpinionState
from server.guests.models import Invitation, Opinion
from server.live import feed
from storage.digest import Digest

blueprint = Blueprint("console_guests_opinions", __name__)


@blueprint.get("/opinions")
@page(Permission.OPINIONS_ANSWER, query=OpinionListQuery)
def list_opinions(ctx: Context, query: OpinionFilter) -> Response:
    """What guests said, by deadline."""
    found = queries.list_opinions(ctx, query)
    return render(
        ctx,
        "guests/opinions.html",
        page=found,
        query=query,
        states=list(OpinionState),
        rows=[_row(ctx, one) for one in found.items],
        overdue=queries.overdue_count(ctx),
    )


@blueprint.post("/opinions/<uuid:opinion_id>/take")
@page(Permission.OPINIONS_ANSWER)
def take(ctx: Context, opinion_id: uuid.UUID) -> Response:
    """Begin to handle it; the guest sees that."""
    opinions.take(ctx, opinion_id)
    return see(f"{url_for('console_guests_opinions.list_opinions')}", said="guests.said_taken")


@blueprint.post("/opinions/<uuid:opinion_id>/answer")
@page(Permission.OPINIONS_ANSWER, form=AnswerForm)
def answer(ctx: Context, opinion_id: uuid.UUID, form: dict[str, str]) -> Response:
    """Answer it; the guest reads the reply."""
    opinions.answer(ctx, opinion_id, form["reply"])
    return see(f"{url_for('console_guests_opinions.list_opinions')}", said="guests.said_answered")


@blueprint.get("/opinions/<uuid:opinion_id>/voice")
@page(Permission.OPINIONS_ANSWER, reads_evidence=True)
def hear(ctx: Context, opinion_id: uuid.UUID) -> Response:
    """The recording of a spoken opinion."""
    with recorded(ctx):
        found = opinions.heard(ctx, opinion_id)
    digest = Digest(found.voice_sha256 or "")
    return content_response(ctx.runtime.stores.blobs, digest, found.voice_mime or "", None)


def _row(ctx: Context, opinion: Opinion) -> dict[str, Any]:
    entry = (
        feed.observer_entry(ctx.session, opinion.mission_id, opinion.entry_id)
        if opinion.entry_id
        else None
    )
    return {
        "opinion": opinion,
        "invitation": ctx.session.get_one(Invitation, opinion.invitation_id),
        "entry": entry,
        "overdue": policy.is_overdue(opinion, ctx.clock.now()),
    }
