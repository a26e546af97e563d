"""Invitations over HTTP: the two secrets once, the list, attendance, taking back."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from server.core.clock import rfc3339
from tests.factories.cases import Bench, believe
from tests.factories.guests import Invited, browser, guest
from tests.factories.identity import World, runtime_of
from tests.factories.live import Outing


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
def bench(outing: Outing) -> Bench:
    """Requests of whichever person."""
    return believe(outing.app)


def wanted(outing: Outing, **changes: Any) -> dict[str, Any]:
    now = runtime_of(outing.app).clock.now()
    window = {"window_from": rfc3339(now), "window_to": rfc3339(now + timedelta(hours=8))}
    who = {"invitee": "邓观摩(虚构)", "invitee_kind": "npc_deputy", "invitee_title": "县人大代表"}
    return {**who, **window, "mission_id": str(outing.mission), **changes}


def sent(bench: Bench, outing: Outing, **changes: Any) -> dict[str, Any]:
    body = wanted(outing, **changes)
    answer = bench.call("POST", "/invitations", outing.court.supervisor.id, body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json
    return found


def invited(outing: Outing, made: dict[str, Any]) -> Invited:
    token = made["link"].rpartition("/")[2]
    return Invited(outing.app, uuid.UUID(made["invitation"]["id"]), token, made["code"])


def test_link_and_code_open_the_room_and_are_shown_once(bench: Bench, outing: Outing) -> None:
    made = sent(bench, outing)
    visitor = guest(outing.app, invited(outing, made))
    assert "到达现场" in visitor.get("/g").get_data(as_text=True)
    path, lead = f"/invitations/{made['invitation']['id']}", outing.court.supervisor.id
    shown = bench.call("GET", path, lead)
    assert shown.json["invitation"]["state"] == "redeemed"
    assert shown.json["attendance"]["visits"] != []
    listed = bench.call("GET", "/invitations", lead)
    for answer in (shown, listed):
        assert made["code"] not in answer.text
        assert made["link"].rpartition("/")[2] not in answer.text
        assert "hash" not in answer.text


def test_an_invitation_is_taken_back_once_and_the_room_is_closed(
    bench: Bench, outing: Outing
) -> None:
    made, lead = sent(bench, outing), outing.court.supervisor.id
    visitor = guest(outing.app, invited(outing, made))
    path = f"/invitations/{made['invitation']['id']}/revoke"
    answer = bench.call("POST", path, lead, {"reason": "行程有变(虚构)"})
    assert (answer.status_code, answer.json["state"]) == (200, "revoked")
    assert answer.json["revoke_reason"] == "行程有变(虚构)"
    assert "到达现场" not in visitor.get("/g").get_data(as_text=True)
    assert bench.call("POST", path, lead, {}).status_code == 409
    assert len(bench.events("invitation.revoked")) == 1


def test_the_list_follows_the_clock(bench: Bench, outing: Outing) -> None:
    sent(bench, outing)
    lead = outing.court.supervisor.id
    outing.pass_time(days=1)
    states = {
        state: len(bench.call("GET", f"/invitations?state={state}", lead).json["items"])
        for state in ("invited", "expired")
    }
    assert states == {"invited": 0, "expired": 1}
    (row,) = bench.call("GET", "/invitations", lead).json["items"]
    assert row["state"] == "expired"


def test_a_mission_is_given_later_and_once(bench: Bench, outing: Outing) -> None:
    made, lead = sent(bench, outing, mission_id=None), outing.court.supervisor.id
    path = f"/invitations/{made['invitation']['id']}/mission"
    body = {"mission_id": str(outing.mission)}
    assert bench.call("POST", path, lead, body).json["mission_id"] == str(outing.mission)
    assert bench.call("POST", path, lead, body).status_code == 409


@pytest.mark.parametrize(
    "changes",
    [
        {"invitee": "a\0b"},
        {"invitee_kind": "judge"},
        {"window_to": "2001-01-01T00:00:00Z"},
        {"window_from": "2026-03-02T09:00:00"},
        {"reply_days": 0},
        {"code": "000000"},
    ],
    ids=["nul", "kind", "past", "no-offset", "no-days", "unknown-field"],
)
def test_what_is_no_invitation_is_refused(
    bench: Bench, outing: Outing, changes: dict[str, Any]
) -> None:
    body = wanted(outing, **changes)
    answer = bench.call("POST", "/invitations", outing.court.supervisor.id, body)
    assert (answer.status_code, answer.json["type"]) == (422, "urn:tiezheng:problem:validation")


def test_officers_do_not_invite(bench: Bench, outing: Outing) -> None:
    officer = outing.court.officer.id
    assert bench.call("POST", "/invitations", officer, wanted(outing)).status_code == 403
    assert bench.call("GET", "/invitations", officer).status_code == 403
    assert browser(outing.app).get("/api/v1/invitations").status_code == 401
