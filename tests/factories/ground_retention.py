"""What a court of the ground has of retention: a rule, a class of its photo, a hold."""

from __future__ import annotations

import uuid
from dataclasses import replace

from flask import Flask

from server.core.context import Context, system_actor
from server.core.transactions import unit_of_work
from server.fieldlog.models import LogEntry
from server.retention import service as retention
from server.retention.categories import Category
from server.retention.commands import Classify, MakeRule
from server.retention.models import LineErasure
from tests.factories.identity import runtime_of
from tests.factories.identity_rows import CourtWorld


def hold_in(app: Flask, court: CourtWorld, case: uuid.UUID, item: uuid.UUID) -> str:
    """A hold that nobody in particular placed; a rule, and a class of the item, by a supervisor."""
    runtime = runtime_of(app)
    with unit_of_work(court.id) as session:
        actor = replace(system_actor(court.id), user_id=court.supervisor.id)
        ctx = Context(actor, session, runtime)
        rule = MakeRule(category=Category.ORDINARY, months=72, reason="院长办公会(虚构)")
        retention.make_rule(ctx, rule)
        named = Classify(evidence_ids=(item,), category=Category.COERCIVE, reason="抗拒(虚构)")
        retention.classify(ctx, named)
    _refused_line(app, court)
    with unit_of_work(court.id) as session:
        ctx = Context(system_actor(court.id), session, runtime)
        hold = retention.hold_automatically(ctx, case, "petition", reason="信访(虚构)")
        return str(hold.id)


def _refused_line(app: Flask, court: CourtWorld) -> None:
    """A line of the log book that somebody wanted to dispose of, and somebody else kept."""
    runtime = runtime_of(app)
    with unit_of_work(court.id) as session:
        line = session.query(LogEntry).filter(LogEntry.court_id == court.id).first()
        assert line is not None
        refused = LineErasure(
            id=runtime.ids(), court_id=court.id, log_entry_id=line.id,
            legal_basis="保管期限(虚构)", reason="期满(虚构)",
            requested_by=court.supervisor.id, requested_at=runtime.clock.now(), state="refused",
            decided_by=court.president.id, decided_at=runtime.clock.now(), note="仍需(虚构)",
        )  # fmt: skip
        session.add(refused)
