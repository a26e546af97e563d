"""Checks and findings as pages show them: outcome, reasons in words, basis, what they rest on."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from client_sdk.protocol.entries import Label
from server.conduct import queries
from server.conduct.judging import Judged, Judgement
from server.conduct.models import ConductCheck, Finding
from server.conduct.words import DOES_NOT_APPLY, IN_ORDER, sentence
from server.console.words import Language
from server.core.context import Context
from server.fieldlog.conduct_rules import Basis, Outcome, Rule

BADGES: Final[Mapping[str, str]] = {
    "pass": "good", "fail": "bad", "warn": "warn", "unknown": "info", "not_applicable": "",
}  # fmt: skip
FINDING_BADGES: Final[Mapping[str, str]] = {
    "open": "bad", "explained": "warn", "rectified": "good", "upheld": "bad", "cleared": "",
}  # fmt: skip
UNDECIDED: Final = frozenset({"open", "explained"})
# What asks for attention comes first.
_ORDER: Final = (
    Outcome.FAIL, Outcome.WARN, Outcome.UNKNOWN, Outcome.PASS, Outcome.NOT_APPLICABLE,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class CheckShown:
    """One rule and what it came to."""

    rule: Rule
    outcome: str
    badge: str
    reasons: Sequence[str]
    basis: Sequence[Basis]
    entries: Sequence[uuid.UUID]
    evidence: Sequence[uuid.UUID]


def seen_items(ctx: Context, judgement: Judgement) -> set[uuid.UUID]:
    """Evidence that a judgement speaks of and the reader may see; the rest stays unnamed."""
    ids = {one for judged in judgement.judged for one in _items(judged)}
    if judgement.covering is not None:
        ids |= {one.item.id for one in judgement.covering.recordings}
    if judgement.reconciled is not None:
        ids |= set(judgement.reconciled.unlisted)
        photos = (photo for line in judgement.reconciled.lines for photo in line.photos)
        ids |= {photo.evidence_id for photo in photos if photo.evidence_id is not None}
    return queries.seen_evidence(ctx, ids)


def checks_shown(
    lang: Language, judgement: Judgement, seen: Collection[uuid.UUID]
) -> list[CheckShown]:
    """The checks of an action, those that ask for attention first."""
    zone = judgement.book.config.time_zone
    shown = [_shown(judged, lang, zone, seen) for judged in judgement.judged]
    return sorted(shown, key=lambda one: (_ORDER.index(Outcome(one.outcome)), one.rule.id))


def reasons_in_words(
    lang: Language, reasons: Sequence[Mapping[str, Any]], time_zone: str
) -> list[str]:
    """Stored reasons in the reader's language."""
    return [_said(sentence(one["code"], one["values"], time_zone), lang) for one in reasons]


def tallies(ctx: Context, action_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, dict[str, int]]:
    """Of each action how many checks came out how, when it was last judged."""
    statement = (
        sa.select(ConductCheck.action_id, ConductCheck.outcome, sa.func.count())
        .where(ConductCheck.court_id == ctx.actor.court_id, ConductCheck.action_id.in_(action_ids))
        .group_by(ConductCheck.action_id, ConductCheck.outcome)
    )
    found: dict[uuid.UUID, dict[str, int]] = {}
    for action_id, outcome, count in ctx.session.execute(statement):
        found.setdefault(action_id, {})[outcome] = count
    return found


def open_findings(ctx: Context, action_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, int]:
    """Of each action how many findings nobody has decided."""
    statement = (
        sa.select(Finding.action_id, sa.func.count())
        .where(
            Finding.court_id == ctx.actor.court_id, Finding.action_id.in_(action_ids),
            Finding.state.in_(UNDECIDED),
        )
        .group_by(Finding.action_id)
    )  # fmt: skip
    return dict(ctx.session.execute(statement).all())


def _shown(judged: Judged, lang: Language, zone: str, seen: Collection[uuid.UUID]) -> CheckShown:
    check = judged.check
    reasons = [_said(sentence(one.code, one.values, zone), lang) for one in check.reasons]
    plain = {Outcome.PASS: IN_ORDER, Outcome.NOT_APPLICABLE: DOES_NOT_APPLY}.get(check.outcome)
    if not reasons and plain is not None:
        reasons = [_said(sentence(plain, {}, zone), lang)]
    evidence = [one for one in _items(judged) if one in seen]
    return CheckShown(
        check.rule, check.outcome.value, BADGES[check.outcome.value], reasons, check.rule.basis,
        judged.grounds.entries, evidence,
    )  # fmt: skip


def _items(judged: Judged) -> list[uuid.UUID]:
    named = [uuid.UUID(one) for reason in judged.check.reasons for one in reason.evidence]
    return list(dict.fromkeys([*named, *judged.grounds.evidence]))


def _said(label: Label, lang: Language) -> str:
    return label.zh if lang == "zh" else label.en
