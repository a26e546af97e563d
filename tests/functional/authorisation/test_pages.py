"""Every page × everybody: served by permission alone, and never with another court's things."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask, request
from flask.signals import before_render_template
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from server.core.db import db
from server.core.permissions import Permission, Role, permissions_of
from server.core.transactions import is_writing
from tests.factories.console import Desk, desk
from tests.factories.ground import CourtGround, Ground
from tests.factories.ground_pages import with_pages
from tests.functional.authorisation.page_forms import (
    ARGUMENTS,
    FORMS,
    OF_GUESTS,
    PARTICULAR,
    QUERIES,
    SKIPPING,
)

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
VARIABLE = re.compile(r"<(?:[^:>]+:)?(?P<name>[^>]+)>")


@pytest.fixture(scope="module")
def ground(ground: Ground) -> Ground:
    """With what pages alone name."""
    return with_pages(ground)


@pytest.fixture(scope="module")
def frozen(frozen: Ground, tmp_path_factory: pytest.TempPathFactory) -> Ground:
    """With what pages alone name, and frozen with that."""
    with_pages(frozen).freeze(tmp_path_factory.mktemp("paged"))
    return frozen


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

    @property
    def things(self) -> dict[str, str]:
        """What each variable of the path names."""
        known = {**ARGUMENTS, **PARTICULAR.get(self.key, {})}
        return {name: known[name] for name in self.names}

    def address(self, ids: Mapping[str, str]) -> str:
        return self.path.format(**{name: ids[thing] for name, thing in self.things.items()})

    def form(self, ids: Mapping[str, str]) -> dict[str, Any]:
        """A form, or a query, that is taken, over these things."""
        made = {**FORMS, **QUERIES}.get(self.key)
        return made(ids) if made else {}


class Named(dict[str, str]):
    """Ids that remember which were asked for."""

    def __init__(self, ids: Mapping[str, str]) -> None:
        super().__init__(ids)
        self.used: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.used.add(name)
        return super().__getitem__(name)

    def told(self, name: str, text: str) -> bool:
        """Whether a text holds what nobody asked for."""
        return super().__getitem__(name) in text


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


def ask(
    person: Desk, route: PageRoute, ids: Mapping[str, str], named: Mapping[str, str] | None = None
) -> TestResponse:
    """The page at these things; ``named`` are those that its form names, if others."""
    address = route.address(ids)
    if route.method == "GET":
        answer = person.get(address, query_string=route.form(named or ids))
        answer.get_data()  # a stream ends before the next request
        return answer
    return person.post(address, route.form(named or ids))


def who_may(route: PageRoute, role: str) -> bool:
    return route.permission in permissions_of(frozenset({Role(role)}))


def others_ids(ground: Ground, whose: str) -> dict[str, str]:
    """Another court's things, or ids of nothing; numbers of things stay."""
    if whose == "another court's":
        return dict(ground.second.ids)
    absent = {**ground.first.ids, "case_no": "(2019)虚0000执4040号"}
    for name, value in absent.items():
        if UUID.fullmatch(value):
            absent[name] = str(uuid.UUID(int=9))
    return absent


def test_every_variable_of_a_page_is_known(ground: Ground) -> None:
    unknown = {name for route in routes(ground) for name in route.names} - ARGUMENTS.keys()
    assert unknown == set()


def test_every_form_is_of_a_page(ground: Ground) -> None:
    named = FORMS.keys() | QUERIES.keys() | PARTICULAR.keys()
    assert named - {route.key for route in routes(ground)} == set()


def test_strangers_are_sent_to_sign_in(ground: Ground) -> None:
    stranger = desk(ground.app)
    for route in routes(ground):
        if route.permission is Permission.PUBLIC:
            continue
        answer = ask(stranger, route, ground.first.ids)
        assert answer.status_code == 303, route.key
        assert answer.headers["Location"].startswith("/sign-in?next="), route.key


def test_a_page_is_refused_to_who_lacks_its_permission(ground: Ground) -> None:
    people = desks(ground, ground.first)
    wrong = []
    for route in routes(ground):
        if route.permission is Permission.PUBLIC:
            continue
        for role, person in people.items():
            if who_may(route, role):
                continue
            status = ask(person, route, ground.first.ids).status_code
            if status != 403:
                wrong.append((route.key, role, status))
    assert wrong == []


@pytest.mark.parametrize("others", ["another court's", "nobody's"])
def test_things_that_are_not_theirs_are_not_there(ground: Ground, others: str) -> None:
    people = desks(ground, ground.first)
    ids = others_ids(ground, others)
    wrong: list[tuple[str, str, object]] = []
    for route in routes(ground):
        for role, person in people.items():
            if not route.names or not who_may(route, role):
                continue
            answer = ask(person, route, ids, ground.first.ids)
            if answer.status_code != 404:
                wrong.append((route.key, role, answer.status_code))
            leaked = [mark for mark in ground.second.marks if mark in answer.text]
            if [mark for mark in leaked if mark not in ids.values()]:
                wrong.append((route.key, role, "leaks"))
    assert wrong == []


@pytest.mark.parametrize("others", ["another court's", "nobody's"])
def test_a_thing_that_is_not_theirs_is_not_there_beside_one_that_is(
    ground: Ground, others: str
) -> None:
    people, own, ids = desks(ground, ground.first), ground.first.ids, others_ids(ground, others)
    wrong: list[tuple[str, str, str, int]] = []
    for route in routes(ground):
        things = set(route.things.values()) - {"held_ep", "held_seq", "pass"}
        for thing in sorted(things) if len(things) > 1 else ():
            for role, person in people.items():
                if who_may(route, role):
                    answer = ask(person, route, {**own, thing: ids[thing]}, own)
                    if answer.status_code != 404:
                        wrong.append((route.key, role, thing, answer.status_code))
    assert wrong == []


def test_what_a_colleague_may_not_see_is_not_there(ground: Ground) -> None:
    """An officer without the case, for whom a colleague's own browser and lists are none either."""
    (stranger,) = [one for one in ground.speakers if one.name == "stranger"]
    hidden = {*stranger.hidden - {"export"}, "view", "sign_in"}
    person = desk(ground.app, ground.first.world.second_officer)
    wrong = []
    for route in routes(ground):
        if hidden & set(route.things.values()) and who_may(route, stranger.kind):
            given = Named(ground.first.ids)
            answer = ask(person, route, given)
            told = {name for name in hidden - given.used if given.told(name, answer.text)}
            if answer.status_code != 404 or told:
                wrong.append((route.key, answer.status_code, told))
    assert wrong == []


def test_a_form_of_ones_own_things_is_taken(frozen: Ground) -> None:
    """So what is refused above is refused because of the thing."""
    wrong = []
    for route in routes(frozen):
        if route.method == "GET" or not (route.names or route.key in FORMS):
            continue
        served = []
        for role in Role:
            if who_may(route, role):
                frozen.thaw()
                person = desk(frozen.app, frozen.first.world.people[role.value])
                served.append(ask(person, route, frozen.first.ids).status_code)
        if not set(served) & {200, 201, 303} or max(served) >= 500:
            wrong.append((route.key, served))
    frozen.thaw()
    assert wrong == []


def test_what_is_named_of_another_court_is_answered_as_what_nobody_has(
    frozen: Ground,
) -> None:
    frozen.thaw()
    people, own = desks(frozen, frozen.first), frozen.first.ids
    foreign, absent = (others_ids(frozen, one) for one in ("another court's", "nobody's"))
    wrong: list[tuple[str, str, str, object]] = []
    for route in routes(frozen):
        named = Named(own)
        route.form(named)
        for thing in sorted(named.used):
            for role, person in people.items():
                if not who_may(route, role):
                    continue
                one, other = (
                    ask(person, route, own, {**own, thing: ids[thing]}) for ids in (foreign, absent)
                )
                marks = [mark for mark in frozen.second.marks if mark not in foreign[thing]]
                told = [mark for mark in marks if mark in one.text]
                if told or one.status_code != other.status_code or one.status_code >= 500:
                    wrong.append((route.key, role, thing, (one.status_code, other.status_code)))
                if one.status_code in {201, 303} and route.key not in SKIPPING:
                    wrong.append((route.key, role, thing, "taken"))
    frozen.thaw()
    assert wrong == []


def test_a_page_opens_for_who_may_and_keeps_no_writer_waiting(ground: Ground) -> None:
    people = desks(ground, ground.first)
    wrong: list[tuple[str, object]] = []

    def made(_app: Flask, **_: Any) -> None:
        if db.session().in_transaction() and is_writing(db.session()):
            wrong.append((request.path, "is made in a writer's transaction"))

    for route in routes(ground):
        if route.method != "GET" or route.permission is Permission.PUBLIC:
            continue
        with before_render_template.connected_to(made, ground.app):
            served = [
                ask(person, route, ground.first.ids).status_code
                for role, person in people.items()
                if who_may(route, role)
            ]
        if not any(status in {200, 303} for status in served) or any(
            status >= 500 for status in served
        ):
            wrong.append((route.key, served))
    assert wrong == []
