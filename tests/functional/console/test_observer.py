"""The observer's journey on a real browser: link, code, live log, opinion, reply, replay, note."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from client_sdk.protocol.attendance import verify_attendance
from client_sdk.protocol.statements import SignedStatement
from server.console.words import LANGUAGES, Language, text
from tests.factories.console import desk
from tests.factories.guests import Invited, invite
from tests.factories.identity import runtime_of
from tests.functional.console.conftest import Console

TAPS_MAX = 3
# A machine for tests has no microphone: a tone stands in for the voice, all else is real.
MICROPHONE = """navigator.mediaDevices.getUserMedia = async () => {
  const audio = new AudioContext();
  const tone = audio.createOscillator();
  const out = audio.createMediaStreamDestination();
  tone.connect(out);
  tone.start();
  return out.stream;
}"""
TO_LIVE_SECONDS_MAX = 15
RELEASE_SECONDS_MAX = 30


def invitation(console: Console, name: str) -> Invited:
    outing = console.observed.outing
    return invite(console.server.app, outing.court.supervisor, outing.mission, name=name)


def enter(page: Page, invited: Invited, lang: Language) -> int:
    """From the link to the live log; returns the taps, typing not counted."""
    page.goto(invited.link)
    page.wait_for_url("**/g")
    taps = 1
    page.get_by_label(text(lang, "room.agree")).check()
    taps += 1
    page.get_by_label(text(lang, "room.code"), exact=True).fill(invited.code)
    page.get_by_role("button", name=text(lang, "room.enter")).click()
    taps += 1
    page.locator("#room[data-phase=live]").wait_for()
    return taps


def release(console: Console, note: str) -> None:
    """A line of the officer that is released at once, by the running server's own log."""
    outing = console.observed.outing
    outing.set_rules(delay_seconds=0)
    shown = len(outing.seen())
    outing.note(note)
    deadline = time.monotonic() + RELEASE_SECONDS_MAX
    while len(outing.seen()) == shown:
        assert time.monotonic() < deadline, "the worker releases nothing"
        time.sleep(0.1)
    outing.set_rules(delay_seconds=600)


def add_reply(console: Console, reply: str) -> None:
    """The supervisor answers what waits for an answer."""
    lead = desk(console.server.app, console.observed.outing.court.supervisor)
    listed = lead.get("/opinions").get_data(as_text=True)
    for piece in listed.split('action="/opinions/')[1:]:
        one, _, rest = piece.partition("/")
        if rest.startswith("answer"):
            lead.post(f"/opinions/{one}/answer", {"reply": reply})


@pytest.mark.parametrize("lang", LANGUAGES)
def test_from_the_link_to_a_reply_and_the_note(console: Console, lang: Language) -> None:
    invited = invitation(console, f"贾旅程{lang}(虚构)")
    with console.page_as("nobody", lang=lang, accept_downloads=True) as page:
        begun = time.monotonic()
        assert enter(page, invited, lang) <= TAPS_MAX
        assert time.monotonic() - begun <= TO_LIVE_SECONDS_MAX
        assert invited.token not in page.content()
        watch(page, lang)
        speak(page, lang)
        add_reply(console, f"感谢意见{lang}(虚构)")
        page.reload()
        expect(page.locator("#mine")).to_contain_text(f"感谢意见{lang}")
        expect(page.locator("#mine")).to_contain_text(text(lang, "room.opinion_answered"))
        step_through(page, lang)
        keep_note(console, page, lang)


def watch(page: Page, lang: Language) -> None:
    """What stands on the page: stages, safety notice, states, masks, countdown, watermark."""
    expect(page.locator("[aria-current=step]")).to_have_count(1)
    expect(page.get_by_text(text(lang, "room.delayed", n=10))).to_be_visible()
    expect(page.locator(".entry.held")).to_contain_text(text(lang, "room.why_held"))
    expect(page.locator(".entry.withdrawn")).to_contain_text(text(lang, "room.why_withdrawn"))
    expect(page.locator("[data-countdown]")).to_contain_text(":")
    assert page.evaluate("document.querySelector('img.mark').naturalWidth") > 0


def speak(page: Page, lang: Language) -> None:
    """An opinion on an entry."""
    entry = page.locator(".entry.released").first
    entry.locator("summary").click()
    entry.get_by_label(text(lang, "room.say_question")).check()
    entry.get_by_label(text(lang, "room.say_text")).fill("由谁见证?(虚构)")
    entry.get_by_role("button", name=text(lang, "room.say_send")).click()
    expect(page.locator("#said")).to_contain_text(text(lang, "room.said_received"))
    expect(page.locator("#mine")).to_contain_text(text(lang, "room.opinion_received"))


def step_through(page: Page, lang: Language) -> None:
    """The replay has released entries only, in order."""
    page.get_by_role("link", name=text(lang, "room.to_replay")).click()
    entries = page.locator(".entry")
    total = entries.count()
    assert total >= 2
    assert page.locator(".entry.held, .entry.withdrawn").count() == 0
    page.get_by_role("link", name=text(lang, "room.first")).click()
    expect(entries).to_have_count(1)
    page.get_by_role("link", name=text(lang, "room.next")).click()
    expect(entries).to_have_count(2)


def keep_note(console: Console, page: Page, lang: Language) -> None:
    """The signed note, downloaded and verified."""
    page.get_by_role("link", name=text(lang, "room.to_attendance")).click()
    with page.expect_download() as download:
        page.get_by_role("link", name=text(lang, "room.attendance_keep")).click()
    value: Any = json.loads(download.value.path().read_bytes())
    keys = runtime_of(console.server.app).keyring
    note = verify_attendance(SignedStatement.from_dict(value), keys)
    assert note.seen >= 2
    assert note.observer == f"贾旅程{lang}(虚构)"


def test_new_entries_wait_behind_a_pill_and_come_once(console: Console) -> None:
    invited = invitation(console, "贾药丸(虚构)")
    with console.page_as("nobody", lang="en") as page:
        enter(page, invited, "en")
        before = page.locator(".entry").count()
        release(console, "清点完毕并签名(虚构)")
        pill = page.get_by_role("button", name="1 new")
        pill.wait_for()
        assert page.locator(".entry").count() == before
        page.evaluate("document.querySelector('[data-pill]').scrollIntoView()")
        pill.click()
        expect(page.locator(".entry")).to_have_count(before + 1)
        first = page.locator(".entry").first
        expect(first).to_contain_text("清点完毕并签名")
        expect(first).to_be_focused()
        expect(page.locator("[aria-current=step]")).to_contain_text("Inventory and record")
        first.locator("summary").click()
        first.get_by_label("Text").fill("很好(虚构)")
        first.get_by_role("button", name="Hand in").click()
        expect(page.locator("#mine")).to_contain_text("很好")
        expect(page.locator(".entry")).to_have_count(before + 1)


def test_the_connection_may_break_and_nothing_is_lost(console: Console) -> None:
    invited = invitation(console, "贾断线(虚构)")
    with console.page_as("nobody", lang="en") as page:
        enter(page, invited, "en")
        before = page.locator(".entry").count()
        page.context.set_offline(True)
        release(console, "断线期间第一条(虚构)")
        release(console, "断线期间第二条(虚构)")
        page.context.set_offline(False)
        page.get_by_role("button", name="2 new").click(timeout=30_000)
        expect(page.locator(".entry")).to_have_count(before + 2)


def test_a_revoked_guest_is_shown_out(console: Console) -> None:
    invited = invitation(console, "贾撤回(虚构)")
    with console.page_as("nobody", lang="en") as page:
        enter(page, invited, "en")
        invited.revoke(console.observed.outing.court.supervisor)
        page.get_by_role("heading", name="This link cannot be used").wait_for(timeout=10_000)
        assert page.locator(".entry").count() == 0


def test_a_second_browser_is_turned_away(console: Console) -> None:
    invited = invitation(console, "贾转发(虚构)")
    with console.page_as("nobody", lang="en") as page:
        enter(page, invited, "en")
    with console.page_as("nobody", lang="en") as page:
        answer = page.goto(invited.link)
        assert answer is not None
        assert answer.status == 403
        expect(page.get_by_role("heading", level=1)).to_contain_text("another browser")


def test_without_scripts_the_room_works_by_reloading(console: Console) -> None:
    invited = invitation(console, "贾无脚本(虚构)")
    with console.page_as("nobody", lang="en", java_script_enabled=False) as page:
        enter(page, invited, "en")
        page.locator(".entry.released summary").first.click()
        page.locator(".entry.released textarea").first.fill("不用脚本(虚构)")
        page.locator(".entry.released").first.get_by_role("button", name="Hand in").click()
        expect(page.locator("#mine")).to_contain_text("不用脚本")
        page.get_by_role("button", name="Larger text").click()
        assert page.locator(".room.large").count() == 1
        expect(page.locator("img.mark")).to_be_attached()


def test_a_voice_is_recorded_and_handed_in(console: Console) -> None:
    invited = invitation(console, "贾语音(虚构)")
    with console.page_as("nobody", lang="en") as page:
        page.add_init_script(MICROPHONE)
        enter(page, invited, "en")
        form = page.locator("[aria-labelledby=whole-title]")
        form.locator("summary").click()
        form.get_by_role("button", name="Speak instead").click()
        form.get_by_role("button", name="Stop recording").wait_for()
        page.wait_for_timeout(700)
        form.get_by_role("button", name="Stop recording").click()
        expect(form.locator("[data-voice-state]")).to_contain_text("attached")
        form.get_by_role("button", name="Hand in").click()
        expect(page.locator("#mine")).to_contain_text("A recording was kept")


def test_no_link_is_in_the_servers_log(console: Console) -> None:
    invited = invitation(console, "贾日志(虚构)")
    with console.page_as("nobody", lang="en") as page:
        enter(page, invited, "en")
        cookies = [one["value"] for one in page.context.cookies() if "guest" in one["name"]]
    log = console.server.log.read_text(encoding="utf-8", errors="replace")
    assert [one for one in (invited.token, invited.code, *cookies) if one in log] == []
