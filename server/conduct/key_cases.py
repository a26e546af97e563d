"""Key cases: which of the five categories the records suggest, what was confirmed, 五定一包.  Pure.

A suggestion says why and rests on entries; only a leader's entry makes a case a key case.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from server.conduct.case_lines import Book, Line
from server.conduct.case_parts import CaseState

# Assets that were in hand for so long, with money still owed, should have been turned into money.
IDLE_ASSET: Final = timedelta(days=60)
SIX: Final = (
    "handler", "supervising_leader", "measures", "deadline_on", "target", "package_leader",
)  # fmt: skip
_CAUSES: Final = MappingProxyType(
    {
        "migrant_wages": re.compile("劳动报酬|工资|劳务报酬|欠薪"),
        "construction_payment": re.compile(
            "工程(?:施工|分包|款|价款|承包)|施工合同|建筑工程|装饰装修"
        ),
        "hardship_applicant": re.compile("抚养费|赡养费|扶养费|抚育费|抚恤金|工伤|医疗损害"),
    }
)  # fmt: skip
_CIRCUMSTANCES: Final = MappingProxyType(
    {
        "migrant_workers": "migrant_wages", "construction": "construction_payment",
        "hardship": "hardship_applicant", "petitioner": "repeated_petition",
    }
)  # fmt: skip


class Reason(StrEnum):
    """Why a category is suggested."""

    CAUSE = "cause"
    CIRCUMSTANCE = "circumstance"
    RELIEF = "relief"
    PETITIONS = "petitions"
    ASSET = "asset"
    LEAD = "lead"


class ResponsibilityState(StrEnum):
    """Where 五定一包 of a case stands."""

    NONE = "none"
    INCOMPLETE = "incomplete"
    IN_FORCE = "in_force"
    OVERDUE = "overdue"  # the deadline is over and nobody has said how it came out
    MET = "met"
    MISSED = "missed"


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A category that the records suggest, the first reason for it, and its entries."""

    category: str
    reason: Reason
    says: str | None = None
    entries: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version of 五定一包: all fields that were in force from a day on."""

    id: str
    on: date
    by: str | None
    fields: Mapping[str, Any]

    @property
    def missing(self) -> tuple[str, ...]:
        """Which of the six are not there."""
        return tuple(name for name in SIX if not self.fields.get(name))


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyCase:
    """Whether a case is a key case, by whom, and who answers for it.

    :param state: ``none`` → ``suggested`` → ``confirmed`` → ``released``.
    """

    state: str
    categories: tuple[str, ...] = ()
    suggested: tuple[Suggestion, ...] = ()
    versions: tuple[Version, ...] = ()
    responsibility: ResponsibilityState = ResponsibilityState.NONE
    confirmed_on: date | None = None
    released_on: date | None = None

    @property
    def now(self) -> Version | None:
        """The version in force."""
        return self.versions[-1] if self.versions else None

    @property
    def deadline_on(self) -> date | None:
        """The deadline that was set."""
        given = self.now.fields.get("deadline_on") if self.now else None
        return None if given is None else date.fromisoformat(given)


def fold(state: CaseState, book: Book) -> KeyCase:
    """What is to be known of the case as a key case."""
    book = book.until(state.today)
    suggested = tuple(suggestions(state, book))
    confirmed, released = book.last("key.confirmed"), book.last("key.released")
    if confirmed is not None and released is not None and _later(released, confirmed):
        confirmed, ended = None, released.day
    else:
        ended = None
    versions = tuple(_versions(book))
    stands = "confirmed" if confirmed else "released" if ended else None
    return KeyCase(
        state=stands or ("suggested" if suggested else "none"),
        categories=tuple(confirmed.data["categories"]) if confirmed else (),
        suggested=suggested, versions=versions,
        responsibility=_responsibility(versions, book, state.today),
        confirmed_on=confirmed.day if confirmed else None, released_on=ended,
    )  # fmt: skip


def suggestions(state: CaseState, book: Book) -> Iterable[Suggestion]:
    """Categories that the records suggest, each once."""
    seen: set[str] = set()
    for one in _signs(state, book):
        if one.category not in seen:
            seen.add(one.category)
            yield one


def _signs(state: CaseState, book: Book) -> Iterable[Suggestion]:
    for line in book.of("case.applicant"):
        category = _CIRCUMSTANCES[line.data["circumstance"]]
        yield Suggestion(category, Reason.CIRCUMSTANCE, line.data["ground"], (line.id,))
    for category, pattern in _CAUSES.items():
        found = pattern.search(state.facts.cause or "")
        if found:
            yield Suggestion(category, Reason.CAUSE, found[0])
    if state.reliefs:
        entries = tuple(one.id for one in state.reliefs)
        yield Suggestion("hardship_applicant", Reason.RELIEF, entries=entries)
    if len(state.petitions) > 1 or any(one.repeated for one in state.petitions):
        entries = tuple(one.id for one in state.petitions)
        yield Suggestion("repeated_petition", Reason.PETITIONS, str(len(entries)), entries)
    yield from _idle_assets(state)


def _idle_assets(state: CaseState) -> Iterable[Suggestion]:
    """Something to enforce against has been known for long, and money is still owed."""
    if state.facts.status not in {"filed", "enforcing"} or state.amounts.owed == 0:
        return
    since = state.today - IDLE_ASSET
    held = tuple(one.id for one in state.in_force if one.seizes and one.on <= since)
    if held:
        yield Suggestion("asset_available_unexecuted", Reason.ASSET, entries=held)
    leads = tuple(
        one.id
        for one in state.leads
        if one.kind == "property" and one.specific and one.result != "refuted" and one.on <= since
    )
    if leads:
        yield Suggestion("asset_available_unexecuted", Reason.LEAD, entries=leads)


def _versions(book: Book) -> Iterable[Version]:
    """Each entry changes what it names; the rest stays as it was."""
    fields: dict[str, Any] = {}
    for line in book.of("key.responsibility"):
        fields = fields | {name: line.data[name] for name in SIX if name in line.data}
        yield Version(id=line.id, on=line.day, by=line.by, fields=MappingProxyType(dict(fields)))


def _responsibility(versions: tuple[Version, ...], book: Book, today: date) -> ResponsibilityState:
    if not versions:
        return ResponsibilityState.NONE
    result = book.last("key.result")
    if result is not None and result.day >= versions[-1].on:
        return ResponsibilityState.MET if result.data["met"] else ResponsibilityState.MISSED
    if versions[-1].missing:
        return ResponsibilityState.INCOMPLETE
    deadline_on = date.fromisoformat(versions[-1].fields["deadline_on"])
    return ResponsibilityState.OVERDUE if deadline_on < today else ResponsibilityState.IN_FORCE


def _later(one: Line, other: Line) -> bool:
    return (one.day, one.at, one.id) > (other.day, other.at, other.id)
