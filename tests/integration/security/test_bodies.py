"""Bodies that are none, too large, ambiguous or absurd, at every route that takes JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug.test import TestResponse

from server.core import openapi
from server.core.endpoint import EndpointSpec
from tests.factories.ground import Ground, Speaker
from tests.factories.identity import proof_headers
from tests.functional.authorisation.asks import ASKS, Ask
from tests.integration.security.answers import asks_with_bodies, events, problem_of, sound

WITHOUT_BODY = {
    "POST /api/v1/oversight/campaigns/{campaign_id}/start",
    "POST /api/v1/shares/{share_id}/code",
    "POST /api/v1/shares/{share_id}/revoke",
    "POST /api/v1/webhook-deliveries/{delivery_id}/send-again",
    "POST /api/v1/webhooks/{webhook_id}/rotate",
    "POST /api/v1/webhooks/{webhook_id}/test",
}
KEYS = sorted(
    key for key in ASKS if key.split()[0] in {"POST", "PATCH"} and key not in WITHOUT_BODY
)
STRANGE: dict[str, Any] = {
    "null": None, "huge": 10**400, "below": -(10**30), "2^63": 2**63, "float": 1e300,
    "list": [[[[]]]], "object": {}, "nul": "a\0b", "surrogate": "\ud800", "rtl": "\u202egpj.exe",
    "empty": "", "long": "长" * 5000, "control": "a\r\nSet-Cookie: x\x1b[2J",
    "braces": "{00000000-0000-0000-0000-000000000000}", "early": "0001-01-01T00:00:00+14:00",
    "late": "9999-12-31T23:59:59.999999-14:00", "sql": "' OR 1=1 --", "wide": "１２３",
}  # fmt: skip


class Route:
    """One route with a valid request for it."""

    def __init__(self, ground: Ground, key: str) -> None:
        found: tuple[openapi.Operation, Speaker, Ask] = asks_with_bodies(ground)[key]
        self.ground = ground
        self.operation, self.speaker, self.ask = found

    @property
    def spec(self) -> EndpointSpec:
        return self.operation.spec

    @property
    def needs_a_member(self) -> bool:
        """Whether an empty object is refused."""
        assert self.spec.load is not None
        return any(field.required for field in self.spec.load().fields.values())

    def raw(self, data: bytes, content_type: str = "application/json") -> TestResponse:
        """The request with another body."""
        headers = {**self.ask.headers, "Content-Type": content_type}
        method, path = self.operation.method, self.ask.whole_path
        if path.endswith("/auth/token"):
            key = self.ground.first.world.phone.key
            headers |= proof_headers(self.ground.app, key, method, path)
        return self.speaker.send(method, path, data=data, headers=headers)

    def json(self, value: Any) -> TestResponse:
        """The same with any JSON, lone surrogates as escapes."""
        return self.raw(json.dumps(value).encode("ascii"))


@pytest.fixture
def route(on_sqlite: Ground, request: pytest.FixtureRequest) -> Route:
    """The route named by the parameter."""
    return Route(on_sqlite, request.param)


@pytest.fixture
def stored(ground: Ground, request: pytest.FixtureRequest) -> Route:
    """The same over either database."""
    return Route(ground, request.param)


def with_bodies(over: str = "route") -> pytest.MarkDecorator:
    """Every route whose request in the matrix has a JSON body."""
    silent = {"POST /api/v1/auth/logout", "POST /api/v1/me/totp", "POST /api/v1/uploads"}
    silent |= {f"POST /api/v1/users/{{user_id}}/{what}" for what in _RESETS}
    silent |= {f"{method} /api/v1/uploads/{{upload_id}}" for method in ("POST", "PATCH")}
    return pytest.mark.parametrize(over, sorted(set(KEYS) - silent), indirect=True)


_RESETS = ("password-reset", "totp-reset", "unlock")


@with_bodies()
def test_bodies_that_are_no_json(route: Route) -> None:
    before = events(route.ground)
    name = next(iter(route.ask.json), "a")
    broken = {
        b"{": "malformed-json",
        b'{"a": NaN}': "malformed-json",
        b'\xff\xfe{"a":1}': "malformed-json",
        b'\xef\xbb\xbf{"a":1}': "malformed-json",
        b'{"a": "\xed\xa0\x80"}': "malformed-json",
        b'{"a": "\\ud800"}': "malformed-json",
        json.dumps({name: 1})[:-1].encode() + f', "{name}": 2}}'.encode(): "malformed-json",
        b'{"a": ' + b"9" * 5000 + b"}": "malformed-json",
        b"[" * 100_000: "malformed-json",
        b'{"a":' * 40_000 + b"1" + b"}" * 40_000: "malformed-json",
        b"[]": "validation",
        b"null": "validation",
        b'"text"': "validation",
    }
    if route.needs_a_member:
        broken[b""] = "validation"
    limit = route.spec.body_bytes_max
    for body, slug in broken.items():
        expected = "body-too-large" if len(body) > limit else slug
        assert problem_of(route.raw(body)) == expected, body[:40]
    assert events(route.ground) == before


@with_bodies()
def test_ten_megabytes_and_other_content_types(route: Route) -> None:
    before = events(route.ground)
    huge = b'{"a": "' + b"x" * 10_000_000 + b'"}'
    assert problem_of(route.raw(huge)) == "body-too-large"
    whole = json.dumps(route.ask.json).encode()
    for other in ("text/plain", "application/xml", "multipart/form-data; boundary=x", "", "*/*"):
        assert problem_of(route.raw(whole, other)) == "unsupported-media-type", other
    assert events(route.ground) == before


@with_bodies()
def test_unknown_fields_at_any_depth(route: Route) -> None:
    before = events(route.ground)
    for changed in with_unknown(route.ask.json):
        outcome = sound(route.json(changed))
        inside = route.operation.path.endswith("/sync/push") or "public_jwk" in str(changed.keys())
        assert outcome == "validation" or ("_unknown" not in changed and inside), changed
    assert events(route.ground) == before


def with_unknown(value: Any) -> Iterator[Any]:
    """Copies of a body, each with one more member in one of its objects."""
    if isinstance(value, dict):
        yield {**value, "_unknown": 1}
        for name, inner in value.items():
            yield from ({**value, name: changed} for changed in with_unknown(inner))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            for changed in with_unknown(inner):
                yield [*value[:place], changed, *value[place + 1 :]]


@with_bodies("stored")
def test_strange_values_in_any_field(stored: Route) -> None:
    for changed in with_strange(stored.ask.json):
        answer = stored.json(changed)
        assert answer.status_code < 500, (changed, answer.get_data(as_text=True))
        sound(answer)


def with_strange(value: Any) -> Iterator[Any]:
    """Copies of a body, each with something strange in the place of one value."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield {key: kept for key, kept in value.items() if key != name}
            yield from ({**value, name: changed} for changed in with_strange(inner))
        yield from ([], "text", 1)
    elif isinstance(value, list):
        yield from (value * 1001, [], {}, [None])
        for changed in with_strange(value[0]):
            yield [changed, *value[1:]]
    elif isinstance(value, str):
        yield from STRANGE.values()
    else:
        yield from (STRANGE[name] for name in ("null", "huge", "2^63", "below", "float", "nul"))
