"""What a page may weigh (05 §5.5): scripts, styles and its own HTML, compressed."""

from __future__ import annotations

import gzip
from typing import Final

import pytest
from playwright.sync_api import Response

from tests.functional.console.conftest import Console
from tests.functional.console.pages import PAGES, ConsolePage

KIB: Final = 1024
HTML_BYTES_MAX: Final = 30 * KIB
CSS_BYTES_MAX: Final = 15 * KIB
SCRIPT_BYTES_MAX: Final = {"guest": 25 * KIB, "map": 120 * KIB, "console": 60 * KIB}


@pytest.mark.parametrize("one", PAGES, ids=lambda one: one.name)
def test_a_page_stays_within_its_budget(console: Console, one: ConsolePage) -> None:
    weights = {"document": 0, "script": 0, "stylesheet": 0}
    addresses: list[str] = []
    with console.page_as(one.who) as page:
        answers: list[Response] = []
        page.on("response", lambda answer: answers.append(answer))  # noqa: PLW0108  Playwright marks functions
        page.goto(one.path.format(**console.ids), wait_until="load")
        for answer in answers:
            kind = answer.request.resource_type
            if kind in weights and answer.ok:
                weights[kind] += len(gzip.compress(answer.body(), 6))
                addresses.append(answer.url)
    mapped = any("leaflet" in address for address in addresses)
    budget = "guest" if one.who == "guest" else "map" if mapped else "console"
    assert weights["document"] <= HTML_BYTES_MAX
    assert weights["stylesheet"] <= CSS_BYTES_MAX
    assert weights["script"] <= SCRIPT_BYTES_MAX[budget]
