"""The outbox becomes a gapless log on both databases."""

from __future__ import annotations

import uuid

import pytest
import sqlalchemy as sa
from flask import Flask

from server.audit import sequencer
from server.audit.events import EventKind
from server.audit.models import Change, Event, OutboxRow
from server.audit.service import Notice, Subject, record
from server.core.context import Actor, Context
from server.core.permissions import TokenKind
from server.core.transactions import EVERY_COURT, unit_of_work
from server.identity.models import Court
from tests.factories.identity import runtime_of


def add_court(app: Flask) -> uuid.UUID:
    """A court to hang rows on."""
    runtime = app.extensions["tiezheng"]
    court_id: uuid.UUID = runtime.ids()
    with unit_of_work(EVERY_COURT) as session:
        session.add(
            Court(
                id=court_id,
                name="样例法院(虚构)",
                court_code="样0101",
                region_code=None,
                created_at=runtime.clock.now(),
            )
        )
    return court_id


def write(app: Flask, court_id: uuid.UUID, number: int) -> None:
    """One event with one notice."""
    with unit_of_work(court_id) as session:
        actor = Actor(token=TokenKind.SYSTEM, court_id=court_id)
        ctx = Context(actor=actor, session=session, runtime=app.extensions["tiezheng"])
        record(
            ctx,
            EventKind.USER_ADDED,
            Subject("user", str(number)),
            {"number": number},
            notices=[Notice("device:x", "mission", str(number))],
        )


def write_and_fail(app: Flask, court_id: uuid.UUID) -> None:
    """An event whose cause fails after it was recorded."""
    with unit_of_work(court_id) as session:
        actor = Actor(token=TokenKind.SYSTEM, court_id=court_id)
        ctx = Context(actor=actor, session=session, runtime=app.extensions["tiezheng"])
        record(ctx, EventKind.USER_ADDED, Subject("user", "1"))
        raise RuntimeError("the cause failed")


def test_outbox_moves_into_events_without_gaps(app: Flask) -> None:
    court_id = add_court(app)
    for number in range(7):
        write(app, court_id, number)
    moved = []
    for _ in range(4):
        with unit_of_work(EVERY_COURT) as session:
            moved.append(sequencer.sequence(session, runtime_of(app), limit=3))
    assert moved == [3, 3, 1, 0]
    with unit_of_work(court_id, write=False) as session:
        events = session.execute(sa.select(Event).order_by(Event.log_index)).scalars().all()
        assert [event.log_index for event in events] == list(range(7))
        assert [event.subject_id for event in events] == [str(n) for n in range(7)]
        assert session.execute(sa.select(sa.func.count()).select_from(OutboxRow)).scalar() == 0
        changes = session.execute(sa.select(Change.log_index)).scalars().all()
        assert sorted(changes) == list(range(7))


def test_a_rolled_back_cause_leaves_no_event(app: Flask) -> None:
    court_id = add_court(app)
    with pytest.raises(RuntimeError, match="the cause failed"):
        write_and_fail(app, court_id)
    with unit_of_work(EVERY_COURT) as session:
        assert sequencer.sequence(session, runtime_of(app)) == 0


def test_another_court_sees_nothing_on_postgresql(app: Flask) -> None:
    court_id = add_court(app)
    write(app, court_id, 1)
    with unit_of_work(uuid.uuid4(), write=False) as session:
        count = session.execute(sa.select(sa.func.count()).select_from(OutboxRow)).scalar()
        dialect = session.get_bind().dialect.name
    assert count == (0 if dialect == "postgresql" else 1)
