"""A running server with two courts and their things, and the system's Chromium before it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page

from server.core.cookies import Kind
from tests.conftest import fresh_database
from tests.factories.console import browser_cookie, session_secret
from tests.factories.ground import Ground
from tests.factories.guests import Observed, observed
from tests.support.live import LiveServer, running
from tests.support.node import chromium


@dataclass
class Console:
    """The server, what is in it, and a browser."""

    server: LiveServer
    ground: Ground
    observed: Observed
    browser: Browser

    @property
    def ids(self) -> dict[str, str]:
        """Things of the first court."""
        return {**self.ground.first.ids, **self.observed.ids}

    @contextmanager
    def context(
        self, who: str = "nobody", *, lang: str = "zh", theme: str = "light", **how: Any
    ) -> Iterator[BrowserContext]:
        """A browser of its own, signed in as the first court's person of this role."""
        how.setdefault("viewport", {"width": 1280, "height": 800})
        context = self.browser.new_context(base_url=self.server.url, **how)
        context.set_default_timeout(15_000)
        cookies: list[Any] = [
            {"name": name, "value": value, "url": self.server.url}
            for name, value in (("tz-lang", lang), ("tz-theme", theme))
        ]
        if who == "guest":
            cookies.append(browser_cookie(self.server.app, Kind.GUEST, self.observed.cookie))
        elif who != "nobody":
            person = self.ground.first.world.people[who]
            secret = session_secret(self.server.app, person)
            cookies.append(browser_cookie(self.server.app, Kind.STAFF, secret))
        context.add_cookies(cookies)
        try:
            yield context
        finally:
            context.close()

    @contextmanager
    def page_as(self, who: str = "supervisor", **how: Any) -> Iterator[Page]:
        """A page of such a browser, whose script errors and refused resources fail the test."""
        with self.context(who, **how) as context:
            page = context.new_page()
            wrong: list[str] = []
            page.on("pageerror", lambda error: wrong.append(str(error)))
            page.on(
                "console",
                lambda message: (
                    wrong.append(message.text)
                    if message.type == "error" and "Content Security Policy" in message.text
                    else None
                ),
            )
            yield page
            assert wrong == []


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    """A Chromium for each file of tests: Playwright runs once at a time in a process."""
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def console(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, chrome: Browser
) -> Iterator[Console]:
    """A server with its worker, on SQLite, filled anew for each file of tests."""
    folder = tmp_path_factory.mktemp("console")
    url = fresh_database(request, "sqlite", folder)
    made: list[tuple[Ground, Observed]] = []

    def fill(app: Flask) -> None:
        ground = Ground.build(app)
        made.append((ground, observed(app, ground.first.world)))

    with running(folder, url, worker=True, fill=fill) as server:
        yield Console(server, *made[0], chrome)
