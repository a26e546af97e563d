"""The whole of review by keys, in a real browser: decisions, undo, several at once, second look."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Any, Final

import pytest
from playwright.sync_api import Page, expect

from server.console import words
from server.core.transactions import unit_of_work
from server.evidence.models import Evidence
from server.review.models import ReviewEntry, ReviewMarker
from tests.factories.queue_items import Upload, arrive, picture
from tests.functional.console.conftest import Console

ITEMS: Final = 50
KEYS_PER_ITEM_MAX: Final = 1.2
ANSWER_SECONDS: Final = 30
# Trusted events of a pointer; what a script dispatches by itself is none.
COUNT_POINTER = """
addEventListener('load', () => 0);
for (const kind of ['mousedown', 'mousemove', 'mouseup', 'pointerdown', 'touchstart', 'wheel'])
  addEventListener(kind, (event) => {
    if (event.isTrusted) sessionStorage.pointer = Number(sessionStorage.pointer ?? 0) + 1;
  }, {capture: true});
"""
SHOWN = "(document.querySelector('article[data-item]')?.dataset.item ?? '')"
IDLE = "!document.querySelector('[data-part=review-pane]').hasAttribute('aria-busy')"


class Keys:
    """A keyboard that counts, and waits for the pane to follow."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.pressed = 0

    @property
    def item(self) -> str:
        found: str = self.page.evaluate(SHOWN)
        return found

    def until(self, holds: str) -> None:
        """Wait for the page; its policy forbids Playwright's own way of asking again and again."""
        deadline = time.monotonic() + ANSWER_SECONDS
        while not self.page.evaluate(holds):
            assert time.monotonic() < deadline, holds
            self.page.wait_for_timeout(10)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)
            self.pressed += 1

    def moves(self, *keys: str) -> None:
        """Press and wait until another item, or none, is shown."""
        before = self.item
        self.press(*keys)
        self.until(f"{SHOWN} !== {before!r} && {IDLE}")

    def settles(self, *keys: str) -> None:
        """Press and wait for the answer."""
        with self.page.expect_response(lambda answer: answer.request.method == "GET"):
            self.press(*keys)
        self.until(IDLE)


@pytest.fixture
def items(console: Console) -> Callable[[int, int], list[uuid.UUID]]:
    def make(count: int, first: int) -> list[uuid.UUID]:
        uploads = [Upload(picture(number)) for number in range(first, first + count)]
        return arrive(console.ground, uploads)

    return make


def rows(console: Console, model: Any, ids: list[uuid.UUID]) -> list[Any]:
    column = model.id if model is Evidence else model.evidence_id
    with unit_of_work(console.ground.first.world.id, write=False) as session:
        found = session.query(model).filter(column.in_(ids)).order_by(model.id).all()
        session.expunge_all()
        return list(found)


@pytest.mark.timeout(600)
def test_fifty_items_are_reviewed_without_a_mouse(
    console: Console, items: Callable[[int, int], list[uuid.UUID]]
) -> None:
    ids = items(ITEMS, 0)
    device = rows(console, Evidence, ids)[0].captured_by
    with console.page_as("supervisor") as page:
        page.add_init_script(COUNT_POINTER)
        page.goto(f"/review?device={device}")
        keys = Keys(page)
        seen = []
        for _ in range(ITEMS):
            seen.append(keys.item)
            keys.moves("a")
        expect(page.get_by_text(words.text("zh", "review.empty"))).to_be_visible()
        assert page.evaluate("Number(sessionStorage.pointer ?? 0)") == 0
        assert keys.pressed / ITEMS <= KEYS_PER_ITEM_MAX
    assert sorted(seen) == sorted(map(str, ids)), "each item was before the reviewer once"
    assert {row.review_state for row in rows(console, Evidence, ids)} == {"accepted"}
    decisions = rows(console, ReviewEntry, ids)
    assert len(decisions) == ITEMS, "no key decided on two"


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("lang", "first"), [("zh", 100), ("en", 120)], ids=["zh", "en"])
def test_every_key_does_what_it_says(  # noqa: PLR0915  one journey, key by key
    console: Console, items: Callable[[int, int], list[uuid.UUID]], lang: str, first: int
) -> None:
    ids = items(6, first)
    device = rows(console, Evidence, ids)[0].captured_by
    t = dict(words.texts())
    with console.page_as("supervisor", lang=lang) as page:
        page.add_init_script(COUNT_POINTER)
        page.goto(f"/review?device={device}")
        keys = Keys(page)
        start = keys.item
        keys.moves("j")
        keys.moves("k")
        assert keys.item == start
        keys.press("r")
        keys.moves("3")
        decided = t["review.decided_returned"].in_language(lang).partition("{")[0].strip()  # type: ignore[arg-type]
        expect(page.locator("form.said")).to_contain_text(decided)
        keys.settles("z")
        assert keys.item == start
        expect(page.locator("article")).to_have_attribute("data-state", "pending")
        keys.press("r", "9")
        page.keyboard.type("请补录全程(虚构)")
        keys.moves("Enter")
        second = keys.item
        keys.press("f")
        page.keyboard.type("门牌是哪一户(虚构)")
        keys.moves("Enter")
        third = keys.item
        keys.press("c")
        page.keyboard.type("光线偏暗(虚构)")
        keys.settles("Enter")
        keys.press("m")
        page.keyboard.type("门牌(虚构)")
        keys.settles("Enter")
        assert keys.item == third
        expect(page.locator(".history")).to_contain_text("光线偏暗")
        keys.press("x")
        expect(page.locator("[data-row][aria-current] input")).to_be_checked()
        keys.press("?")
        expect(page.locator("#keys")).to_have_attribute("open", "")
        keys.press("/")
        page.keyboard.type("zzzz")
        keys.press("Enter")
        page.wait_for_url("**/find?q=zzzz")
        page.go_back()
        keys.press("p")
        page.wait_for_url("**/print")
        assert page.evaluate("Number(sessionStorage.pointer ?? 0)") == 0
    states = {
        str(row.id): (row.review_state, row.review_reason) for row in rows(console, Evidence, ids)
    }
    assert states[start] == ("returned", "9")
    assert states[second][0] == "queried"
    kinds = [row.decision for row in rows(console, ReviewEntry, ids)]
    assert kinds == ["return", "reverse", "return", "query", "comment"]
    assert len(rows(console, ReviewMarker, ids)) == 1


@pytest.mark.timeout(300)
def test_a_decision_of_somebody_else_in_between_is_explained(
    console: Console, items: Callable[[int, int], list[uuid.UUID]]
) -> None:
    ids = items(1, 140)
    with console.page_as("supervisor") as mine, console.page_as("president") as theirs:
        mine.goto(f"/review/{ids[0]}?status=all")
        theirs.goto(f"/review/{ids[0]}?status=all")
        theirs.keyboard.press("a")
        expect(theirs.locator("form.said")).to_be_visible()
        mine.keyboard.press("a")
        expect(mine.get_by_role("alert")).to_contain_text("president")
    (entry,) = rows(console, ReviewEntry, ids)
    assert entry.decision == "accept"


@pytest.mark.timeout(300)
def test_without_scripts_several_items_are_decided_after_a_preview(
    console: Console, items: Callable[[int, int], list[uuid.UUID]]
) -> None:
    ids = items(3, 160)
    device = rows(console, Evidence, ids)[0].captured_by
    with console.page_as("supervisor", java_script_enabled=False) as page:
        page.goto(f"/review?device={device}")
        for box in page.locator("input[name=item]").all():
            box.check()
        page.get_by_text(words.text("zh", "review.bulk"), exact=True).click()
        page.get_by_role("button", name=words.text("zh", "review.bulk_preview")).click()
        expect(page.locator("main")).to_contain_text(
            words.text("zh", "review.bulk_would", change=3, skip=0)
        )
        page.get_by_role("button", name=words.text("zh", "review.bulk_apply", n=3)).click()
        expect(page.locator("#said")).to_contain_text("3")
        page.goto(f"/review/{ids[0]}?status=all")
        page.get_by_text(words.text("zh", "review.take_back"), exact=True).first.click()
        page.get_by_role("button", name=words.text("zh", "review.take_back")).click()
        expect(page.locator("#said")).to_contain_text(words.text("zh", "review.said_undone"))
    found = {row.id: row.review_state for row in rows(console, Evidence, ids)}
    assert sorted(found.values()) == ["accepted", "accepted", "pending"]


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("lang", "first"), [("zh", 180)], ids=["zh"])
def test_the_second_look_is_another_persons(
    console: Console, items: Callable[[int, int], list[uuid.UUID]], lang: str, first: int
) -> None:
    ids = items(2, first)
    with console.page_as("supervisor", lang=lang) as page:
        for one in ids:
            page.goto(f"/review/{one}?status=all")
            page.keyboard.press("a")
            expect(page.locator("form.said")).to_be_visible()
        page.goto("/review/second")
        page.get_by_label(words.text("zh", "second.goal")).fill("1000")
        page.get_by_role("button", name=words.text("zh", "second.goal_set")).click()
        page.get_by_role("button", name=words.text("zh", "second.draw")).click()
        expect(page.locator("table")).to_contain_text(words.text("zh", "second.own"))
    with console.page_as("president", lang=lang) as page:
        page.goto("/review/second")
        page.get_by_role("button", name=words.text("zh", "second.agree")).first.click()
        expect(page.locator("#said")).to_contain_text(words.text("zh", "second.said_agree"))
        page.get_by_label(words.text("zh", "second.why")).first.fill("画面不全(虚构)")
        page.get_by_role("button", name=words.text("zh", "second.disagree")).first.click()
        expect(page.locator("#said")).to_contain_text(words.text("zh", "second.said_disagree"))
