"""Every route × everybody who may speak × one's own things, hidden ones, another court's, nobody's.

What another court has, and what one may not see in one's own, answers exactly as what nobody has.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from typing import Any

import pytest
from werkzeug.test import TestResponse

from server.core import openapi
from server.core.permissions import (
    TOKEN_PERMISSIONS,
    Permission,
    Role,
    TokenKind,
    permissions_of,
)
from server.core.problem import URN, Kind
from tests.factories.ground import Ground, Speaker
from tests.functional.authorisation.asks import ASKS, Ask, Names

# Served only to who signed in on an enrolled device, or to the device itself.
OF_A_DEVICE = re.compile(
    r"\w+ /api/v1/(uploads.*|receipts|blobs/missing|clock|sync/push|tickets|upload-grants"
    r"|bundles.*)$"
)
_SLUGS = {kind.slug for kind in Kind}
# Lists narrowed by a foreign id are empty lists; everything else names what it needs.
_FILTERED = re.compile(
    r"GET /api/v1/(cases|missions|duty-bookings|devices|events|invitations|review-queue"
    r"|actions|findings|retention/holds|oversight/tasks|oversight/alerts)$"
)
_NARROWED = ("/log", "/evidence", "/entries")


def operations(ground: Ground) -> dict[str, openapi.Operation]:
    return {one.key: one for one in openapi.operations(ground.app)}


def may(speaker: Speaker, permission: Permission) -> bool:
    if permission is Permission.PUBLIC:
        return True
    if speaker.kind == "anonymous":
        return False
    if speaker.kind in {"device", "upload"}:
        return permission in TOKEN_PERMISSIONS[TokenKind(speaker.kind)]
    return permission in permissions_of(frozenset({Role(speaker.kind)}))


def slug_of(answer: TestResponse) -> str:
    """The problem's slug, which has to be a listed one."""
    assert answer.mimetype == "application/problem+json", answer.status
    body: dict[str, Any] = answer.get_json()
    slug = str(body["type"]).removeprefix(URN)
    assert slug in _SLUGS
    assert body["status"] == answer.status_code
    return slug


@dataclass(frozen=True)
class Play:
    """One route on one ground."""

    ground: Ground
    key: str

    @property
    def operation(self) -> openapi.Operation:
        return operations(self.ground)[self.key]

    def names(self, speaker: Speaker, **changes: str) -> Names:
        return Names({**self.ground.first.ids, **speaker.own, **changes}, self.ground, speaker)

    def send(self, speaker: Speaker, ask: Ask) -> TestResponse:
        return speaker.send(self.operation.method, ask.whole_path, **ask.arguments)

    def ask(self, speaker: Speaker, **changes: str) -> TestResponse:
        return self.send(speaker, ASKS[self.key](self.names(speaker, **changes)))

    def used(self, speaker: Speaker) -> set[str]:
        """What the request names."""
        names = self.names(speaker)
        ASKS[self.key](names)
        return names.used


def test_every_route_has_a_request(frozen: Ground) -> None:
    missing = set(operations(frozen)) ^ set(ASKS)
    assert missing == set()
    bare = {
        rule.rule
        for rule in frozen.app.url_map.iter_rules()
        if not hasattr(frozen.app.view_functions[rule.endpoint], "endpoint_spec")
    }
    assert bare <= {"/static/<path:filename>"}


@pytest.mark.parametrize("key", sorted(ASKS))
def test_a_route_serves_who_may_and_refuses_who_may_not(frozen: Ground, key: str) -> None:
    play = Play(frozen, key)
    permission = play.operation.spec.permission
    frozen.thaw()
    for speaker in frozen.speakers:
        if not may(speaker, permission):
            refused(speaker, play.ask(speaker))
    served = []
    for speaker in frozen.speakers:
        if may(speaker, permission):
            frozen.thaw()
            answer = play.ask(speaker)
            if permitted(play, speaker, answer):
                served.append(speaker.name)
    assert served, f"nobody was served: the request for {key} is not a valid one"


def refused(speaker: Speaker, answer: TestResponse) -> None:
    """The permission is missing: which refusal depends on the kind of token alone."""
    if answer.request.method == "HEAD":
        assert answer.status_code in {401, 403}, speaker.name
    elif speaker.kind == "anonymous":
        assert slug_of(answer) == "unauthenticated"
    elif speaker.kind in {"device", "upload"}:
        assert (slug_of(answer), answer.status_code) == ("token-wrong-type", 401), speaker.name
    else:
        assert (slug_of(answer), answer.status_code) == ("forbidden", 403), speaker.name


def permitted(play: Play, speaker: Speaker, answer: TestResponse) -> bool:
    """Whether the request was served; a refusal has to have its reason."""
    text = answer.get_data().decode(errors="replace")
    assert answer.status_code < 500, (speaker.name, text)
    leaked = [mark for mark in play.ground.second.marks if mark in text]
    assert leaked == [], speaker.name
    if answer.status_code < 400:
        return True
    assert answer.status_code != 400, (speaker.name, text)
    slug = slug_of(answer) if text else ""
    if play.operation.spec.permission is Permission.PUBLIC:
        assert speaker.kind != "anonymous"
    elif speaker.name == "officer without a device" and OF_A_DEVICE.match(play.key):
        assert answer.status_code == 403
    else:
        assert play.used(speaker) & speaker.hidden, (speaker.name, slug, text)
        assert answer.status_code == 404
    return False


@pytest.mark.parametrize("key", sorted(ASKS))
def test_foreign_hidden_and_absent_things_are_alike(ground: Ground, key: str) -> None:
    play = Play(ground, key)
    for speaker in ground.speakers:
        if not may(speaker, play.operation.spec.permission):
            continue
        for name in sorted(play.used(speaker)):
            alike(play, speaker, name, ground.second.ids[name])
            if name in speaker.hidden:
                alike(play, speaker, name, ground.first.ids[name])


def alike(play: Play, speaker: Speaker, name: str, given: str) -> None:
    """Naming ``given`` is answered as naming what does not exist."""
    absent = str(uuid.uuid4())
    one, other = play.ask(speaker, **{name: given}), play.ask(speaker, **{name: absent})
    where = (play.key, speaker.name, name)
    assert one.status_code == other.status_code, (where, one.get_data(), other.get_data())
    assert plain(one, given) == plain(other, absent), where
    if one.status_code < 400:
        assert _FILTERED.match(play.key) or play.operation.path.endswith(_NARROWED), (
            where,
            one.get_data(),
        )
    elif name in in_path(play, speaker) and one.request.method != "HEAD":
        assert slug_of(one) in {"not-found", *refusals_before(speaker)}, where


def plain(answer: TestResponse, given: str) -> tuple[Any, ...]:
    """Body and telling headers without what is particular to the request."""
    text = answer.get_data(as_text=True).replace(given, "ID")
    text = re.sub(r'"instance": "[^"]*"', "", text)
    telling = ("ETag", "Content-Length", "Location", "Retry-After", "Allow")
    return text, *(answer.headers.get(name) for name in telling)


def in_path(play: Play, speaker: Speaker) -> set[str]:
    """Names that stand in the path."""
    names = play.names(speaker)
    path = ASKS[play.key](names).path.partition("?")[0]
    return {name for name in names.used if names.ids[name] in path}


def refusals_before(speaker: Speaker) -> set[str]:
    """Problems that come before anything is looked for."""
    return {"forbidden"} if speaker.name == "officer without a device" else set()


def test_nothing_of_another_court_is_in_any_list(ground: Ground) -> None:
    for key, operation in operations(ground).items():
        if operation.method != "GET" or "{" in operation.path:
            continue
        for speaker in ground.speakers:
            bare = Ask(f"/{operation.path}".replace("//api/v1", "", 1))
            answer = Play(ground, key).send(speaker, bare)
            text = answer.get_data(as_text=True)
            leaked = [mark for mark in ground.second.marks if mark in text]
            assert leaked == [], (key, speaker.name)


def test_hidden_things_are_in_no_list(ground: Ground) -> None:
    stranger = next(one for one in ground.speakers if one.name == "stranger")
    marks = [ground.first.ids[name] for name in stranger.hidden]
    for key, operation in operations(ground).items():
        if operation.method == "GET" and "{" not in operation.path:
            bare = Ask(f"/{operation.path}".replace("//api/v1", "", 1))
            text = Play(ground, key).send(stranger, bare).get_data(as_text=True)
            assert [mark for mark in marks if mark in text] == [], key
