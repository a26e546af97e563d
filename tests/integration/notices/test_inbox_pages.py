"""The inbox and the administrator's webhooks as pages, without a browser."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask

from server.core.permissions import Role
from server.jobs.readers import NOTICES, read_on
from server.notices.webhook_delivering import Deliverer
from server.settings import Settings
from tests.factories.console import Desk, desk
from tests.factories.evidence import Scene, build_scene
from tests.factories.identity import add_person
from tests.factories.identity_rows import Person
from tests.support.receiver import Receiver, receiving, verify


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, webhook_networks="127.0.0.0/8")


@pytest.fixture
def scene(app: Flask) -> Scene:
    return build_scene(app)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


def person(scene: Scene, user_id: uuid.UUID, *roles: Role) -> Person:
    return Person(user_id, scene.court_id, "-", "虚构", roles)


def at(scene: Scene, *roles: Role) -> Desk:
    """A browser of the scene's person of this role, or of a new one."""
    if roles == (Role.SUPERVISOR,):
        return desk(scene.app, person(scene, scene.supervisor_id, *roles))
    if roles == (Role.OFFICER,):
        return desk(scene.app, person(scene, scene.officer_id, *roles))
    return desk(scene.app, add_person(scene.app, scene.court_id, uuid.uuid4().hex, *roles))


def arrive(scene: Scene, data: bytes = b"one") -> uuid.UUID:
    scene.declare(scene.capture(data))
    scene.arrive(data)
    scene.sequence()
    with scene.everywhere() as ctx:
        read_on(ctx, NOTICES)
    return scene.items()[-1].id


@pytest.mark.parametrize("role", list(Role), ids=str)
def test_everybody_lands_somewhere(scene: Scene, role: Role) -> None:
    arrive(scene)
    answer = at(scene, role).get("/inbox")
    assert answer.status_code == 200
    counted = "待审核证据" in answer.text
    assert counted == (role in {Role.SUPERVISOR, Role.PRESIDENT})
    assert ("事件推送" in answer.text) == (role is Role.ADMINISTRATOR)


def test_what_waits_is_counted_with_its_next_step(scene: Scene) -> None:
    arrive(scene)
    browser = at(scene, Role.SUPERVISOR)
    text = browser.get("/inbox").text
    assert 'href="/review"' in text
    assert "有新证据待审核" in text
    found = browser.get("/inbox/counts").get_json()
    assert (found["unread"], found["tasks"]["review"], found["returned"]) == (1, 1, 0)
    browser.post("/inbox/read", {})
    assert browser.get("/inbox/counts").get_json()["unread"] == 0
    assert "有新证据待审核" not in browser.get("/inbox").text
    assert "有新证据待审核" in browser.get("/inbox?show=all").text


def test_an_officer_sees_what_came_back(scene: Scene) -> None:
    item = arrive(scene)
    form = {"decision": "return", "reason_code": "3", "text": "太暗(虚构)"}
    supervisor = at(scene, Role.SUPERVISOR)
    answer = supervisor.post(
        f"/api/v1/evidence/{item}/review", None, json=form,
        headers={"Content-Type": "application/json"},
    )  # fmt: skip
    assert answer.status_code == 201, answer.text
    officer = at(scene, Role.OFFICER)
    assert f'href="/e/{item}"' in officer.get("/inbox").text
    assert f'href="/e/{item}"' not in supervisor.get("/inbox").text


def test_wishes_are_kept(scene: Scene) -> None:
    browser = at(scene, Role.SUPERVISOR)
    assert browser.post("/inbox/settings", {"topic": ["missing", "held"]}).status_code == 303
    arrive(scene)
    assert browser.get("/inbox/counts").get_json()["unread"] == 0
    assert 'value="missing" checked' in browser.get("/inbox/settings").text
    assert 'value="to-review" checked' not in browser.get("/inbox/settings").text


def test_a_webhook_is_made_tried_and_read_by_its_administrator(
    scene: Scene, receiver: Receiver
) -> None:
    browser = at(scene, Role.ADMINISTRATOR)
    form = {"name": "对接系统", "url": receiver.url, "kind": ["evidence.verified"]}
    made = browser.post("/admin/webhooks", form)
    assert made.status_code == 201, made.text
    secret = made.text.partition('id="webhook-secret">')[2].partition("<")[0]
    arrive(scene)
    Deliverer(scene.runtime).turn()
    verify(secret, receiver.messages[0], scene.clock.now().timestamp())
    place = re.findall(r'href="/admin/webhooks/([0-9a-f-]{36})"', made.text)[0]
    shown = browser.get(f"/admin/webhooks/{place}")
    assert (shown.status_code, secret in shown.text) == (200, False)
    assert "已送达" in shown.text
    assert browser.post(f"/admin/webhooks/{place}/test").status_code == 303
    paused = browser.post(f"/admin/webhooks/{place}", {"version": "1", "state": "paused"})
    assert paused.status_code == 303
    stale = browser.post(f"/admin/webhooks/{place}", {"version": "1", "state": "active"})
    assert stale.status_code == 412
    rotated = browser.post(f"/admin/webhooks/{place}/rotate")
    assert rotated.status_code == 200
    assert "whsec_" in rotated.text


def test_a_webhook_to_an_inner_address_is_refused_with_its_reason(scene: Scene) -> None:
    browser = at(scene, Role.ADMINISTRATOR)
    form = {"name": "x", "url": "https://10.0.0.8/", "kind": ["evidence.verified"]}
    answer = browser.post("/admin/webhooks", form)
    assert answer.status_code == 422
    assert at(scene, Role.SUPERVISOR).get("/admin/webhooks").status_code == 403
