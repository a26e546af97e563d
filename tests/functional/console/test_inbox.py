"""The inbox on a real browser: where people land, what waits, and the number in the menu."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, expect

from server.console.words import LANGUAGES, Language, text
from server.core.transactions import EVERY_COURT, unit_of_work
from server.notices.models import UserNotice
from tests.factories.footage import bring
from tests.functional.console.conftest import Console

EACH = pytest.mark.parametrize("lang", LANGUAGES)


@pytest.fixture(scope="module", autouse=True)
def waiting(console: Console, tmp_path_factory: pytest.TempPathFactory) -> None:
    """One item that nobody has decided on."""
    path = tmp_path_factory.mktemp("inbox") / "note.txt"
    path.write_text("清点记录(虚构)")
    bring(console.server.app, console.ground, path, "text/plain")


@contextmanager
def told(console: Console, lang: Language) -> Iterator[Page]:
    """The supervisor's inbox, once the running worker has told of what is in the ground."""
    with console.page_as("supervisor", lang=lang) as page:
        page.goto("/inbox")
        for _ in range(60):
            if page.locator("#notices ~ ul.told li").count():
                break
            page.wait_for_timeout(500)
            page.reload()
        yield page


def forget(console: Console) -> None:
    """Every notice is unread again."""
    with unit_of_work(EVERY_COURT) as session:
        session.query(UserNotice).update({"read_at": None})
    assert console.ids


@EACH
def test_what_waits_leads_to_where_it_is_done(console: Console, lang: Language) -> None:
    with told(console, lang) as page:
        card = page.locator("#task-review")
        expect(card).to_contain_text(text(lang, "inbox.task_review"))
        assert int(card.locator(".task-count").inner_text().rstrip("+")) >= 1
        card.get_by_role("link").click()
        page.wait_for_url("**/review*")


@EACH
def test_the_number_in_the_menu_goes_when_everything_is_read(
    console: Console, lang: Language
) -> None:
    forget(console)
    with told(console, lang) as page:
        badge = page.locator('nav a[href="/inbox"] .badge')
        expect(badge).to_be_visible()
        assert text(lang, "inbox.badge", n=badge.inner_text()) == badge.get_attribute("title")
        page.get_by_role("button", name=text(lang, "inbox.read_all")).click()
        expect(page.get_by_text(text(lang, "inbox.said_read"))).to_be_visible()
        expect(page.get_by_text(text(lang, "inbox.no_notices"), exact=True)).to_be_visible()
        expect(badge).to_have_count(0)
        page.get_by_role("link", name=text(lang, "inbox.show_all")).click()
        expect(page.locator("#notices ~ ul.told li").first).to_be_visible()


def test_without_scripts_one_notice_is_read_by_its_button(console: Console) -> None:
    forget(console)
    with told(console, "zh"):
        pass
    with console.page_as("supervisor", java_script_enabled=False) as page:
        page.goto("/inbox")
        rows = page.locator("#notices ~ ul.told li")
        before = rows.count()
        rows.first.get_by_role("button").click()
        assert rows.count() == before - 1


def test_the_keyboard_reaches_every_next_step(console: Console) -> None:
    with told(console, "zh") as page:
        wanted = page.locator("main a[href], main button").count()
        page.locator("main").focus()
        reached = set()
        for _ in range(wanted):
            page.keyboard.press("Tab")
            reached.add(page.evaluate("document.activeElement.outerHTML"))
        shown = page.evaluate("document.activeElement.matches(':focus-visible')")
        assert (len(reached) >= wanted - 1, shown) == (True, True)


def test_an_administrator_lands_on_what_fails(console: Console) -> None:
    with console.page_as("administrator") as page:
        page.goto("/inbox")
        expect(page.locator("#task-webhooks")).to_be_visible()
        expect(page.locator("#task-review")).to_have_count(0)
        page.goto("/admin/webhooks")
        page.get_by_role("link", name="对接系统").first.click()
        expect(page.get_by_text(text("zh", "webhooks.problem_private_address"))).to_be_visible()


def test_a_webhook_is_made_on_its_page(console: Console) -> None:
    with console.page_as("administrator") as page:
        page.goto("/admin/webhooks/new")
        page.get_by_label(text("zh", "webhooks.name"), exact=True).fill("新系统(虚构)")
        page.get_by_label(text("zh", "webhooks.url"), exact=True).fill("https://hooks.example/x")
        page.get_by_label(text("zh", "webhooks.kind_account_locked")).check()
        page.get_by_role("button", name=text("zh", "webhooks.make")).click()
        secret = page.locator("#webhook-secret").inner_text()
        assert secret.startswith("whsec_")
        page.get_by_role("link", name=text("zh", "webhooks.to_webhook")).click()
        page.on("dialog", lambda dialog: dialog.accept())
        page.get_by_role("button", name=text("zh", "webhooks.end"), exact=True).click()
        expect(page.get_by_text(text("zh", "webhooks.said_changed"))).to_be_visible()
        assert secret not in page.content()
