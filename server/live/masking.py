"""Puts together whose names have to be masked in texts about a mission."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator

import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.cases.models import Mission, MissionCase, Party
from server.cases.parties import PartyKind
from server.identity.models import User
from server.live.masks import Masker, masker
from server.live.redaction import ReleaseRules

_PERSONS_IN_DETAILS = ("legal_representative", "guardian")
_NAME_CHARACTERS = (2, 3, 4)
_ASKED_AT_ONCE = 500


def masker_of(session: Session, mission: Mission, rules: ReleaseRules) -> Masker:
    """A masker for the natural persons of the mission's cases and, as the rules say, its staff."""
    persons = [name for party in parties_of(session, mission) for name in _persons(party)]
    if rules.mask_staff:
        persons += session.execute(
            sa.select(User.name).where(User.court_id == mission.court_id).order_by(User.id)
        ).scalars()
    return masker(persons)


def known_in(session: Session, court_id: uuid.UUID, text: str) -> list[str]:
    """Names of natural persons of any of the court's cases that occur in a text."""
    plain = re.sub(r"[^\u4e00-\u9fff]", "", text)
    pieces = {
        plain[at : at + size] for size in _NAME_CHARACTERS for at in range(len(plain) - size + 1)
    }
    found: list[str] = []
    for part in batched(sorted(pieces)):
        statement = sa.select(Party.name).where(
            Party.court_id == court_id, Party.kind == PartyKind.NATURAL, Party.name.in_(part)
        )
        found += session.execute(statement.distinct()).scalars()
    return found


def batched(pieces: list[str]) -> Iterator[list[str]]:
    """As many at a time as a statement takes."""
    for start in range(0, len(pieces), _ASKED_AT_ONCE):
        yield pieces[start : start + _ASKED_AT_ONCE]


def parties_of(session: Session, mission: Mission) -> list[Party]:
    """Parties of the mission's cases."""
    cases = sa.select(MissionCase.case_id).where(MissionCase.mission_id == mission.id)
    statement = (
        sa.select(Party)
        .where(Party.court_id == mission.court_id, Party.case_id.in_(cases))
        .order_by(Party.case_id, Party.position)
    )
    return list(session.execute(statement).scalars())


def _persons(party: Party) -> Iterator[str]:
    if party.kind == PartyKind.NATURAL:
        yield party.name
    for name in _PERSONS_IN_DETAILS:
        value = (party.details or {}).get(name)
        if isinstance(value, str) and value:
            yield value
