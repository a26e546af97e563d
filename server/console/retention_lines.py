"""Lines of the log book without bytes whose period is over: proposed by one, decided by another."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Final

from flask import Blueprint, Response

from server.console import retention
from server.console.pages import page, render, see
from server.console.retention_forms import DecideForm, DueListQuery, ProposeLinesForm
from server.core.context import Context
from server.core.permissions import Permission
from server.retention import lines
from server.retention.commands import Decide, DueFilter, ProposeLines
from server.retention.disposal import Outcome

blueprint = Blueprint("console_retention_lines", __name__)
HOME: Final = "/admin/retention/lines"


@blueprint.get("/admin/retention/lines")
@page(Permission.RETENTION_VIEW, query=DueListQuery)
def list_lines(ctx: Context, query: DueFilter) -> Response:
    """Lines whose period is over, and those that wait for a second person."""
    found, asked = lines.due(ctx, query), lines.proposals(ctx)
    judged = [*found.items, *(one for _, one in asked)]
    return render(
        ctx, "retention/lines.html", page=found, proposals=asked, me_id=ctx.actor.user_id,
        case_nos=retention.numbers(ctx, [one.item.case_id for one in judged]),
        names=retention.names(ctx, [row.requested_by for row, _ in asked]),
    )  # fmt: skip


@blueprint.post("/admin/retention/lines")
@page(Permission.EVIDENCE_ERASE, form=ProposeLinesForm)
def propose(ctx: Context, form: ProposeLines) -> Response:
    """Propose the ticked lines for disposal."""
    return _told(ctx, lines.propose(ctx, form), "proposed")


@blueprint.post("/admin/retention/lines/decide")
@page(Permission.EVIDENCE_ERASE, form=DecideForm)
def decide(ctx: Context, form: tuple[str, Decide]) -> Response:
    """Agree to the ticked proposals, or refuse them."""
    verb, command = form
    act = lines.approve if verb == "approve" else lines.refuse
    return _told(ctx, act(ctx, command), "erased" if verb == "approve" else "refused")


def _told(ctx: Context, outcomes: Sequence[Outcome], verb: str) -> Response:
    left = [one for one in outcomes if one.state == "left"]
    if not left:
        return see(HOME, said=f"retention.said_{verb}", n=len(outcomes))
    nowhere: dict[uuid.UUID, uuid.UUID] = {}
    return render(
        ctx, "retention/outcomes.html", left=left, done=len(outcomes) - len(left), verb=verb,
        items=nowhere, back=HOME,
    )  # fmt: skip
