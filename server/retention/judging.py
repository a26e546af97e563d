"""Judging items: category, rule, period and holds of each, with few statements for many items."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Generic, TypeVar
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.audit.models import CheckpointRow, CosignatureRow, DeviceRecord, TimestampRow
from server.cases.models import Case, Mission, MissionCase
from server.cases.states import CaseStatus
from server.core.clock import Clock
from server.evidence.models import Evidence
from server.fieldlog.models import LogEntry
from server.retention.categories import (
    DEFAULT_MONTHS,
    RULED,
    Category,
    Derived,
    Facts,
    Text,
    derive,
)
from server.retention.models import LegalHold, RetentionClass, RetentionRule
from server.retention.periods import CaseTimes, Kept, kept_until
from server.settings import Settings

_OUTSIDE_GRACE: Final = timedelta(days=1)
_Record = tuple[uuid.UUID, int, int]


@dataclass(frozen=True, slots=True)
class Rule:
    """The rule in force for a category; version 0 is the default of the software."""

    category: Category
    months: int | None
    version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of the log book without bytes, as far as it is judged."""

    id: uuid.UUID
    device_id: uuid.UUID
    ep: int
    seq: int
    record_hid: str
    case_id: uuid.UUID | None
    mission_id: uuid.UUID | None
    text: str
    captured_at: datetime  # when it was written, corrected
    created_at: datetime
    media: str = ""


_Thing = TypeVar("_Thing", Evidence, Line)


@dataclass(frozen=True, slots=True)
class Judged(Generic[_Thing]):
    """Everything that decides about an item, or about a line."""

    item: _Thing
    derived: Derived
    rule: Rule
    kept: Kept
    holds: tuple[LegalHold, ...]
    now: datetime  # the moment that was judged by, see ``judged_at``

    @property
    def category(self) -> Category:
        """What it counts as."""
        return self.derived.category

    @property
    def is_held(self) -> bool:
        """Whether a hold forbids that it goes."""
        return bool(self.holds)

    @property
    def is_due(self) -> bool:
        """Whether it may be proposed for disposal."""
        return not self.holds and self.kept.is_due(self.now)

    @property
    def why_not(self) -> str | None:
        """Why it may not go: ``held``, or the code of what it is kept for; none when it may."""
        if self.holds:
            return "held"
        return None if self.kept.is_due(self.now) else self.kept.code


@dataclass(frozen=True, slots=True)
class Bench:
    """What judging needs besides the items.

    :param rules: of the court, see ``rules_in_force``; others may be given for a preview.
    """

    session: Session
    settings: Settings
    now: datetime
    rules: Mapping[Category, Rule]


def bench_of(session: Session, settings: Settings, clock: Clock, court_id: uuid.UUID) -> Bench:
    """The court's rules and the moment to judge by."""
    now = judged_at(session, settings, clock.now())
    return Bench(session, settings, now, rules_in_force(session, court_id))


def rules_in_force(session: Session, court_id: uuid.UUID) -> dict[Category, Rule]:
    """The newest version for each category, or the software's default."""
    found = {category: Rule(category, DEFAULT_MONTHS[category]) for category in RULED}
    for category in (Category.COERCIVE, Category.UNCLEAR):
        found[category] = Rule(category, None)
    statement = sa.select(RetentionRule).where(RetentionRule.court_id == court_id)
    for row in session.execute(statement.order_by(RetentionRule.version)).scalars():
        category = Category(row.category)
        if category in RULED:
            found[category] = Rule(category, row.months, row.version)
    return found


def judged_at(session: Session, settings: Settings, now: datetime) -> datetime:
    """The moment to judge by: the server's own clock is not enough where others tell the time.

    With witnesses or authorities configured, a clock that jumped ahead makes nothing due: no later
    moment counts than a day after what the newest cosignature or time token says.
    """
    if not settings.witness_policy and not settings.tsa_urls:
        return now
    told = [at for at in (_cosigned_at(session), _stamped_at(session)) if at is not None]
    if not told:
        return datetime.fromtimestamp(0, now.tzinfo)
    return min(now, max(told) + _OUTSIDE_GRACE)


def judge(bench: Bench, items: Sequence[_Thing]) -> list[Judged[_Thing]]:
    """Judge items, or lines, of one court, in their order."""
    if not items:
        return []
    cases_of = _cases_of(bench.session, items)
    cases = _cases(bench.session, {one for ids in cases_of.values() for one in ids})
    derived = _derived(bench.session, items, cases_of, cases)
    holds = _holds(bench.session, items, cases_of)
    zone = ZoneInfo(bench.settings.time_zone)
    found = []
    for item in items:
        rule = bench.rules[derived[item.id].category]
        kept = kept_until(
            rule.months, captured_at=item.captured_at, received_at=item.created_at,
            cases=[_times(cases.get(one)) for one in cases_of[item.id]], zone=zone,
        )  # fmt: skip
        if rule.category is Category.UNCLEAR:
            kept = Kept("unclear")
        found.append(Judged(item, derived[item.id], rule, kept, holds[item.id], bench.now))
    return found


def _times(case: Any) -> CaseTimes:
    """A case that is not there any more closed nobody knows when."""
    if case is None:
        return CaseTimes(is_closed=False, closed_at=None)
    return CaseTimes(case.status == CaseStatus.CLOSED, case.closed_at)


def _cases_of(
    session: Session, items: Sequence[Evidence | Line]
) -> dict[uuid.UUID, tuple[uuid.UUID, ...]]:
    """The item's own case, else all cases of its mission."""
    missions = {one.mission_id for one in items if one.case_id is None and one.mission_id}
    statement = sa.select(MissionCase.mission_id, MissionCase.case_id).where(
        MissionCase.mission_id.in_(missions)
    )
    served: dict[uuid.UUID | None, list[uuid.UUID]] = defaultdict(list)
    for mission_id, case_id in session.execute(statement) if missions else ():
        served[mission_id].append(case_id)
    return {
        one.id: (one.case_id,) if one.case_id is not None else tuple(served[one.mission_id])
        for one in items
    }


def _cases(session: Session, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Any]:
    statement = sa.select(Case.id, Case.status, Case.closed_at, Case.cause)
    return {row.id: row for row in session.execute(statement.where(Case.id.in_(set(ids))))}


def _derived(
    session: Session,
    items: Sequence[Evidence | Line],
    cases_of: Mapping[uuid.UUID, tuple[uuid.UUID, ...]],
    cases: Mapping[uuid.UUID, Any],
) -> dict[uuid.UUID, Derived]:
    said = _classes(session, items)
    acts = _acts(session, items)
    titles = _titles(session, items)
    lines = _lines(session, items)
    found = {}
    for item in items:
        if item.id in said:
            found[item.id] = Derived(said[item.id], "set")
            continue
        texts = [Text("mission", titles[item.mission_id])] if item.mission_id in titles else []
        texts += [Text("log", text) for text in lines[_circle(item)]]
        causes = (cases[one].cause for one in cases_of[item.id] if one in cases)
        texts += [Text("cause", cause) for cause in causes if cause]
        act = acts.get((item.device_id, item.ep, item.seq))
        facts = Facts(media=item.media, act=act, has_case=bool(cases_of[item.id]), texts=texts)
        found[item.id] = derive(facts)
    return found


def _classes(session: Session, items: Sequence[Evidence | Line]) -> dict[uuid.UUID, Category]:
    statement = (
        sa.select(RetentionClass.evidence_id, RetentionClass.category)
        .where(RetentionClass.evidence_id.in_([one.id for one in items]))
        .order_by(RetentionClass.id)
    )
    return {row.evidence_id: Category(row.category) for row in session.execute(statement)}


def _acts(session: Session, items: Sequence[Evidence | Line]) -> dict[_Record, str]:
    places = sorted({(one.device_id, one.ep, one.seq) for one in items})
    key = sa.tuple_(DeviceRecord.device_id, DeviceRecord.ep, DeviceRecord.seq)
    statement = sa.select(
        DeviceRecord.device_id, DeviceRecord.ep, DeviceRecord.seq, DeviceRecord.act
    ).where(key.in_(places))
    return {(row.device_id, row.ep, row.seq): row.act for row in session.execute(statement)}


def _titles(session: Session, items: Sequence[Evidence | Line]) -> dict[uuid.UUID | None, str]:
    ids = {one.mission_id for one in items if one.mission_id is not None}
    statement = sa.select(Mission.id, Mission.title).where(Mission.id.in_(ids))
    return {row.id: row.title for row in session.execute(statement)} if ids else {}


def _circle(item: Evidence | Line) -> tuple[str, uuid.UUID | None]:
    """Whose log lines tell of the item: its mission's, else its case's."""
    if item.mission_id is not None:
        return "mission", item.mission_id
    return "case", item.case_id


def _lines(
    session: Session, items: Sequence[Evidence | Line]
) -> dict[tuple[str, uuid.UUID | None], list[str]]:
    found: dict[tuple[str, uuid.UUID | None], list[str]] = defaultdict(list)
    circles = {_circle(one) for one in items}
    for name, column in (("mission", LogEntry.mission_id), ("case", LogEntry.case_id)):
        ids = [one for kind, one in circles if kind == name and one is not None]
        if not ids:
            continue
        statement = sa.select(column, LogEntry.text).where(
            column.in_(ids), LogEntry.text.is_not(None)
        )
        for owner, text in session.execute(statement):
            if text is not None:
                found[name, owner].append(text)
    return found


def _holds(
    session: Session,
    items: Sequence[Evidence | Line],
    cases_of: Mapping[uuid.UUID, tuple[uuid.UUID, ...]],
) -> dict[uuid.UUID, tuple[LegalHold, ...]]:
    cases = {one for ids in cases_of.values() for one in ids}
    statement = sa.select(LegalHold).where(
        LegalHold.lifted_at.is_(None),
        sa.or_(LegalHold.case_id.in_(cases), LegalHold.evidence_id.in_([one.id for one in items])),
    )
    by_thing: dict[uuid.UUID | None, list[LegalHold]] = defaultdict(list)
    for hold in session.execute(statement.order_by(LegalHold.id)).scalars():
        by_thing[hold.case_id or hold.evidence_id].append(hold)
    return {
        item.id: tuple(
            hold for thing in (item.id, *cases_of[item.id]) for hold in by_thing.get(thing, ())
        )
        for item in items
    }


def _cosigned_at(session: Session) -> datetime | None:
    newest = (
        sa.select(CheckpointRow.size)
        .where(CheckpointRow.witnessed_at.is_not(None))
        .order_by(CheckpointRow.size.desc())
        .limit(1)
        .scalar_subquery()
    )
    statement = sa.select(sa.func.max(CosignatureRow.cosigned_at)).where(
        CosignatureRow.size == newest
    )
    found: datetime | None = session.execute(statement).scalar()
    return found


def _stamped_at(session: Session) -> datetime | None:
    newest = sa.select(sa.func.max(TimestampRow.size)).scalar_subquery()
    statement = sa.select(sa.func.max(TimestampRow.gen_time)).where(TimestampRow.size == newest)
    found: datetime | None = session.execute(statement).scalar()
    return found
