"""``python -m tests.screenshots``: the pictures of the README, from a demo day, taken anew.

Everybody and everything in them is made up (虚构); the photos are drawn by the demo itself.
"""

from __future__ import annotations

import io
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page

from deploy.demo import room
from deploy.demo.__main__ import play_day
from deploy.demo.processes import flask_command, free_port, running_server, server_environment
from tests.support.live import ROOT
from tests.support.node import chromium

FOLDER: Final = ROOT / "docs" / "pictures"
WINDOW: Final = {"width": 1280, "height": 800}
PHONE: Final = {"width": 390, "height": 800}
SETTLED_MS: Final = 1_500
BYTES_MAX: Final = 150_000  # of one picture: a clone of the repository carries them all
QUALITIES: Final = (82, 74, 66, 58)


@dataclass(frozen=True, slots=True)
class Shots:
    """A day that was played, and a browser before it."""

    url: str
    seed: dict[str, Any]
    ids: dict[str, str]
    browser: Browser

    def take(self, name: str, path: str, *, lang: str, part: str = "main") -> None:
        """One page as the supervisor sees it, from ``part`` on."""
        with self._window(WINDOW, lang) as context:
            page = context.new_page()
            page.goto("/sign-in")
            page.fill("[name=login]", self.seed["desk"]["login"])
            page.fill("[name=password]", self.seed["desk"]["password"])
            page.keyboard.press("Enter")
            page.wait_for_url("**/inbox")
            page.goto(path.format(**self.ids))
            if part != "main":
                page.locator(part).evaluate("(one) => one.scrollIntoView()")
            self._keep(page, name)

    def room(self, name: str, *, lang: str) -> None:
        """The log as an observer sees it on a phone."""
        login, password = self.seed["desk"]["login"], self.seed["desk"]["password"]
        given = room.invite(self.url, login, password, self.ids["mission"], "演示代表(虚构)")
        with self._window(PHONE, lang) as context:
            page = context.new_page()
            page.goto(given.link)
            page.check("[name=agree]")
            page.fill("[name=code]", given.code)
            page.keyboard.press("Enter")
            page.wait_for_selector("li.entry.released")
            self._keep(page, name)

    @contextmanager
    def _window(self, size: dict[str, int], lang: str) -> Iterator[BrowserContext]:
        viewport: Any = size
        context = self.browser.new_context(base_url=self.url, viewport=viewport)
        context.add_cookies(
            [
                {"name": name, "value": value, "url": self.url}
                for name, value in (("tz-lang", lang), ("tz-theme", "light"))
            ]
        )
        try:
            yield context
        finally:
            context.close()

    def _keep(self, page: Page, name: str) -> None:
        page.wait_for_timeout(SETTLED_MS)
        path = FOLDER / f"{name}.webp"
        path.write_bytes(_small(page.screenshot()))
        sys.stdout.write(f"docs/pictures/{path.name} {path.stat().st_size:,} B\n")


def _small(taken: bytes) -> bytes:
    """The picture as WebP, as fine as it may be."""
    with Image.open(io.BytesIO(taken)) as picture:
        for quality in QUALITIES:
            out = io.BytesIO()
            picture.convert("RGB").save(out, "WEBP", quality=quality, method=6)
            if out.tell() <= BYTES_MAX:
                return out.getvalue()
    raise SystemExit("the picture stays too large: choose a smaller window")


def main() -> int:
    """Play a day and take the pictures."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    os.environ.pop("TIEZHENG_SAMPLES", None)  # real photos stay out of the repository
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tiezheng-")))
        environment = server_environment(folder / "server", free_port(), {})
        Path(environment["TIEZHENG_DATA_DIR"]).mkdir(mode=0o700)
        url = environment["TIEZHENG_PUBLIC_URL"]
        seed = json.loads(flask_command(environment, "demo", "--json"))
        stack.enter_context(running_server(environment, folder / "server.log"))
        desk, _ = play_day(stack, folder, url, seed)
        case = seed["officer"]["case_id"]
        items = desk.request("GET", f"/cases/{case}/evidence").json()["items"]
        missions = desk.request("GET", "/missions", query={"case_id": case}).json()["items"]
        ids = {"case": case, "mission": missions[0]["id"], "item": items[0]["id"]}
        room.release_some(desk, ids["mission"])
        shots = Shots(url, seed, ids, stack.enter_context(chromium()))
        shots.take("review", "/review", lang="zh")
        shots.take(
            "case", "/cases/{case}?item={item}", lang="zh", part="section:has(case-timeline)"
        )
        shots.take("custody", "/e/{item}/custody", lang="en")
        shots.take("desk", "/live/{mission}/control", lang="en")
        shots.room("room", lang="zh")
    sys.stdout.write("look at them before they are committed: names and places have to be 虚构\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
