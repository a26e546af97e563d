"""Cookies, origins, languages and refusals of pages."""

from __future__ import annotations

import uuid
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask

from server.console import words
from tests.factories.console import desk
from tests.factories.identity import World
from tests.factories.identity_rows import PASSWORD


@pytest.fixture
def world(app: Flask) -> World:
    return World.build(app)


def test_a_stranger_is_sent_to_sign_in_and_comes_back(app: Flask, world: World) -> None:
    visitor = desk(app)
    wanted = "/cases?status=enforcing&sort=filed"
    sent = visitor.get(wanted)
    assert sent.status_code == 303
    place = urlsplit(sent.headers["Location"])
    (onward,) = parse_qs(place.query)["next"]
    assert (place.path, onward) == ("/sign-in", wanted)
    signed = visitor.post(
        "/sign-in", {"login": world.first.officer.login, "password": PASSWORD, "next": onward}
    )
    assert (signed.status_code, signed.headers["Location"]) == (303, wanted)
    cookie = signed.headers["Set-Cookie"]
    assert all(
        part in cookie for part in ("__Host-tz-session=", "Secure", "HttpOnly", "SameSite=Lax")
    )
    assert visitor.get("/api/v1/me").get_json()["user"]["login"] == world.first.officer.login


@pytest.mark.parametrize(
    "onward",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:x", "/a\nb"],
)
def test_signing_in_leads_to_no_other_site(app: Flask, world: World, onward: str) -> None:
    form = {"login": world.first.officer.login, "password": PASSWORD, "next": onward}
    assert desk(app).post("/sign-in", form).headers["Location"] == "/inbox"


def test_a_wrong_password_says_so_in_the_readers_language(app: Flask, world: World) -> None:
    form = {"login": world.first.officer.login, "password": "wrong"}
    for lang, said in (("zh", "密码"), ("en", "wrong")):
        answer = desk(app, lang=lang).post("/sign-in", form)
        assert answer.status_code == 401
        assert said in answer.text
        assert "Set-Cookie" not in answer.headers


def test_a_session_ends_with_signing_out(app: Flask, world: World) -> None:
    person = desk(app, world.first.officer)
    assert person.get("/api/v1/me").status_code == 200
    assert person.post("/sign-out").status_code == 303
    assert person.get("/api/v1/me").status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:81"},
        {"Origin": "http://localhost.evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {},
    ],
    ids=["other", "null", "port", "suffix", "cross-site", "same-site", "none"],
)
def test_a_cookie_alone_changes_nothing_from_elsewhere(
    app: Flask, world: World, headers: dict[str, str]
) -> None:
    person = desk(app, world.first.officer)
    for path in ("/sign-out", "/api/v1/auth/logout"):
        answer = person.client.post(path, headers=headers)
        assert answer.status_code == 403
    assert person.get("/api/v1/me").status_code == 200


def test_every_unsafe_route_refuses_a_foreign_origin(app: Flask, world: World) -> None:
    person = desk(app, world.first.people["supervisor"])
    seen = 0
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"GET", "HEAD", "OPTIONS"}):
            values = {name: _value(rule, name) for name in rule.arguments}
            with app.test_request_context():
                path = rule.build(values)[1]  # type: ignore[index]
            answer = person.client.open(
                path, method=method, headers={"Origin": "https://evil.example"}
            )
            assert answer.status_code == 403, (method, path)
            seen += 1
    assert seen > 100


def _value(rule: object, name: str) -> object:
    converter = rule._converters[name]  # type: ignore[attr-defined]
    kind = type(converter).__name__
    return {"UUIDConverter": uuid.UUID(int=7), "IntegerConverter": 7}.get(kind, "x")


def test_a_page_has_a_strict_policy_and_is_not_kept(app: Flask) -> None:
    answer = desk(app).get("/sign-in")
    policy = answer.headers["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert answer.headers["Cache-Control"] == "no-store"
    assert "<script>" not in answer.text
    assert " style=" not in answer.text


def test_an_unknown_address_is_a_page_for_browsers_and_a_problem_for_programs(app: Flask) -> None:
    page = desk(app).get("/no-such-page", headers={"Accept": "text/html,*/*"})
    assert (page.status_code, page.mimetype) == (404, "text/html")
    program = desk(app).get("/no-such-page", headers={"Accept": "application/json"})
    assert (program.status_code, program.mimetype) == (404, "application/problem+json")


def test_a_cookie_of_a_device_is_no_session(app: Flask, world: World) -> None:
    visitor = desk(app)
    visitor.client.set_cookie("__Host-tz-session", "x" * 43, secure=True)
    assert visitor.get("/api/v1/me").status_code == 401


def test_only_texts_meant_for_it_are_shown_as_done(app: Flask) -> None:
    said = words.text("en", "session.said_signed_out")
    assert said in desk(app, lang="en").get("/sign-in?said=session.said_signed_out").text
    assert '<p class="said">' not in desk(app).get("/sign-in?said=base.product").text
