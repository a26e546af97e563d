"""Every page in English, and without scripts; see ``walk``."""

from __future__ import annotations

import pytest

from tests.functional.console.conftest import Console
from tests.functional.console.pages import PAGES, ConsolePage
from tests.functional.console.walk import stands

EACH = pytest.mark.parametrize("one", PAGES, ids=lambda one: one.name)


@EACH
def test_a_page_stands(console: Console, one: ConsolePage) -> None:
    stands(console, one, "en")


@EACH
def test_a_page_works_without_scripts(console: Console, one: ConsolePage) -> None:
    with console.page_as(one.who, lang="en", java_script_enabled=False) as page:
        answer = page.goto(one.path.format(**console.ids))
        assert answer is not None
        assert answer.status == one.status
        assert page.locator("h1").count() == 1
        assert page.locator("main").inner_text().strip()
