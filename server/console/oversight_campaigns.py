"""Campaigns: the list, one with its figures and cases, and its steps."""

from __future__ import annotations

import uuid
from typing import Final

import sqlalchemy as sa
from flask import Blueprint, Response, url_for

from server.cases.models import Case
from server.cases.visibility import sees_case
from server.console.court_names import people
from server.console.oversight import cases_called
from server.console.oversight_forms import ItemsForm
from server.console.pages import page, render, see
from server.core.context import Context
from server.core.permissions import Permission
from server.oversight import campaigns, queries, service
from server.oversight import schemas as wire
from server.oversight.commands import CampaignFilter, CloseCampaign, MakeCampaign, TakeIn
from server.oversight.kinds import CampaignState
from server.oversight.models import CampaignCase

blueprint = Blueprint("console_oversight_campaigns", __name__, url_prefix="/oversight/campaigns")
CASES_SHOWN: Final = 200


@blueprint.get("")
@page(Permission.OVERSIGHT_VIEW, query=wire.CampaignQuery)
def list_campaigns(ctx: Context, query: CampaignFilter) -> Response:
    """Campaigns with what they come to, and a form to plan one."""
    found = queries.list_campaigns(ctx, query)
    return render(
        ctx, "oversight/campaigns.html", page=found, query=query, states=list(CampaignState),
        counts=campaigns.counts(ctx, found.items), today=service.today_at(ctx),
    )  # fmt: skip


@blueprint.post("")
@page(Permission.OVERSIGHT_RUN, form=wire.CampaignBody)
def make_campaign(ctx: Context, form: MakeCampaign) -> Response:
    """Plan a campaign."""
    return _to(campaigns.make(ctx, form).id, "oversight.said_campaign_made")


@blueprint.get("/<uuid:campaign_id>")
@page(Permission.OVERSIGHT_VIEW)
def show_campaign(ctx: Context, campaign_id: uuid.UUID) -> Response:
    """One campaign, of what the reader may see."""
    row = queries.campaign(ctx, campaign_id)
    statement = (
        sa.select(Case.id, Case.case_no, Case.status, Case.handler_id)
        .join(CampaignCase, CampaignCase.case_id == Case.id)
        .where(CampaignCase.campaign_id == row.id, sees_case(ctx.actor))
        .order_by(Case.year, Case.serial, Case.id)
        .limit(CASES_SHOWN)
    )
    return render(
        ctx, "oversight/campaign.html", campaign=row, counts=campaigns.counts(ctx, [row])[row.id],
        cases=ctx.session.execute(statement).all(), names=people(ctx),
    )  # fmt: skip


@blueprint.post("/<uuid:campaign_id>/items")
@page(Permission.OVERSIGHT_RUN, form=ItemsForm)
def take_in(ctx: Context, campaign_id: uuid.UUID, form: list[str]) -> Response:
    """Take cases into a campaign."""
    campaigns.take_in(ctx, campaign_id, TakeIn(case_ids=cases_called(ctx, form)))
    return _to(campaign_id, "oversight.said_taken_in")


@blueprint.post("/<uuid:campaign_id>/start")
@page(Permission.OVERSIGHT_RUN)
def start_campaign(ctx: Context, campaign_id: uuid.UUID) -> Response:
    """Start it."""
    campaigns.start(ctx, campaign_id)
    return _to(campaign_id, "oversight.said_started")


@blueprint.post("/<uuid:campaign_id>/close")
@page(Permission.OVERSIGHT_RUN, form=wire.CloseBody)
def close_campaign(ctx: Context, campaign_id: uuid.UUID, form: CloseCampaign) -> Response:
    """Close it with what came of it."""
    campaigns.close(ctx, campaign_id, form)
    return _to(campaign_id, "oversight.said_closed")


def _to(campaign_id: uuid.UUID, said: str) -> Response:
    place = url_for("console_oversight_campaigns.show_campaign", campaign_id=campaign_id)
    return see(place, said=said)
