"""A second look at accepted items: a goal a week, a fair draw, another person, an outcome.

A disagreement takes the acceptance back (see ``reversal``), so the item is in the queue again.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from server.audit import service as audit
from server.audit.events import EventKind
from server.audit.models import Event
from server.audit.service import Subject
from server.core.clock import unix_ms
from server.core.context import CONTEXT_OF, Context, system_actor
from server.core.problem import Kind, Problem, not_found
from server.core.transactions import take_turns
from server.evidence import queries as evidence_queries
from server.evidence.models import Evidence
from server.review import policy, reversal, sampling
from server.review.commands import Decision, Outcome, Reverse, SecondLook, SetGoal
from server.review.models import ReviewDraw, ReviewEntry, ReviewGoal, ReviewSample

POPULATION_OF: Final = timedelta(days=7)
_TIME_BITS: Final = 80  # of a UUIDv7, below its moment


@dataclass(frozen=True, slots=True)
class Week:
    """Where a court stands with this week's goal."""

    week: str
    goal: int
    draw: ReviewDraw | None
    samples: Sequence[tuple[ReviewSample, Evidence]]

    @property
    def done(self) -> int:
        """How many were looked at again."""
        return sum(sample.outcome is not None for sample, _ in self.samples)

    @property
    def disagreed(self) -> int:
        """How many acceptances did not stand."""
        return sum(sample.outcome == Outcome.DISAGREE for sample, _ in self.samples)


def goal_of(ctx: Context) -> ReviewGoal | None:
    """The court's goal, if it ever set one."""
    return ctx.session.get(ReviewGoal, ctx.actor.court_id)


def set_goal(ctx: Context, command: SetGoal) -> ReviewGoal:
    """Say how many items a week are looked at again; counts from the next draw on."""
    now, court_id = ctx.clock.now(), ctx.actor.court_id
    take_turns(ctx.session, f"review-goal:{court_id}")
    goal = goal_of(ctx)
    before = goal.per_week if goal else 0
    if goal is None:
        goal = ReviewGoal(id=court_id, court_id=court_id, version=0)
        ctx.session.add(goal)
    goal.per_week, goal.changed_by, goal.changed_at = command.per_week, ctx.actor.user(), now
    goal.version += 1
    facts = {"from": before, "to": command.per_week}
    audit.record(ctx, EventKind.REVIEW_GOAL_SET, Subject("court", court_id), facts)
    return goal


def this_week(ctx: Context) -> Week:
    """This week's goal, draw and samples."""
    week = sampling.week_of(ctx.clock.now(), ZoneInfo(ctx.settings.time_zone))
    goal = goal_of(ctx)
    draw = _draw_of(ctx, week)
    samples = [] if draw is None else samples_of(ctx, draw)
    per_week = draw.goal if draw else (goal.per_week if goal else 0)
    return Week(week, per_week, draw, samples)


def samples_of(ctx: Context, draw: ReviewDraw) -> list[tuple[ReviewSample, Evidence]]:
    """What a draw chose, with the items as they are now."""
    statement = (
        sa.select(ReviewSample, Evidence)
        .join(Evidence, Evidence.id == ReviewSample.evidence_id)
        .where(ReviewSample.draw_id == draw.id, ReviewSample.court_id == ctx.actor.court_id)
        .order_by(ReviewSample.id)
    )
    return [(sample, item) for sample, item in ctx.session.execute(statement)]


def draw(ctx: Context) -> ReviewDraw:
    """Draw this week's items, once; a second draw is refused."""
    court_id, now = ctx.actor.court_id, ctx.clock.now()
    take_turns(ctx.session, f"review-draw:{court_id}")
    week = sampling.week_of(now, ZoneInfo(ctx.settings.time_zone))
    goal = goal_of(ctx)
    if goal is None or goal.per_week < 1:
        raise Problem(Kind.CONFLICT, "the court has no goal for second looks")
    if _draw_of(ctx, week) is not None:
        raise Problem(Kind.CONFLICT, f"{week} was drawn already")
    head = _head(ctx, court_id)
    accepted = _population(ctx, court_id, now - POPULATION_OF)
    seed = sampling.seed_of(court_id, week, head.leaf_hash)
    chosen = sampling.drawn(seed, accepted.keys(), goal.per_week)
    made = ReviewDraw(
        id=ctx.new_id(), court_id=court_id, week=week, goal=goal.per_week, seed=seed,
        population=len(accepted), log_index=head.log_index, drawn_at=now,
    )  # fmt: skip
    ctx.session.add(made)
    ctx.session.flush()  # its samples name it
    for evidence_id in chosen:
        entry_id, first_by = accepted[evidence_id]
        ctx.session.add(
            ReviewSample(
                id=ctx.new_id(), court_id=court_id, draw_id=made.id, evidence_id=evidence_id,
                entry_id=entry_id, first_by=first_by,
            )
        )  # fmt: skip
    facts = {
        "week": week, "goal": goal.per_week, "seed": seed, "log_index": head.log_index,
        "leaf": head.leaf_hash.hex(), "population": len(accepted),
        "population_digest": sampling.population_digest(accepted.keys()),
        "items": [str(one) for one in chosen],
    }  # fmt: skip
    audit.record(ctx, EventKind.REVIEW_DRAWN, Subject("draw", made.id), facts)
    return made


def draw_due(ctx: Context) -> int:
    """Draw for every court with a goal that has not drawn this week; for the worker."""
    week = sampling.week_of(ctx.clock.now(), ZoneInfo(ctx.settings.time_zone))
    there = sa.exists().where(ReviewDraw.court_id == ReviewGoal.court_id, ReviewDraw.week == week)
    statement = sa.select(ReviewGoal.court_id).where(ReviewGoal.per_week > 0, ~there)
    courts = ctx.session.execute(statement.order_by(ReviewGoal.court_id)).scalars().all()
    waiting = [court for court in courts if _has_entries(ctx, court)]
    for court_id in waiting:
        draw(Context(system_actor(court_id), ctx.session, ctx.runtime, ctx.request_id))
    if waiting:
        ctx.session.info[CONTEXT_OF] = ctx  # seals of what follows
    return len(waiting)


def decide(ctx: Context, sample_id: uuid.UUID, command: SecondLook) -> ReviewSample:
    """Agree, or disagree with a reason, which takes the acceptance back."""
    statement = sa.select(ReviewSample).where(
        ReviewSample.id == sample_id, ReviewSample.court_id == ctx.actor.court_id
    )
    sample = ctx.session.execute(statement.with_for_update()).scalar_one_or_none()
    if sample is None:
        raise not_found()
    item = evidence_queries.visible_evidence(ctx, sample.evidence_id)
    policy.require_second_person(ctx.actor, item, sample.first_by)
    if sample.outcome is not None:
        raise Problem(Kind.CONFLICT, "this item has had its second look")
    disagrees = command.outcome is Outcome.DISAGREE
    if disagrees and not command.text:
        raise Problem(Kind.VALIDATION, "a disagreement says why")
    sample.outcome, sample.text = command.outcome.value, command.text
    sample.second_by, sample.decided_at = ctx.actor.user(), ctx.clock.now()
    facts = {"sample": str(sample.id), "outcome": sample.outcome, "text": sample.text,
             "first_by": str(sample.first_by), "sha256": item.sha256}  # fmt: skip
    audit.record(
        ctx, EventKind.REVIEW_SECOND_LOOKED, Subject("evidence", item.id), facts,
        case_id=item.case_id, mission_id=item.mission_id,
    )  # fmt: skip
    if disagrees and item.review_state == policy.STATE_AFTER[Decision.ACCEPT]:
        reversal.reverse(ctx, item.id, Reverse(reason=command.text))
    return sample


def _draw_of(ctx: Context, week: str) -> ReviewDraw | None:
    statement = sa.select(ReviewDraw).where(
        ReviewDraw.court_id == ctx.actor.court_id, ReviewDraw.week == week
    )
    return ctx.session.execute(statement).scalar_one_or_none()


def _head(ctx: Context, court_id: uuid.UUID) -> Event:
    """The court's newest entry in the log."""
    newest = sa.select(Event).where(Event.court_id == court_id).order_by(Event.log_index.desc())
    found = ctx.session.execute(newest.limit(1)).scalar_one_or_none()
    if found is None:
        raise Problem(Kind.CONFLICT, "the court has no entry in the log yet")
    return found


def _has_entries(ctx: Context, court_id: uuid.UUID) -> bool:
    statement = sa.select(sa.literal(1)).where(Event.court_id == court_id)
    return ctx.session.execute(statement.limit(1)).first() is not None


def _population(
    ctx: Context, court_id: uuid.UUID, since: datetime
) -> dict[uuid.UUID, tuple[uuid.UUID, uuid.UUID]]:
    """Items accepted since then and accepted still, never drawn before: entry and reviewer."""
    back = aliased(ReviewEntry)
    first = uuid.UUID(int=unix_ms(since) << _TIME_BITS)
    statement = (
        sa.select(ReviewEntry.evidence_id, ReviewEntry.id, ReviewEntry.author_id)
        .join(Evidence, Evidence.id == ReviewEntry.evidence_id)
        .where(
            ReviewEntry.court_id == court_id,
            ReviewEntry.id >= first,
            ReviewEntry.decision == Decision.ACCEPT.value,
            Evidence.review_state == policy.STATE_AFTER[Decision.ACCEPT],
            ~sa.exists().where(back.reverses_id == ReviewEntry.id),
            ~sa.exists().where(ReviewSample.evidence_id == ReviewEntry.evidence_id),
        )
        .order_by(ReviewEntry.id)
    )
    rows = ctx.session.execute(statement).all()
    return {row.evidence_id: (row.id, row.author_id) for row in rows}
