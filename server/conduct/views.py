"""A judgement as people look at it: sentences in both languages, and only items they may see."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable
from typing import Any

from server.conduct import queries
from server.conduct.covering import Covering
from server.conduct.judging import Judged, Judgement
from server.conduct.models import Finding
from server.conduct.reconciliation import Reconciled
from server.conduct.words import DOES_NOT_APPLY, IN_ORDER, sentence
from server.core.context import Context
from server.fieldlog.conduct_rules import Outcome, Reason

_WITHOUT_REASON = {Outcome.PASS: IN_ORDER, Outcome.NOT_APPLICABLE: DOES_NOT_APPLY}


def judgement(ctx: Context, action_id: uuid.UUID) -> dict[str, Any]:
    """A visible action judged as of now, with the findings there are."""
    found = queries.judgement_of(ctx, action_id)
    seen = queries.seen_evidence(ctx, _items_of(found))
    open_findings = queries.latest_findings(ctx.session, action_id)
    return {
        "action_id": action_id,
        "as_of": found.as_of,
        "rules_version": found.book.version,
        "checks": [check(found, one, seen, open_findings) for one in found.judged],
        "coverage": found.covering and coverage(found.covering, seen),
        "items": found.reconciled and item_list(found.reconciled, seen),
    }


def check(
    found: Judgement, one: Judged, seen: Collection[uuid.UUID], findings: dict[str, Finding]
) -> dict[str, Any]:
    """One rule's outcome."""
    rule, outcome = one.check.rule, one.check.outcome
    zone = found.book.config.time_zone
    reasons = one.check.reasons or tuple(
        Reason(code) for code in [_WITHOUT_REASON.get(outcome)] if code
    )
    finding = findings.get(rule.id)
    return {
        "rule": rule.id, "zh": rule.zh, "en": rule.en, "severity": rule.severity.value,
        "basis": rule.basis, "outcome": outcome.value,
        "reasons": [_reason(reason, zone, seen) for reason in reasons],
        "entries": one.grounds.entries,
        "evidence": _shown(one.grounds.evidence, seen),
        "finding_id": finding.id if finding and finding.state != "cleared" else None,
    }  # fmt: skip


def coverage(found: Covering, seen: Collection[uuid.UUID]) -> dict[str, Any]:
    """How an action is covered; recordings of other people's cases count, but stay unnamed."""
    return {
        "begins_at": found.begins_at, "ends_at": found.ends_at, "needed": found.needed,
        "covered_percent": f"{100 * found.coverage.covered:.1f}",
        "recorders": found.coverage.recorders,
        "error_ms": int(found.coverage.error.total_seconds() * 1_000),
        "announced": found.announced, "is_final": found.is_final,
        "stretches": found.stretches,
        "interruptions": [one for one in found.interruptions if set(one.evidence) <= set(seen)],
        "recordings": [
            {
                "evidence_id": one.item.id, "device_id": one.item.captured_by,
                "media": one.item.media, "counts": one.has_picture, "state": one.item.state,
                "begins_at": one.begins_at, "ends_at": one.ends_at,
                "error_ms": one.item.error_ms, "verified_at": one.item.verified_at,
            }
            for one in found.recordings
            if one.item.id in seen
        ],
    }  # fmt: skip


def item_list(found: Reconciled, seen: Collection[uuid.UUID]) -> dict[str, Any]:
    """The list of items against the photos."""
    return {
        "is_complete": found.is_complete, "lines": found.lines, "shared": found.shared,
        "unlisted": _shown(found.unlisted, seen),
    }  # fmt: skip


def case_checks(ctx: Context, case_id: uuid.UUID) -> dict[str, Any]:
    """What the actions of a visible case came to when they were last judged."""
    found = queries.checks_of_case(ctx, case_id)
    due = queries.due_among(ctx, [action.id for action, _ in found])
    return {
        "actions": [
            {
                "action_id": action.id, "type": action.type, "state": action.state,
                "begins_at": action.begins_at, "is_due": action.id in due or not checks,
                "checks": checks,
            }
            for action, checks in found
        ]
    }  # fmt: skip


def _reason(reason: Reason, zone: str, seen: Collection[uuid.UUID]) -> dict[str, Any]:
    said = sentence(reason.code, reason.values, zone)
    ids = [uuid.UUID(one) for one in reason.evidence]
    return {
        "code": reason.code, "values": reason.values, "zh": said.zh, "en": said.en,
        "evidence": _shown(ids, seen),
    }  # fmt: skip


def _items_of(found: Judgement) -> set[uuid.UUID]:
    ids = {one for judged in found.judged for one in judged.grounds.evidence}
    ids |= {
        uuid.UUID(one) for check in found.checks for why in check.reasons for one in why.evidence
    }
    if found.covering is not None:
        ids |= {one.item.id for one in found.covering.recordings}
    if found.reconciled is not None:
        ids |= set(found.reconciled.unlisted)
    return ids


def _shown(ids: Iterable[uuid.UUID], seen: Collection[uuid.UUID]) -> list[uuid.UUID]:
    return [one for one in ids if one in seen]
