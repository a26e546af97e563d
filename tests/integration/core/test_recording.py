"""What is read is recorded first, and being read keeps no writer waiting."""

from __future__ import annotations

import fcntl
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.signals import before_render_template

from server.audit.events import EventKind
from server.audit.models import Event, OutboxRow
from server.audit.service import Subject, record
from server.core.context import Context, system_actor
from server.core.db import db
from server.core.problem import Kind, Problem, not_found
from server.core.recording import recorded
from server.core.transactions import EVERY_COURT, is_writing, unit_of_work
from tests.factories.console import Desk, desk
from tests.factories.ground import Ground
from tests.factories.identity import World, runtime_of

VIEWED, LISTED = EventKind.EVIDENCE_VIEWED, EventKind.EVIDENCE_LISTED
PAGES = [
    pytest.param("/e/{evidence}", VIEWED, id="item"),
    pytest.param("/e/{evidence}/custody", VIEWED, id="custody"),
    pytest.param("/e/{evidence}/redact", VIEWED, id="redaction"),
    pytest.param("/cases/{case}", LISTED, id="case"),
    pytest.param("/review/{evidence}", LISTED, id="review"),
    pytest.param("/shares/new?case={case}", LISTED, id="share"),
]


@pytest.fixture
def ground(app: Flask) -> Ground:
    return Ground.build(app)


@pytest.fixture
def lead(ground: Ground) -> Desk:
    return desk(ground.app, ground.first.world.people["president"])


def another_may_write() -> bool:
    """Whether another could write at this moment; on SQLite there is one writer at a time."""
    if db.engine.dialect.name == "postgresql":
        assigned = sa.select(sa.func.pg_current_xact_id_if_assigned())
        return db.session().connection().execute(assigned).scalar_one() is None
    descriptor = os.open(f"{db.engine.url.database}.writers", os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def events(app: Flask, kind: EventKind) -> int:
    """How many events of a kind another connection sees."""
    with app.app_context(), unit_of_work(EVERY_COURT, write=False) as session:
        return sum(
            session.execute(
                sa.select(sa.func.count()).select_from(table).where(table.kind == kind.value)
            ).scalar_one()
            for table in (Event, OutboxRow)
        )


@contextmanager
def while_rendering(app: Flask, look: Callable[[], object]) -> Iterator[list[object]]:
    """What ``look`` finds whenever a page is about to be made."""
    seen: list[object] = []

    def made(_app: Flask, **_: Any) -> None:
        seen.append(look())

    with before_render_template.connected_to(made, app):
        yield seen


@pytest.mark.parametrize(("page", "kind"), PAGES)
def test_a_page_is_made_after_its_event_and_without_a_writers_lock(
    ground: Ground, lead: Desk, page: str, kind: EventKind
) -> None:
    before = events(ground.app, kind)

    def look() -> tuple[bool, int]:
        return another_may_write(), events(ground.app, kind)

    with while_rendering(ground.app, look) as seen:
        assert lead.get(page.format(**ground.first.ids)).status_code == 200
    assert seen == [(True, before + 1)]


@pytest.mark.parametrize(("page", "kind"), PAGES)
def test_what_is_not_there_is_not_recorded(
    ground: Ground, lead: Desk, page: str, kind: EventKind
) -> None:
    before = events(ground.app, kind)
    for ids in (ground.second.ids, dict.fromkeys(ground.first.ids, str(uuid.uuid4()))):
        assert lead.get(page.format(**ids)).status_code == 404
    assert events(ground.app, kind) == before


@contextmanager
def reading(app: Flask) -> Iterator[Context]:
    court = World.build(app).first.id
    with unit_of_work(court, write=False) as session:
        yield Context(system_actor(court), session, runtime_of(app))


def write(ctx: Context) -> None:
    record(ctx, VIEWED, Subject("evidence", uuid.UUID(int=1)))


def test_the_event_stays_when_the_reading_fails_afterwards(app: Flask) -> None:
    before = events(app, VIEWED)

    def look() -> None:
        with reading(app) as ctx:
            with recorded(ctx):
                assert is_writing(ctx.session)
                write(ctx)
            assert not is_writing(ctx.session)
            assert events(app, VIEWED) == before + 1
            raise RuntimeError

    with pytest.raises(RuntimeError):
        look()
    assert events(app, VIEWED) == before + 1


@pytest.mark.parametrize("keep", [False, True], ids=["undone", "kept"])
def test_a_refusal_records_nothing_unless_it_asks_for_that(app: Flask, *, keep: bool) -> None:
    before = events(app, VIEWED)
    refusal = Problem(Kind.TOO_MANY_REQUESTS, keep=True) if keep else not_found()

    def look() -> None:
        with reading(app) as ctx, recorded(ctx):
            write(ctx)
            raise refusal

    with pytest.raises(Problem):
        look()
    assert events(app, VIEWED) == before + keep


def test_nothing_is_recorded_while_reading(app: Flask) -> None:
    with pytest.raises(RuntimeError, match="only reads"), reading(app) as ctx:
        write(ctx)
