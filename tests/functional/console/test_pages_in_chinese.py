"""Every page in Chinese; see ``walk``.  A file a language, so that both run at a time."""

from __future__ import annotations

import pytest

from tests.functional.console.conftest import Console
from tests.functional.console.pages import PAGES, ConsolePage
from tests.functional.console.walk import stands


@pytest.mark.parametrize("one", PAGES, ids=lambda one: one.name)
def test_a_page_stands(console: Console, one: ConsolePage) -> None:
    stands(console, one, "zh")
