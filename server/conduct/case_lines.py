"""The entries of a case that count, as the folds read them: by kind, and by what they refer to.

Pure.  An entry that names another is followed through amendments: whatever took its place is meant.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, tzinfo
from typing import Any, Final, Protocol
from zoneinfo import ZoneInfo

from server.register.folding import current

_REFERS: Final = ("of", "promise")


class Stored(Protocol):
    """What is needed of a row of the register."""

    @property
    def id(self) -> Any:
        """Its id."""

    @property
    def kind(self) -> str:
        """Its kind."""

    @property
    def data(self) -> Mapping[str, Any]:
        """Its fields."""

    @property
    def happened_at(self) -> datetime:
        """When."""

    @property
    def amends_id(self) -> Any:
        """The entry whose place it takes."""

    @property
    def action_id(self) -> Any:
        """The action that it is about."""

    @property
    def written_by(self) -> Any:
        """Who wrote it."""


@dataclass(frozen=True, slots=True)
class Line:
    """One entry that counts.

    :param day: the day that it names, otherwise the local day on which it happened.
    :param of: id of the entry that it refers to, after amendments.
    """

    id: str
    kind: str
    data: Mapping[str, Any]
    day: date
    at: datetime
    of: str | None = None
    action: str | None = None
    by: str | None = None

    def day_of(self, name: str) -> date | None:
        """A field that holds a day."""
        given = self.data.get(name)
        return date.fromisoformat(given) if isinstance(given, str) else None

    def fen(self, name: str) -> int:
        """A field that holds an amount; 0 when it was left out."""
        return int(self.data.get(name) or 0)


@dataclass(frozen=True, slots=True)
class Book:
    """The lines of a case, by day and then by when they were written.

    :param zone: in which the court counts its days.
    """

    lines: tuple[Line, ...]
    zone: tzinfo = UTC
    _kinds: dict[str, list[Line]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Sort them by kind."""
        kinds: dict[str, list[Line]] = defaultdict(list)
        for line in self.lines:
            kinds[line.kind].append(line)
        object.__setattr__(self, "_kinds", dict(kinds))

    def of(self, kind: str) -> list[Line]:
        """Lines of one kind."""
        return self._kinds.get(kind, [])

    def last(self, kind: str) -> Line | None:
        """The last line of a kind."""
        found = self.of(kind)
        return found[-1] if found else None

    def about(self, kind: str, line_id: str) -> list[Line]:
        """Lines of one kind that refer to another line."""
        return [one for one in self.of(kind) if one.of == line_id]

    def until(self, day: date) -> Book:
        """What there was at the end of a day."""
        return Book(tuple(one for one in self.lines if one.day <= day), self.zone)


def book_of(entries: Iterable[Stored], zone: ZoneInfo) -> Book:
    """The lines of a case's entries, amended ones left out.

    :param zone: of the court, for entries that name no day.
    """
    given = list(entries)
    successor = {str(one.amends_id): str(one.id) for one in given if one.amends_id is not None}
    lines = [_line(one, zone, successor) for one in current(given)]
    return Book(tuple(sorted(lines, key=lambda one: (one.day, one.at, one.id))), zone)


def _line(entry: Stored, zone: ZoneInfo, successor: Mapping[str, str]) -> Line:
    named = entry.data.get("on")
    day = date.fromisoformat(named) if named else entry.happened_at.astimezone(zone).date()
    refers = next((str(entry.data[name]) for name in _REFERS if name in entry.data), None)
    return Line(
        id=str(entry.id), kind=entry.kind, data=entry.data, day=day, at=entry.happened_at,
        of=None if refers is None else _newest(refers, successor),
        action=None if entry.action_id is None else str(entry.action_id),
        by=None if entry.written_by is None else str(entry.written_by),
    )  # fmt: skip


def _newest(line_id: str, successor: Mapping[str, str]) -> str:
    seen = {line_id}
    while line_id in successor and successor[line_id] not in seen:
        line_id = successor[line_id]
        seen.add(line_id)
    return line_id
