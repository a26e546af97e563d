"""An action in a real browser: begun, written down, judged, answered for; a closing refused."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Page, expect

from client_sdk.protocol.entries import kinds
from server.console.words import text
from tests.factories.cases import add_case
from tests.functional.console.conftest import Console

ITEM = "数控机床(虚构)"
EXCUSE = "同事途中车辆故障(虚构)"
RULING = "人数不足，问题成立(虚构)"
WAIT_MS = 30_000


def say(key: str, **values: Any) -> str:
    return text("zh", key, **values)


def step(page: Page, kind: str) -> None:
    """Choose what to write down on the page of an action."""
    steps = page.get_by_role("navigation", name=say("actions.write_down"))
    steps.get_by_role("link", name=kinds()[kind].label.zh, exact=True).click()


def save(page: Page) -> None:
    page.get_by_role("button", name=say("register.save"), exact=True).click()
    expect(page.locator("#said")).to_contain_text(say("register.said_written"))


def begun(console: Console, page: Page) -> tuple[str, str]:
    """An officer begins to seal, alone; the addresses of case and action."""
    app, court = console.server.app, console.ground.first.world
    with app.app_context():
        case = f"/cases/{add_case(app, court.id, serial=811, handler_id=court.officer.id)}"
    page.goto(case)
    parts = page.get_by_role("navigation", name=say("register.parts"))
    parts.get_by_role("link", name=say("register.tab_actions"), exact=True).click()
    page.get_by_role("link", name=say("actions.start"), exact=True).first.click()
    page.get_by_label("类型").select_option("seal")
    page.get_by_label("地点").fill("清河镇(虚构)")
    save(page)
    return case, re.split(r"[?#]", page.url)[0]


def written(page: Page, officer: str) -> None:
    """Who was there, what was seen to, one item, the end."""
    step(page, "action.people")
    first = page.get_by_role("group", name=say("register.person", n=1))
    first.get_by_label(say("register.person_id")).select_option(officer)
    first.get_by_label(say("register.person_role")).select_option("staff")
    first.get_by_label(say("register.person_post")).select_option("enforcement_officer")
    save(page)
    step(page, "action.facts")
    page.get_by_label("着装规范").select_option("yes")
    page.get_by_label("出示执行公务证件").select_option("yes")
    save(page)
    step(page, "action.item")
    page.get_by_label("序号").fill("1")
    page.get_by_label("名称").fill(ITEM)
    page.get_by_label("估值").fill("5000.50")
    save(page)
    step(page, "action.ended")
    save(page)


def test_an_action_from_its_begin_to_a_finding_that_is_upheld(console: Console) -> None:
    with console.page_as("officer") as page:
        case, action = begun(console, page)
        written(page, str(console.ground.first.world.officer.id))
        expect(page.locator("#check-CC01")).to_contain_text(say("conduct.outcome_pass"))
        alone = page.locator("#check-CC02")
        expect(alone).to_contain_text(say("conduct.outcome_fail"))
        expect(alone).to_contain_text("少于 2 人")
        row = page.get_by_role("row", name=re.compile(re.escape(ITEM))).first
        expect(row).to_contain_text("¥5,000.50")
        expect(row).to_contain_text(say("actions.lacks_photo"))
        finding = page.locator("article", has_text="CC02")
        reloaded_until(page, finding)
        finding.get_by_label(say("conduct.explain_label")).fill(EXCUSE)
        finding.get_by_role("button", name=say("conduct.explain")).click()
        expect(page.locator("#said")).to_contain_text(say("conduct.said_explained"))
    with console.page_as("supervisor") as page:
        page.goto("/findings?state=explained")
        page.locator("tbody tr", has_text="811号").get_by_role("link", name="CC02").click()
        finding = page.locator("article", has_text="CC02")
        expect(finding).to_contain_text(EXCUSE)
        finding.get_by_label(say("conduct.decide_label")).fill(RULING)
        finding.get_by_role("button", name=say("conduct.uphold")).click()
        expect(page.locator("article", has_text="CC02")).to_contain_text(RULING)
        expect(page.locator("#said")).to_contain_text(say("conduct.said_upheld"))
        assert page.url.startswith(action)
        closing_is_refused(page, case)


def reloaded_until(page: Page, there: Any) -> None:
    """The worker opens findings; the page is loaded anew until it has."""
    for _ in range(WAIT_MS // 500):
        if there.count():
            return
        page.wait_for_timeout(500)
        page.reload()
    expect(there).to_be_visible()


def closing_is_refused(page: Page, case: str) -> None:
    """The gates say beforehand what is missing, and so does the refusal."""
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(f"{case}/closing")
    page.get_by_label(say("standing.method")).select_option("round_terminated")
    page.get_by_role("button", name=say("standing.try")).click()
    first = page.locator("#gate-G1")
    expect(first).to_contain_text(say("standing.missing"))
    page.get_by_role("button", name=say("standing.do_close")).click()
    refused = page.get_by_role("alert")
    expect(refused).to_contain_text("条件不具备")
    expect(refused).to_contain_text("已发出执行通知、责令报告财产")
    assert refused.locator("a[href*='kind=case.paper']").count() > 0
    page.goto(f"{case}/state")
    expect(page.get_by_role("heading", level=1)).not_to_contain_text(say("cases.status_closed"))
