"""Rows that change leave their seal in the log, in the transaction that changed them."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from server.audit import seals
from server.audit.events import EventKind
from server.audit.models import OutboxRow
from server.audit.service import Subject, record
from server.core.context import Context, Runtime, system_actor
from server.core.db import table_of
from server.core.transactions import EVERY_COURT, unit_of_work
from server.identity.models import Court, User


def _add(ctx: Context, code: str = "样0101") -> Court:
    court = Court(
        id=ctx.new_id(), name="样例法院(虚构)", court_code=code, created_at=ctx.clock.now()
    )
    ctx.session.add(court)
    ctx.session.flush()
    return court


def _context(app: Flask, session: Any) -> Context:
    return Context(system_actor(), session, app.extensions["tiezheng"])


def _payloads() -> list[dict[str, Any]]:
    with unit_of_work(EVERY_COURT, write=False) as session:
        rows = session.execute(sa.select(OutboxRow).order_by(OutboxRow.id)).scalars()
        return [json.loads(row.p or "") for row in rows]


def _digest(app: Flask, court_id: uuid.UUID) -> int:
    runtime: Runtime = app.extensions["tiezheng"]
    table = table_of(Court)
    with unit_of_work(EVERY_COURT, write=False) as session:
        row = session.execute(sa.select(table).where(table.c.id == court_id)).one()
    return seals.row_digest(seals.seal_key(runtime.keyring), table, row._asdict())


def test_a_change_without_an_event_gets_one(app: Flask) -> None:
    with unit_of_work(EVERY_COURT) as session:
        court_id = _add(_context(app, session)).id
    payloads = _payloads()
    assert [payload["act"] for payload in payloads] == [EventKind.ROWS_SEALED]
    assert seals.folded(payloads) == {f"courts/{court_id}": _digest(app, court_id)}


def test_the_seal_travels_in_the_event_of_its_cause(app: Flask) -> None:
    with unit_of_work(EVERY_COURT) as session:
        ctx = _context(app, session)
        court = _add(ctx)
        court_id = court.id
        record(ctx, EventKind.COURT_ADDED, Subject("court", court.id), court_id=court.id)
        court.name = "另一法院(虚构)"
    payloads = _payloads()
    assert [payload["act"] for payload in payloads] == [EventKind.COURT_ADDED]
    assert seals.folded(payloads) == {f"courts/{court_id}": _digest(app, court_id)}


def test_an_honest_change_does_not_launder_an_edit(app: Flask) -> None:
    with unit_of_work(EVERY_COURT) as session:
        court_id = _add(_context(app, session)).id
    with unit_of_work(EVERY_COURT) as session:
        session.execute(sa.text("UPDATE courts SET name = 'edited'"))
    with unit_of_work(EVERY_COURT) as session:
        _context(app, session)
        session.get_one(Court, court_id).region_code = "44"
    assert seals.folded(_payloads())[f"courts/{court_id}"] != _digest(app, court_id)


def test_what_a_savepoint_undid_is_not_sealed(app: Flask) -> None:
    with unit_of_work(EVERY_COURT) as session:
        ctx = _context(app, session)
        court_id = _add(ctx).id
        savepoint = session.begin_nested()
        _add(ctx, "样0202")
        record(ctx, EventKind.COURT_ADDED, Subject("court", court_id), court_id=court_id)
        session.flush()
        savepoint.rollback()
    payloads = _payloads()
    assert [payload["act"] for payload in payloads] == [EventKind.ROWS_SEALED]
    assert seals.folded(payloads) == {f"courts/{court_id}": _digest(app, court_id)}


def test_a_row_that_goes_leaves_nothing(app: Flask) -> None:
    with unit_of_work(EVERY_COURT) as session:
        ctx = _context(app, session)
        user = User(
            id=ctx.new_id(), court_id=_add(ctx).id, login="someone", name="赵虚构",
            post="enforcement_officer", roles=["officer"], password_hash="-",
            created_at=ctx.clock.now(),
        )  # fmt: skip
        session.add(user)
        session.flush()
        user_id = user.id
    assert seals.folded(_payloads())[f"users/{user_id}"]
    with unit_of_work(EVERY_COURT) as session:
        _context(app, session)
        session.delete(session.get_one(User, user_id))
    assert seals.folded(_payloads())[f"users/{user_id}"] == 0


def test_a_transaction_that_fails_leaves_no_seal(app: Flask) -> None:
    def fail() -> None:
        with unit_of_work(EVERY_COURT) as session:
            _add(_context(app, session))
            raise RuntimeError("undone")

    with pytest.raises(RuntimeError, match="undone"):
        fail()
    assert _payloads() == []
