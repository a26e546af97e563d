"""Key cases (重点案件) of a court, and whether targets were met; see ``conduct.key_cases``."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.conduct.case_models import CaseStanding
from server.conduct.key_cases import ResponsibilityState

CATEGORIES: Final = (
    "hardship_applicant", "migrant_wages", "construction_payment", "repeated_petition",
    "asset_available_unexecuted",
)  # fmt: skip
_INCOMPLETE: Final = frozenset({ResponsibilityState.NONE, ResponsibilityState.INCOMPLETE})
_MISSED: Final = frozenset({ResponsibilityState.MISSED, ResponsibilityState.OVERDUE})


@dataclass(frozen=True, slots=True)
class KeyCase:
    """One key case; ``responsibility`` is where its 五定一包 stands."""

    case_id: uuid.UUID
    categories: tuple[str, ...]
    responsibility: str
    deadline_on: date | None


@dataclass(frozen=True, slots=True)
class KeyFigures:
    """Key cases of one category; a deadline that passed without a word counts as missed."""

    cases: int = 0
    incomplete: int = 0
    met: int = 0
    missed: int = 0


def key_cases(session: Session, court_id: uuid.UUID) -> dict[uuid.UUID, KeyCase]:
    """The court's key cases."""
    statement = sa.select(
        CaseStanding.case_id, CaseStanding.key_categories, CaseStanding.responsibility,
        CaseStanding.key_deadline_on,
    ).where(CaseStanding.court_id == court_id, CaseStanding.key_state == "confirmed")  # fmt: skip
    return {
        row.case_id: KeyCase(
            row.case_id, tuple(row.key_categories), row.responsibility, row.key_deadline_on
        )
        for row in session.execute(statement)
    }


def figures(session: Session, court_id: uuid.UUID) -> dict[str, KeyFigures]:
    """How many of each category; a case of two categories counts in both."""
    found = key_cases(session, court_id).values()
    return {category: _figures(found, category) for category in CATEGORIES}


def _figures(cases: Iterable[KeyCase], category: str) -> KeyFigures:
    of = [one.responsibility for one in cases if category in one.categories]
    return KeyFigures(
        len(of),
        incomplete=sum(one in _INCOMPLETE for one in of),
        met=sum(one == ResponsibilityState.MET for one in of),
        missed=sum(one in _MISSED for one in of),
    )
