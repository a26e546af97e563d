"""The conduct rules CC01–CC27: data that a court can extend, and how one is judged.  Pure.

A rule names the types of action that it is about, the plain facts that have to be true, and, where
that does not suffice, a judge of ``conduct_judges``.  Five outcomes; *unknown* is never a pass.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import time, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from server.fieldlog.conduct_facts import ActionFacts

ANY: Final = "*"
_DATA: Final = Path(__file__).parent / "data" / "conduct_rules.toml"


class Outcome(StrEnum):
    """What a check came to."""

    PASS = "pass"  # noqa: S105  an outcome
    FAIL = "fail"
    WARN = "warn"
    NOT_APPLICABLE = "not_applicable"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Config:
    """What a court may set; the defaults are those of the design."""

    staff_min: int = 2
    recorders_min: int = 2
    recording_slack: timedelta = timedelta(seconds=120)
    night_begins: time = time(22, 0)
    night_ends: time = time(6, 0)
    seizure_ratio_max: float = 1.2
    upload_within: timedelta = timedelta(hours=24)
    female_police_may_search: bool = True
    time_zone: str = "Asia/Shanghai"


@dataclass(frozen=True, slots=True)
class Basis:
    """Where a rule stands; ``confirmed`` is false for practice and design."""

    law: str
    article: str = ""
    law_version: str = ""
    confirmed: bool = True


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a check came out as it did: a stable code, and what it speaks of."""

    code: str
    values: Mapping[str, str] = field(default_factory=dict)
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """What a judge says: ``bad`` becomes *fail* or *warn*, as the rule's severity has it."""

    verdict: str  # good | bad | unknown | not_applicable
    reasons: tuple[Reason, ...] = ()


Judge = Callable[[ActionFacts, Config], Finding]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule as the data has it."""

    id: str
    severity: Outcome
    zh: str
    en: str
    basis: tuple[Basis, ...]
    types: frozenset[str]
    require: tuple[str, ...] = ()
    judge: str | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """A rule's outcome for an action."""

    rule: Rule
    outcome: Outcome
    reasons: tuple[Reason, ...]


def check(rule: Rule, facts: ActionFacts, config: Config, judges: Mapping[str, Judge]) -> Check:
    """Judge one rule.

    A bad fact decides at once.  What is unknown keeps a rule from passing, and so does evidence
    that has not come where a judge found something bad that it might put right.
    """
    if ANY not in rule.types and facts.type not in rule.types:
        return Check(rule, Outcome.NOT_APPLICABLE, ())
    findings = [_required(facts, rule.require)] if rule.require else []
    if rule.judge is not None:
        findings.append(judges[rule.judge](facts, config))
    reasons = tuple(reason for one in findings for reason in one.reasons)
    return Check(rule, _outcome(rule, [one.verdict for one in findings]), reasons)


def check_all(
    rules: Iterable[Rule], facts: ActionFacts, config: Config, judges: Mapping[str, Judge]
) -> list[Check]:
    """Judge every rule."""
    return [check(rule, facts, config, judges) for rule in rules]


def _outcome(rule: Rule, verdicts: Sequence[str]) -> Outcome:
    if "bad" in verdicts:
        return rule.severity
    if "unknown" in verdicts:
        return Outcome.UNKNOWN
    if "not_applicable" in verdicts and "good" not in verdicts:
        return Outcome.NOT_APPLICABLE
    return Outcome.PASS


def _required(facts: ActionFacts, names: Sequence[str]) -> Finding:
    """Plain facts that have to be true."""
    false = [name for name in names if facts.says(name) is False]
    absent = [name for name in names if facts.says(name) is None]
    reasons = [Reason("fact-false", {"fact": name}) for name in false]
    reasons += [Reason("fact-absent", {"fact": name}) for name in absent]
    verdict = "bad" if false else "unknown" if absent else "good"
    return Finding(verdict, tuple(reasons))


def read(text: str) -> tuple[Rule, ...]:
    """Rules from TOML, one table each; raises ``KeyError`` or ``ValueError`` for what is none."""
    return tuple(rule_of(name, entry) for name, entry in tomllib.loads(text).items())


@functools.cache
def standard() -> tuple[Rule, ...]:
    """The rules that come with the program."""
    return read(_DATA.read_text(encoding="utf-8"))


def rule_of(name: str, entry: Mapping[str, Any]) -> Rule:
    """A rule from its table; raises ``KeyError`` or ``ValueError`` for what is none."""
    severity = Outcome(entry["severity"])
    if severity not in {Outcome.FAIL, Outcome.WARN}:
        raise ValueError(f"{name}: a rule fails or warns")
    return Rule(
        id=name,
        severity=severity,
        zh=entry["zh"],
        en=entry["en"],
        basis=tuple(Basis(**basis) for basis in entry["basis"]),
        types=frozenset(entry["types"]),
        require=tuple(entry.get("require", ())),
        judge=entry.get("judge"),
    )
