"""Somebody with the database open who knows the design puts rows back to an earlier state."""

from __future__ import annotations

import json
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from server.audit import seals
from server.audit.models import Event
from server.core.db import table_of
from server.core.transactions import EVERY_COURT, unit_of_work
from server.evidence.models import Evidence
from server.identity.models import User
from server.review.models import ReviewEntry
from server.upkeep.findings import Code
from server.upkeep.scrub import Options, scrub
from tests.factories.field import Recorder, sequence
from tests.factories.identity import add_device, runtime_of
from tests.factories.upkeep import Installation, sealed_sessions

PHOTO = b"a photo (fictional)"
LOG = Options(bytes_=False)


@pytest.fixture
def installation(app: Flask) -> Installation:
    return Installation.build(app)


def row_of(table: sa.Table, where: sa.ColumnElement[bool]) -> dict[str, Any]:
    with unit_of_work(EVERY_COURT, write=False) as session:
        return session.execute(sa.select(table).where(where)).one()._asdict()


def put_back(table: sa.Table, row: dict[str, Any]) -> None:
    with unit_of_work(EVERY_COURT) as session:
        session.execute(sa.update(table).where(table.c.id == row["id"]).values(row))


def known_of(name: str) -> int:
    """What anybody can add up from the payloads in the database."""
    with unit_of_work(EVERY_COURT, write=False) as session:
        texts = session.execute(sa.select(Event.p).where(Event.ep.is_(None))).scalars()
        found: dict[str, int] = seals.folded(json.loads(text) for text in texts if text)
        return found.get(name, 0)


def test_tamper_an_item_put_back_with_a_seal_that_adds_up(installation: Installation) -> None:
    app, table = installation.app, table_of(Evidence)
    device = add_device(app, installation.ground.first.world.id)
    recorder = Recorder(app, device)
    recorder.outcomes([recorder.capture(PHOTO)])
    declared = row_of(table, table.c.device_id == device.id)
    recorder.bring(PHOTO)
    sequence(app)
    name = seals.row_name(table, declared)
    forged = int(declared["seal"][:32], 16) ^ known_of(name)
    rest = declared["seal"][32:]
    put_back(table, {**declared, "seal": seals.as_text(forged) + rest})
    found = {(one.code, one.subject) for one in scrub(runtime_of(app), LOG).findings}
    assert (Code.ROW_CHANGED, name) in found


def test_tamper_a_person_put_back_to_roles_of_before(installation: Installation) -> None:
    app, table = installation.app, table_of(User)
    who = installation.ground.first.world.supervisor.id
    before = row_of(table, table.c.id == who)
    with sealed_sessions(app), unit_of_work(EVERY_COURT) as session:
        session.get_one(User, who).roles = ["officer"]
    sequence(app)
    assert scrub(runtime_of(app), LOG).is_clean
    put_back(table, before)
    found = {(one.code, one.subject) for one in scrub(runtime_of(app), LOG).findings}
    assert found == {(Code.ROW_CHANGED, f"users/{who}")}


def test_tamper_a_row_of_one_s_own_and_a_row_taken_away(installation: Installation) -> None:
    app, users, decisions = installation.app, table_of(User), table_of(ReviewEntry)
    row = row_of(users, users.c.id == installation.ground.first.world.observer.id)
    asked = sa.and_(decisions.c.court_id == row["court_id"], decisions.c.decision == "query")
    gone = row_of(decisions, asked)["id"]
    mine = runtime_of(app).ids()
    with unit_of_work(EVERY_COURT) as session:
        session.execute(sa.delete(decisions).where(decisions.c.id == gone))
        session.execute(sa.insert(users).values({**row, "id": mine, "login": "mine"}))
    found = {(one.code, one.subject) for one in scrub(runtime_of(app), LOG).findings}
    assert found == {
        (Code.ROW_MISSING, f"review_entries/{gone}"),
        (Code.ROW_UNKNOWN, f"users/{mine}"),
    }
