"""What every page has to stand, in one visit: accessible in all themes, narrow, large, and light.

One visit a page and language: a theme is an attribute of the document, so that after the whole set
of rules only the contrasts are asked again for each other theme.
"""

from __future__ import annotations

import functools
import gzip
from dataclasses import dataclass, field
from typing import Any, Final

from playwright.sync_api import Page, Response

from server.console.pages import THEMES
from tests.functional.console.conftest import Console
from tests.functional.console.pages import ConsolePage
from tests.support.live import ROOT
from tests.support.need import need

AXE: Final = ROOT / "node_modules" / "axe-core" / "axe.min.js"
RULES: Final = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
CONTRASTS: Final = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
NARROW: Final = {"width": 320, "height": 640}
DOUBLED: Final = {"width": 640, "height": 640}
OVERFLOW: Final = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
KIB: Final = 1024
# 05 §5.5, compressed.
DOCUMENT_BYTES_MAX: Final = 30 * KIB
STYLE_BYTES_MAX: Final = 15 * KIB
SCRIPT_BYTES_MAX: Final = {"guest": 25 * KIB, "map": 120 * KIB, "console": 60 * KIB}


@functools.cache
def axe_source() -> str:
    """The checker, put into the page past its policy by the browser's own tools."""
    need(AXE.is_file(), "axe-core, as 'make test' installs it")
    return AXE.read_text(encoding="utf-8")


@dataclass
class Visit:
    """A page that was opened, and what it loaded."""

    one: ConsolePage
    page: Page
    answers: list[Response] = field(default_factory=list)

    def open(self, ids: dict[str, str]) -> None:
        """Go there; the status is the expected one."""
        self.page.on("response", lambda answer: self.answers.append(answer))  # noqa: PLW0108
        answer = self.page.goto(self.one.path.format(**ids), wait_until="load")
        assert answer is not None
        assert answer.status == self.one.status, (self.one.path, answer.status)

    def violations(self) -> list[str]:
        """What axe finds, in every theme."""
        self.page.evaluate(axe_source())
        found = [f"light {one}" for one in self._axe(RULES)]
        for theme in THEMES:
            if theme not in {"light", "auto"}:
                self.page.evaluate("(name) => document.documentElement.dataset.theme = name", theme)
                found += [f"{theme} {one}" for one in self._axe(CONTRASTS)]
        return found

    def _axe(self, options: dict[str, Any]) -> list[str]:
        run = "(options) => axe.run(document, {...options, resultTypes: ['violations']})"
        found: dict[str, Any] = self.page.evaluate(run, options)
        return [
            f"{rule['id']}: {node['target']} {node['failureSummary']}"
            for rule in found["violations"]
            for node in rule["nodes"][:3]
        ]

    def overflows(self) -> list[str]:
        """Where it needs scrolling sideways."""
        self.page.set_viewport_size(NARROW)  # type: ignore[arg-type]
        narrow = self.page.evaluate(OVERFLOW)
        # 200 % text at 640 pixels leaves what 320 pixels leave at 100 %.
        self.page.set_viewport_size(DOUBLED)  # type: ignore[arg-type]
        self.page.evaluate("document.documentElement.style.fontSize = '200%'")
        doubled = self.page.evaluate(OVERFLOW)
        return [f"{name}: {by}" for name, by in (("320 px", narrow), ("200 %", doubled)) if by > 0]

    def overweight(self) -> list[str]:
        """What is heavier than its budget."""
        weights = {"document": 0, "script": 0, "stylesheet": 0}
        for answer in self.answers:
            kind = answer.request.resource_type
            if kind in weights and answer.status == self.one.status:
                weights[kind] += len(gzip.compress(answer.body(), 6))
        mapped = any("leaflet" in answer.url for answer in self.answers)
        face = "guest" if self.one.who in {"guest", "outsider"} else "map" if mapped else "console"
        limits = {
            "document": DOCUMENT_BYTES_MAX,
            "stylesheet": STYLE_BYTES_MAX,
            "script": SCRIPT_BYTES_MAX[face],
        }
        return [f"{kind}: {size}" for kind, size in weights.items() if size > limits[kind]]


def stands(console: Console, one: ConsolePage, lang: str) -> None:
    """One visit in one language."""
    with console.page_as(one.who, lang=lang) as page:
        visit = Visit(one, page)
        visit.open(console.ids)
        assert page.locator("h1").count() == 1
        expected = {"zh": "zh-Hans", "en": "en"}[lang]
        assert page.locator("html").get_attribute("lang") == expected
        assert page.title().strip()
        wrong = [*visit.overweight(), *visit.violations(), *visit.overflows()]
        assert wrong == [], "\n".join(wrong)
