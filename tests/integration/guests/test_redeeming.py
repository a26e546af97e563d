"""From the link to the live log: one browser, a code by another way, and nothing for the others."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from server.core.cookies import Kind, cookie_name
from server.core.transactions import EVERY_COURT, unit_of_work
from server.guests.models import GuestSession, Invitation
from tests.factories.cases import Bench
from tests.factories.guests import AGENT, Watching, browser, guest, invite
from tests.factories.identity import runtime_of
from tests.factories.live import Outing


@pytest.fixture
def outing(app: Flask) -> Outing:
    """A mission that is planned."""
    return Outing.build(app)


def test_a_link_becomes_a_cookie_and_the_address_loses_it(app: Flask, outing: Outing) -> None:
    invited = invite(app, outing.court.supervisor, outing.mission)
    answer = browser(app).get(invited.link)
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/g"
    (cookie,) = [one for one in answer.headers.getlist("Set-Cookie") if "guest" in one]
    name = cookie_name(runtime_of(app).settings, Kind.GUEST)
    assert cookie.startswith(f"__Host-tz-guest={invited.token}")
    assert name == "__Host-tz-guest"
    for flag in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
        assert flag in cookie
    assert "Domain" not in cookie


def test_the_rules_name_inviter_window_and_rules_and_no_operation(
    app: Flask, outing: Outing
) -> None:
    visitor = browser(app)
    visitor.get(invite(app, outing.court.supervisor, outing.mission).link)
    text = visitor.get("/g").get_data(as_text=True)
    assert outing.court.supervisor.name in text
    assert "2026-03-02 09:00" in text
    assert 'name="code"' in text
    assert "清河镇" not in text


def test_consent_and_code_open_the_room_for_this_browser(app: Flask, outing: Outing) -> None:
    invited = invite(app, outing.court.supervisor, outing.mission)
    outing.start()
    outing.read()
    visitor = browser(app)
    answer = visitor.redeem(invited)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/g")
    assert invited.token not in str(answer.headers)
    page = visitor.get("/g")
    assert page.status_code == 200
    assert 'data-phase="live"' in page.get_data(as_text=True)
    with unit_of_work(EVERY_COURT, write=False) as session:
        found = session.execute(sa.select(GuestSession)).scalar_one()
        assert found.consent_version == "2026-11"
        assert AGENT not in found.agent_digest
    kinds = ("guest.consented", "invitation.redeemed")
    assert [len(Bench(app).events(one)) for one in kinds] == [1, 1]


def test_without_consent_nothing_is_redeemed(app: Flask, outing: Outing) -> None:
    invited = invite(app, outing.court.supervisor, outing.mission)
    visitor = browser(app)
    visitor.get(invited.link)
    answer = visitor.post("/g", {"code": invited.code})
    assert answer.status_code == 422
    assert Bench(app).events("invitation.redeemed") == []


def test_a_second_browser_is_told_how_to_ask_anew(app: Flask, outing: Outing) -> None:
    invited = invite(app, outing.court.supervisor, outing.mission)
    early = browser(app)
    early.get(invited.link)
    guest(app, invited)
    second = browser(app)
    answer = second.get(invited.link, follow_redirects=True)
    assert (answer.status_code, answer.request.path) == (403, "/g/taken")
    assert "another browser" in answer.get_data(as_text=True)
    assert "new invitation" in answer.get_data(as_text=True)
    # One that opened the link before it was redeemed has the code but comes too late.
    assert early.get("/g").status_code == 403
    assert early.post("/g", {"agree": "true", "code": invited.code}).status_code == 403
    assert early.get("/g/stream").status_code == 401


def test_of_two_browsers_at_the_same_moment_one_gets_in(app: Flask, outing: Outing) -> None:
    invited = invite(app, outing.court.supervisor, outing.mission)
    visitors = [browser(app) for _ in range(4)]
    for visitor in visitors:
        visitor.get(invited.link)
    begin = threading.Barrier(len(visitors))

    def give_code(visitor: Watching) -> int:
        begin.wait()
        return visitor.post("/g", {"agree": "true", "code": invited.code}).status_code

    with ThreadPoolExecutor(len(visitors)) as pool:
        assert sorted(pool.map(give_code, visitors)) == [303, 403, 403, 403]


def test_the_own_browser_may_open_its_link_again(app: Flask, outing: Outing) -> None:
    invited = invite(app, outing.court.supervisor, outing.mission)
    visitor = guest(app, invited)
    answer = visitor.get(invited.link)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/g")
    assert visitor.get("/g").status_code == 200


def test_a_second_invitation_does_not_take_the_first_ones_room(app: Flask, outing: Outing) -> None:
    visitor = guest(app, invite(app, outing.court.supervisor, outing.mission))
    second = invite(app, outing.court.supervisor, outing.mission)
    answer = visitor.get(second.link, follow_redirects=True)
    assert (answer.status_code, answer.request.path) == (409, "/g/occupied")
    assert visitor.get("/g").status_code == 200
    assert guest(app, second).get("/g").status_code == 200


def test_five_wrong_codes_lock_the_invitation_for_good(app: Flask, outing: Outing) -> None:
    invited = invite(app, outing.court.supervisor, outing.mission)
    wrong = "000000" if invited.code != "000000" else "111111"
    visitor = browser(app)
    answers = [visitor.redeem(invited, wrong) for _ in range(5)]
    assert [one.status_code for one in answers] == [403, 403, 403, 403, 404]
    assert "4 tries" in answers[0].get_data(as_text=True)
    assert visitor.redeem(invited).status_code == 404
    assert browser(app).get(invited.link, follow_redirects=True).status_code == 404
    facts = Bench(app).events("invitation.code-wrong")
    assert len(facts) == 5
    with unit_of_work(EVERY_COURT, write=False) as session:
        assert session.get_one(Invitation, invited.id).locked_at is not None


def test_unknown_expired_locked_and_revoked_links_answer_alike(app: Flask, outing: Outing) -> None:
    supervisor = outing.court.supervisor
    revoked = invite(app, supervisor, outing.mission)
    revoked.revoke(supervisor)
    expired = invite(app, supervisor, outing.mission, hours=1)
    outing.pass_time(hours=2)
    texts = {
        browser(app).get(link, follow_redirects=True).get_data()
        for link in (revoked.link, expired.link, f"/g/{'x' * 43}", f"/g/{'-' * 43}")
    }
    assert len(texts) == 1
    assert browser(app).get("/g").status_code == 404


def test_only_hashes_of_link_code_and_cookie_are_kept(app: Flask, outing: Outing) -> None:
    invited = invite(app, outing.court.supervisor, outing.mission)
    visitor = guest(app, invited)
    name = cookie_name(runtime_of(app).settings, Kind.GUEST)
    held = visitor.client.get_cookie(name)
    assert held is not None
    with unit_of_work(EVERY_COURT, write=False) as session:
        rows = [
            *session.execute(sa.select(Invitation.__table__)).all(),
            *session.execute(sa.select(GuestSession.__table__)).all(),
        ]
    text = "\n".join(str(row) for row in rows)
    assert invited.token not in text
    assert f"'{invited.code}'" not in text
    assert held.value not in text


def test_a_guest_ends_with_the_replay(app: Flask, outing: Outing) -> None:
    visitor = guest(app, invite(app, outing.court.supervisor, outing.mission))
    assert visitor.get("/g").status_code == 200
    outing.pass_time(hours=8, days=14)
    assert visitor.get("/g").status_code == 404
    refused = visitor.get("/g/replay")
    assert refused.status_code == 401
    assert "This link cannot be used" in refused.get_data(as_text=True)


def test_who_is_invited_stays_out_of_the_log(app: Flask, outing: Outing) -> None:
    invite(app, outing.court.supervisor, outing.mission, name="不入日志(虚构)")
    (event,) = Bench(app).events("invitation.sent")
    assert "不入日志" not in (event.p or "")
    assert event.mission_id == outing.mission


def test_the_window_begins_when_it_says(app: Flask, outing: Outing) -> None:
    invited = invite(app, outing.court.supervisor, outing.mission, starts_in=timedelta(hours=1))
    outing.start()
    outing.read()
    visitor = guest(app, invited)
    assert 'data-phase="waiting"' in visitor.get("/g").get_data(as_text=True)
    outing.pass_time(hours=1)
    assert 'data-phase="live"' in visitor.get("/g").get_data(as_text=True)
