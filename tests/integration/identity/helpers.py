"""What several identity tests ask."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import Flask
from werkzeug.test import TestResponse

from server.audit.models import OutboxRow
from server.core.transactions import EVERY_COURT, unit_of_work


def slug(response: TestResponse) -> str:
    """The problem's slug, after checking that it is a well-formed problem."""
    assert response.mimetype == "application/problem+json", response.get_data(as_text=True)
    body: dict[str, Any] = response.get_json()
    assert body["status"] == response.status_code
    return str(body["type"]).removeprefix("urn:tiezheng:problem:")


def recorded(app: Flask) -> list[str]:
    """Kinds of the events that wait for the log, in order."""
    with unit_of_work(EVERY_COURT, write=False) as session:
        statement = sa.select(OutboxRow.kind).order_by(OutboxRow.id)
        return list(session.execute(statement).scalars())


def payload(event: OutboxRow) -> str:
    """What an event says, as text."""
    assert event.p is not None
    return event.p


def outbox(app: Flask, kind: str) -> list[OutboxRow]:
    """Events of one kind that wait for the log."""
    with unit_of_work(EVERY_COURT, write=False) as session:
        statement = sa.select(OutboxRow).where(OutboxRow.kind == kind).order_by(OutboxRow.id)
        rows = list(session.execute(statement).scalars())
        session.expunge_all()
        return rows
