"""Courts, the tenants: only the operator's command line adds them."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from server.audit import service as audit
from server.audit.events import EventKind
from server.audit.service import Subject
from server.core.context import Context
from server.core.problem import Kind, Problem
from server.identity.models import Court


@dataclass(frozen=True, slots=True, kw_only=True)
class AddCourt:
    """Command: a court with its 法院代字, such as 粤0106."""

    name: str
    court_code: str
    region_code: str | None = None


def add(ctx: Context, command: AddCourt) -> Court:
    """Make a court; its code may be taken only once on this server."""
    taken = sa.select(Court.id).where(Court.court_code == command.court_code)
    if ctx.session.execute(taken).first() is not None:
        raise Problem(Kind.CONFLICT, f"the court code {command.court_code} is taken")
    court = Court(
        id=ctx.new_id(),
        name=command.name,
        court_code=command.court_code,
        region_code=command.region_code,
        created_at=ctx.clock.now(),
    )
    ctx.session.add(court)
    ctx.session.flush()  # the event names the court, which has to be there
    facts = {"name": court.name, "court_code": court.court_code}
    audit.record(ctx, EventKind.COURT_ADDED, Subject("court", court.id), facts, court_id=court.id)
    return court
