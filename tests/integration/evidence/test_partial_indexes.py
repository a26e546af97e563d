"""Rules that partial indexes are made for: the databases recognise them in statements."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from flask import Flask

from server.core.db import Base, db, table_of
from server.core.transactions import EVERY_COURT, unit_of_work
from server.evidence.models import Evidence, Upload
from server.evidence.rules import has_findings, is_absent, is_odd, is_unclaimed

RULES: dict[str, tuple[type[Base], sa.ColumnElement[bool]]] = {
    "ix_evidence_absent": (Evidence, is_absent(Evidence)),
    "ix_evidence_odd": (Evidence, is_odd(Evidence)),
    "ix_evidence_found": (Evidence, has_findings(Evidence)),
    "ix_uploads_unclaimed": (Upload, is_unclaimed(Upload)),
}


@pytest.fixture
def others(app: Flask) -> Iterator[None]:
    """Only the partial indexes are there, so that a plan uses one or reads every row."""
    with app.app_context(), unit_of_work(EVERY_COURT) as session:
        for index in table_of(Evidence).indexes | table_of(Upload).indexes:
            if index.name not in RULES:
                session.execute(sa.schema.DropIndex(index))
        yield
        session.rollback()


@pytest.mark.usefixtures("others")
@pytest.mark.parametrize("name", RULES)
def test_a_statement_that_says_the_rule_is_answered_by_its_index(name: str) -> None:
    court = uuid.UUID(int=1)
    table, rule = RULES[name]
    statement = sa.select(sa.func.count()).where(table_of(table).c.court_id == court, rule)
    session = db.session()
    dialect = session.get_bind().dialect
    if dialect.name == "postgresql":
        session.execute(sa.text("SET LOCAL enable_seqscan = off"))
    compiled = statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True})
    explain = "EXPLAIN QUERY PLAN" if dialect.name == "sqlite" else "EXPLAIN"
    plan = session.execute(sa.text(f"{explain} {compiled}")).all()
    assert any(name in str(row) for row in plan), plan
