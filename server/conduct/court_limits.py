"""Limits, closing gates and days off that a court adds to those of the country.

They stand in the same text as its rules: tables ``clocks.<id>`` as in
``server/cases/data/clocks.toml``, ``gates.<ID>`` as in ``closing_gates.toml``, and ``calendar``
with ``holidays`` and ``working`` as days or spans.  A court adds; it takes nothing away.
"""

from __future__ import annotations

import itertools
import re
import tomllib
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from client_sdk.protocol.entries import kinds
from server.cases import calendar, clock_table, closing_rules
from server.cases.calendar import Calendar
from server.cases.clock_table import Clock
from server.cases.closing_rules import Citation, Gate
from server.cases.deadlines import Unit
from server.conduct.models import CourtRules

TABLES: Final = ("clocks", "gates", "calendar")
EACH_MAX: Final = 50
_CLOCK_ID: Final = re.compile(r"[a-z][a-z0-9_]{2,40}")
_GATE_ID: Final = re.compile(r"[A-Z][A-Z0-9-]{1,15}")
_AMOUNT_MAX: Final = MappingProxyType(
    {Unit.DAYS: 3_660, Unit.WORKING_DAYS: 2_500, Unit.MONTHS: 120, Unit.YEARS: 10}
)
_DAYS_MAX: Final = 400
_DAYS: Final = frozenset({"holidays", "working"})


@dataclass(frozen=True, slots=True)
class Limits:
    """What a court's cases are judged by."""

    clocks: tuple[Clock, ...]
    gates: tuple[Gate, ...]
    calendar: Calendar


def standard() -> Limits:
    """What comes with the program."""
    return Limits(clock_table.standard(), closing_rules.standard(), calendar.national())


def of_court(session: Session, court_id: uuid.UUID) -> Limits:
    """What is in force in a court: the standard, and the newest version of its own."""
    statement = (
        sa.select(CourtRules.text)
        .where(CourtRules.court_id == court_id)
        .order_by(CourtRules.version.desc())
        .limit(1)
    )
    text = session.execute(statement).scalar_one_or_none()
    return standard() if text is None else read(tomllib.loads(text))


def read(tables: Mapping[str, Any]) -> Limits:
    """The standard with what a court's tables add; ``ValueError`` says what is wrong with them."""
    base = standard()
    clocks = [clock_table.clock_of(name, entry) for name, entry in _table(tables, "clocks")]
    gates = [closing_rules.gate_of(name, entry) for name, entry in _table(tables, "gates")]
    for clock in clocks:
        _require_sound_clock(clock, {one.id for one in base.clocks})
    for gate in gates:
        _require_sound_gate(gate, {one.id for one in base.gates})
    return Limits((*base.clocks, *clocks), (*base.gates, *gates), _calendar(base.calendar, tables))


def _table(tables: Mapping[str, Any], name: str) -> list[tuple[str, Mapping[str, Any]]]:
    given = tables.get(name, {})
    if not isinstance(given, Mapping) or not all(
        isinstance(one, Mapping) for one in given.values()
    ):
        raise ValueError(f"{name} holds a table for each")
    if len(given) > EACH_MAX:
        raise ValueError(f"at most {EACH_MAX} {name}")
    return list(given.items())


def _require_sound_clock(clock: Clock, taken: set[str]) -> None:
    if not _CLOCK_ID.fullmatch(clock.id) or clock.id in taken:
        raise ValueError(f"clocks.{clock.id}: an id of its own, in small letters")
    _require_words(f"clocks.{clock.id}", (clock.zh, clock.en), clock.basis)
    named = {clock.starts, clock.stops, *clock.ended_by}
    unknown = named - _events()
    if unknown:
        raise ValueError(f"clocks.{clock.id}: nothing is written down as {min(unknown)}")
    for limit in (clock.limit, clock.urgent, clock.extended, clock.repeats_for):
        if limit is not None and not 0 < limit.amount <= _AMOUNT_MAX.get(limit.unit, 0):
            raise ValueError(f"clocks.{clock.id}: some days, working_days, months or years")


def _require_sound_gate(gate: Gate, taken: set[str]) -> None:
    if not _GATE_ID.fullmatch(gate.id) or gate.id in taken:
        raise ValueError(f"gates.{gate.id}: an id of its own, in capitals")
    _require_words(f"gates.{gate.id}", (gate.zh, gate.en), gate.basis)
    needed = {name for group in gate.needs for name in group}
    unknown = needed - set(closing_rules.fact_names())
    if unknown or not needed or not all(gate.needs):
        raise ValueError(f"gates.{gate.id}: needs facts of closing_facts.toml")


def _require_words(name: str, words: Iterable[object], basis: tuple[Citation, ...]) -> None:
    said = [*words, *(one.law for one in basis)]
    if not basis or not all(isinstance(one, str) and one.strip() for one in said):
        raise ValueError(f"{name}: zh and en name it, basis says where it stands")


def _events() -> set[str]:
    """Everything that an entry can stand for."""
    marks = {mark.event for kind in kinds().values() for mark in kind.marks}
    return marks | set(kinds()["case.node"].fields["node"].options) | {"filed"}


def _calendar(base: Calendar, tables: Mapping[str, Any]) -> Calendar:
    given = tables.get("calendar", {})
    if not isinstance(given, Mapping) or not set(given) <= _DAYS:
        raise ValueError("calendar holds holidays and working")
    found: dict[str, list[date]] = {}
    for name in _DAYS:
        spans = given.get(name, [])
        if not isinstance(spans, list) or not all(isinstance(one, str) for one in spans):
            raise ValueError(f"calendar.{name} is a list of days or spans")
        found[name] = list(itertools.islice(calendar.days_of(spans), _DAYS_MAX + 1))
        if len(found[name]) > _DAYS_MAX:
            raise ValueError(f"calendar.{name}: at most {_DAYS_MAX} days")
    return base.extended(found["holidays"], found["working"])
