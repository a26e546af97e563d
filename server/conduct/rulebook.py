"""Rules that are in force in a court: the standard ones, and what the court rules besides.

A court writes TOML: a table ``config`` with numbers of its own, and rules in the form of
``server/fieldlog/data/conduct_rules.toml``.  It adds rules; it does not take away or soften one.
Its limits, closing gates and days off stand in the same text, see ``court_limits``.
"""

from __future__ import annotations

import re
import tomllib
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import time, timedelta
from types import MappingProxyType
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from client_sdk.protocol.entries import kinds
from server.conduct import court_limits
from server.conduct.models import CourtRules
from server.fieldlog import conduct_rules
from server.fieldlog.conduct_judges import JUDGES
from server.fieldlog.conduct_rules import ANY, Config, Rule

CONFIG: Final = "config"
RULES_MAX: Final = 100
RATIO_MAX: Final = 10
_ID: Final = re.compile(r"(?!CC\d)[A-Z][A-Z0-9-]{1,15}")


class RulesError(ValueError):
    """The text holds no rules; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Rulebook:
    """What a court judges by; version 0 is the standard alone."""

    version: int
    config: Config
    rules: tuple[Rule, ...]

    def rule(self, rule_id: str) -> Rule | None:
        """The rule of this id, if it is in force."""
        return next((rule for rule in self.rules if rule.id == rule_id), None)


def in_force(session: Session, court_id: uuid.UUID, time_zone: str) -> Rulebook:
    """The newest version of a court, or the standard."""
    statement = (
        sa.select(CourtRules)
        .where(CourtRules.court_id == court_id)
        .order_by(CourtRules.version.desc())
        .limit(1)
    )
    row = session.execute(statement).scalar_one_or_none()
    base = Config(time_zone=time_zone)
    if row is None:
        return Rulebook(0, base, conduct_rules.standard())
    config, own = read(row.text, base)
    return Rulebook(row.version, config, (*conduct_rules.standard(), *own))


def read(text: str, base: Config) -> tuple[Config, tuple[Rule, ...]]:
    """A court's numbers and rules; raises :class:`RulesError`."""
    try:
        tables = tomllib.loads(text)
        config = _config(tables.pop(CONFIG, {}), base)
        court_limits.read({name: tables.pop(name, {}) for name in court_limits.TABLES})
        rules = tuple(conduct_rules.rule_of(name, entry) for name, entry in tables.items())
    except KeyError as error:
        raise RulesError(f"{error.args[0]} is missing") from error
    except (TypeError, AttributeError, ValueError) as error:
        raise RulesError(str(error)) from error
    if len(rules) > RULES_MAX:
        raise RulesError(f"at most {RULES_MAX} rules")
    for rule in rules:
        _require_sound(rule)
    return config, rules


def _require_sound(rule: Rule) -> None:
    facts = kinds()["action.facts"].fields["facts"].options
    types = {*kinds()["action.started"].fields["type"].options, ANY}
    if not _ID.fullmatch(rule.id):
        raise RulesError(f"{rule.id}: an id of capitals and digits that does not begin with CC")
    words: list[object] = [rule.zh, rule.en, *(one.law for one in rule.basis)]
    if not rule.basis or not all(isinstance(word, str) and word.strip() for word in words):
        raise RulesError(f"{rule.id}: zh and en name it, basis says where it stands")
    if not rule.types or not rule.types <= types:
        raise RulesError(f"{rule.id}: types are some of {', '.join(sorted(types))}")
    if not set(rule.require) <= set(facts):
        raise RulesError(f"{rule.id}: require names facts of conduct")
    if rule.judge is not None and rule.judge not in JUDGES:
        raise RulesError(f"{rule.id}: judge is one of {', '.join(sorted(JUDGES))}")
    if not rule.require and rule.judge is None:
        raise RulesError(f"{rule.id}: require or judge has to be there")


def _whole(low: int, high: int) -> Callable[[object], int]:
    def read_one(value: object) -> int:
        if type(value) is not int or not low <= value <= high:
            raise RulesError(f"a whole number from {low} to {high}")
        return value

    return read_one


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise RulesError("true or false")
    return value


def _time(value: object) -> time:
    if not isinstance(value, time) or value.tzinfo is not None:
        raise RulesError("a time as 22:00:00")
    return value


def _ratio(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 1 <= value <= RATIO_MAX:
        raise RulesError(f"a number from 1 to {RATIO_MAX}")
    return float(value)


# Name in the text → field of ``Config``, and how it is read.
NUMBERS: Final[Mapping[str, tuple[str, Callable[[object], Any]]]] = MappingProxyType(
    {
        "staff_min": ("staff_min", _whole(2, 20)),
        "recorders_min": ("recorders_min", _whole(1, 20)),
        "recording_slack_seconds": (
            "recording_slack", lambda value: timedelta(seconds=_whole(0, 600)(value)),
        ),
        "upload_within_hours": (
            "upload_within", lambda value: timedelta(hours=_whole(1, 168)(value)),
        ),
        "night_begins": ("night_begins", _time),
        "night_ends": ("night_ends", _time),
        "seizure_ratio_max": ("seizure_ratio_max", _ratio),
        "female_police_may_search": ("female_police_may_search", _flag),
    }
)  # fmt: skip


def _config(given: object, base: Config) -> Config:
    if not isinstance(given, Mapping):
        raise RulesError("config is a table")
    changes: dict[str, Any] = {}
    for name, value in given.items():
        if name not in NUMBERS:
            raise RulesError(f"config.{name} is unknown; known are {', '.join(NUMBERS)}")
        field, reader = NUMBERS[name]
        try:
            changes[field] = reader(value)
        except RulesError as error:
            raise RulesError(f"config.{name}: {error}") from None
    return replace(base, **changes)
