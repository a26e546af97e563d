"""The court's side: a new invitation with its two secrets, a mission given later, taking back."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask

from tests.factories.cases import Bench
from tests.factories.console import Desk, desk
from tests.factories.guests import browser, guest, invite
from tests.factories.live import Outing

FORM = {
    "invitee": "邓观摩(虚构)",
    "invitee_title": "县人大代表",
    "invitee_kind": "npc_deputy",
    "window_from": "2026-03-02T09:00",
    "window_to": "2026-03-02T17:00",
}


@pytest.fixture
def outing(app: Flask) -> Outing:
    """A mission that is planned."""
    return Outing.build(app)


@pytest.fixture
def lead(app: Flask, outing: Outing) -> Desk:
    """The supervisor at a browser."""
    return desk(app, outing.court.supervisor, "en")


def secrets_in(text: str) -> tuple[str, str]:
    """Link and code of the page that shows them once."""
    link = re.search(r'id="guest-link">([^<]+)<', text)
    code = re.search(r'id="guest-code">(\d{6})<', text)
    assert link
    assert code
    return link[1], code[1]


def test_a_new_invitation_shows_link_picture_and_code_once(
    app: Flask, outing: Outing, lead: Desk
) -> None:
    answer = lead.post("/guests", {**FORM, "mission_id": str(outing.mission)})
    assert answer.status_code == 201
    assert answer.headers["Cache-Control"] == "no-store"
    link, code = secrets_in(answer.get_data(as_text=True))
    assert "<svg" in answer.get_data(as_text=True)
    visitor = browser(app)
    assert visitor.get(link.removeprefix("http://localhost")).status_code == 303
    assert visitor.post("/g", {"agree": "true", "code": code}).status_code == 303
    listed = lead.get("/guests").get_data(as_text=True)
    assert "邓观摩" in listed
    assert link not in listed
    assert code not in listed


@pytest.mark.parametrize(
    "changes",
    [
        {"window_to": "2026-03-02T08:00"},
        {"window_from": "2026-02-01T09:00", "window_to": "2026-02-01T10:00"},
        {"window_to": "2026-03-12T09:00"},
        {"invitee": ""},
        {"invitee_kind": "friend"},
        {"invitee": "a\0b"},
    ],
    ids=["backwards", "past", "long", "nobody", "kind", "nul"],
)
def test_what_is_no_invitation_is_refused(lead: Desk, changes: dict[str, Any]) -> None:
    assert lead.post("/guests", {**FORM, **changes}).status_code == 422


def test_an_invitation_gets_its_mission_later_and_once(
    app: Flask, outing: Outing, lead: Desk
) -> None:
    invited = invite(app, outing.court.supervisor, None)
    visitor = guest(app, invited)
    outing.start()
    outing.read()
    assert 'data-phase="waiting"' in visitor.get("/g").get_data(as_text=True)
    path = f"/guests/{invited.id}/mission"
    assert lead.post(path, {"mission_id": str(outing.mission)}).status_code == 303
    assert 'data-phase="live"' in visitor.get("/g").get_data(as_text=True)
    assert lead.post(path, {"mission_id": str(outing.mission)}).status_code == 409


def test_revoking_is_one_click_with_a_reason_and_is_logged(
    app: Flask, outing: Outing, lead: Desk
) -> None:
    invited = invite(app, outing.court.supervisor, outing.mission)
    visitor = guest(app, invited)
    assert (
        lead.post(f"/guests/{invited.id}/revoke", {"reason": "行程有变(虚构)"}).status_code == 303
    )
    assert visitor.get("/g").status_code == 404
    assert "行程有变" in lead.get(f"/guests/{invited.id}").get_data(as_text=True)
    assert len(Bench(app).events("invitation.revoked")) == 1
    assert lead.post(f"/guests/{invited.id}/revoke", {}).status_code == 409


def test_attendance_is_on_the_invitations_page(app: Flask, outing: Outing, lead: Desk) -> None:
    invited = invite(app, outing.court.supervisor, outing.mission)
    outing.start()
    outing.read()
    visitor = guest(app, invited)
    visitor.get("/g")
    outing.pass_time(minutes=2)
    visitor.get("/g")
    assert "2:00" in lead.get(f"/guests/{invited.id}").get_data(as_text=True)
    assert "2:00" in lead.get("/guests").get_data(as_text=True)


def test_nobody_is_invited_to_what_is_over(app: Flask, outing: Outing, lead: Desk) -> None:
    outing.start()
    outing.become("ended")  # type: ignore[arg-type]
    answer = lead.post("/guests", {**FORM, "mission_id": str(outing.mission)})
    assert answer.status_code == 409


def test_lists_page_and_filter(app: Flask, outing: Outing, lead: Desk) -> None:
    for number in range(3):
        invite(app, outing.court.supervisor, outing.mission, name=f"甲{number}(虚构)")
    gone = invite(app, outing.court.supervisor, outing.mission, name="撤回者(虚构)")
    gone.revoke(outing.court.supervisor)
    first = lead.get("/guests?limit=2").get_data(as_text=True)
    assert 'rel="next"' in first
    only = lead.get("/guests?state=revoked").get_data(as_text=True)
    assert "撤回者" in only
    assert "甲0" not in only
    outing.pass_time(hours=9)
    lead = desk(app, outing.court.supervisor, "en")
    assert "甲0" in lead.get("/guests?state=expired").get_data(as_text=True)
