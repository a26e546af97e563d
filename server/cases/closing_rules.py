"""Gates before a case is closed or suspended: which facts have to be there, and which are missing.

Pure.  A gate is data; a fact is true, false or not known, and says what it rests on.  A gate that
is not met refuses with the list of what is missing; what is not known is missing.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from server.core.months import add_months

_DATA: Final = Path(__file__).parent / "data" / "closing_gates.toml"
_FACTS: Final = Path(__file__).parent / "data" / "closing_facts.toml"
WAIT_MONTHS: Final = 3


class Closing(StrEnum):
    """Ways of closing (执行规定64), the long-term settlement, and suspension, which is none."""

    COMPLETED = "completed"
    ROUND_TERMINATED = "round_terminated"
    TERMINATED = "terminated"
    DEREGISTERED = "deregistered"
    DENIED = "denied"
    DISMISSED = "dismissed"
    SETTLEMENT_LONG_TERM = "settlement_long_term"
    SUSPENDED = "suspended"


@dataclass(frozen=True, slots=True)
class Fact:
    """Whether something is so, and the records it rests on; ``None`` when nobody recorded it."""

    holds: bool | None
    evidence: tuple[str, ...] = ()


UNKNOWN: Final = Fact(None)


@dataclass(frozen=True, slots=True)
class Citation:
    """Where a gate stands."""

    law: str
    law_version: str = ""
    article: str = ""
    confirmed: bool = True


@dataclass(frozen=True, slots=True)
class Gate:
    """One condition; of each group of ``needs`` one fact has to hold.

    :param types: case types that it is for; none named: all of them.
    """

    id: str
    closings: frozenset[Closing]
    needs: tuple[tuple[str, ...], ...]
    zh: str
    en: str
    basis: tuple[Citation, ...]
    types: frozenset[str] = frozenset()

    def applies(self, closing: Closing, type_code: str | None) -> bool:
        """Whether it stands before this closing of a case of this type; of any type for none."""
        known = type_code is None or not self.types or type_code in self.types
        return closing in self.closings and known


@dataclass(frozen=True, slots=True)
class FactName:
    """What a fact is called, and the kind of entry that shows it."""

    zh: str
    en: str
    kind: str


@dataclass(frozen=True, slots=True)
class Passed:
    """A gate and what was found; ``missing`` are groups of facts of which none holds."""

    gate: Gate
    missing: tuple[tuple[str, ...], ...]
    evidence: tuple[str, ...] = field(default=())

    @property
    def is_met(self) -> bool:
        """Whether nothing is missing."""
        return not self.missing


def judge(
    gates: Iterable[Gate],
    closing: Closing,
    facts: Mapping[str, Fact],
    type_code: str | None = None,
) -> list[Passed]:
    """Every gate of a way of closing, met or not, in the order of the data.

    :param type_code: of the case; without it the gates of every type are judged.
    """
    return [_passed(gate, facts) for gate in gates if gate.applies(closing, type_code)]


def missing(passed: Sequence[Passed]) -> list[Passed]:
    """The gates that refuse."""
    return [one for one in passed if not one.is_met]


def _passed(gate: Gate, facts: Mapping[str, Fact]) -> Passed:
    lacking = tuple(
        group for group in gate.needs if not any(facts.get(name, UNKNOWN).holds for name in group)
    )
    shown = (
        record
        for group in gate.needs
        for name in group
        if (fact := facts.get(name, UNKNOWN)).holds
        for record in fact.evidence
    )
    return Passed(gate, lacking, tuple(dict.fromkeys(shown)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """Amounts of a case in fen; controlled, received and disbursed are three different figures."""

    claimed: int
    received: int
    disbursed: int

    @property
    def owed(self) -> int:
        """What is still to be performed."""
        return max(0, self.claimed - self.received)


def facts_of_money(money: Money) -> dict[str, Fact]:
    """What the amounts say."""
    return {
        "nothing_owed": Fact(money.owed == 0),
        "money_disbursed": Fact(money.disbursed >= money.received),
    }


def fact_of_waiting(filed_on: date, closing_on: date) -> Fact:
    """More than three months have passed (终本规定 1(4))."""
    return Fact(closing_on > add_months(filed_on, WAIT_MONTHS))


def all_of(marks: Mapping[str, bool | None], evidence: Iterable[str] = ()) -> Fact:
    """A fact that holds when all of its parts do; unknown where one is and none is false."""
    values = list(marks.values())
    if any(value is False for value in values):
        return Fact(holds=False)
    if not values or any(value is None for value in values):
        return UNKNOWN
    return Fact(holds=True, evidence=tuple(evidence))


def read(text: str) -> tuple[Gate, ...]:
    """Gates from TOML, one table each."""
    return tuple(gate_of(name, entry) for name, entry in tomllib.loads(text).items())


@functools.cache
def standard() -> tuple[Gate, ...]:
    """The gates that come with the program."""
    return read(_DATA.read_text(encoding="utf-8"))


@functools.cache
def fact_names() -> Mapping[str, FactName]:
    """Every fact that a gate may need."""
    tables = tomllib.loads(_FACTS.read_text(encoding="utf-8"))
    return MappingProxyType({name: FactName(**entry) for name, entry in tables.items()})


def gate_of(name: str, entry: Mapping[str, Any]) -> Gate:
    """A gate from its table; ``KeyError``, ``TypeError`` or ``ValueError`` for what is none."""
    needs = tuple((one,) if isinstance(one, str) else tuple(one) for one in entry["needs"])
    return Gate(
        id=name,
        closings=frozenset(Closing(one) for one in entry["for"]),
        needs=needs,
        zh=entry["zh"],
        en=entry["en"],
        basis=tuple(Citation(**one) for one in entry["basis"]),
        types=frozenset(entry.get("types", ())),
    )
