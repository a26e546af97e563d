"""Replies past their deadline: who is told, by notice and by webhook, and that it is once."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from flask import Flask

from server.guests import overdue
from server.guests.models import Opinion
from server.identity.models import User
from server.jobs.readers import NOTICES, read_on
from server.notices.models import UserNotice, WebhookDelivery
from tests.factories.cases import Bench
from tests.factories.console import Desk, desk
from tests.factories.field import sequence
from tests.factories.guests import Watching, guest, invite
from tests.factories.identity import World
from tests.factories.live import Outing

LATE_DAYS = 6  # a reply is promised within five unless an invitation says otherwise
SAID = {"kind": "question", "text": "清点由谁见证?(虚构)"}


@pytest.fixture
def outing(app: Flask) -> Outing:
    """A mission under way with one released entry."""
    outing = Outing.build(app, world=World.build(app))
    outing.start()
    outing.note("到达现场(虚构)")
    outing.read()
    outing.pass_time(minutes=10)
    outing.release_due()
    return outing


@pytest.fixture
def visitor(app: Flask, outing: Outing) -> Watching:
    """A guest in its room, who has asked something."""
    visitor = guest(app, invite(app, outing.court.supervisor, outing.mission))
    assert visitor.post("/g/opinions", SAID).status_code == 303
    return visitor


def tick(outing: Outing) -> int:
    with outing.system() as ctx:
        return overdue.mark_overdue(ctx)


def told(outing: Outing) -> list[tuple[uuid.UUID, str, str]]:
    with outing.system() as ctx:
        rows = ctx.session.query(UserNotice).filter_by(topic="opinion-overdue")
        return sorted((row.user_id, row.link, json.dumps(row.facts)) for row in rows)


def the_opinion(outing: Outing) -> Opinion:
    with outing.system() as ctx:
        found = ctx.session.query(Opinion).one()
        ctx.session.expunge(found)
        return found


def test_a_late_reply_is_told_once_to_who_invited(outing: Outing, visitor: Watching) -> None:
    assert (tick(outing), told(outing)) == (0, [])
    outing.pass_time(days=LATE_DAYS)
    assert (tick(outing), tick(outing)) == (1, 0)
    opinion = the_opinion(outing)
    link = f"/opinions#o-{opinion.id}"
    assert told(outing) == [(outing.court.supervisor.id, link, "{}")]
    assert opinion.overdue_at is not None
    (event,) = Bench(outing.app).events("opinion.overdue")
    assert json.loads(event.p or "")["facts"]["state"] == "received"
    assert "虚构" not in (event.p or "")


def test_who_took_it_up_answers_for_it(app: Flask, outing: Outing, visitor: Watching) -> None:
    other = desk(app, outing.court.president, "en")
    assert other.post(f"/opinions/{the_opinion(outing).id}/take").status_code == 303
    outing.pass_time(days=LATE_DAYS)
    assert tick(outing) == 1
    assert [who for who, *_ in told(outing)] == [outing.court.president.id]


def test_once_that_person_has_left_everybody_who_leads_is_told(
    outing: Outing, visitor: Watching
) -> None:
    outing.pass_time(days=LATE_DAYS)
    with outing.system() as ctx:
        ctx.session.get_one(User, outing.court.supervisor.id).disabled_at = ctx.clock.now()
    assert tick(outing) == 1
    assert {who for who, *_ in told(outing)} == {outing.court.president.id}


def test_what_is_answered_or_answered_late_is_not_told(
    app: Flask, outing: Outing, visitor: Watching
) -> None:
    lead = desk(app, outing.court.supervisor, "en")
    answer(lead, the_opinion(outing).id)
    outing.pass_time(days=LATE_DAYS)
    assert (tick(outing), told(outing)) == (0, [])


def test_the_inbox_shows_it_until_it_is_answered(
    app: Flask, outing: Outing, visitor: Watching
) -> None:
    outing.pass_time(days=LATE_DAYS)
    tick(outing)
    lead = desk(app, outing.court.supervisor, "en")
    shown = lead.get("/inbox").get_data(as_text=True)
    card = shown.partition('id="task-opinions"')[2].partition("</li>")[0]
    assert "1 of them urgent" in card
    assert "A reply to an observer is overdue" in shown
    answer(lead, the_opinion(outing).id)
    card = lead.get("/inbox").get_data(as_text=True).partition('id="task-opinions"')[2]
    assert "urgent" not in card.partition("</li>")[0]


def test_other_systems_are_told_by_webhook_with_ids_alone(
    outing: Outing, visitor: Watching
) -> None:
    keeper = desk(outing.app, outing.court.administrator, "en")
    wanted = {"name": "系统", "url": "https://hooks.example/x", "kind": "opinion.overdue"}
    assert keeper.post("/admin/webhooks", wanted).status_code in {200, 201, 303}
    outing.pass_time(days=LATE_DAYS)
    tick(outing)
    tick(outing)
    sequence(outing.app)
    with outing.system() as ctx:
        read_on(ctx, NOTICES)
        (message,) = [row.body for row in ctx.session.query(WebhookDelivery)]
    said: dict[str, Any] = json.loads(message)
    assert said["type"] == "opinion.overdue"
    assert said["data"]["subject"] == {"type": "opinion", "id": str(the_opinion(outing).id)}
    assert "虚构" not in message


def answer(lead: Desk, opinion_id: uuid.UUID) -> None:
    reply = {"reply": "由社区工作人员见证(虚构)"}
    assert lead.post(f"/opinions/{opinion_id}/answer", reply).status_code == 303
