"""Sending: each message is a row under a lease, tried again for three days, receivers in turn.

Deliveries have a thread of their own beside the jobs, so that a receiver that answers slowly holds
up neither the examination of evidence nor, since the longest waiting receiver comes first, the
others.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol

import sqlalchemy as sa

from server.audit.service import Subject
from server.core.clock import unix_ms
from server.core.context import Context, Runtime
from server.core.permissions import Role
from server.core.transactions import EVERY_COURT, unit_of_work
from server.core.units import system_units
from server.notices import queries, service, webhooks
from server.notices.models import Webhook, WebhookAttempt, WebhookDelivery
from server.notices.topics import Topic
from server.notices.webhook_calls import Answer, Caller, CallError
from server.notices.webhook_places import Places
from server.notices.webhook_signing import headers_of

LOOK_SECONDS: Final = 1.0
LEASE: Final = timedelta(seconds=60)
# Pauses before the next try, as Standard Webhooks suggests: three days in all.
PAUSES_SECONDS: Final = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
JITTER_RATIO: Final = 0.2
FAILING_MAX: Final = timedelta(days=5)
_RETRY_AFTER_SECONDS_MAX: Final = 86_400
_GONE: Final = 410
_OK: Final = range(200, 300)


class Post(Protocol):
    """How a message gets to its receiver."""

    def __call__(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """The answer; raises :class:`CallError`."""
        ...


@dataclass(frozen=True, slots=True)
class _Taken:
    delivery_id: uuid.UUID
    lease_until: datetime
    url: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt went: a status, or the code of a problem."""

    status: int | None
    problem: str | None
    duration_ms: int
    retry_after_s: int | None = None

    @property
    def is_good(self) -> bool:
        """The receiver has it."""
        return self.status is not None and self.status in _OK


@dataclass(slots=True)
class Deliverer:
    """One for each worker process, used by one of its threads."""

    runtime: Runtime
    post: Post | None = None
    monotonic: Callable[[], float] = time.monotonic
    _caller: Caller | None = field(default=None)

    def turn(self) -> float:
        """Send one message; returns seconds until the next turn makes sense."""
        taken = self._take()
        if taken is None:
            return LOOK_SECONDS
        outcome = self._send(taken)
        with system_units(self.runtime)() as ctx:
            _settle(ctx, taken, outcome)
        return 0.0

    def _take(self) -> _Taken | None:
        now = self.runtime.clock.now()
        with unit_of_work(EVERY_COURT, write=False) as session:
            if session.execute(_due(now)).first() is None:
                return None
        with system_units(self.runtime)() as ctx:
            locked = _due(now).with_for_update(skip_locked=True, of=WebhookDelivery)
            found = ctx.session.execute(locked).first()
            if found is None:
                return None
            sent, row = found[0], found[1]
            sent.lease_until = now + LEASE
            body = sent.body.encode()
            message_id = f"msg_{sent.id.hex}"
            signed = headers_of(
                message_id, unix_ms(now) // 1000, body, webhooks.secrets_of(ctx, row)
            )
            row.tried_at = now
            return _Taken(sent.id, sent.lease_until, row.url, signed, body)

    def _send(self, taken: _Taken) -> Outcome:
        post = self.post or self._usual().post
        started = self.monotonic()
        try:
            answer = post(taken.url, taken.headers, taken.body)
        except CallError as error:
            return Outcome(None, error.code, self._ms_since(started))
        return Outcome(
            answer.status,
            None if answer.status in _OK else _problem_of(answer.status),
            self._ms_since(started),
            answer.retry_after_s,
        )

    def _usual(self) -> Caller:
        if self._caller is None:
            self._caller = Caller(Places.named(self.runtime.settings.webhook_networks))
        return self._caller

    def _ms_since(self, started: float) -> int:
        return int((self.monotonic() - started) * 1000)


def _due(now: datetime) -> sa.Select[WebhookDelivery, Webhook]:
    free = sa.or_(WebhookDelivery.lease_until.is_(None), WebhookDelivery.lease_until < now)
    return (
        sa.select(WebhookDelivery, Webhook)
        .join(Webhook, Webhook.id == WebhookDelivery.webhook_id)
        .where(
            WebhookDelivery.state == "waiting",
            WebhookDelivery.next_at <= now,
            Webhook.state == "active",
            free,
        )
        .order_by(Webhook.tried_at.asc().nulls_first(), WebhookDelivery.next_at, WebhookDelivery.id)
        .limit(1)
    )


def _settle(ctx: Context, taken: _Taken, outcome: Outcome) -> None:
    """Write down how it went, and when to try again."""
    sent = ctx.session.get(WebhookDelivery, taken.delivery_id, with_for_update=True)
    if sent is None or sent.lease_until != taken.lease_until:
        return  # somebody else has taken it since
    ctx.session.add(
        WebhookAttempt(
            id=ctx.new_id(), court_id=sent.court_id, delivery_id=sent.id, at=ctx.clock.now(),
            duration_ms=outcome.duration_ms, status=outcome.status, problem=outcome.problem,
        )
    )  # fmt: skip
    sent.lease_until = None
    sent.tries += 1
    row = ctx.session.get_one(Webhook, sent.webhook_id, with_for_update=True)
    if outcome.is_good:
        sent.state, sent.finished_at, row.failing_since = "delivered", ctx.clock.now(), None
        return
    _failed(ctx, sent, row, outcome)


def _failed(ctx: Context, sent: WebhookDelivery, row: Webhook, outcome: Outcome) -> None:
    now = ctx.clock.now()
    row.failing_since = row.failing_since or now
    gone = outcome.status == _GONE
    if gone or sent.tries > len(PAUSES_SECONDS):
        sent.state, sent.finished_at = "failed", now
    else:
        sent.next_at = now + timedelta(seconds=pause_seconds(ctx.runtime, sent.tries, outcome))
    if row.state == "active" and (gone or row.failing_since <= now - FAILING_MAX):
        webhooks.give_up(ctx, row, "gone" if gone else "no-answer")
        people = queries.people_with(ctx.session, row.court_id, Role.ADMINISTRATOR)
        service.tell(
            ctx, people, Topic.WEBHOOK_FAILED, Subject("webhook", row.id),
            f"/admin/webhooks/{row.id}", court_id=row.court_id,
        )  # fmt: skip


def pause_seconds(runtime: Runtime, tries: int, outcome: Outcome) -> float:
    """How long to wait after this many tries: the table's pause, a little random, or as asked."""
    usual = PAUSES_SECONDS[min(tries, len(PAUSES_SECONDS)) - 1]
    share = int.from_bytes(runtime.randbytes(2)) / 0xFFFF  # 0 to 1
    spread = usual * (1 + JITTER_RATIO * (2 * share - 1))
    asked = min(outcome.retry_after_s or 0, _RETRY_AFTER_SECONDS_MAX)
    return max(spread, asked)


def _problem_of(status: int) -> str:
    return "redirected" if status in range(300, 400) else "refused"
