"""A share from the choice of items to its revocation, on two real browsers."""

from __future__ import annotations

import hashlib
import itertools
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from server.console.pages import THEMES
from server.console.words import Language, text
from server.core.clock import SystemClock
from server.core.context import Actor, Context
from server.core.cookies import Kind, cookie_name
from server.core.permissions import Role, TokenKind
from server.core.transactions import EVERY_COURT, unit_of_work
from server.evidence.models import Evidence
from server.shares import opening, service
from server.shares.commands import MakeShare, Mode, OpenShare
from server.shares.opening import Entered
from tests.factories.footage import bring, wait_until_examined
from tests.factories.identity import runtime_of
from tests.functional.console.conftest import Console
from tests.support import media
from tests.support.live import ROOT
from tests.support.need import need

BOTH: tuple[Language, ...] = ("zh", "en")
EACH = pytest.mark.parametrize("lang", BOTH)
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
RECIPIENT = "钱律师(虚构)"
MIB = 2**20


@dataclass
class Thing:
    """A genuine photo of the ground's case."""

    id: str
    case: str
    data: bytes


@pytest.fixture(scope="module")
def thing(console: Console, tmp_path_factory: pytest.TempPathFactory) -> Thing:
    folder = tmp_path_factory.mktemp("photos")
    path = media.gps_photo(folder / "a.jpg", 38.21, 104.41, SystemClock().now(), size_px=(800, 600))
    item = bring(console.server.app, console.ground, path, "image/jpeg")
    wait_until_examined(console.ground, item, "preview")
    return Thing(item, console.ids["case"], path.read_bytes())


@dataclass
class Sent:
    """What the supervisor reads from the page, once."""

    share: str
    link: str
    code: str | None


def shared_on_the_page(page: Page, thing: Thing, lang: Language, mode: str) -> Sent:
    """The supervisor's part."""
    page.goto(f"/shares/new?case={thing.case}&item={thing.id}")
    expect(page.locator(f"#item-{thing.id}")).to_be_checked()
    page.get_by_label(text(lang, "shares.recipient")).fill(RECIPIENT)
    page.get_by_label(text(lang, "shares.purpose")).fill("质证准备(虚构)")
    page.get_by_label(text(lang, f"shares.mode_{mode}"), exact=True).check()
    page.get_by_role("button", name=text(lang, "shares.make"), exact=True).click()
    link = page.locator("#share-link").inner_text()
    code = page.locator("#share-code").inner_text()
    page.get_by_role("link", name=text(lang, "shares.to_share")).click()
    page.wait_for_url("**/shares/*")
    return Sent(page.url.rsplit("/", 1)[1], f"/s/{link.rsplit('/', 1)[1]}", code)


def entered(page: Page, sent: Sent, lang: Language) -> None:
    """The outsider's part, up to the list."""
    page.goto(sent.link)
    page.wait_for_url("**/s")
    assert sent.link not in page.content()
    page.get_by_label(text(lang, "shares.agree")).check()
    if sent.code:
        page.get_by_label(text(lang, "shares.code"), exact=True).fill(sent.code)
    page.get_by_role("button", name=text(lang, "shares.enter"), exact=True).click()
    expect(page.locator("table a")).to_have_count(1)


@contextmanager
def outsider(console: Console, lang: Language, **how: Any) -> Iterator[Page]:
    with console.page_as("nobody", lang=lang, **how) as page:
        yield page


@EACH
@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_download_share_from_its_making_to_its_revocation(
    console: Console, thing: Thing, lang: Language, scripts: bool, tmp_path: Path
) -> None:
    how = {"java_script_enabled": scripts}
    with console.page_as("supervisor", lang=lang, **how) as desk:
        sent = shared_on_the_page(desk, thing, lang, "download")
        with outsider(console, lang, **how) as page:
            entered(page, sent, lang)
            page.locator("table a").click()
            picture = page.locator(".shown img")
            expect(picture).to_be_visible()
            size = picture.evaluate("one => one.decode().then(() => one.naturalWidth)")
            assert size == 800
            with page.expect_download() as waiting:
                page.get_by_role("link", name=text(lang, "shares.download"), exact=True).click()
            waiting.value.save_as(tmp_path / "got")
            assert (tmp_path / "got").read_bytes() == thing.data
            assert hashlib.sha256(thing.data).hexdigest() in page.content()
            desk.reload()
            expect(desk.locator("main")).to_contain_text(text(lang, "shares.did_downloaded"))
            desk.get_by_role("button", name=text(lang, "shares.revoke")).click()
            expect(desk.get_by_text(text(lang, "shares.said_revoked"))).to_be_visible()
            answer = page.goto("/s")
            assert answer is not None
            assert answer.status == 404
            expect(page.get_by_role("heading", level=1)).to_have_text(text(lang, "shares.closed"))


def test_a_view_share_offers_no_original(console: Console, thing: Thing) -> None:
    with console.page_as("supervisor") as desk, outsider(console, "zh") as page:
        entered(page, shared_on_the_page(desk, thing, "zh", "view"), "zh")
        page.locator("table a").click()
        expect(page.locator(".shown img")).to_be_visible()
        expect(page.get_by_role("link", name=text("zh", "shares.download"))).to_have_count(0)
        assert hashlib.sha256(thing.data).hexdigest() not in page.content()
        shown = page.request.get(page.locator(".shown img").get_attribute("src") or "")
        assert (shown.status, thing.data[:64] in shown.body()) == (200, False)
        for part in ("content", "media", "facts.json"):
            assert page.request.get(f"/s/items/{thing.id}/{part}").status == 404


def test_outsiders_pages_are_accessible_in_every_look(console: Console, thing: Thing) -> None:
    need(AXE.is_file(), "axe-core, as 'make test' installs it")
    wrong: list[str] = []
    for lang, theme in itertools.product(BOTH, THEMES):
        sent = made(console, thing.id, Mode.DOWNLOAD)
        with outsider(console, lang, theme=theme, bypass_csp=True) as page:
            page.goto(sent.link)
            wrong += violations(page)
            entered(page, sent, lang)
            wrong += violations(page)
            page.locator("table a").click()
            wrong += violations(page)
            page.set_viewport_size({"width": 320, "height": 640})
            for path in ("/s", f"/s/items/{thing.id}"):
                page.goto(path)
                assert page.evaluate(OVERFLOW) <= 0, path
    assert wrong == []


def violations(page: Page) -> list[str]:
    page.wait_for_load_state("load")
    page.add_script_tag(path=AXE)
    run = "(tags) => axe.run(document, {runOnly: tags, resultTypes: ['violations']})"
    found: dict[str, Any] = page.evaluate(run, RULES)
    return [
        f"{page.url} {rule['id']}: {node['target']} {node['failureSummary']}"
        for rule in found["violations"]
        for node in rule["nodes"][:3]
    ]


def made(console: Console, evidence: str, mode: Mode) -> Sent:
    """A share by the supervisor without the page."""
    with as_supervisor(console) as ctx:
        item = ctx.session.get_one(Evidence, uuid.UUID(evidence))
        assert item.case_id is not None
        done = service.make(
            ctx,
            MakeShare(
                case_id=item.case_id, evidence_ids=(item.id,), recipient=RECIPIENT,
                purpose="质证准备(虚构)", mode=mode, days=14,
            ),
        )  # fmt: skip
        return Sent(str(done.share.id), f"/s/{done.token}", done.code)


@contextmanager
def as_supervisor(console: Console) -> Iterator[Context]:
    who, runtime = console.ground.first.world.supervisor, runtime_of(console.server.app)
    actor = Actor(
        token=TokenKind.ACCESS, court_id=who.court_id, user_id=who.id,
        roles=frozenset({Role.SUPERVISOR}),
    )  # fmt: skip
    with unit_of_work(EVERY_COURT) as session:
        yield Context(actor, session, runtime)


def test_revoking_cuts_a_download_on_the_real_server(console: Console, tmp_path: Path) -> None:
    path = tmp_path / "long.bin"
    path.write_bytes(bytes(range(256)) * (48 * MIB // 256))
    item = bring(console.server.app, console.ground, path, "application/octet-stream")
    sent = made(console, item, Mode.DOWNLOAD)
    with as_supervisor(console) as ctx:
        token = sent.link.removeprefix("/s/")
        into = opening.enter(ctx, token, OpenShare(code=sent.code or "", terms="2026-11"))
        assert isinstance(into, Entered)
    name = cookie_name(runtime_of(console.server.app).settings, Kind.SHARE)
    headers = {"Cookie": f"{name}={into.cookie}"}
    url = f"{console.server.url}/s/items/{item}/content"
    got = 0
    with httpx.stream("GET", url, headers=headers, timeout=30) as answer:
        assert answer.status_code == 200
        pieces = answer.iter_raw(65_536)
        got += len(next(pieces))
        with as_supervisor(console) as ctx:
            service.revoke(ctx, uuid.UUID(sent.share))
        with pytest.raises(httpx.TransportError):
            got += sum(len(piece) for piece in pieces)
    assert got < 48 * MIB
    assert httpx.get(url, headers=headers).status_code == 401
