"""`verify.html` in a real browser, opened from a file, with no network (tamper_65)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.factories import tamper_files
from tests.factories.bent import write_bent
from tests.factories.tamper_cases import CASES
from tests.support import corpus
from tests.support.corpus import Written
from tests.support.node import build_verifier, chromium

# Every way of reading the file, for which browsers have code of their own; one case of each check
# and the odd keys besides. The rest of the corpus goes through the same modules in Node.
OTHERS: Final = {
    "20", "20_log", "23", "24", "53_revoked", "15", "17", "14", "42_other", "9", "29_event", "44b",
    "33", "36", "44b_attested", "12_stub", "35", "49", "43", "38", "3", "42", "13", "60", "40",
    "64", "52",
}  # fmt: skip
CHOSEN: Final = [case for case in CASES if case in tamper_files.case.cases or case.number in OTHERS]
BROKEN: Final = "not the length that it declares"
HIDDEN: Final = "archive-hidden"
BY_WORKER: Final = "const real = Worker; window.workers = 0; window.Worker = function (url) {"
COUNTED: Final = f"{BY_WORKER} window.workers += 1; return new real(url); }};"
REFUSED: Final = "window.Worker = function () { throw new Error('not allowed here'); };"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_verifier(tmp_path_factory.mktemp("verifier"))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> list[Written]:
    return corpus.write(tmp_path_factory.mktemp("corpus"), CHOSEN)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A window of 320 pixels without any network."""
    found = browser.new_context(
        offline=True, locale="en-GB", viewport={"width": 320, "height": 640}
    )
    yield found
    found.close()


class Opened:
    """The page with what it asked for and complained about."""

    def __init__(self, context: BrowserContext, built: Path, script: str = COUNTED) -> None:
        self.page: Page = context.new_page()
        self.asked: list[str] = []
        self.troubles: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.on("console", lambda message: self.troubles.append(message.text))
        self.page.add_init_script(script)
        self.page.goto(built.as_uri())

    def verify(self, case: Written) -> None:
        self.page.set_input_files("#dossier", case.dossier)
        self.page.set_input_files("#trust", case.trust)
        self.page.set_input_files("#priors", case.priors)
        self.page.click("#verify")
        self.page.wait_for_selector("#verify:enabled")

    @property
    def verdict(self) -> str | None:
        return self.page.get_attribute("[data-verdict]", "data-verdict")

    @property
    def reasons(self) -> set[str]:
        script = "all => all.map(one => one.dataset.reason)"
        return set(self.page.eval_on_selector_all("[data-reason]", script))

    def download(self, folder: Path) -> str:
        with self.page.expect_download() as waiting:
            self.page.click("#download")
        target = folder / "report.json"
        waiting.value.save_as(target)
        return target.read_text(encoding="utf-8")


@pytest.fixture
def opened(context: BrowserContext, built: Path) -> Opened:
    return Opened(context, built)


def test_tamper_65_the_page_judges_from_a_file_without_a_network(
    opened: Opened, built: Path, written: list[Written], tmp_path: Path
) -> None:
    genuine = written[0]
    opened.verify(genuine)
    assert (genuine.number, opened.verdict) == ("0", "VERIFIED")
    assert (
        opened.download(tmp_path) == json.dumps(genuine.report, ensure_ascii=False, indent=1) + "\n"
    )
    assert opened.page.evaluate("window.workers") == 1
    local = [url for url in opened.asked if not url.startswith("blob:")]
    assert local == [built.as_uri()]
    assert opened.troubles == []


def test_the_page_says_what_the_command_line_says(opened: Opened, written: list[Written]) -> None:
    for case in written:
        opened.verify(case)
        assert opened.verdict == case.report["verdict"], case.number
        assert opened.reasons == case.reasons, case.number
    assert opened.troubles == []


def test_the_page_reads_a_bent_zip_as_the_command_line_does(opened: Opened, tmp_path: Path) -> None:
    for case in corpus.judged(tmp_path, write_bent(tmp_path, "zip", 24)):
        opened.verify(case)
        assert opened.verdict == case.report["verdict"], case.number
        # How much of a broken compressed member can still be read differs; that it is broken not.
        broken = any(one["detail"] == BROKEN for one in case.report["findings"])
        assert opened.reasons == case.reasons or (broken and HIDDEN in opened.reasons), case.number


def test_without_a_worker_the_page_itself_verifies(
    context: BrowserContext, built: Path, written: list[Written]
) -> None:
    opened = Opened(context, built, REFUSED)
    opened.verify(written[0])
    assert opened.verdict == "VERIFIED"
    opened.verify(written[1])
    assert opened.verdict == "FAILED"


def test_without_its_cryptography_nothing_is_verified_silently(
    context: BrowserContext, built: Path, written: list[Written]
) -> None:
    """Keys are checked by own code then; timestamps cannot be, and that is said."""
    bare = "Object.defineProperty(crypto, 'subtle', { value: undefined });"
    opened = Opened(context, built, REFUSED + bare)
    opened.verify(written[0])
    assert opened.verdict == "INCOMPLETE"
    assert opened.reasons == {"not-performed"}
    outcome = opened.page.get_attribute("[data-check=time]", "data-outcome")
    assert outcome == "incomplete"
    opened.verify(written[1])
    assert opened.verdict == "FAILED"
    opened.verify(next(case for case in written if case.number == "44b_attested"))
    assert opened.verdict == "INCOMPLETE"
    outcome = opened.page.get_attribute("[data-check=enrolment]", "data-outcome")
    assert outcome == "incomplete"


def test_a_file_that_is_no_trust_file_gives_no_verdict(
    opened: Opened, written: list[Written], tmp_path: Path
) -> None:
    wrong = tmp_path / "trust.json"
    wrong.write_text("{}")
    opened.page.set_input_files("#dossier", written[0].dossier)
    opened.page.set_input_files("#trust", wrong)
    opened.page.click("#verify")
    opened.page.wait_for_selector("#trouble:visible")
    assert opened.page.is_hidden("#result")


def test_the_page_fits_a_telephone_and_a_keyboard(opened: Opened, written: list[Written]) -> None:
    page = opened.page
    order = []
    page.focus("body")
    for _ in range(7):
        page.keyboard.press("Tab")
        order.append(page.evaluate("document.activeElement.id || document.activeElement.tagName"))
    assert order[:6] == ["language", "SUMMARY", "dossier", "trust", "priors", "verify"]
    page.set_input_files("#dossier", written[0].dossier)
    page.set_input_files("#trust", written[0].trust)
    page.focus("#verify")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-verdict]")
    assert page.evaluate("document.activeElement.id") == "result"
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_the_page_speaks_chinese_and_prints(opened: Opened, written: list[Written]) -> None:
    page = opened.page
    opened.verify(written[1])
    english = page.inner_text("main")
    page.click("#language")
    chinese = page.inner_text("main")
    assert page.get_attribute("html", "lang") == "zh-Hans"
    assert "存在矛盾" in chinese
    assert "存在矛盾" not in english
    assert opened.verdict == "FAILED"
    page.emulate_media(media="print")
    assert page.is_hidden("#form")
    assert page.is_visible("[data-verdict]")
