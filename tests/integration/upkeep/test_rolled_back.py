"""A row that is put back by hand to what it once was is found, however its seal is adjusted.

Whoever reads the database knows a row's seal and every difference that the log tells of it, and so
the digest of each of its earlier states.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from server.audit import seals
from server.audit.models import Event
from server.core.context import Context, system_actor
from server.core.db import table_of
from server.core.transactions import EVERY_COURT, unit_of_work
from server.evidence.models import Evidence
from server.review import service as review
from server.review.commands import Decision, Review
from server.upkeep.scrub import Options, scrub
from tests.factories.field import sequence
from tests.factories.identity import runtime_of
from tests.factories.upkeep import Installation, sealed_sessions

_TABLE = table_of(Evidence)


@pytest.fixture
def installation(app: Flask) -> Installation:
    return Installation.build(app)


def _row(evidence_id: uuid.UUID) -> dict[str, Any]:
    with unit_of_work(EVERY_COURT, write=False) as session:
        found = session.execute(sa.select(_TABLE).where(_TABLE.c.id == evidence_id)).one()
        return dict(found._asdict())


def _write(evidence_id: uuid.UUID, values: dict[str, Any]) -> None:
    with unit_of_work(EVERY_COURT) as session:
        session.execute(sa.update(_TABLE).where(_TABLE.c.id == evidence_id).values(values))


def _told(evidence_id: uuid.UUID) -> int:
    """What the log says of the row, as anybody can read it."""
    with unit_of_work(EVERY_COURT, write=False) as session:
        texts = session.execute(sa.select(Event.p).where(Event.p.is_not(None))).scalars()
        known: dict[str, int] = seals.folded(json.loads(text or "{}") for text in texts)
    return known.get(f"evidence/{evidence_id}", 0)


def _found(app: Flask) -> set[str]:
    findings = scrub(runtime_of(app), Options(bytes_=False)).findings
    return {one.subject for one in findings if one.subject.startswith("evidence/")}


def test_tamper_a_row_put_back_to_an_earlier_state(installation: Installation) -> None:
    app, court = installation.app, installation.ground.first
    evidence_id, runtime = uuid.UUID(court.ids["evidence"]), runtime_of(app)
    before, known = _row(evidence_id), _told(evidence_id)
    with sealed_sessions(app), unit_of_work(court.world.id) as session:
        actor = replace(system_actor(court.world.id), user_id=court.world.supervisor.id)
        ctx = Context(actor, session, runtime)
        review.decide(ctx, evidence_id, Review(decision=Decision.RETURN, reason_code="3"))
    sequence(app)
    after, delta = _row(evidence_id), known ^ _told(evidence_id)
    assert delta, "the row changed"
    assert not _found(app)
    digest, rest = before["seal"][:32], before["seal"][32:]
    shifted = seals.as_text(int(digest, 16) ^ delta)
    for seal in (shifted, shifted + rest, shifted + shifted, before["seal"], "no seal", None):
        _write(evidence_id, before | {"seal": seal})
        assert _found(app) == {f"evidence/{evidence_id}"}, seal
    _write(evidence_id, after)
    assert not _found(app)
