"""What a court of the ground has of retention: a rule, a class of its photo, a hold."""

from __future__ import annotations

import uuid
from dataclasses import replace

from flask import Flask

from server.core.context import Context, system_actor
from server.core.transactions import unit_of_work
from server.retention import service as retention
from server.retention.categories import Category
from server.retention.commands import Classify, MakeRule
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
    with unit_of_work(court.id) as session:
        ctx = Context(system_actor(court.id), session, runtime)
        hold = retention.hold_automatically(ctx, case, "petition", reason="信访(虚构)")
        return str(hold.id)
