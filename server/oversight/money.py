"""What arrived and what was paid out, summed from the register."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from datetime import date
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from server.cases.visibility import visible_case_ids
from server.core.context import Actor, Context
from server.oversight.models import Campaign, CampaignCase
from server.register.models import Entry

RECEIVED: Final = "case.received"
DISBURSED: Final = "case.disbursed"
# As text first: PostgreSQL's integer of a JSON member ends at 21 million yuan.
_AMOUNT = sa.cast(Entry.data["amount_fen"].as_string(), sa.BigInteger)


def sums(session: Session, court_id: uuid.UUID, from_on: date, to_on: date) -> tuple[int, int]:
    """Fen received and disbursed in a court on these days, both included."""
    kinds = (RECEIVED, DISBURSED)
    statement = (
        sa.select(Entry.kind, sa.func.sum(_AMOUNT))
        .where(
            Entry.court_id == court_id,
            Entry.kind.in_(kinds),
            Entry.on_day.between(from_on, to_on),
            _not_amended(court_id, kinds),
        )
        .group_by(Entry.kind)
    )
    found = {kind: int(amount or 0) for kind, amount in session.execute(statement)}
    return found.get(RECEIVED, 0), found.get(DISBURSED, 0)


def received_in(ctx: Context, campaigns: Sequence[Campaign]) -> dict[uuid.UUID, int]:
    """Fen that arrived in campaigns' cases on their days, of cases that the caller may see."""
    court_id = ctx.actor.court_id
    statement = (
        sa.select(Campaign.id, sa.func.sum(_AMOUNT))
        .join(CampaignCase, CampaignCase.campaign_id == Campaign.id)
        .join(Entry, Entry.case_id == CampaignCase.case_id)
        .where(
            Campaign.id.in_([one.id for one in campaigns]),
            Entry.court_id == court_id,
            Entry.kind == RECEIVED,
            Entry.on_day.between(Campaign.begins_on, Campaign.ends_on),
            _not_amended(court_id, (RECEIVED,)),
            *seen(ctx.actor, CampaignCase.case_id),
        )
        .group_by(Campaign.id)
    )
    return {one: int(amount or 0) for one, amount in ctx.session.execute(statement)}


def seen(
    actor: Actor, case_id: sa.ColumnElement[uuid.UUID] | sa.orm.InstrumentedAttribute[uuid.UUID]
) -> list[sa.ColumnElement[bool]]:
    """Rule: the caller may see the case; a whole court needs none."""
    return [] if actor.sees_whole_court else [case_id.in_(visible_case_ids(actor))]


def _not_amended(court_id: uuid.UUID, kinds: Collection[str]) -> sa.ColumnElement[bool]:
    """Rule: nobody has amended the entry, which only one of its own kind does."""
    later = aliased(Entry)
    amended = sa.select(later.amends_id).where(
        later.court_id == court_id, later.kind.in_(kinds), later.amends_id.is_not(None)
    )
    return Entry.id.not_in(amended)
