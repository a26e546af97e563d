"""The observers' room: a supervisor invites by the console's own pages, and a guest comes in."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import httpx

from client_sdk import FieldClient
from deploy.demo.report import say

RELEASED: Final = 3
WAIT_SECONDS_MAX: Final = 60
_PAUSE_SECONDS: Final = 0.3
_LINK: Final = re.compile(r'id="guest-link">([^<]+)<')
_CODE: Final = re.compile(r'id="guest-code">(\d{6})<')
_ENTRY: Final = re.compile(r'class="entry released" id="e-[0-9a-f]')
_ZONE: Final = ZoneInfo("Asia/Shanghai")
_REASON: Final = "演示：观察员在场等候(虚构)"


@dataclass
class Browser:
    """A browser without scripts.

    It keeps cookies itself: libraries for HTTP hold secure ones back from plain HTTP, where a
    browser on the same machine sends them.
    """

    url: str
    cookies: dict[str, str] = field(default_factory=dict)

    def get(self, path: str) -> httpx.Response:
        """Open a page; redirects are followed."""
        return self._send("GET", path)

    def post(self, path: str, form: dict[str, str]) -> httpx.Response:
        """Send a form; redirects are followed."""
        return self._send("POST", path, form)

    def _send(self, method: str, path: str, form: dict[str, str] | None = None) -> httpx.Response:
        headers = {"Cookie": "; ".join(f"{name}={text}" for name, text in self.cookies.items())}
        if form is not None:
            headers["Origin"] = self.url
        answer = httpx.request(
            method, f"{self.url}{path}", data=form, headers=headers, timeout=30, trust_env=False
        )
        for given in answer.headers.get_list("Set-Cookie"):
            name, _, text = given.partition(";")[0].partition("=")
            self.cookies[name] = text
        if answer.is_redirect:
            return self.get(answer.headers["Location"].removeprefix(self.url))
        return answer


@dataclass(frozen=True, slots=True)
class Invitation:
    """What the supervisor hands over by two channels."""

    link: str
    code: str


def start(desk: FieldClient, mission_id: str) -> None:
    """Before this nothing of the mission is visible to observers."""
    body = {"state": "started"}
    desk.request("PATCH", f"/missions/{mission_id}", json=body, headers={"If-Match": "*"})


def release_some(desk: FieldClient, mission_id: str) -> int:
    """Release a few entries before their ten minutes are over, with a reason; returns how many."""
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while True:
        found = desk.request("GET", f"/live/missions/{mission_id}/entries").json()["items"]
        notes = [one for one in found if one["source"] == "log" and not one["categories"]]
        if len(notes) >= RELEASED or time.monotonic() > deadline:
            break
        time.sleep(_PAUSE_SECONDS)
    body = {"decision": "release", "reason": _REASON}
    for one in notes[:RELEASED]:
        desk.request("POST", f"/live/entries/{one['entry_id']}/decision", json=body)
    return len(notes[:RELEASED])


def invite(url: str, login: str, password: str, mission_id: str, name: str) -> Invitation:
    """Sign in on the console and invite an observer."""
    supervisor = Browser(url)
    supervisor.post("/sign-in", {"login": login, "password": password})
    now = datetime.now(UTC).astimezone(_ZONE)
    page = supervisor.post(
        "/guests",
        {
            "invitee": name,
            "invitee_title": "县人大代表(虚构)",
            "invitee_kind": "npc_deputy",
            "mission_id": mission_id,
            "window_from": _wall(now - timedelta(hours=1)),
            "window_to": _wall(now + timedelta(hours=10)),
        },
    )
    link, code = _LINK.search(page.text), _CODE.search(page.text)
    if link is None or code is None:
        raise RuntimeError(f"the invitation's page shows no link ({page.status_code})")
    return Invitation(link[1], code[1])


def visit(url: str, invitation: Invitation, hidden: list[str]) -> bool:
    """Come in as a guest; true when the log is there and nothing hidden is in what came."""
    guest = Browser(url)
    rules = guest.get(invitation.link.removeprefix(url))
    room = guest.post("/g", {"code": invitation.code, "agree": "true"})
    entries = len(_ENTRY.findall(room.text))
    leaked = [word for word in hidden if word in rules.text or word in room.text]
    say(f"a guest came in by link and code, and sees {entries} entries of the log")
    for word in leaked:
        say(f"[red]a guest was shown {word}[/red]")
    second = Browser(url).get(invitation.link.removeprefix(url))
    say(f"the same link in a second browser: {second.status_code}")
    return entries >= RELEASED and not leaked and second.status_code == httpx.codes.FORBIDDEN


def secrets_of(case: dict[str, Any]) -> list[str]:
    """What of a case no guest may ever get."""
    names = [party["name"] for party in case["parties"] if party["kind"] == "natural"]
    return [*names, case["case_no"], "38.21", "104.41"]


def _wall(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M")
