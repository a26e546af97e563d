"""A custody report in two actions: ask for it, take it; what comes is the PDF of the package."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from server.console.words import LANGUAGES, Language, text
from tests.functional.console.conftest import Console
from tests.support.pdf_text import page_texts


@pytest.mark.parametrize("lang", LANGUAGES)
def test_two_actions_lead_to_the_report(console: Console, lang: Language, tmp_path: Path) -> None:
    with console.page_as(lang=lang) as page:
        page.goto(f"/e/{console.ids['evidence']}")
        page.get_by_role("button", name=text(lang, "evidence.report_make")).click()  # 1
        get = page.get_by_role("link", name=text(lang, "evidence.get_report"))
        get.wait_for(timeout=60_000)
        with page.expect_download() as taken:
            get.click()  # 2
        path = tmp_path / "report.pdf"
        taken.value.save_as(path)
        assert taken.value.suggested_filename.startswith("custody-")
    report = "".join("".join(page_texts(path.read_bytes())).split())
    assert hashlib.sha256(console.ground.first.photo).hexdigest() in report
