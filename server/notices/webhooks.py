"""Subscriptions of other systems: made, changed, ended by an administrator, each in the log."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import sqlalchemy as sa

from server.audit.events import EventKind
from server.audit.service import Subject, record
from server.core.clock import rfc3339
from server.core.context import Context
from server.core.db import table_of
from server.core.problem import Kind, Problem, invalid
from server.notices import webhook_kinds, webhook_queries
from server.notices.commands import AddWebhook, ChangeWebhook
from server.notices.models import Webhook, WebhookDelivery
from server.notices.webhook_places import PlaceRefusedError, Places
from server.notices.webhook_signing import SECRET_BYTES, secret_text

OLD_SECRET_HOURS: Final = 24


@dataclass(frozen=True, slots=True)
class WithSecret:
    """A webhook and its secret, which is shown this once."""

    webhook: Webhook
    secret: str


def add(ctx: Context, command: AddWebhook) -> WithSecret:
    """Subscribe; the secret is in the answer and nowhere else."""
    _require_place(ctx, command.url)
    secret = ctx.runtime.randbytes(SECRET_BYTES)
    row = Webhook(
        id=ctx.new_id(), court_id=ctx.actor.court_id, name=command.name, url=command.url,
        kinds=sorted(set(command.kinds)), state="active", created_by=ctx.actor.user(),
        created_at=ctx.clock.now(), secret="", version=1,
    )  # fmt: skip
    row.secret = _sealed(ctx, row.id, secret)
    ctx.session.add(row)
    _record(ctx, EventKind.WEBHOOK_ADDED, row)
    return WithSecret(row, secret_text(secret))


def change(ctx: Context, row: Webhook, command: ChangeWebhook) -> Webhook:
    """Change name, address, kinds or state; an ended webhook stays ended."""
    if row.state == "ended":
        raise Problem(Kind.CONFLICT, "it has ended; make another one")
    if command.url is not None:
        _require_place(ctx, command.url)
        row.url = command.url
    row.name = command.name or row.name
    if command.kinds is not None:
        row.kinds = sorted(set(command.kinds))
    if command.state is not None and command.state != row.state:
        _set_state(ctx, row, command.state)
    row.version += 1
    _record(ctx, EventKind.WEBHOOK_CHANGED, row)
    return row


def rotate(ctx: Context, webhook_id: uuid.UUID) -> WithSecret:
    """A new secret; for a day the one before it signs as well."""
    row = webhook_queries.webhook(ctx, webhook_id, to_change=True)
    if row.state == "ended":
        raise Problem(Kind.CONFLICT, "it has ended; make another one")
    secret = ctx.runtime.randbytes(SECRET_BYTES)
    row.secret_before = row.secret
    row.secret_before_until = ctx.clock.now() + timedelta(hours=OLD_SECRET_HOURS)
    row.secret = _sealed(ctx, row.id, secret)
    row.version += 1
    _record(ctx, EventKind.WEBHOOK_ROTATED, row)
    return WithSecret(row, secret_text(secret))


def secrets_of(ctx: Context, row: Webhook) -> list[bytes]:
    """Secrets in force, the newest first."""
    found = [row.secret]
    until = row.secret_before_until
    if row.secret_before is not None and until is not None and until > ctx.clock.now():
        found.append(row.secret_before)
    return [ctx.runtime.keyring.unseal(one, _context(row.id)) for one in found]


def try_out(ctx: Context, webhook_id: uuid.UUID) -> WebhookDelivery:
    """Send a message that says nothing."""
    row = webhook_queries.webhook(ctx, webhook_id)
    if row.state != "active":
        raise Problem(Kind.CONFLICT, f"it is {row.state}")
    now = ctx.clock.now()
    sent = WebhookDelivery(
        id=ctx.new_id(), court_id=row.court_id, webhook_id=row.id, kind=webhook_kinds.TEST,
        body=webhook_kinds.test_body(rfc3339(now)), state="waiting", tries=0, next_at=now,
        created_at=now,
    )  # fmt: skip
    ctx.session.add(sent)
    _record(ctx, EventKind.WEBHOOK_SENT_AGAIN, row, delivery=str(sent.id))
    return sent


def send_again(ctx: Context, delivery_id: uuid.UUID) -> WebhookDelivery:
    """Send a message once more, under its own id, with a fresh number of tries."""
    sent = webhook_queries.delivery(ctx, delivery_id)
    row = webhook_queries.webhook(ctx, sent.webhook_id)
    if row.state != "active":
        raise Problem(Kind.CONFLICT, f"the webhook is {row.state}")
    sent.state, sent.tries, sent.next_at = "waiting", 0, ctx.clock.now()
    sent.finished_at = sent.lease_until = None
    _record(ctx, EventKind.WEBHOOK_SENT_AGAIN, row, delivery=str(sent.id))
    return sent


def give_up(ctx: Context, row: Webhook, reason: str) -> None:
    """Stop calling a receiver that has not answered for days, or said that it is gone."""
    row.state, row.state_reason = "failed", reason
    row.version += 1
    _drop_waiting(ctx, row)
    _record(ctx, EventKind.WEBHOOK_FAILED, row, reason=reason)


def _set_state(ctx: Context, row: Webhook, state: str) -> None:
    row.state, row.state_reason, row.failing_since = state, None, None
    if state == "ended":
        row.secret_before = row.secret_before_until = None
        _drop_waiting(ctx, row)


def _drop_waiting(ctx: Context, row: Webhook) -> None:
    ctx.session.execute(
        sa.update(table_of(WebhookDelivery))
        .where(WebhookDelivery.webhook_id == row.id, WebhookDelivery.state == "waiting")
        .values(state="dropped", finished_at=ctx.clock.now(), lease_until=None)
    )


def _require_place(ctx: Context, url: str) -> None:
    try:
        Places.named(ctx.settings.webhook_networks).require_url(url)
    except PlaceRefusedError as error:
        raise invalid({"url": [f"not accepted: {error.code}"]}) from None


def _sealed(ctx: Context, webhook_id: uuid.UUID, secret: bytes) -> str:
    return ctx.runtime.keyring.seal(secret, _context(webhook_id))


def _context(webhook_id: uuid.UUID) -> str:
    return f"webhook:{webhook_id}"


def _record(ctx: Context, kind: EventKind, row: Webhook, **facts: str) -> None:
    said = {"url": row.url, "kinds": list(row.kinds), "state": row.state, **facts}
    record(ctx, kind, Subject("webhook", row.id), said, court_id=row.court_id)
