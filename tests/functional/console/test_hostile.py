"""Fifty hostile files as evidence, opened on every page that shows them: no script runs."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import pytest
from playwright.sync_api import BrowserContext, Page

from server.core.transactions import EVERY_COURT, unit_of_work
from server.evidence.models import Examination
from tests.factories.queue_items import Upload, arrive
from tests.factories.uploads import sha256_of
from tests.functional.console.conftest import Console
from tests.support.hostile_console import CANARY, Hostile, files

FILES: Final = files()
LABELS: Final = [one.label for one in FILES]
EXAMINED_SECONDS: Final = 420
PAGES: Final = ("/e/{id}", "/e/{id}/custody", "/e/{id}/metadata", "/e/{id}/diff", "/e/{id}/print",
                "/review/{id}?status=all&case={case}", "/e/{id}/redact")  # fmt: skip
BYTES: Final = ("/api/v1/evidence/{id}/content?purpose=x", "/api/v1/evidence/{id}/play",
                "/e/{id}/thumb", "/api/v1/evidence/{id}/derivatives/preview")  # fmt: skip
INERT: Final = ("image/jpeg", "image/png", "image/webp", "image/avif", "image/gif", "image/heic")


@pytest.fixture(scope="module")
def hostile(console: Console) -> dict[str, uuid.UUID]:
    """Ids by label; the worker has looked into each, or given it up."""
    uploads = [Upload(one.data, one.mime, one.media, one.name) for one in FILES]
    ids = dict(zip(LABELS, arrive(console.ground, uploads), strict=True))
    wanted = {sha256_of(one.data) for one in FILES}
    deadline = time.monotonic() + EXAMINED_SECONDS
    while wanted - _examined():
        assert time.monotonic() < deadline, f"{len(wanted - _examined())} are not examined"
        time.sleep(1)
    return ids


def _examined() -> set[str]:
    with unit_of_work(EVERY_COURT, write=False) as session:
        rows = session.query(Examination.sha256).filter(Examination.state != "pending")
        return {row.sha256 for row in rows}


@dataclass
class Watch:
    """Whatever a script that ran would leave."""

    page: Page
    signs: list[str]

    @classmethod
    def over(cls, page: Page) -> Watch:
        watch = cls(page, [])

        def dialog(found: Any) -> None:
            watch.signs.append(f"dialog: {found.message}")
            found.dismiss()

        def asked(request: Any) -> None:
            if CANARY in request.url.partition("?")[0]:
                watch.signs.append(f"request: {request.url}")

        page.on("dialog", dialog)
        page.on("request", asked)
        return watch

    def check(self) -> None:
        """Nothing of a script is to be seen."""
        mark = f"window.__{CANARY.replace('-', '_')}"
        if self.page.evaluate(f"typeof {mark} !== 'undefined'"):
            self.signs.append("global")
        if CANARY in self.page.title():
            self.signs.append("title")
        foreign = "document.querySelectorAll('main script, iframe, object, embed').length"
        if self.page.evaluate(foreign):
            self.signs.append("a foreign element stands in the page")


@contextmanager
def opened(console: Console) -> Iterator[tuple[BrowserContext, Page, Watch]]:
    """A supervisor's browser without the fixture's own judgement of refused resources."""
    with console.context("supervisor") as context:
        page = context.new_page()
        yield context, page, Watch.over(page)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("label", LABELS)
def test_no_script_runs_on_any_page(
    console: Console, hostile: dict[str, uuid.UUID], label: str
) -> None:
    names = {"id": str(hostile[label]), "case": console.ids["case"]}
    with opened(console) as (_, page, watch):
        for path in PAGES:
            answer = page.goto(path.format(**names))
            assert answer is not None
            assert answer.status in {200, 404, 409}, (path, answer.status)
            assert "script-src 'self'" in answer.headers["content-security-policy"]
            watch.check()
        assert watch.signs == []


@pytest.mark.timeout(900)
def test_bytes_are_never_served_as_something_that_runs(
    console: Console, hostile: dict[str, uuid.UUID]
) -> None:
    wrong = []
    with opened(console) as (context, _, _):
        for label, path in [(label, path) for label in LABELS for path in BYTES]:
            answer = context.request.get(path.format(id=hostile[label]))
            if answer.status not in {200, 206}:
                assert answer.status in {404, 409}, (label, path, answer.status)
                continue
            headers = answer.headers
            kind = headers["content-type"].partition(";")[0]
            shown = kind in INERT or kind.startswith(("video/", "audio/"))
            safe = (
                headers["x-content-type-options"] == "nosniff"
                and headers["content-security-policy"].startswith("sandbox")
                and headers["cross-origin-resource-policy"] == "same-origin"
                and (shown or kind == "application/octet-stream")
                and "attachment" in headers["content-disposition"]
                and "\n" not in headers["content-disposition"]
            )
            if not safe:
                wrong.append((label, path, dict(headers)))
    assert wrong == []


@pytest.mark.timeout(900)
def test_lists_of_hostile_files_are_only_lists(
    console: Console, hostile: dict[str, uuid.UUID]
) -> None:
    case = console.ids["case"]
    lists = (f"/review?status=all&case={case}&limit=100", f"/cases/{case}", "/missing", "/audit")
    with opened(console) as (_, page, watch):
        for path in lists:
            answer = page.goto(path)
            assert answer is not None
            assert answer.status == 200, path
            watch.check()
        assert watch.signs == []


def test_the_fifty_differ_and_every_kind_is_there() -> None:
    kinds = {label.partition("-")[0] for label in LABELS}
    assert {"svg", "page", "gif", "jpeg", "pdf", "mp4", "name", "exif"} <= kinds
    assert isinstance(FILES[0], Hostile)
