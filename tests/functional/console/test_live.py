"""The release desk and the rules of release before a real browser."""

from __future__ import annotations

import itertools
import re

import pytest
from playwright.sync_api import Page, expect

from tests.factories.ground import Ground
from tests.factories.live import Outing
from tests.functional.console.conftest import Console

PATIENCE_MS = 60_000
SERIALS = itertools.count(700)


@pytest.fixture
def outing(console: Console) -> Outing:
    """A mission under way with a line that waits and one that is held by its category."""
    ground: Ground = console.ground
    made = Outing.build(
        console.server.app, world=ground.world, title="清河镇清点(虚构)", serial=next(SERIALS)
    )
    made.start()
    made.note("到达现场，亮明执行公务证(虚构)")
    made.note("据线索前往仓库(虚构)")
    return made


def desk_of(page: Page, outing: Outing) -> Page:
    """The desk once the worker has taken the lines in."""
    path = f"/live/{outing.mission}/control"
    page.goto(path)
    rows = page.locator("[data-entry]")
    for _ in range(PATIENCE_MS // 500):
        if rows.count() >= 2:
            break
        page.wait_for_timeout(500)
        page.goto(path)
    expect(page.locator("live-log")).to_have_attribute(
        "data-state", "connected", timeout=PATIENCE_MS
    )
    return page


def row(page: Page, text: str) -> str:
    """A selector of the row whose record says this."""
    found = page.locator("[data-entry]", has_text=text).get_attribute("id")
    return f"[id='{found}']"


def in_state(page: Page, selector: str, state: str) -> None:
    expect(page.locator(selector)).to_have_class(re.compile(rf"\b{state}\b"), timeout=PATIENCE_MS)


def focus(page: Page, selector: str) -> None:
    """Go to a row with J and K alone."""
    for key in "kkkkjjjj":
        if page.locator(f"{selector}:focus").count():
            return
        page.keyboard.press(key)
    assert page.locator(f"{selector}:focus").count(), "the row cannot be reached by keys"


def test_each_decision_is_a_key(console: Console, outing: Outing) -> None:
    with console.page_as("supervisor") as page:
        page.add_init_script("addEventListener('mousedown', () => { window.mouse = 1 }, true)")
        desk_of(page, outing)
        waits, held = row(page, "亮明执行公务证"), row(page, "据线索")
        in_state(page, held, "held")
        expect(page.locator(held)).to_contain_text("线索来源")
        focus(page, waits)
        page.keyboard.press("h")
        in_state(page, waits, "held")
        focus(page, waits)
        page.keyboard.press("r")
        page.keyboard.type("任务已公开(虚构)")
        page.keyboard.press("Enter")
        in_state(page, waits, "released")
        focus(page, waits)
        page.keyboard.press("w")
        page.keyboard.type("误发(虚构)")
        page.keyboard.press("Enter")
        in_state(page, waits, "withdrawn")
        focus(page, held)
        page.keyboard.press("e")
        page.keyboard.press("Control+a")
        page.keyboard.type("到达仓库")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        in_state(page, held, "redacted")
        page.keyboard.press("?")
        assert page.locator("#keys").get_attribute("open") is not None
        assert page.evaluate("window.mouse") is None


def test_a_refusal_is_said_where_one_is(console: Console, outing: Outing) -> None:
    with console.page_as("supervisor") as page:
        desk_of(page, outing)
        held = row(page, "据线索")
        focus(page, held)
        page.keyboard.press("e")
        page.keyboard.press("Control+a")
        page.keyboard.type("线索属实")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("lead-source", timeout=PATIENCE_MS)
        in_state(page, held, "held")


def test_new_entries_wait_behind_a_pill(console: Console, outing: Outing) -> None:
    with console.page_as("supervisor") as page:
        desk_of(page, outing)
        before = page.locator("[data-entry]").count()
        outing.note("宣读裁定(虚构)")
        expect(page.locator("[data-pill]")).to_have_text("1 条新条目", timeout=PATIENCE_MS)
        assert page.locator("[data-entry]").count() == before
        page.keyboard.press("n")
        expect(page.locator("[data-entry]")).to_have_count(before + 1)
        expect(page.locator("[data-entry]").first).to_be_focused()
        expect(page.locator("[data-pill]")).to_be_hidden()


def test_a_lost_stream_is_said_and_comes_back(console: Console, outing: Outing) -> None:
    with console.page_as("officer") as page:
        page.route("**/stream?*", lambda route: route.abort())
        page.goto(f"/live/{outing.mission}")
        expect(page.locator("[data-connection]")).to_contain_text("正在重连")
        page.unroute("**/stream?*")
        expect(page.locator("[data-connection]")).to_contain_text("实时连接", timeout=PATIENCE_MS)
        expect(page.locator("[data-lag]")).to_contain_text("秒前更新")


def test_decisions_work_without_scripts(console: Console, outing: Outing) -> None:
    with console.page_as("supervisor") as page:
        desk_of(page, outing)
    with console.page_as("supervisor", java_script_enabled=False) as page:
        page.goto(f"/live/{outing.mission}/control")
        waits = row(page, "亮明执行公务证")
        page.locator(waits).get_by_role("button", name="暂扣").click()
        expect(page.get_by_role("status").first).to_contain_text("已暂扣")
        in_state(page, waits, "held")


def test_an_officer_follows_but_does_not_decide(console: Console, outing: Outing) -> None:
    with console.page_as("officer") as page:
        page.goto(f"/live/{outing.mission}")
        assert page.locator("[data-decide]").count() == 0
        answer = page.goto(f"/live/{outing.mission}/control")
        assert answer is not None
        assert answer.status == 403


def test_rules_are_tried_before_they_are_set(console: Console, outing: Outing) -> None:
    with console.page_as("supervisor", lang="en") as page:
        desk_of(page, outing)
        page.goto(f"/live/rules?mission={outing.mission}")
        preview = page.get_by_role("region", name="What observers would see")
        expect(preview).to_contain_text("清河镇")
        version = int(page.locator("input[name=version]").get_attribute("value") or "")
        page.get_by_label("Delay (minutes)").fill("20")
        page.get_by_role("button", name="Preview only").click()
        expect(page.get_by_text("Under the rules being tried")).to_be_visible()
        expect(page.get_by_label("Delay (minutes)")).to_have_value("20")
        before = int(page.locator("input[name=version]").get_attribute("value") or "")
        assert before == version
        page.get_by_label("Reason").fill("Tried out (fictional)")
        page.get_by_role("button", name="Put in force and log").click()
        expect(page.get_by_role("status").first).to_contain_text("in force")
        now = page.get_by_role("heading", name=f"version {version + 1} is in force")
        expect(now).to_be_visible()
