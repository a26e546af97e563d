"""Webhooks, for the administrator: the list, a new one with its secret, one with its deliveries."""

from __future__ import annotations

import uuid
from typing import Any, Final

from flask import Blueprint, Response

from server.console.pages import page, render, see
from server.console.webhooks_forms import (
    DeliveryListQuery,
    Nothing,
    WebhookChangeForm,
    WebhookForm,
)
from server.core.context import Context
from server.core.permissions import Permission
from server.core.problem import Kind, Problem
from server.notices import webhook_queries, webhooks
from server.notices.commands import AddWebhook, ChangeWebhook, DeliveryFilter
from server.notices.models import Webhook
from server.notices.webhook_kinds import KINDS

blueprint = Blueprint("console_webhooks", __name__)
_MANAGE: Final = Permission.WEBHOOKS_MANAGE
_HOME: Final = "/admin/webhooks"


@blueprint.get("/admin/webhooks")
@page(_MANAGE)
def list_webhooks(ctx: Context) -> Response:
    """The court's webhooks."""
    return render(ctx, "webhooks/list.html", rows=webhook_queries.webhooks_of(ctx))


@blueprint.get("/admin/webhooks/new")
@page(_MANAGE)
def new_webhook(ctx: Context) -> Response:
    """The form of a new webhook."""
    return render(ctx, "webhooks/new.html", kinds=KINDS)


@blueprint.post("/admin/webhooks")
@page(_MANAGE, form=WebhookForm)
def add_webhook(ctx: Context, form: AddWebhook) -> Response:
    """Make a webhook and show its secret this once."""
    return _secret(ctx, webhooks.add(ctx, form), status=201)


@blueprint.get("/admin/webhooks/<uuid:webhook_id>")
@page(_MANAGE, query=DeliveryListQuery)
def show_webhook(ctx: Context, webhook_id: uuid.UUID, query: DeliveryFilter) -> Response:
    """One webhook and what was sent to it."""
    row = webhook_queries.webhook(ctx, webhook_id)
    found = webhook_queries.deliveries_of(ctx, row.id, query)
    return render(
        ctx,
        "webhooks/show.html",
        row=row,
        kinds=KINDS,
        page=found,
        attempts=webhook_queries.attempts_of(ctx.session, [one.id for one in found.items]),
    )


@blueprint.post("/admin/webhooks/<uuid:webhook_id>")
@page(_MANAGE, form=WebhookChangeForm)
def change_webhook(
    ctx: Context, webhook_id: uuid.UUID, form: tuple[int, ChangeWebhook]
) -> Response:
    """Change a webhook, pause it, take it up again or end it."""
    version, command = form
    row = webhook_queries.webhook(ctx, webhook_id, to_change=True)
    if row.version != version:
        raise Problem(Kind.PRECONDITION_FAILED)
    webhooks.change(ctx, row, command)
    return _back(row, "webhooks.said_changed")


@blueprint.post("/admin/webhooks/<uuid:webhook_id>/rotate")
@page(_MANAGE, form=Nothing)
def rotate_secret(ctx: Context, webhook_id: uuid.UUID, form: dict[str, Any]) -> Response:  # noqa: ARG001
    """Make a new secret and show it this once."""
    return _secret(ctx, webhooks.rotate(ctx, webhook_id))


@blueprint.post("/admin/webhooks/<uuid:webhook_id>/test")
@page(_MANAGE, form=Nothing)
def try_webhook(ctx: Context, webhook_id: uuid.UUID, form: dict[str, Any]) -> Response:  # noqa: ARG001
    """Send a message that says nothing."""
    webhooks.try_out(ctx, webhook_id)
    return see(f"{_HOME}/{webhook_id}", said="webhooks.said_sent")


@blueprint.post("/admin/webhooks/deliveries/<uuid:delivery_id>/send-again")
@page(_MANAGE, form=Nothing)
def send_again(ctx: Context, delivery_id: uuid.UUID, form: dict[str, Any]) -> Response:  # noqa: ARG001
    """Send a message once more."""
    sent = webhooks.send_again(ctx, delivery_id)
    return see(f"{_HOME}/{sent.webhook_id}", said="webhooks.said_sent")


def _secret(ctx: Context, made: webhooks.WithSecret, status: int = 200) -> Response:
    return render(
        ctx, "webhooks/secret.html", status=status, row=made.webhook, secret=made.secret,
        hours=webhooks.OLD_SECRET_HOURS,
    )  # fmt: skip


def _back(row: Webhook, said: str) -> Response:
    return see(f"{_HOME}/{row.id}", said=said)
