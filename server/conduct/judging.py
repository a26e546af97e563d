"""Judging an action: its facts from the database, every rule of its court, coverage, item list."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.cases.calendar import national
from server.cases.models import Case
from server.conduct import chains, materials, people, rulebook
from server.conduct.covering import Covering, covering
from server.conduct.facts import Assembled, Told, assemble, named_digests
from server.conduct.grounds import Grounds, grounds_of
from server.conduct.materials import Materials, Window
from server.conduct.reconciliation import Reconciled, reconcile
from server.conduct.rulebook import Rulebook
from server.core.context import Context
from server.fieldlog.conduct_judges import JUDGES
from server.fieldlog.conduct_rules import Check, Outcome, Reason, check_all
from server.identity.models import User
from server.register import queries as register
from server.register.commands import ActionState
from server.register.models import Action, Entry

NOT_BEGUN: Final = "not-begun"
CANCELLED: Final = "cancelled"
# Kinds of entry about the case that bear on its actions.
CASE_KINDS: Final = frozenset(
    {"case.measure", "case.claim", "case.received", "case.explanation", "case.settlement"}
)


@dataclass(frozen=True, slots=True)
class Judged:
    """A rule's outcome and what it rests on."""

    check: Check
    grounds: Grounds


@dataclass(frozen=True, slots=True)
class Judgement:
    """Everything that was found out about an action.

    ``covering`` and ``reconciled`` are absent for an action that never began.
    """

    action: Action
    book: Rulebook
    as_of: datetime
    judged: tuple[Judged, ...]
    entries: Sequence[Entry]
    covering: Covering | None = None
    reconciled: Reconciled | None = None

    @property
    def checks(self) -> list[Check]:
        """The checks alone."""
        return [one.check for one in self.judged]


def judge(ctx: Context, action: Action) -> Judgement:
    """Judge an action as of now; nothing is stored."""
    book = rulebook.in_force(ctx.session, action.court_id, ctx.settings.time_zone)
    now = ctx.clock.now()
    entries = register.entries_of_actions(ctx.session, [action.id])[action.id]
    begins_at = action.begins_at
    if action.state == ActionState.CANCELLED:
        return _unjudged(action, book, now, entries, Outcome.NOT_APPLICABLE, CANCELLED)
    if begins_at is None:
        return _unjudged(action, book, now, entries, Outcome.UNKNOWN, NOT_BEGUN)
    told = _told(ctx.session, action, begins_at, entries)
    window = Window(told.begins_at, max(told.ends_at or now, told.begins_at))
    found = materials.of_action(ctx.session, action, window, named_digests(entries))
    waits = _waits(ctx, action, entries, found, window, book)
    facts = assemble(told, found, book.config, national(), now, waits=waits)
    checks = check_all(book.rules, facts.facts, book.config, JUDGES)
    return Judgement(
        action, book, now, _with_grounds(checks, told, facts, found), entries,
        covering(facts.facts, found, entries, book.config), reconcile(entries, found),
    )  # fmt: skip


def _unjudged(
    action: Action, book: Rulebook, now: datetime, entries: Sequence[Entry], outcome: Outcome,
    why: str,
) -> Judgement:  # fmt: skip
    """What is said of an action that never ran."""
    checks = [Check(rule, outcome, (Reason(why),)) for rule in book.rules]
    return Judgement(action, book, now, tuple(Judged(one, Grounds()) for one in checks), entries)


def _with_grounds(
    checks: Iterable[Check], told: Told, facts: Assembled, found: Materials
) -> tuple[Judged, ...]:
    return tuple(Judged(one, grounds_of(one, told, facts, found)) for one in checks)


def _told(session: Session, action: Action, begins_at: datetime, entries: Sequence[Entry]) -> Told:
    case = session.get_one(Case, action.case_id)
    ends_at = action.ends_at
    return Told(
        type=action.type, begins_at=begins_at,
        ends_at=None if ends_at is None else max(ends_at, begins_at),
        entries=entries,
        case_entries=register.current_entries(session, case.id, CASE_KINDS),
        debtor_kinds=frozenset(one.kind for one in case.parties if one.role == "debtor"),
        claim_fen=case.claim_fen, posts=_posts(session, action.court_id, people.ids_of(entries)),
    )  # fmt: skip


def _posts(session: Session, court_id: uuid.UUID, ids: Iterable[str]) -> Mapping[str, str]:
    wanted = [uuid.UUID(one) for one in ids]
    statement = sa.select(User.id, User.post).where(User.court_id == court_id, User.id.in_(wanted))
    return {str(row.id): row.post for row in session.execute(statement)} if wanted else {}


def _waits(
    ctx: Context, action: Action, entries: Sequence[Entry], found: Materials, window: Window,
    book: Rulebook,
) -> bool:  # fmt: skip
    """Whether a device that was there may still have something to send."""
    devices = {one.device_id for one in entries if one.device_id is not None}
    devices |= {one.item.device_id for one in found.during}
    if chains.something_missing(ctx.session, devices, window):
        return True
    if ctx.clock.now() - window.ends_at > book.config.upload_within:
        return False
    return chains.unheard(ctx.session, action.mission_id, window.ends_at)
