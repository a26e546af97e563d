"""Every page × everybody: served by permission alone, and never with another court's things."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from server.core.permissions import Permission, Role, permissions_of
from tests.factories.console import Desk, desk
from tests.factories.ground import CourtGround, Ground
from tests.functional.authorisation.page_forms import ARGUMENTS, FORMS, OF_GUESTS

SAFE = {"GET", "HEAD", "OPTIONS"}
VARIABLE = re.compile(r"<(?:[^:>]+:)?(?P<name>[^>]+)>")


@dataclass(frozen=True)
class PageRoute:
    """One method of one page."""

    method: str
    path: str
    permission: Permission

    @property
    def key(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def names(self) -> list[str]:
        return re.findall(r"\{(\w+)\}", self.path)

    def address(self, ids: dict[str, str]) -> str:
        return self.path.format(**{name: ids[ARGUMENTS[name]] for name in self.names})


def routes(ground: Ground) -> list[PageRoute]:
    return sorted(_routes(ground), key=lambda one: one.key)


def _routes(ground: Ground) -> Iterator[PageRoute]:
    for rule in ground.app.url_map.iter_rules():
        spec = getattr(ground.app.view_functions[rule.endpoint], "endpoint_spec", None)
        if spec is None or not spec.page or _of_guests(rule):
            continue
        path = VARIABLE.sub(r"{\g<name>}", rule.rule)
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield PageRoute(method, path, spec.permission)


def _of_guests(rule: Rule) -> bool:
    return rule.rule in OF_GUESTS or rule.rule.startswith(("/g/", "/s/"))


def desks(ground: Ground, court: CourtGround) -> dict[str, Desk]:
    return {role.value: desk(ground.app, court.world.people[role.value]) for role in Role}


def ask(person: Desk, route: PageRoute, address: str) -> TestResponse:
    if route.method == "GET":
        return person.get(address)
    return person.post(address, FORMS.get(route.key, {}))


def test_every_variable_of_a_page_is_known(ground: Ground) -> None:
    unknown = {name for route in routes(ground) for name in route.names} - ARGUMENTS.keys()
    assert unknown == set()


def test_strangers_are_sent_to_sign_in(ground: Ground) -> None:
    stranger = desk(ground.app)
    for route in routes(ground):
        if route.permission is Permission.PUBLIC or set(route.names) - ARGUMENTS.keys():
            continue
        answer = ask(stranger, route, route.address(ground.first.ids))  # type: ignore[arg-type]
        assert answer.status_code == 303, route.key
        assert answer.headers["Location"].startswith("/sign-in?next="), route.key


def test_a_page_is_refused_to_who_lacks_its_permission(ground: Ground) -> None:
    people = desks(ground, ground.first)
    wrong = []
    for route in routes(ground):
        if route.permission is Permission.PUBLIC:
            continue
        address = route.address(dict(ground.first.ids))
        for role, person in people.items():
            if route.permission in permissions_of(frozenset({Role(role)})):
                continue
            status = ask(person, route, address).status_code
            if status != 403:
                wrong.append((route.key, role, status))
    assert wrong == []


@pytest.mark.parametrize("others", ["another court's", "nobody's"])
def test_things_that_are_not_theirs_are_not_there(frozen: Ground, others: str) -> None:
    people = desks(frozen, frozen.first)
    ids: dict[str, Any] = (
        dict(frozen.second.ids)
        if others == "another court's"
        else {name: str(uuid.UUID(int=9)) for name in frozen.first.ids}
    )
    wrong: list[tuple[str, str, object]] = []
    for route in routes(frozen):
        if not route.names:
            continue
        for role, person in people.items():
            if route.permission not in permissions_of(frozenset({Role(role)})):
                continue
            answer = ask(person, route, route.address(ids))
            allowed = {404} if route.method == "GET" or route.key in FORMS else {404, 422}
            if answer.status_code not in allowed:
                wrong.append((route.key, role, answer.status_code))
            leaked = [mark for mark in frozen.second.marks if mark in answer.text]
            if [mark for mark in leaked if mark not in ids.values()]:
                wrong.append((route.key, role, "leaks"))
    assert wrong == []


def test_a_page_opens_for_who_may(frozen: Ground) -> None:
    people = desks(frozen, frozen.first)
    wrong = []
    for route in routes(frozen):
        if route.method != "GET" or route.permission is Permission.PUBLIC:
            continue
        address = route.address(dict(frozen.first.ids))
        served = [
            ask(person, route, address).status_code
            for role, person in people.items()
            if route.permission in permissions_of(frozenset({Role(role)}))
        ]
        if not any(status in {200, 303} for status in served) or any(
            status >= 500 for status in served
        ):
            wrong.append((route.key, served))
    assert wrong == []
