"""The landing page and the documents: readable without internet, scripts or a login."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest
from flask import Flask

from server.core.problem import Kind

PAGES = ["/", "/docs"]


class Page(HTMLParser):
    """Ids, links and tags of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.lang = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.add(tag)
        self.attributes.update(given)
        self.lang = given.get("lang") or "" if tag == "html" else self.lang
        if given.get("id"):
            self.ids.append(given["id"] or "")
        if tag == "a" and given.get("href"):
            self.links.append(given["href"] or "")


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_page_loads_and_runs_nothing(app: Flask, path: str, lang: str) -> None:
    answer = app.test_client().get(f"{path}?lang={lang}")
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    page = Page(answer.text)
    assert page.tags.isdisjoint({"script", "link", "img", "iframe", "object", "form", "base"})
    assert page.attributes.isdisjoint({"style", "onclick", "onload", "src"})
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none';")
    (style,) = re.findall(r"<style>(.*?)</style>", answer.text, flags=re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("path", PAGES)
def test_every_link_leads_somewhere(app: Flask, path: str) -> None:
    page = Page(app.test_client().get(path).text)
    assert len(page.ids) == len(set(page.ids))
    for link in page.links:
        if link.startswith("#"):
            assert link[1:] in page.ids, link
        else:
            assert app.test_client().get(link).status_code in {200, 503}, link


@pytest.mark.parametrize(
    ("query", "accepted", "lang"),
    [
        ("", "", "zh-Hans"),
        ("", "en-GB,en;q=0.9", "en"),
        ("", "zh-CN", "zh-Hans"),
        ("", "fr", "zh-Hans"),
        ("?lang=en", "zh-CN", "en"),
        ("?lang=zh", "en", "zh-Hans"),
        ("?lang=fr", "en", "en"),
    ],
)
def test_the_language_is_asked_for(app: Flask, query: str, accepted: str, lang: str) -> None:
    headers = {"Accept-Language": accepted} if accepted else {}
    for path in PAGES:
        answer = app.test_client().get(path + query, headers=headers)
        assert Page(answer.text).lang == lang
        assert answer.headers["Vary"] == "Accept-Language"


def test_the_page_shows_what_the_document_says(app: Flask) -> None:
    client = app.test_client()
    document = client.get("/api/v1/openapi.json").get_json()
    assert document["openapi"].startswith("3.1.")
    zh, en = (client.get(f"/docs?lang={lang}").text for lang in ("zh", "en"))
    for path, methods in document["paths"].items():
        assert path in zh
        assert path in en
        for method, operation in methods.items():
            assert f'id="{operation["operationId"]}"' in en
            assert f"curl -X {method.upper()} " in en
    for name in document["components"]["schemas"]:
        assert f'id="schema-{name}"' in en
    for kind in Kind:
        assert kind.slug in en
        assert kind.value.title_zh in zh


def test_a_hostile_query_is_not_echoed(app: Flask) -> None:
    for path in PAGES:
        assert "<b>" not in app.test_client().get(f"{path}?lang=<b>&x=<b>").text


def test_errors_stay_problems(app: Flask) -> None:
    client = app.test_client()
    for method, path, status in (
        ("GET", "/no-such-page", 404),
        ("GET", "/api/v1/no-such-thing", 404),
        ("POST", "/docs", 405),
        ("DELETE", "/api/v1/cases", 405),
    ):
        answer = client.open(path, method=method)
        assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
        assert answer.get_json()["title_zh"]
