"""What arrived and what was paid out, summed from the register."""

from __future__ import annotations

import uuid
from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from server.cases.visibility import visible_case_ids
from server.core.context import Context
from server.oversight.models import Campaign, CampaignCase
from server.register.models import Entry

# As text first: PostgreSQL's integer of a JSON member ends at 21 million yuan.
_AMOUNT = sa.cast(Entry.data["amount_fen"].as_string(), sa.BigInteger)


def sums(session: Session, court_id: uuid.UUID, from_on: date, to_on: date) -> tuple[int, int]:
    """Fen received and disbursed in a court on these days, both included."""
    statement = (
        sa.select(Entry.kind, sa.func.sum(_AMOUNT))
        .where(
            Entry.court_id == court_id,
            Entry.kind.in_(("case.received", "case.disbursed")),
            Entry.on_day.between(from_on, to_on),
            counts(),
        )
        .group_by(Entry.kind)
    )
    found = {kind: int(amount or 0) for kind, amount in session.execute(statement)}
    return found.get("case.received", 0), found.get("case.disbursed", 0)


def received_in_campaign(ctx: Context, campaign: Campaign) -> int:
    """Fen that arrived in a campaign's cases on its days, of cases that the caller may see."""
    cases = sa.select(CampaignCase.case_id).where(CampaignCase.campaign_id == campaign.id)
    statement = sa.select(sa.func.sum(_AMOUNT)).where(
        Entry.court_id == campaign.court_id,
        Entry.kind == "case.received",
        Entry.on_day.between(campaign.begins_on, campaign.ends_on),
        Entry.case_id.in_(cases),
        Entry.case_id.in_(visible_case_ids(ctx.actor)),
        counts(),
    )
    return int(ctx.session.execute(statement).scalar() or 0)


def counts() -> sa.ColumnElement[bool]:
    """Rule: nobody has amended the entry."""
    later = aliased(Entry)
    return ~sa.exists().where(
        later.court_id == Entry.court_id,
        later.case_id == Entry.case_id,
        later.amends_id == Entry.id,
    )
