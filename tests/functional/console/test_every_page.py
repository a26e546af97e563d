"""What holds for every page: accessible, bilingual, in all themes, narrow, without scripts."""

from __future__ import annotations

import itertools
from typing import Any, Final

import pytest
from playwright.sync_api import Page

from server.console.pages import THEMES
from server.console.words import LANGUAGES
from tests.functional.console.conftest import Console
from tests.functional.console.pages import PAGES, ConsolePage
from tests.support.live import ROOT
from tests.support.need import need

AXE: Final = ROOT / "node_modules" / "axe-core" / "axe.min.js"
RULES: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
EACH: Final = pytest.mark.parametrize("one", PAGES, ids=lambda one: one.name)
NARROW: Final = {"width": 320, "height": 640}
OVERFLOW: Final = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
UNTRANSLATED: Final = r"[A-Za-z]{4,}"


def opened(page: Page, console: Console, one: ConsolePage) -> Page:
    answer = page.goto(one.path.format(**console.ids))
    assert answer is not None
    assert answer.status == one.status, (one.path, answer.status)
    return page


@EACH
def test_axe_finds_nothing(console: Console, one: ConsolePage) -> None:
    need(AXE.is_file(), "axe-core, as 'make test' installs it")
    wrong: list[str] = []
    for lang, theme in itertools.product(LANGUAGES, THEMES):
        with console.page_as(one.who, lang=lang, theme=theme, bypass_csp=True) as page:
            opened(page, console, one)
            page.add_script_tag(path=AXE)
            run = "(tags) => axe.run(document, {runOnly: tags, resultTypes: ['violations']})"
            found: dict[str, Any] = page.evaluate(run, RULES)
            wrong += [
                f"{lang}/{theme} {rule['id']}: {node['target']} {node['failureSummary']}"
                for rule in found["violations"]
                for node in rule["nodes"][:3]
            ]
    assert wrong == []


@EACH
@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_narrow_window_and_large_text_need_no_sideways_scrolling(
    console: Console, one: ConsolePage, lang: str
) -> None:
    with console.page_as(one.who, lang=lang, viewport=NARROW) as page:
        opened(page, console, one)
        assert page.evaluate(OVERFLOW) <= 0
        # 200 % text at 640 pixels leaves what 320 pixels leave at 100 %.
        page.set_viewport_size({"width": 640, "height": 640})
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        assert page.evaluate(OVERFLOW) <= 0


@EACH
def test_works_without_scripts(console: Console, one: ConsolePage) -> None:
    with console.page_as(one.who, java_script_enabled=False) as page:
        opened(page, console, one)
        assert page.locator("h1").count() == 1
        assert page.locator("main").inner_text().strip()


@EACH
def test_titles_differ_by_language(console: Console, one: ConsolePage) -> None:
    titles = []
    for lang in LANGUAGES:
        with console.page_as(one.who, lang=lang) as page:
            titles.append(opened(page, console, one).title())
            assert page.locator("html").get_attribute("lang") in {"zh-Hans", "en"}
    assert len(set(titles)) == len(titles)
