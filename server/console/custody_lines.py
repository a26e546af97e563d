"""The life of an item as people read it: one line for each entry of the log, in order."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from server.audit.models import ReceiptRow
from server.console.review_shown import Labels
from server.core.context import Context
from server.evidence.models import Evidence

READS: Final = frozenset({"custody.listed", "custody.viewed", "custody.downloaded"})
_SAID: Final = ("reason", "text", "legal_basis", "recipient", "outcome", "decision")


@dataclass(frozen=True, slots=True)
class Line:
    """One entry; its words are those of the audit page."""

    index: int
    at: str
    kind: str
    who: str | None
    purpose: str | None
    address: str | None
    said: str | None
    level: str


def lines(labels: Labels, rows: Sequence[Mapping[str, Any]]) -> list[Line]:
    """What ``evidence.queries.custody_of`` found, readable."""
    return [_line(labels, row) for row in rows]


def receipts_of(ctx: Context, item: Evidence) -> Sequence[ReceiptRow]:
    """Receipts that the item's device got for these bytes, in their order."""
    statement = sa.select(ReceiptRow).where(
        ReceiptRow.court_id == item.court_id,
        ReceiptRow.device_id == item.device_id,
        ReceiptRow.ep == item.ep,
        ReceiptRow.seq == item.seq,
        ReceiptRow.sha256 == item.sha256,
    )
    return ctx.session.execute(statement.order_by(ReceiptRow.generation)).scalars().all()


def _line(labels: Labels, row: Mapping[str, Any]) -> Line:
    payload = json.loads(row["p"]) if row["p"] else {}
    by, facts = payload.get("by") or {}, payload.get("facts") or {}
    who = labels.person(by.get("user")) or (labels.person(row["actor_id"]) or None)
    said = [str(facts[name]) for name in _SAID if facts.get(name)]
    return Line(
        index=row["log_index"],
        at=row["rx"],
        kind=row["kind"],
        who=who,
        purpose=by.get("purpose"),
        address=by.get("address"),
        said="; ".join(said) or None,
        level=row["level"],
    )
