"""What observers will get of an entry: put together from its source and the rules in force."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, tzinfo
from typing import Any

from sqlalchemy.orm import Session

from client_sdk.protocol import jcs
from server.cases.models import Mission, Party
from server.live import masking, rules
from server.live.masks import Masker, masker, names_somebody
from server.live.models import LiveEntry
from server.live.redaction import (
    Category,
    ReleaseRules,
    categories_of,
    coarse_place,
    coarse_time,
    is_minor,
    is_search,
    stage_of,
)
from server.live.sources import EVIDENCE, Source


@dataclass(frozen=True, slots=True)
class Shower:
    """Everything about one mission that decides how its entries are shown.

    :param is_search: premises are searched or cleared, so captures show an interior.
    :param has_minor: a party is or may be under age.
    :param known_in: other persons known to the court whose names a text holds.
    """

    rules: ReleaseRules
    masker: Masker
    place: str | None
    zone: tzinfo
    is_search: bool
    has_minor: bool
    known_in: Callable[[str], Sequence[str]] = lambda _text: ()

    def with_rules(self, session: Session, mission: Mission, proposed: ReleaseRules) -> Shower:
        """The same mission under other rules."""
        masks = masking.masker_of(session, mission, proposed)
        return replace(self, rules=proposed, masker=masks)

    def categories(
        self, source: Source, text: str | None, *, suspect_names: bool = True
    ) -> list[str]:
        """Why this may not be shown as it is, sorted.

        :param suspect_names: what only looks like a name counts too; not where a person wrote it
            for observers.
        """
        found = set(
            categories_of(source.act, text, is_search=self.is_search, has_minor=self.has_minor)
        )
        if text and suspect_names and names_somebody(self.masked(text)):
            found.add(Category.THIRD_PARTY)
        return sorted(one.value for one in found)

    def masked(self, text: str) -> str:
        """A text as observers may get it; names of other cases' parties are masked as well."""
        once = self.masker.masked(text)
        others = self.known_in(once)
        return masker(others).masked(once) if others else once

    def fill(self, row: LiveEntry, source: Source, text: str | None) -> None:
        """Write what observers will get into the entry; ``text`` is masked once more."""
        row.shown_at = coarse_time(source.happened_at, self.zone, self.rules.round_seconds)
        row.shown_place = coarse_place(self.rules, self.place, source.lat, source.lon, source.datum)
        stage = stage_of(source.act, text)
        row.shown_stage = stage.value if stage else None
        row.shown_text = None if text is None else self.masked(text)
        row.rules_version = self.rules.version


def shower_of(
    session: Session, mission: Mission, zone: tzinfo, today: date, notes: Iterable[str | None]
) -> Shower:
    """The rules of the mission's court, its parties and what its notes say of it."""
    in_force = rules.in_force(session, mission.court_id)
    place = (mission.place or {}).get("name")
    parties = masking.parties_of(session, mission)
    return Shower(
        rules=in_force,
        masker=masking.masker_of(session, mission, in_force),
        place=place if isinstance(place, str) else None,
        zone=zone,
        is_search=is_search([mission.title, *notes]),
        has_minor=any(_may_be_minor(party, today) for party in parties),
        known_in=lambda text: masking.known_in(session, mission.court_id, text),
    )


def content_digest(row: LiveEntry) -> str:
    """SHA-256 of what observers get, so that the log can prove what they were shown."""
    shown = {
        "at": row.shown_at,
        "place": row.shown_place,
        "stage": row.shown_stage,
        "text": row.shown_text,
        "photos": list(row.photos),
        "act": row.act,
    }
    return hashlib.sha256(jcs.dumps(shown).encode()).hexdigest()


def facts_of(row: LiveEntry) -> dict[str, Any]:
    """An entry in the facts of an event."""
    return {
        "entry": str(row.id),
        "source": row.source,
        "source_id": str(row.source_id),
        "position": row.position,
        "categories": list(row.categories),
        "shown_sha256": content_digest(row),
    }


def close_doors(row: LiveEntry, *, search: bool) -> bool:
    """A capture of what turned out to be a search shows an interior: none of its photos goes out.

    Returns whether a photo had been chosen for it.
    """
    if not search or row.source != EVIDENCE:
        return False
    if Category.HOME_INTERIOR not in row.categories:
        row.categories = sorted([*row.categories, Category.HOME_INTERIOR.value])
    had_photos, row.photos = bool(row.photos), []
    return had_photos


def _may_be_minor(party: Party, today: date) -> bool:
    details = party.details or {}
    year = details.get("birth_year")
    return bool(details.get("minor")) or is_minor(year if isinstance(year, int) else None, today)
