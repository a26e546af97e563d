"""Before the start every answer to a guest is the same bytes, whatever is planned, or nothing is.

One guest asks every route again and again while what stands behind the invitation changes: nothing,
a bare plan, a plan with title, place, people, lines and photos, a plan that was called off.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from server.cases import missions
from server.cases import queries as cases
from server.cases.commands import Change
from server.cases.states import MissionState
from server.guests import service
from tests.factories.cases import add_mission
from tests.factories.guests import AGENT, Watching, browser, guest, invite
from tests.factories.live import Outing

SOME_ID = "0d0e0f00-0000-4000-8000-000000000001"
TOKEN = "A" * 43
# Every route below /g; one that is missing here fails the first test.
ASKS: dict[str, list[tuple[str, str, dict[str, str] | None]]] = {
    "/g": [("GET", "/g", None), ("GET", "/g?lang=zh", None), ("POST", "/g", {"code": "1"})],
    "/g/<string(length=43):token>": [("GET", f"/g/{TOKEN}", None)],
    "/g/attendance": [("GET", "/g/attendance", None)],
    "/g/attendance.json": [("GET", "/g/attendance.json", None)],
    "/g/closed": [("GET", "/g/closed", None)],
    "/g/mark.svg": [("GET", "/g/mark.svg", None)],
    "/g/occupied": [("GET", "/g/occupied", None)],
    "/g/opinions": [
        ("GET", "/g/opinions", None),
        ("POST", "/g/opinions", {"kind": "opinion", "text": "x"}),
        ("POST", "/g/opinions", {"kind": "opinion", "text": "x", "entry": SOME_ID}),
    ],
    "/g/photo/<uuid:photo_id>": [("GET", f"/g/photo/{SOME_ID}", None)],
    "/g/replay": [("GET", "/g/replay", None), ("GET", "/g/replay?step=2", None)],
    "/g/size": [("POST", "/g/size", {"large": "false"})],
    "/g/stream": [("GET", "/g/stream", None), ("GET", "/g/stream?after=7", None)],
    "/g/taken": [("GET", "/g/taken", None)],
}


def test_every_route_of_a_guest_is_asked(app: Flask) -> None:
    rules = {rule.rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/g/")}
    assert rules | {"/g"} == set(ASKS)


@pytest.fixture
def outing(app: Flask) -> Outing:
    """A court, and a mission with a title, a place and people, planned."""
    return Outing.build(app)


def answers(visitor: Watching) -> dict[str, bytes]:
    """What each request is answered with: status, headers, body; no request is like another."""
    found = {}
    for asks in ASKS.values():
        for method, path, data in asks:
            key = f"{method} {path} {data}"
            found[key] = _bytes(_ask(visitor, method, path, data))
    return found


def _ask(visitor: Watching, method: str, path: str, data: dict[str, str] | None) -> TestResponse:
    headers = {"X-Request-Id": "the-same-for-all"}
    if method == "POST":
        return visitor.post(path, data, headers=headers)
    return visitor.get(path, headers=headers)


def _bytes(answer: TestResponse) -> bytes:
    head = "\n".join(f"{name}: {value}" for name, value in answer.headers)
    head = re.sub("Expires=[^;]*", "Expires=…", head)  # by the real clock, which goes on
    if answer.mimetype == "text/event-stream":
        source: Iterator[bytes] = iter(answer.response)  # type: ignore[arg-type]
        body = next(source)
        answer.close()
    else:
        body = answer.get_data()
    return b"\n".join([answer.status.encode(), head.encode(), body])


def give(outing: Outing, invitation_id: uuid.UUID, mission_id: uuid.UUID | None) -> None:
    """Let the invitation be for this mission from now on."""
    with outing.unit(outing.court.supervisor) as ctx:
        if mission_id is not None:
            service.attach(ctx, invitation_id, mission_id)


def test_a_guest_cannot_tell_a_plan_from_no_plan(app: Flask, outing: Outing) -> None:
    invited = invite(app, outing.court.supervisor, None)
    visitor = guest(app, invited)
    nothing = answers(visitor)
    assert any(b'data-phase="waiting"' in one for one in nothing.values())
    give(outing, invited.id, outing.mission)
    assert answers(visitor) == nothing
    outing.note("集结完毕(虚构)")
    outing.capture(b"a photo before the start")
    outing.read()
    assert answers(visitor) == nothing
    with outing.unit(outing.court.supervisor) as ctx:
        mission = cases.visible_mission(ctx, outing.mission, to_change=True)
        place = {"name": "云岭县清河镇仓库(虚构)", "lat": "38.21", "lon": "104.41"}
        missions.change(ctx, mission, Change({"title": "另一个标题(虚构)", "place": place}))
    assert answers(visitor) == nothing
    outing.become(MissionState.CANCELLED)
    assert answers(visitor) == nothing


def test_who_has_only_the_link_cannot_tell_either(app: Flask, outing: Outing) -> None:
    invited = invite(app, outing.court.supervisor, None)
    visitor = browser(app)
    visitor.get(invited.link)
    nothing = answers(visitor)
    assert any(b'name="code"' in one for one in nothing.values())
    give(outing, invited.id, outing.mission)
    outing.note("集结完毕(虚构)")
    outing.read()
    assert answers(visitor) == nothing


def test_two_guests_of_different_plans_get_answers_alike(app: Flask, outing: Outing) -> None:
    bare = add_mission(app, outing.court.id, [], title="另(虚构)")
    one = guest(app, invite(app, outing.court.supervisor, outing.mission))
    other = guest(app, invite(app, outing.court.supervisor, bare))
    outing.note("集结完毕(虚构)")
    outing.read()
    assert _alike(answers(one)) == _alike(answers(other))


def _alike(found: dict[str, bytes]) -> dict[str, bytes]:
    """Without the code of the invitation in the watermark, which is random and as long in each."""
    return {key: re.sub(rb"[0-9A-Z]{4}-[0-9A-Z]{4}", b"CODE", one) for key, one in found.items()}


def test_the_start_makes_the_difference(app: Flask, outing: Outing) -> None:
    visitor = guest(app, invite(app, outing.court.supervisor, outing.mission))
    before = answers(visitor)
    outing.start()
    outing.read()
    after = answers(visitor)
    assert before["GET /g None"] != after["GET /g None"]


def test_nobody_can_tell_a_link_that_was_never_made(app: Flask, outing: Outing) -> None:
    invited = invite(app, outing.court.supervisor, outing.mission)
    invited.revoke(outing.court.supervisor)
    headers = {"X-Request-Id": "the-same-for-all", "User-Agent": AGENT}
    known = browser(app).get(invited.link, headers=headers)
    unknown = browser(app).get(f"/g/{TOKEN}", headers=headers)
    assert _bytes(known) == _bytes(unknown)
