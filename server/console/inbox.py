"""The inbox, where everybody lands: what waits for them, what is amiss, what they were told."""

from __future__ import annotations

import json
from typing import Final

from flask import Blueprint, Response

from server.console import inbox_counts
from server.console.inbox_forms import CHOICES, InboxQuery, PreferencesForm, ReadForm
from server.console.pages import page, render, see
from server.core.context import Context
from server.core.permissions import Permission
from server.notices import queries, service
from server.notices.commands import NoticeFilter, Preferences, ReadNotices

blueprint = Blueprint("console_inbox", __name__)
HOME: Final = "/inbox"


@blueprint.get("/inbox")
@page(Permission.SIGNED_IN, query=InboxQuery)
def show_inbox(ctx: Context, query: NoticeFilter) -> Response:
    """What waits for the caller."""
    return render(
        ctx,
        "inbox/inbox.html",
        tasks=inbox_counts.tasks(ctx),
        anomalies=inbox_counts.anomalies(ctx),
        looks_after=ctx.actor.may(Permission.MISSING_VIEW),
        returned=inbox_counts.returned_to(ctx),
        page=queries.notices_of(ctx, query),
        unread=sum(queries.unread_of(ctx).values()),
        only_unread=query.unread,
    )


@blueprint.get("/inbox/counts")
@page(Permission.SIGNED_IN)
def counts(ctx: Context) -> Response:
    """Numbers for the menu: unread notices, and what waits by kind."""
    waiting = {one.key: one.count for one in inbox_counts.tasks(ctx)}
    unread = sum(queries.unread_of(ctx).values())
    said = {"unread": unread, "returned": len(inbox_counts.returned_to(ctx)), "tasks": waiting}
    response = Response(json.dumps(said), mimetype="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.post("/inbox/read")
@page(Permission.SIGNED_IN, form=ReadForm)
def mark_read(ctx: Context, form: ReadNotices) -> Response:
    """The caller has seen these notices, or all."""
    service.mark_read(ctx, form)
    return see(HOME, said="inbox.said_read")


@blueprint.get("/inbox/settings")
@page(Permission.SIGNED_IN)
def show_settings(ctx: Context) -> Response:
    """What the caller wants to be told."""
    return render(ctx, "inbox/settings.html", topics=CHOICES, wishes=queries.preferences_of(ctx))


@blueprint.post("/inbox/settings")
@page(Permission.SIGNED_IN, form=PreferencesForm)
def set_settings(ctx: Context, form: Preferences) -> Response:
    """Keep what the caller wants to be told."""
    service.set_preferences(ctx, form)
    return see(f"{HOME}/settings", said="inbox.said_saved")
