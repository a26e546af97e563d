"""Routes of the notices slice."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from flask import Blueprint

from server.core import replies
from server.core.context import Context
from server.core.endpoint import endpoint
from server.core.paging import Page
from server.core.permissions import Permission
from server.core.replies import Reply
from server.notices import queries, service, webhook_queries, webhooks
from server.notices.commands import (
    AddWebhook,
    ChangeWebhook,
    DeliveryFilter,
    NoticeFilter,
    Preferences,
    ReadNotices,
)
from server.notices.models import UserNotice, Webhook, WebhookDelivery
from server.notices.schemas import (
    DeliveryOut,
    DeliveryQuery,
    NoticeOut,
    NoticeQuery,
    PreferencesBody,
    ReadBody,
    WebhookBody,
    WebhookChange,
    WebhookOut,
    WebhookWithSecret,
)

blueprint = Blueprint("notices", __name__)
_MANAGE = Permission.WEBHOOKS_MANAGE


@blueprint.get("/notices")
@endpoint(Permission.SIGNED_IN, query=NoticeQuery, dump=NoticeOut)
def list_notices(ctx: Context, query: NoticeFilter) -> Page[UserNotice]:
    """List one's own notices, newest first."""
    return queries.notices_of(ctx, query)


@blueprint.get("/notices/unread")
@endpoint(Permission.SIGNED_IN)
def count_notices(ctx: Context) -> dict[str, Any]:
    """Count one's unread notices, by topic."""
    topics = queries.unread_of(ctx)
    return {"total": sum(topics.values()), "topics": topics}


@blueprint.post("/notices/read")
@endpoint(Permission.SIGNED_IN, load=ReadBody)
def read_notices(ctx: Context, command: ReadNotices) -> None:
    """Mark notices as read: those named, or all."""
    service.mark_read(ctx, command)


@blueprint.get("/notices/preferences")
@endpoint(Permission.SIGNED_IN, dump=PreferencesBody)
def view_preferences(ctx: Context) -> Preferences:
    """What one wants to be told."""
    return queries.preferences_of(ctx)


@blueprint.put("/notices/preferences")
@endpoint(Permission.SIGNED_IN, load=PreferencesBody, dump=PreferencesBody)
def set_preferences(ctx: Context, command: Preferences) -> Preferences:
    """Choose what one wants to be told."""
    return service.set_preferences(ctx, command)


@blueprint.get("/webhooks")
@endpoint(_MANAGE, dump=WebhookOut)
def list_webhooks(ctx: Context) -> Page[Webhook]:
    """List the court's webhooks, newest first."""
    return Page(webhook_queries.webhooks_of(ctx))


@blueprint.post("/webhooks")
@endpoint(_MANAGE, load=WebhookBody, dump=WebhookWithSecret, status=201, idempotent=False)
def add_webhook(ctx: Context, command: AddWebhook) -> webhooks.WithSecret:
    """Tell another system of chosen events; its secret is in this answer alone."""
    return webhooks.add(ctx, command)


@blueprint.get("/webhooks/<uuid:webhook_id>")
@endpoint(_MANAGE, dump=WebhookOut)
def view_webhook(ctx: Context, webhook_id: uuid.UUID) -> Webhook:
    """One webhook."""
    return webhook_queries.webhook(ctx, webhook_id)


@blueprint.patch("/webhooks/<uuid:webhook_id>")
@endpoint(_MANAGE, load=WebhookChange, dump=WebhookOut)
def change_webhook(ctx: Context, webhook_id: uuid.UUID, command: ChangeWebhook) -> Webhook:
    """Change a webhook, pause it, take it up again, or end it for good."""
    row = webhook_queries.webhook(ctx, webhook_id, to_change=True)
    replies.require_version(row.version)
    return webhooks.change(ctx, row, command)


@blueprint.post("/webhooks/<uuid:webhook_id>/rotate")
@endpoint(_MANAGE, dump=WebhookWithSecret, idempotent=False)
def rotate_secret(ctx: Context, webhook_id: uuid.UUID) -> webhooks.WithSecret:
    """Make a new secret; for a day the old one signs as well."""
    return webhooks.rotate(ctx, webhook_id)


@blueprint.post("/webhooks/<uuid:webhook_id>/test")
@endpoint(_MANAGE, dump=DeliveryOut, status=202)
def try_webhook(ctx: Context, webhook_id: uuid.UUID) -> Reply:
    """Send a message that says nothing."""
    return Reply(_told(ctx, [webhooks.try_out(ctx, webhook_id)])[0])


@blueprint.get("/webhooks/<uuid:webhook_id>/deliveries")
@endpoint(_MANAGE, query=DeliveryQuery, dump=DeliveryOut)
def list_deliveries(
    ctx: Context, webhook_id: uuid.UUID, query: DeliveryFilter
) -> Page[dict[str, Any]]:
    """List what was sent to a webhook, newest first, with each attempt."""
    page = webhook_queries.deliveries_of(ctx, webhook_id, query)
    return Page(_told(ctx, page.items), page.next_cursor)


@blueprint.post("/webhook-deliveries/<uuid:delivery_id>/send-again")
@endpoint(_MANAGE, dump=DeliveryOut, status=202)
def send_again(ctx: Context, delivery_id: uuid.UUID) -> Reply:
    """Send a message once more, under its own id."""
    return Reply(_told(ctx, [webhooks.send_again(ctx, delivery_id)])[0])


def _told(ctx: Context, rows: Sequence[WebhookDelivery]) -> list[dict[str, Any]]:
    attempts = webhook_queries.attempts_of(ctx.session, [row.id for row in rows])
    columns = DeliveryOut().fields.keys() - {"attempts"}
    return [
        {**{name: getattr(row, name) for name in columns}, "attempts": attempts.get(row.id, [])}
        for row in rows
    ]
