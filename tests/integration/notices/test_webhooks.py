"""Webhooks end to end: subscribed over HTTP, sent by the worker's part, checked by a receiver."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, NoReturn

import pytest
from flask import Flask

from server.audit.events import EventKind
from server.audit.service import Subject, record
from server.core.clock import FixedClock
from server.core.permissions import Role
from server.jobs.readers import NOTICES, read_on
from server.notices.models import UserNotice, WebhookDelivery
from server.notices.webhook_calls import CallError
from server.notices.webhook_delivering import PAUSES_SECONDS, Deliverer
from server.settings import Settings
from tests.factories.cases import Answer, Bench, believe
from tests.factories.evidence import Scene, build_scene
from tests.support.ports import free_port
from tests.support.receiver import Message, Receiver, UnverifiedError, receiving, status, verify

KINDS = ["evidence.verified", "review.returned"]
CANARIES = ("云虚构", "清河镇", "现场.jpg", "38.21", "104.41", "执1号")


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, webhook_networks="127.0.0.0/8")


@dataclass
class Office:
    """A scene with an administrator and a receiver."""

    scene: Scene
    bench: Bench
    receiver: Receiver
    clock: FixedClock
    administrator: uuid.UUID
    said: list[str] = field(default_factory=list)

    def call(self, method: str, path: str, json: Any = None, **headers: str) -> Answer:
        return self.bench.call(method, path, self.administrator, json, **headers)

    def subscribe(self, **changes: Any) -> tuple[str, str]:
        body = {"name": "对接系统", "url": self.receiver.url, "kinds": KINDS, **changes}
        answer = self.call("POST", "/webhooks", body)
        assert answer.status_code == 201, answer.text
        return answer.json["webhook"]["id"], answer.json["secret"]

    def happen(self) -> uuid.UUID:
        """An item arrives; the log and its reader catch up."""
        data = f"photo {len(self.scene.items())}".encode()
        self.scene.declare(self.scene.capture(data, lat="38.2100000", lon="104.4100000"))
        self.scene.arrive(data)
        self.read()
        return self.scene.items()[-1].id

    def read(self) -> None:
        self.scene.sequence()
        with self.scene.everywhere() as ctx:
            read_on(ctx, NOTICES)

    def deliver(self) -> int:
        """Send everything that is due; how many messages that were."""
        worker, sent = Deliverer(self.bench.runtime), 0
        while worker.turn() == 0.0:
            sent += 1
        return sent

    def check(self, secret: str, message: Message) -> None:
        verify(secret, message, self.clock.now().timestamp())

    def deliveries(self, webhook: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.call("GET", f"/webhooks/{webhook}/deliveries").json[
            "items"
        ]
        return found

    def webhook(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.call("GET", f"/webhooks/{name}").json
        return found


@pytest.fixture
def office(app: Flask, clock: FixedClock) -> Iterator[Office]:
    scene, bench = build_scene(app), believe(app)
    administrator = bench.person(scene.court_id, Role.ADMINISTRATOR)
    with receiving() as receiver:
        yield Office(scene, bench, receiver, clock, administrator)


def test_an_event_reaches_its_receiver_signed(office: Office) -> None:
    webhook, secret = office.subscribe()
    item = office.happen()
    assert office.deliver() == 1
    (message,) = office.receiver.messages
    office.check(secret, message)
    assert message.json == {
        "type": "evidence.verified",
        "timestamp": "2026-03-02T01:00:00.000Z",
        "data": {
            "log_index": message.json["data"]["log_index"],
            "subject": {"type": "evidence", "id": str(item)},
            "case_id": str(office.scene.case_id),
        },
    }
    (sent,) = office.deliveries(webhook)
    assert (sent["state"], [one["status"] for one in sent["attempts"]]) == ("delivered", [200])
    assert office.deliver() == 0


def test_a_changed_message_or_another_secret_is_noticed(office: Office) -> None:
    _, secret = office.subscribe()
    _, other = office.subscribe()
    office.happen()
    office.deliver()
    message = next(one for one in office.receiver.messages if verified(office, secret, one))
    for bent in (
        replace(message, body=message.body + b" "),
        replace(message, headers={**message.headers, "webhook-id": "msg_other"}),
    ):
        assert not verified(office, secret, bent)
    assert not verified(office, other, message)
    office.clock.advance(timedelta(minutes=10))
    assert not verified(office, secret, message)


def verified(office: Office, secret: str, message: Message) -> bool:
    try:
        office.check(secret, message)
    except UnverifiedError:
        return False
    return True


def test_nothing_but_ids_kinds_and_times_leaves(office: Office) -> None:
    _, secret = office.subscribe(kinds=[*KINDS, "account.locked"])
    office.happen()
    with office.scene.unit() as ctx:
        said = {"name": CANARIES[0], "place": CANARIES[1], "lat": CANARIES[3]}
        subject = Subject("login", CANARIES[2])
        record(ctx, EventKind.ACCOUNT_LOCKED, subject, said, case_id=office.scene.case_id)
    office.read()
    assert office.deliver() == 2
    for message in office.receiver.messages:
        office.check(secret, message)
        whole = repr(message.headers) + message.body.decode() + json.dumps(message.json)
        whole += json.dumps(message.json, ensure_ascii=False)
        assert [canary for canary in CANARIES if canary in whole] == []
    assert office.receiver.messages[1].json["data"]["subject"]["id"] is None


def test_during_a_rotation_both_secrets_sign_and_then_only_the_new_one(office: Office) -> None:
    webhook, old = office.subscribe()
    new = office.call("POST", f"/webhooks/{webhook}/rotate").json["secret"]
    assert new != old
    office.happen()
    office.deliver()
    for secret in (old, new):
        office.check(secret, office.receiver.messages[0])
    office.clock.advance(timedelta(hours=25))
    office.happen()
    office.deliver()
    office.check(new, office.receiver.messages[1])
    assert not verified(office, old, office.receiver.messages[1])


def test_a_receiver_that_fails_is_asked_again_with_growing_pauses(office: Office) -> None:
    webhook, secret = office.subscribe()
    office.receiver.answer = status(500)
    office.happen()
    tries = 0
    for pause in PAUSES_SECONDS:
        tries += office.deliver()
        office.clock.advance(timedelta(seconds=pause * 0.79))
        assert office.deliver() == 0, "before the pause is over"
        office.clock.advance(timedelta(seconds=pause * 0.42))
    office.receiver.answer = status(204)
    tries += office.deliver()
    assert tries == len(PAUSES_SECONDS) + 1
    (sent,) = office.deliveries(webhook)
    assert sent["state"] == "delivered"
    assert [one["status"] for one in sent["attempts"]] == [*[500] * len(PAUSES_SECONDS), 204]
    assert len({message.id for message in office.receiver.messages}) == 1
    assert len({message.body for message in office.receiver.messages}) == 1
    assert office.webhook(webhook)["failing_since"] is None
    office.check(secret, office.receiver.messages[-1])


def test_a_message_is_given_up_and_the_webhook_after_days(office: Office) -> None:
    webhook, _ = office.subscribe()
    office.receiver.answer = status(500)
    office.happen()
    for _ in range(40):
        office.deliver()
        office.clock.advance(timedelta(hours=4))
    (sent,) = office.deliveries(webhook)
    assert (sent["state"], len(sent["attempts"])) == ("failed", len(PAUSES_SECONDS) + 1)
    assert office.webhook(webhook)["state"] == "active", "nothing was asked for since"
    office.happen()
    office.deliver()
    shown = office.webhook(webhook)
    assert (shown["state"], shown["state_reason"]) == ("failed", "no-answer")
    with office.scene.everywhere() as ctx:
        told = ctx.session.query(UserNotice.topic).filter_by(user_id=office.administrator).all()
    assert [row.topic for row in told] == ["webhook-failed"]
    office.happen()
    assert office.deliver() == 0


def test_a_receiver_that_is_gone_is_not_called_again(office: Office) -> None:
    webhook, _ = office.subscribe()
    office.receiver.answer = status(410)
    office.happen()
    office.happen()
    assert office.deliver() == 1
    assert office.webhook(webhook)["state"] == "failed"
    assert {one["state"] for one in office.deliveries(webhook)} == {"failed", "dropped"}


def test_a_redirect_is_refused_and_shown(office: Office) -> None:
    webhook, _ = office.subscribe()
    office.receiver.answer = status(307, location=office.receiver.url)
    office.happen()
    office.deliver()
    (sent,) = office.deliveries(webhook)
    (attempt,) = sent["attempts"]
    assert (attempt["status"], attempt["problem"]) == (307, "redirected")
    assert len(office.receiver.messages) == 1


def test_who_asks_for_patience_gets_it(office: Office) -> None:
    webhook, _ = office.subscribe()
    office.receiver.answer = status(429, retry_after="4000")
    office.happen()
    office.deliver()
    office.clock.advance(timedelta(seconds=3999))
    assert office.deliver() == 0
    office.clock.advance(timedelta(seconds=2))
    assert office.deliver() == 1
    assert office.webhook(webhook)["state"] == "active"


def test_a_message_can_be_sent_again_by_hand_under_its_id(office: Office) -> None:
    webhook, secret = office.subscribe()
    office.happen()
    office.deliver()
    (sent,) = office.deliveries(webhook)
    again = office.call("POST", f"/webhook-deliveries/{sent['id']}/send-again")
    assert (again.status_code, again.json["state"]) == (202, "waiting")
    assert office.deliver() == 1
    first, second = office.receiver.messages
    assert (first.id, first.body) == (second.id, second.body)
    office.check(secret, second)


def test_a_trial_says_nothing(office: Office) -> None:
    webhook, secret = office.subscribe()
    assert office.call("POST", f"/webhooks/{webhook}/test").status_code == 202
    office.deliver()
    (message,) = office.receiver.messages
    office.check(secret, message)
    assert (message.json["type"], message.json["data"]) == ("webhook.test", {})


def test_a_paused_webhook_keeps_its_messages_and_an_ended_one_drops_them(office: Office) -> None:
    webhook, _ = office.subscribe()
    patched = office.call("PATCH", f"/webhooks/{webhook}", {"state": "paused"}, if_match='"1"')
    assert patched.json["state"] == "paused"
    office.happen()
    assert office.deliver() == 0
    office.call("PATCH", f"/webhooks/{webhook}", {"state": "active"}, if_match='"2"')
    assert office.deliver() == 1
    office.call("PATCH", f"/webhooks/{webhook}", {"state": "ended"}, if_match='"3"')
    office.happen()
    assert office.deliver() == 0
    revived = office.call("PATCH", f"/webhooks/{webhook}", {"state": "active"}, if_match='"4"')
    assert (revived.status_code, revived.slug) == (409, "conflict")


def test_a_worker_that_died_while_sending_is_followed_by_another(office: Office) -> None:
    webhook, _ = office.subscribe()
    office.happen()

    def die(url: str, headers: Mapping[str, str], body: bytes) -> NoReturn:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Deliverer(office.bench.runtime, post=die).turn()
    assert office.deliver() == 0, "the lease is still held"
    office.clock.advance(timedelta(seconds=61))
    assert office.deliver() == 1
    assert [one["state"] for one in office.deliveries(webhook)] == ["delivered"]


def test_a_slow_receiver_takes_turns_with_the_others(office: Office) -> None:
    _, bad = office.subscribe(url=f"http://127.0.0.1:{free_port()}/dead")
    _, good = office.subscribe()
    called: list[str] = []

    def post(url: str, headers: Mapping[str, str], body: bytes) -> NoReturn:
        called.append(url)
        raise CallError("timeout")

    for _ in range(3):
        office.happen()
    worker = Deliverer(office.bench.runtime, post=post)
    for _ in range(4):
        worker.turn()
    assert len(set(called[:2])) == len(set(called[2:])) == 2
    assert bad != good


def test_the_secret_is_shown_once_and_lies_sealed(office: Office) -> None:
    webhook, secret = office.subscribe()
    shown = [office.call("GET", path).text for path in ("/webhooks", f"/webhooks/{webhook}")]
    assert all(secret not in text for text in shown)
    raw = secret.removeprefix("whsec_")
    events = "".join(event.p or "" for event in office.bench.events("webhook.added"))
    assert raw not in events
    with office.scene.everywhere() as ctx:
        stored = ctx.session.connection().exec_driver_sql("SELECT secret FROM webhooks").all()
    assert raw not in str(stored)


@pytest.mark.parametrize(
    "change",
    [
        {"url": "https://10.0.0.8/hook"},
        {"url": "http://hooks.example:0/"},
        {"url": "ftp://hooks.example/"},
        {"url": "https://user:word@hooks.example/"},
        {"kinds": ["mission.added"]},
        {"kinds": []},
        {"kinds": ["no.such"]},
        {"name": "a\x00b"},
        {"name": " "},
    ],
    ids=["private", "no port", "ftp", "password", "plans", "nothing", "unknown", "nul", "blank"],
)
def test_what_is_refused_at_once(office: Office, change: dict[str, Any]) -> None:
    body = {"name": "对接系统", "url": "https://hooks.example/x", "kinds": KINDS, **change}
    answer = office.call("POST", "/webhooks", body)
    assert (answer.status_code, answer.slug) == (422, "validation")


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.ADMINISTRATOR}), ids=str)
def test_only_an_administrator_manages_webhooks(office: Office, role: Role) -> None:
    webhook, _ = office.subscribe()
    who = office.bench.person(office.scene.court_id, role)
    for method, path in (("GET", ""), ("GET", f"/{webhook}"), ("POST", f"/{webhook}/rotate")):
        answer = office.bench.call(method, f"/webhooks{path}", who)
        assert (answer.status_code, answer.slug) == (403, "forbidden")


def test_another_courts_webhook_does_not_exist(office: Office) -> None:
    webhook, _ = office.subscribe()
    office.happen()
    with office.scene.everywhere() as ctx:
        delivery = ctx.session.query(WebhookDelivery).one().id
    court = office.bench.court("样0102")
    stranger = office.bench.person(court, Role.ADMINISTRATOR)
    for method, path, body in (
        ("GET", f"/webhooks/{webhook}", None),
        ("PATCH", f"/webhooks/{webhook}", {"state": "paused"}),
        ("POST", f"/webhooks/{webhook}/rotate", None),
        ("POST", f"/webhooks/{webhook}/test", None),
        ("GET", f"/webhooks/{webhook}/deliveries", None),
        ("POST", f"/webhook-deliveries/{delivery}/send-again", None),
    ):
        answer = office.bench.call(method, path, stranger, body, if_match="*")
        assert (answer.status_code, answer.slug) == (404, "not-found"), path
    assert office.bench.call("GET", "/webhooks", stranger).json["items"] == []


def test_events_of_another_court_are_not_told(office: Office, app: Flask) -> None:
    office.subscribe()
    other = build_scene(app, "样0102")
    other.declare(other.capture(b"theirs"))
    other.arrive(b"theirs")
    office.read()
    assert office.deliver() == 0
