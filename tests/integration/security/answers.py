"""What an answer has to be, whatever was asked."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from werkzeug.test import TestResponse

from server.audit.models import OutboxRow
from server.core import openapi
from server.core.permissions import Permission, Role, permissions_of
from server.core.problem import URN, Kind
from server.core.transactions import EVERY_COURT, unit_of_work
from tests.factories.ground import Ground, Speaker
from tests.functional.authorisation.asks import ASKS, Ask, Names

_BY_SLUG = {kind.slug: kind for kind in Kind}


def problem_of(answer: TestResponse) -> str:
    """Slug of the problem: listed, with its own status, never one of the server's making."""
    text = answer.get_data(as_text=True)
    assert answer.mimetype == "application/problem+json", (answer.status, text)
    body: dict[str, Any] = answer.get_json()
    slug = str(body["type"]).removeprefix(URN)
    assert slug in _BY_SLUG, text
    assert _BY_SLUG[slug].value.status == answer.status_code == body["status"], text
    assert slug != "internal", text
    return slug


def sound(answer: TestResponse) -> str:
    """``ok``, or the slug of a listed problem."""
    if answer.status_code < 400:
        return "ok"
    return problem_of(answer)


def speaker_for(ground: Ground, permission: Permission) -> Speaker:
    """Somebody on an enrolled device who holds the permission."""
    for name in ("supervisor", "administrator", "officer", "anonymous"):
        speaker = next(one for one in ground.speakers if one.name == name)
        if permission is Permission.PUBLIC and name == "anonymous":
            return speaker
        if name != "anonymous" and permission in permissions_of(frozenset({Role(name)})):
            return speaker
    raise AssertionError(f"nobody holds {permission}")


def asks_with_bodies(ground: Ground) -> dict[str, tuple[openapi.Operation, Speaker, Ask]]:
    """The routes that take JSON, each with a speaker who may and a valid request."""
    found = {}
    for one in openapi.operations(ground.app):
        if one.spec.load is not None:
            speaker = speaker_for(ground, one.spec.permission)
            ids = {**ground.first.ids, **speaker.own}
            found[one.key] = (one, speaker, ASKS[one.key](Names(ids, ground, speaker)))
    return found


def events(ground: Ground) -> int:
    """How many events wait for the log."""
    with unit_of_work(EVERY_COURT, write=False) as session:
        statement = sa.select(sa.func.count()).select_from(OutboxRow)
        return session.execute(statement).scalar_one()
