"""Pages in a real browser: when the largest content is painted (05 §5.5), and what they weigh."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from playwright.sync_api import Page

from server.core.cookies import Kind
from server.core.transactions import engine_options, prepare_engine
from server.schema import upgrade
from tests.bench.rows import Row, median
from tests.factories.console import browser_cookie, session_secret
from tests.factories.ground import Ground
from tests.support.live import running
from tests.support.node import chromium

PATHS: Final = ("/sign-in", "/inbox", "/review", "/cases", "/cases/{case}", "/e/{evidence}")
LCP_MS_MAX: Final = 1_800
_PAINTED: Final = """() => new Promise((done) => {
  let last = 0;
  new PerformanceObserver((list) => { for (const one of list.getEntries()) last = one.startTime; })
    .observe({type: "largest-contentful-paint", buffered: true});
  setTimeout(() => done(last), 400);
})"""


def run(quick: bool) -> list[Row]:
    """Largest contentful paint of the pages that people open most, slowed down four times."""
    rounds = 3 if quick else 7
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        url = f"sqlite:///{name}/bench.db"
        engine = sa.create_engine(url, **engine_options(url))
        prepare_engine(engine)
        upgrade(engine)
        engine.dispose()
        grounds: list[Ground] = []
        with (
            running(
                Path(name), url, worker=True, fill=lambda app: grounds.append(Ground.build(app))
            ) as server,
            chromium() as browser,
        ):
            person = grounds[0].first.world.people["supervisor"]
            rows = []
            for path in PATHS:
                times = []
                for _ in range(rounds):
                    context = browser.new_context(base_url=server.url)
                    if path != "/sign-in":
                        secret = session_secret(server.app, person)
                        cookie: Any = browser_cookie(server.app, Kind.STAFF, secret)
                        context.add_cookies([cookie])
                    times.append(_painted(context.new_page(), path.format(**grounds[0].first.ids)))
                    context.close()
                rows.append(
                    Row(
                        "pages", f"largest paint of {path}, processor slowed 4 ×", median(times),
                        "ms", goal=LCP_MS_MAX, better="less",
                    )
                )  # fmt: skip
    return rows


def _painted(page: Page, path: str) -> float:
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    page.goto(path, wait_until="load")
    found: float = page.evaluate(_PAINTED)
    return found
