"""Reading rules, holds and what is due: of one court, and only what the caller may see."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.cases.models import Case
from server.core.context import Context
from server.core.months import add_months
from server.core.paging import Page, decode_id, encode_cursor, page_of
from server.core.problem import not_found
from server.evidence import queries as evidence
from server.evidence.erasure_models import Erasure
from server.evidence.models import Evidence
from server.retention.categories import Category
from server.retention.commands import DueFilter, HoldFilter, Preview
from server.retention.judging import Bench, Judged, Rule, bench_of, judge, rules_in_force
from server.retention.models import LegalHold, RetentionClass, RetentionRule
from server.retention.periods import MONTHS_MIN, Kept

PREVIEW_MAX: Final = 5_000
_BATCH: Final = 250
_SCANNED_MAX: Final = 2_000
_SAMPLE: Final = 20


@dataclass(frozen=True, slots=True)
class Effect:
    """How one item changes under a rule."""

    item: Evidence
    before: Kept
    after: Kept


@dataclass(frozen=True, slots=True)
class Effects:
    """What a rule would change; ``is_whole`` is false when only the oldest items were looked at.

    ``due_now`` may be proposed for disposal at once; ``released`` lose a permanence.
    """

    rule: Rule
    looked_at: int
    changed: int
    longer: int
    shorter: int
    due_now: int
    is_whole: bool
    why: Mapping[str, int]  # code of the derivation → items
    sample: Sequence[Effect]


def bench(ctx: Context) -> Bench:
    """Rules of the caller's court and the moment to judge by."""
    return bench_of(ctx.session, ctx.settings, ctx.clock, ctx.actor.court_id)


def judged(ctx: Context, evidence_id: uuid.UUID) -> Judged[Evidence]:
    """A visible item with category, period and holds."""
    return judge(bench(ctx), [evidence.visible_evidence(ctx, evidence_id)])[0]


def rules(ctx: Context) -> dict[Category, Rule]:
    """What is in force in the court."""
    return rules_in_force(ctx.session, ctx.actor.court_id)


def versions(ctx: Context, limit: int = 100) -> Sequence[RetentionRule]:
    """Rules that were made, the newest first."""
    statement = sa.select(RetentionRule).where(RetentionRule.court_id == ctx.actor.court_id)
    return (
        ctx.session.execute(statement.order_by(RetentionRule.id.desc()).limit(limit))
        .scalars()
        .all()
    )


def classes_of(ctx: Context, evidence_id: uuid.UUID) -> Sequence[RetentionClass]:
    """Who put a visible item into which category, the newest first."""
    item = evidence.visible_evidence(ctx, evidence_id)
    statement = sa.select(RetentionClass).where(RetentionClass.evidence_id == item.id)
    return ctx.session.execute(statement.order_by(RetentionClass.id.desc())).scalars().all()


def list_holds(ctx: Context, wanted: HoldFilter) -> Page[LegalHold]:
    """Holds of the court, the newest first."""
    mine = [LegalHold.court_id == ctx.actor.court_id]
    in_force = LegalHold.lifted_at.is_(None)
    mine.append(~in_force if wanted.lifted else in_force)
    if wanted.case_id is not None:
        mine.append(LegalHold.case_id == wanted.case_id)
    if wanted.cursor:
        mine.append(LegalHold.id < decode_id(wanted.cursor))
    statement = sa.select(LegalHold).where(*mine).order_by(LegalHold.id.desc())
    rows = ctx.session.execute(statement.limit(wanted.limit + 1)).scalars().all()
    return page_of(rows, wanted.limit, lambda row: (str(row.id),))


def hold_to_change(ctx: Context, hold_id: uuid.UUID) -> LegalHold:
    """A hold of the court, locked; 404 otherwise."""
    statement = sa.select(LegalHold).where(
        LegalHold.id == hold_id, LegalHold.court_id == ctx.actor.court_id
    )
    found = ctx.session.execute(statement.with_for_update()).scalar_one_or_none()
    if found is None:
        raise not_found()
    return found


def holds_of_case(session: Session, case_id: uuid.UUID) -> Sequence[LegalHold]:
    """Holds in force on a case itself."""
    statement = sa.select(LegalHold).where(
        LegalHold.case_id == case_id, LegalHold.lifted_at.is_(None)
    )
    return session.execute(statement.order_by(LegalHold.id)).scalars().all()


def holds_of_item(session: Session, item: Evidence) -> Sequence[LegalHold]:
    """Holds in force on an item or on its case."""
    mine = [LegalHold.evidence_id == item.id]
    if item.case_id is not None:
        mine.append(LegalHold.case_id == item.case_id)
    statement = sa.select(LegalHold).where(sa.or_(*mine), LegalHold.lifted_at.is_(None))
    return session.execute(statement.order_by(LegalHold.id)).scalars().all()


def due(ctx: Context, wanted: DueFilter) -> Page[Judged[Evidence]]:
    """Items whose period is over, that nothing holds, and that nobody has proposed yet.

    A page may be short and still have a successor: only so many items are judged for one answer.
    """
    found: list[Judged[Evidence]] = []
    at = bench(ctx)
    after = decode_id(wanted.cursor) if wanted.cursor else None
    scanned = 0
    for batch in _batches(ctx, _may_be_due(ctx, at.now), after):
        for one in judge(at, batch):
            after, scanned = one.item.id, scanned + 1
            if one.is_due:
                found.append(one)
            if len(found) == wanted.limit:
                return Page(found, encode_cursor(str(after)))
        if scanned >= _SCANNED_MAX:
            return Page(found, encode_cursor(str(after)))
    return Page(found)


def proposals(ctx: Context, limit: int = 100) -> list[tuple[Erasure, Judged[Evidence]]]:
    """Erasures that wait for a second person, the oldest first, each judged as of now."""
    statement = (
        sa.select(Erasure, Evidence)
        .join(Evidence, Evidence.id == Erasure.evidence_id)
        .where(Erasure.court_id == ctx.actor.court_id, Erasure.state == "requested")
        .order_by(Erasure.id)
        .limit(limit)
    )
    rows = ctx.session.execute(statement).all()
    found = judge(bench(ctx), [row.Evidence for row in rows])
    return [(row.Erasure, one) for row, one in zip(rows, found, strict=True)]


def effects(ctx: Context, wanted: Preview) -> Effects:
    """What a rule would change for the court's items, the oldest first."""
    rule = Rule(wanted.category, wanted.months)
    now = bench(ctx)
    then = replace(now, rules={**now.rules, wanted.category: rule})
    mine = [Evidence.court_id == ctx.actor.court_id, Evidence.state != "erased"]
    looked, is_whole = 0, True
    changed: list[tuple[Judged[Evidence], Judged[Evidence]]] = []
    for batch in _batches(ctx, mine, None):
        if looked >= PREVIEW_MAX:
            is_whole = False
            break
        looked += len(batch)
        pairs = zip(judge(now, batch), judge(then, batch), strict=True)
        changed += [(old, new) for old, new in pairs if old.kept != new.kept]
    return _summed(rule, changed, looked, is_whole=is_whole)


def _summed(
    rule: Rule,
    changed: Sequence[tuple[Judged[Evidence], Judged[Evidence]]],
    looked: int,
    *,
    is_whole: bool,
) -> Effects:
    longer = sum(_months(new.kept) > _months(old.kept) for old, new in changed)
    return Effects(
        rule=rule, looked_at=looked, changed=len(changed), longer=longer,
        shorter=len(changed) - longer, is_whole=is_whole,
        due_now=sum(new.is_due and not old.is_due for old, new in changed),
        why=Counter(new.derived.code for _, new in changed),
        sample=[Effect(old.item, old.kept, new.kept) for old, new in changed[:_SAMPLE]],
    )  # fmt: skip


def _months(kept: Kept) -> float:
    return float("inf") if kept.months is None else kept.months


def _may_be_due(ctx: Context, now: datetime) -> list[sa.ColumnElement[bool]]:
    """What the database can say beforehand; never less than what the rules allow."""
    latest = months_before(now, ctx.settings.time_zone)
    open_request = sa.exists().where(
        Erasure.evidence_id == Evidence.id, Erasure.state == "requested"
    )
    closed = sa.select(Case.id).where(Case.court_id == ctx.actor.court_id, Case.closed_at <= latest)
    return [
        Evidence.court_id == ctx.actor.court_id,
        Evidence.state != "erased",
        Evidence.created_at <= latest,
        Evidence.captured_at <= latest,
        sa.or_(Evidence.case_id.is_(None), Evidence.case_id.in_(closed)),
        ~open_request,
    ]


def months_before(now: datetime, zone: str) -> datetime:
    """No later beginning has a period of six months behind it."""
    local = now.astimezone(ZoneInfo(zone))
    return datetime.combine(add_months(local.date(), -MONTHS_MIN), local.timetz())


def _batches(
    ctx: Context, rules_: Sequence[sa.ColumnElement[bool]], after: uuid.UUID | None
) -> Iterator[Sequence[Evidence]]:
    while True:
        statement = sa.select(Evidence).where(*rules_)
        if after is not None:
            statement = statement.where(Evidence.id > after)
        statement = statement.order_by(Evidence.id).limit(_BATCH)
        rows = ctx.session.execute(statement).scalars().all()
        if rows:
            yield rows
        if len(rows) < _BATCH:
            return
        after = rows[-1].id
