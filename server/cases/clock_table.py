"""The limits that run in a case: data that a court can extend.  Pure; see ``deadlines``."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from server.cases.closing_rules import Citation
from server.cases.deadlines import Limit, Unit

ANY: Final = "*"
_DATA: Final = Path(__file__).parent / "data" / "clocks.toml"


@dataclass(frozen=True, slots=True)
class Clock:
    """One limit between two events of a case.

    :param urgent: the limit in urgent matters, where there is one.
    :param extended: the limit where it may be extended, from the event ``extended_by`` on.
    :param excludes: reasons of periods that do not count.
    :param ended_by: events after which nobody waits for it any more.
    :param repeats_for: it begins anew each time it was met, for so long after it first began.
    :param party: it limits a party, not the court.
    """

    id: str
    zh: str
    en: str
    starts: str
    stops: str
    limit: Limit
    basis: tuple[Citation, ...]
    urgent: Limit | None = None
    extended: Limit | None = None
    excludes: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset({ANY})
    warn_days: int = 0
    extended_by: str | None = None
    ended_by: frozenset[str] = frozenset()
    repeats_for: Limit | None = None
    party: bool = False

    def runs_in(self, type_code: str) -> bool:
        """Whether a case of this type has the clock."""
        return ANY in self.types or type_code in self.types

    def limit_for(self, *, urgent: bool, extended: bool = False) -> Limit:
        """The limit that counts."""
        if extended and self.extended:
            return self.extended
        return self.urgent if urgent and self.urgent else self.limit


def read(text: str) -> tuple[Clock, ...]:
    """Clocks from TOML, one table each."""
    return tuple(clock_of(name, entry) for name, entry in tomllib.loads(text).items())


@functools.cache
def standard() -> tuple[Clock, ...]:
    """The clocks that come with the program."""
    return read(_DATA.read_text(encoding="utf-8"))


def clock_of(name: str, entry: Mapping[str, Any]) -> Clock:
    """A clock from its table; ``KeyError``, ``TypeError`` or ``ValueError`` for what is none."""
    return Clock(
        id=name,
        zh=entry["zh"],
        en=entry["en"],
        starts=entry["starts"],
        stops=entry["stops"],
        limit=_limit(entry["limit"]),
        urgent=_limit(entry["urgent"]) if "urgent" in entry else None,
        extended=_limit(entry["extended"]) if "extended" in entry else None,
        excludes=frozenset(entry.get("excludes", ())),
        types=frozenset(entry.get("types", (ANY,))),
        warn_days=entry.get("warn_days", 0),
        extended_by=entry.get("extended_by"),
        ended_by=frozenset(entry.get("ended_by", ())),
        repeats_for=_limit(entry["repeats_for"]) if "repeats_for" in entry else None,
        party=entry.get("party", False),
        basis=tuple(Citation(**one) for one in entry["basis"]),
    )


def _limit(entry: Mapping[str, Any]) -> Limit:
    return Limit(entry["amount"], Unit(entry["unit"]), rolls=entry.get("rolls", False))
