"""Shares with people outside, for those who lead: the list, a new one, one with its openings."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any, Final

from flask import Blueprint, Response

from server.cases import queries as cases
from server.cases.models import Case
from server.console import qr
from server.console.court_names import people
from server.console.pages import page, render, see
from server.console.shares_forms import NewShareQuery, Nothing, ShareForm, ShareListQuery
from server.core.context import Context
from server.core.permissions import Permission
from server.core.recording import recorded
from server.evidence import listing, redactions
from server.evidence import queries as evidence
from server.evidence.commands import EvidenceFilter
from server.shares import policy, queries, service
from server.shares.commands import DAYS_DEFAULT, DAYS_MAX, ITEMS_MAX, MakeShare, ShareFilter
from server.shares.models import Share, ShareItem
from server.shares.service import Choice, Made

blueprint = Blueprint("console_shares", __name__)
_MAKE: Final = Permission.SHARES_MAKE


@blueprint.get("/shares")
@page(_MAKE, query=ShareListQuery)
def list_shares(ctx: Context, query: ShareFilter) -> Response:
    """What is shared with whom, and what has ended."""
    found = queries.shares_of(ctx, query)
    return render(
        ctx,
        "shares/list.html",
        page=found,
        query=query,
        counts=queries.item_counts(ctx.session, [one.id for one in found.items]),
        states={one.id: policy.state_of(one, ctx.clock.now()) for one in found.items},
        cases=_cases(ctx, found.items),
        live=queries.count_shares(ctx, "live"),
    )


@blueprint.get("/shares/new")
@page(_MAKE, query=NewShareQuery, reads_evidence=True)
def new_share(ctx: Context, query: dict[str, Any]) -> Response:
    """The form of a new share; its list of items is recorded."""
    if "case_id" not in query:
        return render(ctx, "shares/new.html", case=None)
    case = cases.visible_case(ctx, query["case_id"])
    rows = service.choices(ctx, case.id, query["items"] or _all_of(ctx, case))
    with recorded(ctx):
        listing.listed(ctx, [one.item for one in rows], case_id=case.id)
    return _form(ctx, case, rows, chosen=set(query["items"]))


@blueprint.post("/shares")
@page(_MAKE, form=ShareForm)
def make_share(ctx: Context, form: MakeShare) -> Response:
    """Share, and show link and code this once."""
    made = service.make(ctx, form)
    return _made(ctx, made)


@blueprint.get("/shares/<uuid:share_id>")
@page(_MAKE)
def show_share(ctx: Context, share_id: uuid.UUID) -> Response:
    """One share: its items, and who opened what when."""
    share = queries.share(ctx, share_id)
    openings = queries.openings_of(ctx.session, share.id)
    items = queries.items_of(ctx.session, share.id)
    return render(
        ctx,
        "shares/show.html",
        share=share,
        state=policy.state_of(share, ctx.clock.now()),
        case=cases.visible_case(ctx, share.case_id),
        items=items,
        forms=queries.forms_of(ctx.session, [row for row, _ in items]),
        waiting=_waiting(ctx, [row for row, _ in items]),
        openings=openings,
        readings=queries.readings_of(ctx.session, [one.id for one in openings]),
        people=people(ctx),
        tries=policy.CODE_TRIES_MAX,
    )


@blueprint.post("/shares/<uuid:share_id>/revoke")
@page(_MAKE, form=Nothing)
def revoke_share(ctx: Context, share_id: uuid.UUID, form: dict[str, Any]) -> Response:  # noqa: ARG001
    """Take a share back, at once."""
    service.revoke(ctx, share_id)
    return see(f"/shares/{share_id}", said="shares.said_revoked")


@blueprint.post("/shares/<uuid:share_id>/items/<uuid:evidence_id>/copy")
@page(_MAKE, form=Nothing)
def use_copy(
    ctx: Context,
    share_id: uuid.UUID,
    evidence_id: uuid.UUID,
    form: dict[str, Any],  # noqa: ARG001  a button alone
) -> Response:
    """Let an item's redacted copy go out instead of the original."""
    service.use_copy(ctx, share_id, evidence_id)
    return see(f"/shares/{share_id}", said="shares.said_copy")


@blueprint.post("/shares/<uuid:share_id>/code")
@page(_MAKE, form=Nothing)
def renew_code(ctx: Context, share_id: uuid.UUID, form: dict[str, Any]) -> Response:  # noqa: ARG001
    """Make a new code and show it this once."""
    return _made(ctx, service.renew_code(ctx, share_id))


def _form(ctx: Context, case: Case, rows: list[Choice], *, chosen: set[uuid.UUID]) -> Response:
    return render(
        ctx,
        "shares/new.html",
        case=case,
        rows=rows,
        chosen=chosen,
        days=DAYS_DEFAULT,
        days_max=DAYS_MAX,
    )


def _made(ctx: Context, made: Made) -> Response:
    link = f"{ctx.settings.public_url.rstrip('/')}/s/{made.token}" if made.token else None
    return render(
        ctx,
        "shares/made.html",
        status=201,
        share=made.share,
        link=link,
        code=made.code,
        picture=qr.svg(link) if link else None,
    )


def _waiting(ctx: Context, rows: Sequence[ShareItem]) -> set[uuid.UUID]:
    """Items whose original was named although a redacted copy of them could go out."""
    named = [row.evidence_id for row in rows if row.original_named]
    return {one for one in named if redactions.derivative_for(ctx.session, one) is not None}


def _all_of(ctx: Context, case: Case) -> list[uuid.UUID]:
    """The case's first items with bytes."""
    wanted = EvidenceFilter(state="verified", limit=ITEMS_MAX)
    return [item.id for item in evidence.evidence_of_case(ctx, case.id, wanted).items]


def _cases(ctx: Context, shares: Any) -> dict[uuid.UUID, Case | None]:
    def of(share: Share) -> Case | None:
        return cases.case_in_court(ctx.session, ctx.actor.court_id, share.case_id)

    return {one.case_id: of(one) for one in shares}
