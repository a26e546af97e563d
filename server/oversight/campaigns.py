"""Campaigns over cases and actions: planned, running, closed; with what came of them, counted."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from server.audit import service as audit
from server.audit.events import EventKind
from server.audit.service import Subject
from server.cases import queries as cases
from server.cases.models import Case
from server.core.context import Context
from server.oversight import money, policy, queries
from server.oversight.commands import CloseCampaign, MakeCampaign, TakeIn
from server.oversight.kinds import CampaignState
from server.oversight.models import Campaign, CampaignAction, CampaignCase
from server.register import queries as register
from server.register.models import Action

_NOTHING: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Counts:
    """What a campaign comes to, of what the caller may see.

    :param received_fen: money that arrived in its cases on its days.
    """

    cases: Mapping[str, int] = field(default_factory=lambda: _NOTHING)  # by status
    actions: Mapping[str, int] = field(default_factory=lambda: _NOTHING)  # by state
    received_fen: int = 0

    @property
    def cases_all(self) -> int:
        """All of its cases."""
        return sum(self.cases.values())

    @property
    def actions_all(self) -> int:
        """All of its actions."""
        return sum(self.actions.values())


def make(ctx: Context, command: MakeCampaign) -> Campaign:
    """Plan a campaign."""
    policy.require_days(command.begins_on, command.ends_on)
    row = Campaign(
        id=ctx.new_id(), court_id=ctx.actor.court_id, name=command.name, purpose=command.purpose,
        begins_on=command.begins_on, ends_on=command.ends_on, state=CampaignState.PLANNED,
        made_by=ctx.actor.user(), made_at=ctx.clock.now(),
    )  # fmt: skip
    ctx.session.add(row)
    facts = {"from": row.begins_on.isoformat(), "to": row.ends_on.isoformat()}
    audit.record(ctx, EventKind.CAMPAIGN_ADDED, Subject("campaign", row.id), facts)
    return row


def take_in(ctx: Context, campaign_id: uuid.UUID, command: TakeIn) -> Campaign:
    """Take in cases and actions that the caller may see; a case comes with its action."""
    policy.require_something(command.case_ids, command.action_ids)
    row = queries.campaign(ctx, campaign_id, to_change=True)
    policy.require_campaign_open(row)
    actions = [register.visible_action(ctx, one) for one in dict.fromkeys(command.action_ids)]
    wanted = dict.fromkeys((*command.case_ids, *(one.case_id for one in actions)))
    for case_id in wanted:
        cases.visible_case(ctx, case_id)
    there = queries.cases_taken_in(ctx.session, row.id)
    cases_new = [one for one in wanted if one not in there]
    done = queries.actions_taken_in(ctx.session, row.id)
    actions_new = [one.id for one in actions if one.id not in done]
    common = {"campaign_id": row.id, "court_id": row.court_id, "added_by": ctx.actor.user(),
              "added_at": ctx.clock.now()}  # fmt: skip
    ctx.session.add_all(CampaignCase(case_id=one, **common) for one in cases_new)
    ctx.session.add_all(CampaignAction(action_id=one, **common) for one in actions_new)
    row.version += 1
    _note(ctx, row, {"cases": [str(one) for one in cases_new],
                     "actions": [str(one) for one in actions_new]})  # fmt: skip
    return row


def start(ctx: Context, campaign_id: uuid.UUID) -> Campaign:
    """Begin a planned campaign."""
    row = queries.campaign(ctx, campaign_id, to_change=True)
    policy.require_campaign_step(row, CampaignState.RUNNING)
    row.state, row.started_at, row.version = CampaignState.RUNNING, ctx.clock.now(), row.version + 1
    _note(ctx, row, {"state": row.state})
    return row


def close(ctx: Context, campaign_id: uuid.UUID, command: CloseCampaign) -> Campaign:
    """End a running campaign with what came of it."""
    row = queries.campaign(ctx, campaign_id, to_change=True)
    policy.require_campaign_step(row, CampaignState.CLOSED)
    row.state, row.closed_at, row.version = CampaignState.CLOSED, ctx.clock.now(), row.version + 1
    row.result = command.result
    _note(ctx, row, {"state": row.state})
    return row


def counts(ctx: Context, rows: Sequence[Campaign]) -> dict[uuid.UUID, Counts]:
    """Of each campaign, what it comes to."""
    ids, actor = [row.id for row in rows], ctx.actor
    by_status = (
        sa.select(CampaignCase.campaign_id, Case.status, sa.func.count())
        .join(Case, Case.id == CampaignCase.case_id)
        .where(CampaignCase.campaign_id.in_(ids), *money.seen(actor, CampaignCase.case_id))
        .group_by(CampaignCase.campaign_id, Case.status)
    )
    by_state = (
        sa.select(CampaignAction.campaign_id, Action.state, sa.func.count())
        .join(Action, Action.id == CampaignAction.action_id)
        .where(CampaignAction.campaign_id.in_(ids), *money.seen(actor, Action.case_id))
        .group_by(CampaignAction.campaign_id, Action.state)
    )
    cases_of, actions_of = _tables(ctx, by_status), _tables(ctx, by_state)
    received = money.received_in(ctx, rows)
    return {
        one: Counts(cases_of.get(one, {}), actions_of.get(one, {}), received.get(one, 0))
        for one in ids
    }


def _tables(ctx: Context, statement: Any) -> dict[uuid.UUID, dict[str, int]]:
    found: dict[uuid.UUID, dict[str, int]] = {}
    for campaign_id, name, count in ctx.session.execute(statement):
        found.setdefault(campaign_id, {})[name] = count
    return found


def _note(ctx: Context, row: Campaign, facts: Mapping[str, object]) -> None:
    audit.record(ctx, EventKind.CAMPAIGN_CHANGED, Subject("campaign", row.id), facts)
