"""Key cases (重点案件) of a court: confirmed, not released; whether their target was met."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.register.folding import current
from server.register.models import Entry

CATEGORIES: Final = (
    "hardship_applicant", "migrant_wages", "construction_payment", "repeated_petition",
    "asset_available_unexecuted",
)  # fmt: skip
_FIXED: Final = (
    "handler", "supervising_leader", "measures", "deadline_on", "target", "package_leader",
)  # fmt: skip
_KINDS: Final = ("key.confirmed", "key.released", "key.responsibility", "key.result")


@dataclass(frozen=True, slots=True)
class KeyCase:
    """One key case.

    :param complete: whether all six fields of 五定一包 are there.
    :param met: whether the target was met; none while that is open.
    """

    case_id: uuid.UUID
    categories: tuple[str, ...]
    complete: bool
    deadline_on: date | None
    met: bool | None


@dataclass(frozen=True, slots=True)
class KeyFigures:
    """Key cases of one category."""

    cases: int = 0
    incomplete: int = 0
    met: int = 0
    missed: int = 0


def key_cases(session: Session, court_id: uuid.UUID) -> dict[uuid.UUID, KeyCase]:
    """The court's key cases."""
    statement = sa.select(Entry).where(Entry.court_id == court_id, Entry.kind.in_(_KINDS))
    by_case: dict[uuid.UUID, list[Entry]] = defaultdict(list)
    for entry in current(session.execute(statement).scalars()):
        by_case[entry.case_id].append(entry)
    folded = (_folded(case_id, entries) for case_id, entries in by_case.items())
    return {one.case_id: one for one in folded if one is not None}


def figures(session: Session, court_id: uuid.UUID) -> dict[str, KeyFigures]:
    """How many of each category; a case of two categories counts in both."""
    found = key_cases(session, court_id).values()
    return {category: _figures(found, category) for category in CATEGORIES}


def _figures(cases: Iterable[KeyCase], category: str) -> KeyFigures:
    of = [one for one in cases if category in one.categories]
    return KeyFigures(
        len(of),
        incomplete=sum(not one.complete for one in of),
        met=sum(one.met is True for one in of),
        missed=sum(one.met is False for one in of),
    )


def _folded(case_id: uuid.UUID, entries: Iterable[Entry]) -> KeyCase | None:
    """The newest of each kind counts; what came before the newest confirmation does not."""
    newest: dict[str, Entry] = {}
    for one in entries:
        if one.kind == "key.released":
            newest.clear()
        else:
            newest[one.kind] = one
    confirmed = newest.get("key.confirmed")
    if confirmed is None:
        return None
    fixed: Mapping[str, object] = {}
    if "key.responsibility" in newest:
        fixed = newest["key.responsibility"].data
    deadline = fixed.get("deadline_on")
    result = newest.get("key.result")
    return KeyCase(
        case_id,
        tuple(confirmed.data["categories"]),
        all(fixed.get(name) for name in _FIXED),
        date.fromisoformat(str(deadline)) if deadline else None,
        bool(result.data["met"]) if result else None,
    )
