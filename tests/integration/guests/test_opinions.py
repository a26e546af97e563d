"""What guests say and what the court answers; voices; who sees what of it."""

from __future__ import annotations

import hashlib
import io
import json
from typing import Any

import pytest
from flask import Flask

from server.core.db import db
from server.notices.models import UserNotice
from storage.digest import Digest
from tests.factories.cases import Bench
from tests.factories.console import Desk, desk
from tests.factories.guests import Watching, guest, invite
from tests.factories.identity import World, runtime_of
from tests.factories.live import Outing

WEBM = b"\x1a\x45\xdf\xa3" + b"a spoken opinion"


@pytest.fixture
def world(app: Flask) -> World:
    """Two courts."""
    return World.build(app)


@pytest.fixture
def outing(app: Flask, world: World) -> Outing:
    """A mission under way with one released entry."""
    outing = Outing.build(app, world=world)
    outing.start()
    outing.note("到达现场(虚构)")
    outing.read()
    outing.pass_time(minutes=10)
    outing.release_due()
    return outing


@pytest.fixture
def visitor(app: Flask, outing: Outing) -> Watching:
    """A guest in its room."""
    return guest(app, invite(app, outing.court.supervisor, outing.mission))


@pytest.fixture
def lead(app: Flask, outing: Outing) -> Desk:
    """The supervisor at a browser."""
    return desk(app, outing.court.supervisor, "en")


def opinion_id(lead: Desk) -> str:
    """The one opinion on the court's list."""
    text = lead.get("/opinions").get_data(as_text=True)
    return text.partition('id="o-')[2].partition('"')[0]


def test_an_opinion_is_received_handled_and_answered_and_the_guest_sees_it(
    outing: Outing, visitor: Watching, lead: Desk
) -> None:
    (entry,) = outing.seen()
    said = {"kind": "question", "entry": str(entry.entry_id), "text": "为何未戴执法记录仪?(虚构)"}
    answer = visitor.post("/g/opinions", said)
    assert answer.status_code == 303
    assert "Received" in visitor.get("/g").get_data(as_text=True)
    listed = lead.get("/opinions").get_data(as_text=True)
    assert "为何未戴执法记录仪" in listed
    one = opinion_id(lead)
    assert lead.post(f"/opinions/{one}/take").status_code == 303
    assert "Being handled" in visitor.get("/g/opinions").get_data(as_text=True)
    assert (
        lead.post(f"/opinions/{one}/answer", {"reply": "两部记录仪均已开启(虚构)"}).status_code
        == 303
    )
    seen = visitor.get("/g").get_data(as_text=True)
    assert "Answered" in seen
    assert "两部记录仪均已开启" in seen
    bench = Bench(outing.app)
    kinds = ("opinion.received", "opinion.handling", "opinion.answered")
    assert [len(bench.events(kind)) for kind in kinds] == [1, 1, 1]
    assert "执法记录仪" not in (bench.events("opinion.received")[0].p or "")


def test_a_reply_is_given_once(outing: Outing, visitor: Watching, lead: Desk) -> None:
    visitor.post("/g/opinions", {"kind": "praise", "text": "规范(虚构)"})
    one = opinion_id(lead)
    assert lead.post(f"/opinions/{one}/answer", {"reply": "谢谢(虚构)"}).status_code == 303
    assert lead.post(f"/opinions/{one}/answer", {"reply": "再答(虚构)"}).status_code == 409
    assert lead.post(f"/opinions/{one}/take").status_code == 409


def test_the_inviter_is_told(outing: Outing, visitor: Watching) -> None:
    visitor.post("/g/opinions", {"kind": "opinion", "text": "x(虚构)"})
    with outing.system() as ctx:
        notice = ctx.session.query(UserNotice).filter(UserNotice.topic == "opinion").one()
        assert notice.user_id == outing.court.supervisor.id
        assert "虚构" not in json.dumps(notice.facts)


def test_a_voice_is_kept_like_other_bytes_and_played_to_the_court(
    outing: Outing, visitor: Watching, lead: Desk
) -> None:
    voice = (io.BytesIO(WEBM), "voice", "audio/webm")
    answer = visitor.post("/g/opinions", {"kind": "opinion", "voice": voice})
    assert answer.status_code == 303
    digest = hashlib.sha256(WEBM).hexdigest()
    assert runtime_of(outing.app).stores.blobs.stat(Digest(digest)) is not None
    heard = lead.get(f"/opinions/{opinion_id(lead)}/voice")
    assert (heard.status_code, heard.mimetype, heard.get_data()) == (200, "audio/webm", WEBM)
    (facts,) = [
        json.loads(one.p or "")["facts"] for one in Bench(outing.app).events("opinion.heard")
    ]
    assert facts["sha256"] == digest


def test_a_voice_is_stored_outside_transactions(
    outing: Outing, visitor: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = type(runtime_of(outing.app).stores.blobs)
    waiting: list[bool] = []
    put = kind.put_stream

    def watched(*given: Any, **more: Any) -> Any:
        waiting.append(db.session.registry.has() and db.session().in_transaction())
        return put(*given, **more)

    monkeypatch.setattr(kind, "put_stream", watched)
    voice = (io.BytesIO(WEBM), "voice", "audio/webm")
    answer = visitor.post("/g/opinions", {"kind": "opinion", "voice": voice})
    assert (answer.status_code, waiting) == (303, [False])


@pytest.mark.parametrize(
    ("data", "mime"),
    [
        (b"<svg onload=alert(1)>", "audio/webm"),
        (WEBM, "text/html"),
        (b"%PDF-1.7", "audio/mp4"),
        (b"", "audio/webm"),
    ],
    ids=["svg", "html", "pdf", "empty"],
)
def test_what_is_no_recording_is_refused(visitor: Watching, data: bytes, mime: str) -> None:
    answer = visitor.post(
        "/g/opinions", {"kind": "opinion", "voice": (io.BytesIO(data), "voice", mime)}
    )
    assert answer.status_code in {415, 422}


def test_nothing_said_is_no_opinion(visitor: Watching) -> None:
    assert visitor.post("/g/opinions", {"kind": "opinion"}).status_code == 422
    assert visitor.post("/g/opinions", {"kind": "rumour", "text": "x"}).status_code == 422
    assert visitor.post("/g/opinions", {"kind": "opinion", "text": "a\0b"}).status_code == 422


def test_an_entry_that_is_not_shown_cannot_be_spoken_of(outing: Outing, visitor: Watching) -> None:
    outing.note("尚未公开(虚构)")
    outing.read()
    waiting = next(row for row in outing.rows() if row.position is None)
    said = {"kind": "opinion", "text": "x(虚构)", "entry": str(waiting.id)}
    assert visitor.post("/g/opinions", said).status_code == 404


def test_a_form_of_another_site_is_refused(visitor: Watching) -> None:
    said = {"kind": "opinion", "text": "x(虚构)"}
    foreign = {"Origin": "https://evil.example"}
    assert visitor.client.post("/g/opinions", data=said, headers=foreign).status_code == 403
    assert visitor.client.post("/g/opinions", data=said).status_code == 403


def test_late_replies_come_first_and_are_marked(
    app: Flask, outing: Outing, visitor: Watching, lead: Desk
) -> None:
    visitor.post("/g/opinions", {"kind": "opinion", "text": "先说的(虚构)"})
    outing.pass_time(days=6)
    lead = desk(app, outing.court.supervisor, "en")
    text = lead.get("/opinions").get_data(as_text=True)
    assert "1 replies are overdue" in text
    assert "Overdue" in visitor.get("/g").get_data(as_text=True)


def test_guests_see_their_own_opinions_alone(app: Flask, outing: Outing, visitor: Watching) -> None:
    visitor.post("/g/opinions", {"kind": "opinion", "text": "只有我看见(虚构)"})
    other = guest(app, invite(app, outing.court.supervisor, outing.mission, name="另一人(虚构)"))
    for path in ("/g", "/g/opinions", "/g/replay"):
        assert "只有我看见" not in other.get(path).get_data(as_text=True)


def test_another_court_sees_and_touches_nothing(
    app: Flask, world: World, outing: Outing, visitor: Watching, lead: Desk
) -> None:
    visitor.post("/g/opinions", {"kind": "opinion", "text": "本院意见(虚构)"})
    one = opinion_id(lead)
    invited = invite(app, outing.court.supervisor, outing.mission)
    foreign = desk(app, world.second.supervisor, "en")
    assert "本院意见" not in foreign.get("/opinions").get_data(as_text=True)
    assert "邓观摩" not in foreign.get("/guests").get_data(as_text=True)
    assert foreign.get(f"/guests/{invited.id}").status_code == 404
    assert foreign.post(f"/guests/{invited.id}/revoke", {}).status_code == 404
    assert foreign.post(f"/opinions/{one}/take").status_code == 404
    assert foreign.post(f"/opinions/{one}/answer", {"reply": "x"}).status_code == 404
    assert foreign.get(f"/opinions/{one}/voice").status_code == 404
    assert foreign.get(f"/guests/new?mission_id={outing.mission}").status_code == 404


def test_officers_neither_invite_nor_answer(app: Flask, outing: Outing, visitor: Watching) -> None:
    officer = desk(app, outing.court.officer, "en")
    for path in ("/guests", "/guests/new", "/opinions"):
        assert officer.get(path).status_code == 403
    assert visitor.get("/guests").status_code in {303, 401}
    assert officer.get("/g/replay").status_code == 401
