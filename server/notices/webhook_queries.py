"""Reading webhooks, their deliveries and attempts: of one court."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.core.context import Context
from server.core.paging import Page, decode_id, page_of
from server.core.rows import of_court
from server.notices.commands import DeliveryFilter
from server.notices.models import Webhook, WebhookAttempt, WebhookDelivery


def webhooks_of(ctx: Context) -> Sequence[Webhook]:
    """The court's webhooks, newest first."""
    statement = sa.select(Webhook).where(Webhook.court_id == ctx.actor.court_id)
    return ctx.session.execute(statement.order_by(Webhook.id.desc())).scalars().all()


def webhook(ctx: Context, webhook_id: uuid.UUID, *, to_change: bool = False) -> Webhook:
    """One of the court's webhooks; 404 otherwise."""
    return of_court(ctx, Webhook, webhook_id, to_change=to_change)


def delivery(ctx: Context, delivery_id: uuid.UUID) -> WebhookDelivery:
    """One of the court's deliveries; 404 otherwise."""
    return of_court(ctx, WebhookDelivery, delivery_id, to_change=True)


def deliveries_of(
    ctx: Context, webhook_id: uuid.UUID, wanted: DeliveryFilter
) -> Page[WebhookDelivery]:
    """What was sent or waits to be sent to a webhook, newest first."""
    row = webhook(ctx, webhook_id)
    statement = sa.select(WebhookDelivery).where(WebhookDelivery.webhook_id == row.id)
    if wanted.cursor:
        statement = statement.where(WebhookDelivery.id < decode_id(wanted.cursor))
    statement = statement.order_by(WebhookDelivery.id.desc()).limit(wanted.limit + 1)
    rows = ctx.session.execute(statement).scalars().all()
    return page_of(rows, wanted.limit, lambda one: (str(one.id),))


def attempts_of(
    session: Session, delivery_ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, list[WebhookAttempt]]:
    """Attempts of deliveries, oldest first."""
    statement = sa.select(WebhookAttempt).where(WebhookAttempt.delivery_id.in_(delivery_ids))
    found: dict[uuid.UUID, list[WebhookAttempt]] = defaultdict(list)
    for row in session.execute(statement.order_by(WebhookAttempt.id)).scalars():
        found[row.delivery_id].append(row)
    return found


def active_for(session: Session, court_ids: Collection[uuid.UUID]) -> Sequence[Webhook]:
    """Webhooks that are told what happens in these courts."""
    statement = sa.select(Webhook).where(
        Webhook.court_id.in_(court_ids), Webhook.state.in_(("active", "paused"))
    )
    return session.execute(statement.order_by(Webhook.id)).scalars().all()
